"""Small experiments of microservices, drawn in the tests, and what they are asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulations.engine import harness
from simulations.engine.experiment import parse
from simulations.engine.meters import SECOND, Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes, noted

SYSTEM = "microservices"
ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data"
"""Vectors that lie beside the project; without them the copy of the figures in tests/data is used."""


def vectors(name: str) -> dict[str, Any]:
    """The published cases of circuit_breaker, detectors or availability."""
    path = SHARED / f"{name}.json"
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    own = ROOT / "tests" / "data" / "resilience_vectors.json"
    return dict(json.loads(own.read_text(encoding="utf-8"))[name])


def node(id: str, role: str = "server", **parameters: Any) -> dict[str, Any]:
    """A node with one process of this role."""
    return {"id": id, "processes": [{"system": SYSTEM, "role": role, "parameters": parameters}]}


def client(to: str, id: str = "users", **settings: Any) -> dict[str, Any]:
    """Somebody who calls a node."""
    plain = {
        "client": id,
        "at": to,
        "to": to,
        "operation": "call",
        "rate": 20,
        "retries": 0,
        "in_flight": 5000,
    }
    return {**plain, "timeout_ms": 1000, "give_up_ms": 1000, **settings}


def recipe(
    nodes: list[dict[str, Any]],
    workload: list[dict[str, Any]],
    faults: list[dict[str, Any]] | None = None,
    stop_s: float = 10,
    **more: Any,
) -> dict[str, Any]:
    """An experiment. All metrics of the system are counted along, for the check below names one."""
    return {
        "format": 1,
        "id": "drawn-here",
        "title": {"en": "Drawn here", "zh": "测试"},
        "seed": 11,
        "system": SYSTEM,
        "topology": {"nodes": nodes, "links": {"default": {"latency_ms": 1}}},
        "workload": workload,
        "faults": faults or [],
        "checks": [{"metric": "running_at_end", "at_least": 0}],
        "stop_s": stop_s,
        **more,
    }


def run(plain: dict[str, Any], notes: bool = False) -> World:
    """The world at the end of the experiment."""
    world = World(parse(plain, SYSTEMS))
    if notes:
        keep_notes(world)
    world.run_until(round(plain["stop_s"] * SECOND))
    return world


def metric(world: World, name: str, from_s: float = 0, to_s: float | None = None, **scope: Any) -> Any:
    to_us = None if to_s is None else round(to_s * SECOND)
    return harness.metric(world, name, Scope(round(from_s * SECOND), to_us, **scope))


def process(world: World, id: str) -> Any:
    return world.by_id[id].process


def verdict(world: World, name: str) -> str:
    return world.verdicts()[name].verdict


__all__ = ["SYSTEM", "client", "metric", "node", "noted", "process", "recipe", "run", "vectors", "verdict"]
