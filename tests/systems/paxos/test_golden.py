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
QUIET = ("Heartbeat", "HeartbeatReply")
SINGLE = {"mode": "single", "retry": "none"}

SCENARIOS: dict[str, dict[str, Any]] = {
    "one_value": {
        "stop_s": 0.2,
        "parameters": SINGLE,
        "operations": [
            {"client": "c1", "at": "n1", "to": "n1", "operation": "propose", "value": "A", "at_s": 0.01},
        ],
    },
    "chosen_before_anyone_knows": {
        "stop_s": 0.3,
        "parameters": SINGLE,
        "operations": [
            {"client": "c1", "at": "n1", "to": "n1", "operation": "propose", "value": "A", "at_s": 0,
             "timeout_ms": 1000},
            {"client": "c2", "at": "n2", "to": "n2", "operation": "propose", "value": "B", "at_s": 0.1},
        ],
        "faults": [{"at_s": 0.035, "do": "kill", "target": "n1"}],
    },
    "duel": {
        "stop_s": 0.25,
        "parameters": {"mode": "single", "retry": "distinguished"},
        "operations": [
            {"client": "c1", "at": "n1", "to": "n1", "operation": "propose", "value": "A", "at_s": 0},
            {"client": "c2", "at": "n2", "to": "n2", "operation": "propose", "value": "B", "at_s": 0.015},
        ],
    },
    "leader_change_with_a_hole": {
        "stop_s": 0.6,
        "initial": {"leader": "n1", "term": 1, "nodes": {"n2": {"accepted": {"2": "second"}}}},
        "faults": [
            {"at_s": 0.1, "do": "kill", "target": "leader"},
            {"at_s": 0.15, "do": "campaign", "target": "n3"},
        ],
        "operations": [
            {"client": "c1", "at": "n3", "to": "n3", "operation": "put", "key": "x", "value": "next", "at_s": 0.3},
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
}  # fmt: skip


def scenario(name: str) -> Transcript:
    """Three servers, 10 ms apart, no jitter."""
    recipe = {
        "format": 1,
        "id": name,
        "title": {"en": name, "zh": "剧本"},
        "seed": 7,
        "system": "paxos",
        "topology": {
            "regions": [{"id": "region", "zones": [{"id": "zone"}]}],
            "nodes": [{"id": f"n{number}", "zone": "zone"} for number in (1, 2, 3)],
            "links": {"default": {"latency_ms": 10}},
        },
        "checks": ["one_value_chosen"],
        **SCENARIOS[name],
    }
    experiment = parse(recipe, SYSTEMS)
    world = World(experiment, systems=SYSTEMS)
    transcript = Transcript(world, SYSTEMS["paxos"], QUIET)
    world.run_until(int(experiment.stop_s * 1_000_000))
    return transcript


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_goes_as_it_is_written(name: str) -> None:
    compare(GOLDEN / f"{name}.txt", scenario(name).text())
