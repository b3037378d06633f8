"""Nemesis runs in which the membership keeps changing and logs are compacted: what a seed means, and the checks."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.checks.base import Check, Verdict
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.raft.invariants import CHECKS as INVARIANTS
from simulations.engine.systems.raft.properties import CHECKS
from simulations.engine.systems.raft.snapshot_checks import CHECKS as SNAPSHOT_CHECKS
from simulations.engine.world import World
from tests.systems.nemesis import CALM_S, experiment
from tests.systems.raft.campaign import MIX

NODES = ["n1", "n2", "n3", "n4", "n5"]
EVERY_CHECK: dict[str, type[Check]] = {**CHECKS, **INVARIANTS, **SNAPSHOT_CHECKS}


def change(draw: random.Random) -> dict[str, Any]:
    """One instruction of an operator; many are refused, which is part of the point."""
    node = draw.choice(NODES)
    kind = draw.choice(["add", "voter", "learner", "promote", "remove", "remove", "members"])
    if kind == "members":
        size = draw.randint(2, 5)
        return {"members": sorted(draw.sample(NODES, size))}
    if kind in ("voter", "learner"):
        return {"add": node, "role": kind}
    return {kind: node}


def changes(draw: random.Random, stop_s: float) -> list[dict[str, Any]]:
    """An instruction to the leader every 0.1 to 0.5 s."""
    lines: list[dict[str, Any]] = []
    at = 0.5
    while at < stop_s - CALM_S - 0.5:
        lines.append(
            {"at_s": round(at, 6), "do": "configure", "target": "leader", "wait_s": 0.1, **change(draw)}
        )
        at += draw.uniform(0.1, 0.5)
    return lines


def recipe(seed: int, twin: str | None = None) -> dict[str, Any]:
    """The experiment of a seed: five servers of which three belong to the cluster at first."""
    draw = random.Random(seed * 104_729)
    parameters = {
        "pre_vote": draw.random() < 0.7,
        # (Without it removed servers that do not know it may depose every leader, RD section 4.2.3.)
        "leader_stickiness": True,
        "check_quorum": draw.random() < 0.7,
        "leader_noop": True,
        "leader_disk": draw.choice(["serial", "parallel"]),
        "compact_every": draw.choice([0, 5, 20]),
        "snapshot_chunks": draw.choice([1, 3]),
        "max_in_flight": draw.choice([3, 10_000]),
        "catch_up_entries_per_s": draw.choice([0, 200]),
        "read_mode": draw.choice(["read_index", "log"]),
    }
    found = experiment(
        seed,
        "raft",
        parameters,
        servers=5,
        twin=twin,
        stop_s=8.0,
        disk_ms=draw.choice([0, 1, 10]),
        mix=MIX,
        duplicate=draw.choice([0.05, 0.3]),
        reorder=draw.choice([0.05, 0.2]),
    )
    found["initial"] = {"leader": "n1", "term": 1, "shared": {"members": NODES[:3]}}
    found["faults"] = sorted([*found["faults"], *changes(draw, 8.0)], key=lambda line: float(line["at_s"]))
    return found


def run_recipe(plain: dict[str, Any]) -> tuple[World, dict[str, Verdict]]:
    """Run an experiment to its end with every check there is."""
    read = parse(plain, SYSTEMS)
    world = World(read, systems=SYSTEMS, checks={name: made() for name, made in EVERY_CHECK.items()})
    world.run_until(int(read.stop_s * 1_000_000))
    return world, world.observer.verdicts()
