"""What every registered system owes the engine: one recipe, one trace - however it is cut, saved, forked or watched.

The experiment below throws every kind of fault at a system. A failure prints the line that replays it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import cache
from operator import attrgetter
from typing import Any

import pytest

from simulations.engine.experiment import parse
from simulations.engine.process import probe_of
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.budget import budget

STOP_US = 12_000_000

FAULTS: list[dict[str, Any]] = [
    {"every_s": 2, "do": "kill", "target": "random", "for_s": 1.3},
    {"every_s": 3.1, "do": "partition", "shape": "halves", "for_s": 0.9},
    {"at_s": 2.5, "do": "cut", "from": "n1", "to": "n2", "one_way": True, "for_s": 1},
    {"every_s": 1.7, "do": "hold", "from": "n1", "for_s": 0.4},
    {"at_s": 1, "do": "loss", "chance": 0.05},
    {"at_s": 1, "do": "duplicate", "chance": 0.05},
    {"at_s": 1, "do": "reorder", "chance": 0.1},
    {"at_s": 5, "do": "disk_delay", "target": "n3", "write_ms": {"exponential": 8}, "for_s": 3},
    {"at_s": 6, "do": "clock", "target": "n2", "rate": 1.3, "offset_ms": 40},
    {
        "at_s": 7,
        "do": "slow",
        "target": "n1",
        "service_ms": {"mixture": [[9, 2], [1, {"exponential": 3}]]},
        "for_s": 1,
    },
    {"at_s": 4, "do": "pause", "target": "n3", "for_s": 0.6},
    {"at_s": {"uniform": [8, 9]}, "do": "delay", "extra_ms": {"pareto": [2, 1.5]}, "for_s": 1},
    {"when": {"event": "request", "count": 7}, "do": "drop", "match": {"count": 3}, "for_s": 1},
    {"at_s": 10, "do": "load", "target": "c1", "times": 2},
]


CHANGES: list[dict[str, Any]] = [
    {"at_s": 3 + 1.5 * number, "do": "configure", "target": "leader", word: node}
    for number, (word, node) in enumerate(
        (word, node) for node in ("n1", "n2", "n3") for word in ("remove", "add")
    )
]
"""Every node leaves and comes back, the leader too, where the membership can be changed."""


def recipe(system: str, seed: int = 7) -> dict[str, Any]:
    """An experiment of this system with all of FAULTS and all of its checks."""
    return {
        "format": 1,
        "id": f"conformance-{system}",
        "title": {"en": "Conformance", "zh": "一致性测试"},
        "system": system,
        "seed": seed,
        "topology": {"preset": "one_zone_3"},
        "storage": {"default": {"write_ms": {"uniform": [0.5, 3]}}},
        "workload": [
            {"client": "c1", "at": "n1", "rate": 30, "keys": 3, "mix": {"put": 2, "get": 1}, "session": True},
            {"client": "c2", "at": "n3", "rate": 10, "operation": "append", "session": True},
        ],
        "faults": [*FAULTS, *(CHANGES if "configure" in SYSTEMS[system].operations else ())],
        "checks": sorted(SYSTEMS[system].checks),
        "stop_s": STOP_US / 1e6,
    }


def world_of(system: str, record: str = "checks") -> World:
    return World(parse(recipe(system), SYSTEMS), record=record)


def replay(system: str) -> str:
    return f"replay: World(parse(recipe({system!r}), SYSTEMS)).run_until({STOP_US})"


@pytest.fixture(params=sorted(SYSTEMS))
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def uninterrupted(system: str) -> tuple[str, int, dict[str, Any]]:
    """Digest, events and verdicts of the run that nobody touched."""
    world = world_of(system)
    world.run_until(STOP_US)
    assert world.events > 1000
    return world.digest(), world.events, {name: v.verdict for name, v in world.verdicts().items()}


@pytest.fixture
def reference(system: str) -> tuple[str, int, dict[str, Any]]:
    return uninterrupted(system)


def assert_same(world: World, reference: tuple[str, int, dict[str, Any]], system: str) -> None:
    found = (world.digest(), world.events, {name: v.verdict for name, v in world.verdicts().items()})
    assert found == reference, replay(system)


def test_the_same_recipe_gives_the_same_trace(system: str, reference: Any) -> None:
    world = world_of(system)
    world.run_until(STOP_US)
    assert_same(world, reference, system)


@pytest.mark.parametrize("record", ["none", "full", "aggregate"])
def test_recording_and_checking_change_nothing(system: str, reference: Any, record: str) -> None:
    world = world_of(system, record)
    world.run_until(STOP_US)
    assert (world.digest(), world.events) == reference[:2], replay(system)


def test_what_is_watched_is_read_as_it_is_named(system: str) -> None:
    """A class may spell out how its watched attributes are read, because that is faster: ``watched`` tells which."""
    twins = SYSTEMS[system].twins.values()
    for kind in {*SYSTEMS[system].processes.values(), *(kind for twin in twins for kind in twin.values())}:
        process, probe = kind(), probe_of(kind)
        if probe is not None:
            assert probe(process) == attrgetter(*kind.watched)(process), kind


@pytest.mark.parametrize("events", [1, 7, 1000])
def test_chunks_of_any_length_give_one_digest(system: str, reference: Any, events: int) -> None:
    world = world_of(system, "full")
    limit = STOP_US if events > 1 else 700_000
    step = {1: 400, 7: 9_000, 1000: 700_000}[events]
    at = 0
    while at < limit:
        at = min(limit, at + step)
        world.run_until(at)
        world.take_chunk()
    world.run_until(STOP_US)
    assert_same(world, reference, system)


def test_save_restore_continue_equals_uninterrupted(system: str, reference: Any) -> None:
    experiment = parse(recipe(system), SYSTEMS)
    world = World(experiment)
    for at in range(500_000, STOP_US, 500_000):
        world.run_until(at)
        world = World.load(experiment, world.save())
    world.run_until(STOP_US)
    assert_same(world, reference, system)


def test_a_fork_goes_on_like_its_origin_and_leaves_it_alone(system: str, reference: Any) -> None:
    world = world_of(system, "full")
    for at in range(300_000, STOP_US, 300_000):
        world.run_until(at)
        twin = world.fork()
        world.run_until(min(STOP_US, at + 2_000_000)) if at % 900_000 == 0 else None
        world = twin
    world.run_until(STOP_US)
    assert_same(world, reference, system)


def test_a_live_fork_with_commands_equals_a_replay(system: str) -> None:
    live = world_of(system, "full")
    commands: list[tuple[int, dict[str, Any]]] = []
    plan: list[dict[str, Any]] = [
        {"do": "kill", "target": ["n2"]},
        {"do": "client", "client": "c1", "operation": "put", "key": "k0", "value": "by hand"},
        {"do": "restart", "target": ["n2"]},
        {"do": "partition", "shape": "isolate", "node": "n1"},
        {"do": "heal"},
    ]
    for number, do in enumerate(plan):
        live.run_until(1_000_003 * (number + 1))
        live = live.fork()
        live.command(live.now_us, do, number)
        commands.append((live.now_us, do))
    live.run_until(STOP_US)
    again = world_of(system)
    for number, (at_us, do) in enumerate(commands):
        again.command(at_us, do, number)
    again.run_until(STOP_US)
    assert live.digest() == again.digest(), replay(system)


def test_a_command_at_any_event_is_the_same_live_and_replayed() -> None:
    """It happens after all that was queued for its moment, whoever queued it first."""
    traced = world_of("raft", "full")
    traced.run_until(3_000_000)
    times = sorted({event[1] for event in traced.take_chunk().plain()["events"]})
    live = world_of("raft")
    for at_us in sorted(random.Random(1).sample(times, budget("fork_equals_replay"))):
        live.run_until(at_us)
        fork, again = live.fork(), world_of("raft")
        for world in (fork, again):
            world.command(at_us, {"do": "kill", "target": "leader"}, 0)
            world.run_until(at_us + 200_000)
        assert fork.digest() == again.digest(), at_us


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_no_digest_depends_on_the_hash_seed(hash_seed: str) -> None:
    code = (
        "from tests.engine.test_conformance import *\n"
        "for system in sorted(SYSTEMS):\n"
        "    world = world_of(system, 'none')\n"
        "    world.run_until(STOP_US)\n"
        "    print(system, world.digest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    found = dict(line.split() for line in done.stdout.splitlines())
    different = [system for system in sorted(SYSTEMS) if found[system] != uninterrupted(system)[0]]
    assert not different, replay(different[0])
