"""Scripts on which a twin that random faults hardly ever catch goes wrong. The correct system plays the same script."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from simulations import catalogue
from simulations.engine.checks.base import Verdict
from simulations.engine.experiment import Experiment
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.raft.changing import EVERY_CHECK


def script(leader: str, faults: list[dict[str, Any]]) -> Experiment:
    """Five servers of which n1, n2 and n3 are the cluster, a client at n1 and one at n5."""
    return parse(
        {
            "format": 1,
            "id": "stage",
            "title": {"en": "Stage", "zh": "舞台"},
            "seed": 1,
            "system": "raft",
            "topology": {"preset": "one_zone_5"},
            "initial": {"leader": leader, "term": 1, "shared": {"members": ["n1", "n2", "n3"]}},
            "workload": [
                {"client": "c1", "at": "n1", "operation": "put", "rate": 20, "keys": 2},
                {"client": "c2", "at": "n5", "operation": "put", "rate": 20, "keys": 2},
            ],
            "faults": faults,
            "stop_s": 8,
            "checks": ["no_lost_ack"],
        },
        SYSTEMS,
    )


def union() -> Experiment:
    """n3 begins to add n4 and n5 just when n1 and n2 are cut off, which never hear of it."""
    return script(
        "n3",
        [
            {"at_s": 2, "do": "partition", "groups": [["n1", "n2"], ["n3", "n4", "n5"]]},
            {"at_s": 2.01, "do": "configure", "target": "n3", "add": ["n4", "n5"], "mode": "joint"},
            {"at_s": 5, "do": "heal"},
        ],
    )


def counted_learner() -> Experiment:
    """n1 is left alone with a learner."""
    return script(
        "n1",
        [
            {"at_s": 1, "do": "configure", "target": "n1", "add": "n4", "role": "learner"},
            {"at_s": 2, "do": "partition", "groups": [["n1", "n4"], ["n2", "n3", "n5"]]},
            {"at_s": 5, "do": "heal"},
        ],
    )


STAGES: dict[str, Any] = {
    "single_change_without_guard": lambda: catalogue.load("RA-11/bug_2015"),
    "quorum_on_union": union,
    "count_learners": counted_learner,
    "partial_snapshot": lambda: catalogue.load("RA-10"),
}


@cache
def play(stage: str, twin: str | None) -> dict[str, Verdict]:
    """What every check says of the script, played by a twin or by the correct system."""
    experiment = msgspec.structs.replace(STAGES[stage](), twin=twin)
    world = World(experiment, checks={name: made() for name, made in EVERY_CHECK.items()})
    world.run_until(round(experiment.stop_s * 1_000_000))
    return world.verdicts()
