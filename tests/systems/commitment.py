"""One nemesis run of a commit protocol: what a seed means for two-phase and three-phase commit."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes
from tests.systems.nemesis import experiment


def recipe(system: str, seed: int, twin: str | None = None, crashes_only: bool = False) -> dict[str, Any]:
    """The experiment of a seed. ``crashes_only``: links never lose, cut or hold anything, as 3PC wants."""
    draw = random.Random(seed * 7919)
    parameters = {"timeout_ms": 300, "refuse": draw.choice([0, 0.1])}
    plain = experiment(
        seed,
        system,
        parameters,
        servers=draw.choice([3, 4, 5]),
        twin=twin,
        stop_s=8.0,
        disk_ms=draw.choice([0, 1, 30]),
    )
    plain["checks"] = ["atomic_commitment"]
    if crashes_only:
        plain["topology"]["links"]["default"] = {"latency_ms": {"uniform": [1, 10]}}
        plain["faults"] = [line for line in plain["faults"] if line["do"] in ("kill", "restart")]
    plain["faults"] = [line for line in plain["faults"] if line.get("target") != "leader"]
    return plain


def run(plain: dict[str, Any]) -> World:
    """Run an experiment to its end; notes are kept."""
    world = World(parse(plain, SYSTEMS), systems=SYSTEMS)
    keep_notes(world)
    world.run_until(int(plain["stop_s"] * 1_000_000))
    return world


def verdict(world: World) -> str:
    return world.verdicts()["atomic_commitment"].verdict
