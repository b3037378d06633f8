"""Correct Raft under every fault of the vocabulary that it must survive, and on slow disks with repeated messages.

A run that did not go on after the faults must have a named blocker.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine.checks.base import Check
from simulations.engine.checks.linearizability import Model, check
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.raft import SYSTEM
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.nemesis import CALM_S, experiment
from tests.systems.raft.campaign import MIX

NAMES = [name for name in SYSTEM.checks if name != "logs_equal"]


def every_fault(seed: int) -> dict[str, Any]:
    """Parameters, disk and cluster size of a seed; its faults are of every kind."""
    draw = random.Random(seed * 104_729)
    parameters = {
        "pre_vote": draw.random() < 0.5,
        "leader_stickiness": draw.random() < 0.5,
        "leader_noop": draw.random() < 0.7,
        "check_quorum": draw.random() < 0.5,
        "leader_disk": draw.choice(["serial", "parallel"]),
        "read_mode": draw.choice(["read_index", "log"]),
    }
    return experiment(
        seed, "raft", parameters, servers=draw.choice([3, 4, 5]), stop_s=8.0, disk_ms=draw.choice([0, 1, 5]),
        mix=MIX, profile="everything",
    )  # fmt: skip


def slow_disk(seed: int) -> dict[str, Any]:
    """Crashes at 30 ms of disk, 5 % of the messages twice."""
    plain = experiment(
        seed, "raft", {"leader_disk": "parallel" if seed % 2 else "serial"}, servers=3 + 2 * (seed % 2),
        stop_s=7.0, disk_ms=30, mix=MIX, duplicate=0.05,
    )  # fmt: skip
    plain["faults"] = [line for line in plain["faults"] if line["do"] in ("kill", "restart")]
    return plain


def run(plain: dict[str, Any]) -> World:
    read = parse(plain, SYSTEMS)
    checks: dict[str, Check] = {name: SYSTEM.checks[name]() for name in NAMES}
    world = World(read, systems=SYSTEMS, checks=checks)
    world.run_until(round(read.stop_s * 1_000_000))
    return world


def blocker(world: World) -> str:
    """What kept a run from going on; "" when it went on, or when nothing explains that it did not."""
    calm_us = round((world.experiment.stop_s - CALM_S) * 1_000_000)
    done = world.observer.ledger.done
    if any(one.outcome == "ok" and one.invoked_us > calm_us for one in done):
        return ""
    processes: list[Any] = [context.process for context in world.kernel.contexts if context.host is not None]
    leaders = [process for process in processes if process.role == "leader"]
    if leaders and not leaders[0].parameters.fast_backtracking and any(leaders[0].probing.values()):
        return "walks back one index a round trip"
    return "unexplained"


@pytest.mark.parametrize("seed", seeds("raft_every_fault"))
def test_nothing_is_violated_under_any_fault(seed: int) -> None:
    assert_fine(run(every_fault(seed)))


@pytest.mark.parametrize("seed", seeds("crash_nemesis"))
def test_nothing_is_violated_by_crashes_on_slow_disks(seed: int) -> None:
    assert_fine(run(slow_disk(seed)))


def assert_fine(world: World) -> None:
    """No invariant is violated, the history is linearizable, and work went on after the faults."""
    verdicts = world.observer.verdicts()
    assert {name: found.values for name, found in verdicts.items() if found.verdict == "violated"} == {}
    assert check(world.history, Model()).verdict == "holds"
    assert blocker(world) != "unexplained"
    assert verdicts["one_leader_per_term"].judged


def test_the_faults_are_of_every_kind() -> None:
    """Over some seeds every action that can be survived happens."""
    done = {line["do"] for seed in range(1, 60) for line in every_fault(seed)["faults"]}
    assert done >= {
        "kill", "restart", "pause", "slow", "disk_delay", "disk_fail", "clock", "cut", "partition", "delay", "jitter",
        "loss", "duplicate", "reorder", "bandwidth", "hold", "drop", "duplicate_message", "delay_message", "load",
        "campaign", "transfer", "fire_timer", "zone_outage",
    }  # fmt: skip
