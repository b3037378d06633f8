"""Golden transcripts: what happens in five short scenarios, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.transcript import Transcript, compare

GOLDEN = Path(__file__).parent / "golden"
QUIET = ("AppendEntries", "AppendEntriesReply")

SCENARIOS: dict[str, dict[str, Any]] = {
    "election": {"stop_s": 0.4, "parameters": {"pre_vote": True}},
    "replication": {
        "stop_s": 0.3,
        "initial": {"leader": "n1", "term": 1},
        "operations": [
            {"client": "c1", "at": "n2", "to": "n2", "operation": "put", "key": "x", "value": "1", "at_s": 0.1},
            {"client": "c2", "at": "n3", "to": "n1", "operation": "get", "key": "x", "at_s": 0.2},
        ],
    },
    "partition_and_heal": {
        "stop_s": 1.4,
        "initial": {"leader": "n1", "term": 1},
        "operations": [
            {"client": "c1", "at": "n1", "to": "n1", "operation": "put", "key": "x", "value": "old", "at_s": 0.15,
             "retries": 0, "timeout_ms": 2000},
            {"client": "c2", "at": "n3", "to": "n3", "operation": "put", "key": "x", "value": "new", "at_s": 0.7},
        ],
        "faults": [
            {"at_s": 0.1, "do": "partition", "groups": [["n1"], ["n2", "n3"]]},
            {"at_s": 1.0, "do": "heal"},
        ],
    },
    "crash_and_restart": {
        "stop_s": 0.9,
        "initial": {"leader": "n1", "term": 1},
        "storage": {"default": {"write_ms": 5}},
        "operations": [
            {"client": "c1", "at": "n2", "to": "n1", "operation": "put", "key": "x", "value": "1", "at_s": 0.1},
        ],
        "faults": [
            {"at_s": 0.2, "do": "kill", "target": "leader"},
            {"at_s": 0.6, "do": "restart", "target": "n1"},
        ],
    },
    "transfer": {
        "stop_s": 0.4,
        "initial": {"leader": "n1", "term": 1},
        "faults": [{"at_s": 0.15, "do": "transfer", "target": "n3"}],
    },
}  # fmt: skip


def scenario(name: str) -> Transcript:
    """Three servers, 10 ms apart, no jitter."""
    recipe = {
        "format": 1,
        "id": name,
        "title": {"en": name, "zh": "剧本"},
        "seed": 7,
        "system": "raft",
        "topology": {
            "regions": [{"id": "region", "zones": [{"id": "zone"}]}],
            "nodes": [{"id": f"n{number}", "zone": "zone"} for number in (1, 2, 3)],
            "links": {"default": {"latency_ms": 10}},
        },
        "checks": ["one_leader_per_term"],
        **SCENARIOS[name],
    }
    experiment = parse(recipe, SYSTEMS)
    world = World(experiment, systems=SYSTEMS)
    transcript = Transcript(world, SYSTEMS["raft"], QUIET)
    world.run_until(int(experiment.stop_s * 1_000_000))
    return transcript


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_goes_as_it_is_written(name: str) -> None:
    compare(GOLDEN / f"{name}.txt", scenario(name).text())
