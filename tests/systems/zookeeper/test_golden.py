"""Golden transcripts: what happens in five short scenarios, word for word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.engine.context import TIMER, ProcessContext
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.transcript import Transcript, compare
from tests.systems.zookeeper.helpers import operation, recipe

GOLDEN = Path(__file__).parent / "golden"
QUIET = ("Ping", "PingReply", "SessionPing", "SessionPong")

SCENARIOS: dict[str, dict[str, Any]] = {
    "election_and_synchronization": {
        "stop_s": 0.3,
        "initial": {
            "nodes": {
                "s1": {"epoch": 1, "last": 1},
                "s2": {"epoch": 1, "last": 2},
                "s3": {"epoch": 1, "last": 2},
            }
        },
    },
    "a_forwarded_write": {
        "stop_s": 0.4,
        "operations": [operation(0.3, "create", "/a", at="s2", to="s2", value=1)],
    },
    "leader_dies_mid_proposal": {
        "stop_s": 2.2,
        "operations": [operation(0.3, "set", "/a", server="s1", value=1)],
        "faults": [
            {
                "when": {"event": "deliver", "message": "Propose", "after_s": 0.3, "count": 2},
                "do": "kill",
                "target": "s1",
            }
        ],
    },
    "what_nobody_else_has_is_truncated": {
        "stop_s": 0.6,
        "initial": {
            "nodes": {
                "s1": {"epoch": 1, "last": 2},
                "s2": {"epoch": 1, "last": 2},
                "s3": {"epoch": 1, "last": 4, "committed": 2},
            }
        },
        "topology": {
            "nodes": [{"id": "s1"}, {"id": "s2"}, {"id": "s3", "starts": "off"}],
            "links": {"default": {"latency_ms": 10, "ordered": True}},
        },
        "faults": [{"at_s": 0.3, "do": "restart", "target": "s3"}],
    },
    "a_watch_and_a_session_that_ends": {
        "stop_s": 2.4,
        "parameters": {"session_timeout_ms": 1000},
        "operations": [
            operation(0.2, "create", "/e", "owner", at="far", value=1, arguments={"ephemeral": True}),
            operation(0.4, "watch", "/e", "watcher", server="s2"),
        ],
        "topology": {
            "nodes": [{"id": "s1"}, {"id": "s2"}, {"id": "s3"}, {"id": "far", "bare": True}],
            "links": {"default": {"latency_ms": 10, "ordered": True}},
        },
        "faults": [{"at_s": 0.5, "do": "partition", "groups": [["far"], ["rest"]]}],
    },
}


class ZooKeeperTranscript(Transcript):
    """Tells epochs and phases; a leader's pings are told only with a note."""

    def executed(self, event: Any, context: ProcessContext) -> None:
        process: Any = context.process
        if not hasattr(process, "zab_state"):
            super().executed(event, context)
            return
        notes = self.taken_notes()
        state = (process.role, process.zab_state, process.epoch)
        if self.roles.get(context.id) != state:
            notes.append(f"now {process.role} in {process.zab_state}, epoch {process.epoch}")
        self.roles[context.id] = state
        routine = event[3] == TIMER and event[6] == "ping"
        told = "" if routine else self.what(event, context)
        if notes or told:
            self.line(f"{context.id} {told or self.what(event, context, always=True)}", notes)


def scenario(name: str) -> Transcript:
    """Three servers, 10 ms apart, no jitter; s1 leads unless their histories are given."""
    changes = SCENARIOS[name]
    experiment = parse(recipe(id=name, **changes), SYSTEMS)
    world = World(experiment, systems=SYSTEMS)
    transcript = ZooKeeperTranscript(world, SYSTEMS["zookeeper"], QUIET)
    world.run_until(int(experiment.stop_s * 1_000_000))
    return transcript


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_scenario_goes_as_it_is_written(name: str) -> None:
    compare(GOLDEN / f"{name}.txt", scenario(name).text())
