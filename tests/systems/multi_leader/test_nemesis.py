"""Random faults: all leaders agree in the end, and nothing is lost where nothing is thrown away; twins are caught."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine.process import Twin
from simulations.engine.systems.multi_leader.descriptor import DESCRIPTOR
from tests.budget import seeds
from tests.systems.drawn import calm, drawn, run, verdict
from tests.systems.nemesis import experiment


def recipe(seed: int, policy: str, twin: str | None = None) -> dict[str, Any]:
    """Faults of every kind on two to four leaders, on slow disks or none."""
    draw = random.Random(seed * 7919)
    settings = {"policy": policy, "replication_ms": draw.choice([20, 150]), "resend_ms": 300}
    plain = experiment(
        seed, "multi_leader", settings, servers=draw.choice([2, 3, 4]), twin=twin, rate=15,
        disk_ms=draw.choice([0, 2, 20]), mix={"put": 2, "append": 1, "delete": 0.5, "get": 0.5},
    )  # fmt: skip
    plain["faults"] = calm(plain["faults"])
    for line in plain["workload"]:
        line["stop_s"] = plain["stop_s"] - 2
    plain["checks"] = ["no_lost_ack", "replicas_equal"]
    return plain


@pytest.mark.parametrize("seed", seeds("multi_leader_properties"))
def test_siblings_lose_nothing_and_all_agree_in_the_end(seed: int) -> None:
    world = run(recipe(seed, ("siblings", "crdt")[seed % 2]))
    found = {name: verdict(world, name) for name in ("no_lost_ack", "replicas_equal")}
    assert found == dict.fromkeys(found, "holds"), f"seed {seed}: {world.verdicts()}"


@pytest.mark.parametrize("seed", seeds("multi_leader_properties"))
def test_last_write_wins_agrees_in_the_end_whatever_the_clocks_say(seed: int) -> None:
    world = run(recipe(seed, ("lww", "single_owner")[seed % 2]))
    assert verdict(world, "replicas_equal") == "holds", f"seed {seed}: {world.verdicts()}"


def two_writes(seconds: float, nodes: tuple[str, str], policy: str) -> dict[str, Any]:
    """Two puts of one row, so many seconds apart."""
    puts = [
        {
            "client": f"c{number}",
            "at": node,
            "to": node,
            "operation": "put",
            "key": "x",
            "value": f"v{number}",
            "at_s": at,
        }
        for number, (node, at) in enumerate(zip(nodes, (1, 1 + seconds), strict=True))
    ]
    checks = ["no_lost_ack", "replicas_equal"]
    return drawn("multi_leader", ["p", "q"], {"policy": policy}, operations=puts, checks=checks, stop_s=4)


def first_batch_lost() -> dict[str, Any]:
    """Two rows; what was shipped first is lost, and is shipped again after the second."""
    plain = two_writes(1, ("p", "p"), "siblings")
    plain["operations"][1]["key"] = "y"
    plain["parameters"]["resend_ms"] = 1500
    drop = {"at_s": 0.5, "do": "drop", "match": {"message": "Changes", "from": "p", "count": 1}}
    return {**plain, "faults": [drop]}


SHOWN_BY: dict[str, dict[str, Any]] = {
    "keeps_older": two_writes(1, ("p", "p"), "lww"),
    "keeps_own_on_tie": two_writes(0, ("p", "q"), "lww"),
    "drops_sibling": two_writes(0, ("p", "q"), "siblings"),
    "skips_gaps": first_batch_lost(),
}


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_every_twin_is_caught_by_its_check(twin: Twin) -> None:
    plain = SHOWN_BY[twin.name]
    for check in twin.caught_by:
        assert verdict(run(plain), check) == "holds"
        assert verdict(run({**plain, "twin": twin.name}), check) == "violated"


@pytest.mark.parametrize(("before", "after"), [("lww", "siblings"), ("siblings", "lww"), ("lww", "crdt")])
def test_leaders_agree_after_another_policy_whatever_had_arrived(before: str, after: str) -> None:
    """One had both writes when the policy changed, the other gets the second one later."""
    plain = two_writes(0.01, ("p", "q"), before)
    plain["faults"] = [
        {"at_s": 0.5, "do": "delay", "from": "q", "to": "p", "one_way": True, "extra_ms": 500},
        {"at_s": 1.4, "do": "set_parameter", "name": "policy", "value": after},
    ]
    world = run(plain)
    assert verdict(world, "replicas_equal") == "holds"
