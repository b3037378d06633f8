"""Experiments of primary-replica and its coordinators, drawn by the test: other counts and names than shipped ones."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.nemesis import fault_lines

DATABASES = ("paris", "rome", "oslo", "bern")


def database(id: str, *beside: dict[str, Any]) -> dict[str, Any]:
    """A node with a database, and other processes beside it."""
    return {"id": id, "processes": [{"system": "primary_replica"}, *beside]}


def coordinator(system: str, **parameters: Any) -> dict[str, Any]:
    """A process that shares its node with others."""
    return {"system": system, "id": system, "parameters": parameters}


def recipe(
    nodes: list[dict[str, Any]],
    faults: list[dict[str, Any]],
    *,
    system: str = "primary_replica",
    parameters: dict[str, Any] | None = None,
    workload: list[dict[str, Any]] | None = None,
    leader: str | None = None,
    twin: str | None = None,
    stop_s: float = 10,
    seed: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """A plain experiment with one client of 20 writes a second."""
    client = {"client": "writer", "at": nodes[-1]["id"], "system": "primary_replica", "rate": 20, "keys": 100}
    found: dict[str, Any] = {
        "format": 1,
        "id": "drawn",
        "title": {"en": "Drawn", "zh": "自绘"},
        "seed": seed,
        "system": system,
        "parameters": parameters or {},
        "topology": {"nodes": nodes, "links": {"default": {"latency_ms": {"uniform": [2, 6]}}}},
        "workload": workload or [client],
        "faults": faults,
        "stop_s": stop_s,
        # (Naming a metric of the databases makes their meters count.)
        "checks": ["no_lost_ack", {"metric": "needless_failovers", "at_least": 0}],
        **more,
    }
    if leader:
        found["initial"] = {"leader": leader, "term": 1}
    if twin:
        found["twin"] = twin
    return found


def play(plain: dict[str, Any]) -> World:
    """Run an experiment to its end."""
    world = World(parse(plain, SYSTEMS))
    world.run_until(round(plain["stop_s"] * 1_000_000))
    return world


def verdicts(world: World) -> dict[str, str]:
    """Check -> what it says."""
    return {name: found.verdict for name, found in world.verdicts().items()}


def roles(world: World) -> dict[str, str]:
    """Address -> role of every process that runs and has one."""
    return {
        context.id: str(getattr(context.process, "role", ""))
        for context in world.kernel.contexts
        if context.host is not None and context.host.state != "down"
    }


CONSENSUS_ONLY = ("campaign", "transfer", "fire_timer")
COORDINATORS = ("sentinel", "orchestrator", "manager")


def coordinated(by: str, names: list[str]) -> list[dict[str, Any]]:
    """Databases under quick coordinators: a sentinel or an orchestrator (with Raft) beside each, or one manager."""
    if by == "manager":
        boss = coordinator("manager", detect_ms=500, ping_ms=100, survey_ms=200, exits=False)
        return [*(database(name) for name in names), {"id": "boss", "processes": [boss]}]
    beside = [coordinator("sentinel", quorum=2, down_after_ms=500, ping_ms=100, election_ms=200)]
    if by == "orchestrator":
        beside = [{"system": "raft", "id": "raft"}, coordinator("orchestrator", detect_ms=500, poll_ms=100)]
    return [database(name, *beside) for name in names]


def nemesis(seed: int, mode: str, by: str = "") -> dict[str, Any]:
    """Random faults over three databases under a kind of coordinator; what a seed means is drawn from it."""
    draw = random.Random(seed * 6661)
    names = ["n1", "n2", "n3"]
    stop_s = 9.0
    lines = fault_lines(seed, "everything" if seed % 2 == 0 else "mixture", names, stop_s)
    # (There is no zone here, and nobody who could campaign.)
    faults = [line for line in lines if line["do"] not in CONSENSUS_ONLY and line.get("target") != "zone"]
    clients = [
        {"client": client, "at": at, "rate": 20, "keys": 3, "session": True, "mix": {"put": 2, "append": 1}}
        for client, at in (("c1", "n1"), ("c2", "n3"))
    ]
    lossy = {"loss": 0.02, "duplicate": 0.05, "reorder": draw.choice([0.05, 0.2])}
    lag_ms = draw.choice([0, 0, 40])
    plain = recipe(
        coordinated(by or COORDINATORS[seed % len(COORDINATORS)], names),
        faults,
        parameters={"mode": mode, "detect_ms": 300, "heartbeat_ms": 50, "replication_lag_ms": lag_ms},
        workload=clients,
        leader="n1",
        stop_s=stop_s,
        seed=seed,
        storage={"default": {"write_ms": draw.choice([0, 1, 30])}},
    )
    plain["topology"]["links"]["default"] = {"latency_ms": {"uniform": [1, 10]}, **lossy}
    return plain
