"""Experiments of the quorum store as tests need them: on topologies drawn here, with other counts and names."""

from __future__ import annotations

from typing import Any

from simulations.engine import harness
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems import nemesis

NAMES = ("anna", "bo", "cleo", "dan", "eve", "finn", "gus")
EVERY_METRIC = [
    {"metric": name, "at_least": -1}
    for name in ("conflicts", "stale_keys", "converged_ms", "keys_repaired_by_read", "stale_reads")
]
CHECKS = ["no_lost_ack", "replicas_equal", "fresh_reads", "linearizable", *EVERY_METRIC]


def experiment(parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A plain experiment with a node per name, 5 ms apart, and a client of its own at each of ``clients`` of them."""
    names = more.pop("names", NAMES[:4])
    clients = more.pop("clients", names[:2])
    arrival = more.pop("arrival", "steady")
    mix, rate, keys = more.pop("mix", {"put": 1, "get": 1}), more.pop("rate", 10), more.pop("keys", 3)
    found: dict[str, Any] = {
        "format": 1,
        "id": "drawn",
        "title": {"en": "Drawn", "zh": "测试"},
        "seed": 1,
        "system": "quorum_store",
        "parameters": parameters,
        "topology": {"nodes": [{"id": name} for name in names], "links": {"default": {"latency_ms": 5}}},
        "workload": [
            {
                "client": f"c-{name}", "at": name, "to": name, "stay": True, "mix": mix, "rate": rate, "keys": keys,
                "retries": 2, "arrival": arrival, "stop_s": more.get("stop_s", 10) - 3,
            }
            for name in clients
        ],
        "stop_s": 10,
        "checks": CHECKS,
    }  # fmt: skip
    return {**found, **more}


def run(plain: dict[str, Any], seed: int | None = None, until_s: float | None = None) -> World:
    world = World(parse(plain, SYSTEMS), seed)
    world.run_until(round((until_s or plain["stop_s"]) * 1_000_000))
    return world


def verdict(world: World, name: str) -> str:
    return world.verdicts()[name].verdict


def measured(world: World, name: str, **scope: Any) -> Any:
    return harness.metric(world, name, Scope(**scope))


def under_nemesis(seed: int, parameters: dict[str, Any], **more: Any) -> World:
    """The random faults of a seed; few operations, so that linearizability can be decided."""
    settings = {"mix": {"put": 1, "get": 1}, "rate": 5, "disk_ms": 3, **more}
    plain = nemesis.experiment(seed, "quorum_store", parameters, **settings)
    plain["checks"] = CHECKS
    for line in plain["workload"]:
        line["stop_s"] = plain["stop_s"] - 2
    return run(plain)
