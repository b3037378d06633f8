"""Random faults: everybody knows the same in the end, whatever way news travels; each twin is caught by its check."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine.process import Twin
from simulations.engine.systems.gossip.descriptor import DESCRIPTOR
from tests.budget import seeds
from tests.systems.drawn import calm, drawn, run, verdict
from tests.systems.nemesis import experiment


def recipe(seed: int) -> dict[str, Any]:
    """Faults of every kind on three to seven nodes."""
    draw = random.Random(seed * 7919)
    settings = {
        "broadcast": draw.choice(["rumour", "tree", "none"]),
        "death": draw.choice(["age", "feedback"]),
        "exchange": draw.choice(["push", "pull", "push_pull"]),
        "fanout": draw.choice([1, 3]),
        "repair_ms": 100,
    }
    plain = experiment(
        seed, "gossip", settings, servers=draw.choice([3, 5, 7]), disk_ms=draw.choice([0, 2, 20]), rate=10
    )
    plain["faults"] = calm(plain["faults"])
    plain["checks"] = ["nothing_invented", "replicas_equal"]
    for line in plain["workload"]:
        line["stop_s"] = plain["stop_s"] - 2
    return plain


@pytest.mark.parametrize("seed", seeds("gossip_properties"))
def test_everybody_knows_the_same_in_the_end_and_nobody_makes_news_up(seed: int) -> None:
    world = run(recipe(seed))
    found = {name: verdict(world, name) for name in ("nothing_invented", "replicas_equal")}
    assert found == dict.fromkeys(found, "holds"), f"seed {seed}: {world.verdicts()}"


def told(drop: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Two values; what ``drop`` matches is lost."""
    lines = [
        {"client": "teller", "at": "a", "to": "a", "operation": "broadcast", "value": number, "at_s": number}
        for number in (1, 2)
    ]
    fault = {"at_s": 0.5, "do": "drop", "match": drop, "for_s": 1.4}
    return drawn(
        "gossip",
        ["a", "b", "c"],
        settings,
        operations=lines,
        faults=[fault],
        checks=["replicas_equal"],
        stop_s=9,
    )


SHOWN_BY = {
    "no_anti_entropy": told({"to": "c"}),
    "overlooks_gaps": told({"to": "c"}, repair_ms=2500, rumour_rounds=2),
}


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_every_twin_is_caught_by_its_check(twin: Twin) -> None:
    plain = SHOWN_BY[twin.name]
    for check in twin.caught_by:
        assert verdict(run(plain), check) == "holds"
        assert verdict(run({**plain, "twin": twin.name}), check) == "violated"


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_without_faults_no_twin_is_noticed(twin: Twin) -> None:
    plain = {**SHOWN_BY[twin.name], "faults": [], "twin": twin.name}
    assert verdict(run(plain), "replicas_equal") == "holds"
