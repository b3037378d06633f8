"""Random faults: nothing acknowledged is lost, and all replicas agree in the end; each twin is caught by its check."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine.systems.crdt.descriptor import DESCRIPTOR
from tests.budget import seeds
from tests.systems.drawn import calm, drawn, run, verdict
from tests.systems.nemesis import experiment

ELEMENTS = ["milk", "bread", "tea", "salt"]


def updates(draw: random.Random, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """Additions, removals and counts at random nodes."""
    lines: list[dict[str, Any]] = []
    for number in range(60):
        node = draw.choice(nodes)
        kind = draw.choice(["add", "add", "remove", "increment", "decrement"])
        counts = kind in ("increment", "decrement")
        lines.append(
            {
                "client": f"u-{node}", "at": node, "to": node, "operation": kind,
                "key": "likes" if counts else "cart", "value": draw.randint(1, 3) if counts else draw.choice(ELEMENTS),
                "at_s": round(0.3 + number * (stop_s - 4) / 60, 3),
            }
        )  # fmt: skip
    return lines


def recipe(seed: int, twin: str | None = None, faults: bool = True) -> dict[str, Any]:
    """Faults of every kind on two to four replicas, by deltas or states, on slow disks or none."""
    draw = random.Random(seed * 7919)
    settings = {"replication": draw.choice(["state", "delta"]), "sync_ms": draw.choice([40, 150])}
    plain = experiment(
        seed, "crdt", settings, servers=draw.choice([2, 3, 4]), twin=twin, disk_ms=draw.choice([0, 2, 20]),
        faults=faults, profile="true_clocks",
    )  # fmt: skip
    plain["workload"] = []
    plain["operations"] = updates(draw, [node["id"] for node in plain["topology"]["nodes"]], plain["stop_s"])
    plain["faults"] = calm(plain["faults"])
    plain["checks"] = ["no_lost_update", "replicas_equal"]
    return plain


@pytest.mark.parametrize("seed", seeds("crdt_properties"))
def test_nothing_is_lost_and_all_agree_in_the_end(seed: int) -> None:
    world = run(recipe(seed))
    found = {name: verdict(world, name) for name in ("no_lost_update", "replicas_equal")}
    assert found == dict.fromkeys(found, "holds"), f"seed {seed}: {world.verdicts()}"


@pytest.mark.parametrize("replication", ["state", "delta"])
@pytest.mark.parametrize("seed", range(4))
def test_a_replica_whose_disk_was_lost_gets_everything_back_and_goes_on(seed: int, replication: str) -> None:
    plain = recipe(seed, faults=False)
    plain["parameters"] = {"replication": replication, "sync_ms": 40}
    lost = plain["topology"]["nodes"][0]["id"]
    # (What only its disk had would be lost: it takes no update for a while before.)
    plain["operations"] = [
        line for line in plain["operations"] if line["at"] != lost or not 2 < line["at_s"] < 3
    ]
    plain["faults"] = [
        {"at_s": 2.5, "do": "kill", "target": lost},
        {"at_s": 2.6, "do": "restart", "target": lost, "disk": "lost"},
        {"at_s": 2.6, "do": "loss", "chance": 0.5, "for_s": 1},
    ]
    world = run(plain)
    found = {name: verdict(world, name) for name in ("no_lost_update", "replicas_equal")}
    assert found == dict.fromkeys(found, "holds"), world.verdicts()


PLAIN = {
    "keeps_older": [("put", "first"), ("put", "second")],
    "no_tombstones": [("add", "milk"), ("remove", "milk")],
}
"""What one client does at one replica, one after the other, that shows a twin without any fault."""


def one_by_one(steps: list[tuple[str, str]], twin: str | None) -> dict[str, Any]:
    lines = [
        {"client": "c", "at": "p", "operation": kind, "key": "x", "value": value, "at_s": at, "to": "p"}
        for at, (kind, value) in enumerate(steps, 1)
    ]
    plain = drawn("crdt", ["p", "q"], operations=lines, stop_s=4)
    return {**plain, "twin": twin} if twin else plain


@pytest.mark.parametrize("twin", [twin.name for twin in DESCRIPTOR.twins])
def test_every_twin_is_caught_by_its_check(twin: str) -> None:
    if twin in PLAIN:
        found = [verdict(run(one_by_one(PLAIN[twin], name)), "no_lost_update") for name in (None, twin)]
        assert found == ["holds", "violated"]
        return
    verdicts = [verdict(run(recipe(seed, twin)), "no_lost_update") for seed in range(1, 7)]
    assert "violated" in verdicts, verdicts
