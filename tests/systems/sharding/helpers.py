"""Experiments of the sharding system, drawn in the tests: other names and counts than those of the catalogue."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems import nemesis

SYSTEM = "sharding"


def recipe(
    servers: tuple[str, ...] = ("ant", "bee", "cat", "dog"),
    members: tuple[str, ...] = ("ant", "bee", "cat"),
    *,
    seed: int = 1,
    stop_s: float = 6,
    faults: list[dict[str, Any]] | None = None,
    workload: list[dict[str, Any]] | None = None,
    parameters: dict[str, Any] | None = None,
    twin: str | None = None,
    keys: int = 60,
    value_bytes: int = 100,
    latency_ms: float = 2,
    disk_ms: float = 0,
) -> dict[str, Any]:
    """A store of four servers of which three own shards, and two clients."""
    clients = [
        {
            "client": f"c{number}",
            "at": at,
            "to": "nearest",
            "rate": 40,
            "keys": 30,
            "mix": {"put": 1, "get": 1},
        }
        for number, at in ((1, servers[0]), (2, servers[1]))
    ]
    found: dict[str, Any] = {
        "format": 1,
        "id": "sharding",
        "title": {"en": "Sharding", "zh": "分片"},
        "seed": seed,
        "system": SYSTEM,
        "parameters": {"shards": 12, **(parameters or {})},
        "topology": {
            "nodes": [{"id": node} for node in servers],
            "links": {"default": {"latency_ms": latency_ms}},
        },
        "initial": {"shared": {"keys": keys, "value_bytes": value_bytes, "members": list(members)}},
        "storage": {"default": {"write_ms": disk_ms}},
        "workload": clients if workload is None else workload,
        "faults": faults or [],
        "stop_s": stop_s,
        "checks": [
            "no_lost_ack",
            "one_owner_per_shard",
            "linearizable",
            {"metric": "keys_moved", "at_least": 0},
        ],
    }
    if twin:
        found["twin"] = twin
    return found


def run(made: dict[str, Any], until_s: float | None = None) -> World:
    world = World(parse(made, SYSTEMS))
    world.run_until(round((until_s or made["stop_s"]) * 1_000_000))
    return world


def verdicts(world: World) -> dict[str, str]:
    return {name: found.verdict for name, found in world.verdicts().items()}


def server(world: World, id: str) -> Any:
    return world.by_id[id].process


def stormy(seed: int, twin: str | None = None, stop_s: float = 9.0) -> dict[str, Any]:
    """Random faults of every kind, while members come and go and shards are moved by hand."""
    draw = random.Random(seed)
    made = nemesis.experiment(
        seed,
        SYSTEM,
        {"shards": 8, "copy_mb_s": draw.choice([0, 0.01, 0.05]), "beacon_ms": 100},
        servers=4,
        twin=twin,
        stop_s=stop_s,
        disk_ms=draw.choice([0, 2]),
        mix={"put": 2, "get": 1},
    )
    nodes = ["n1", "n2", "n3", "n4"]
    made["initial"] = {"shared": {"keys": 40, "value_bytes": 200, "members": draw.sample(nodes, 3)}}
    for spec in made["workload"]:
        spec["keys"] = 10
    at = 0.5
    while at < stop_s - nemesis.CALM_S - 1:
        made["faults"].append({"at_s": round(at, 3), **instruction(draw, nodes)})
        at += draw.uniform(0.2, 0.8)
    made["checks"] = ["no_lost_ack", "one_owner_per_shard", "linearizable"]
    return made


def instruction(draw: random.Random, nodes: list[str]) -> dict[str, Any]:
    """Something that makes shards move."""
    if draw.random() < 0.5:
        return {"do": "configure", "members": sorted(draw.sample(nodes, draw.randint(1, 4)))}
    shards = sorted(draw.sample(range(8), draw.randint(1, 3)))
    arguments = {"shards": shards, "to": draw.choice(nodes)}
    return {"do": "command", "name": "move_shards", "arguments": arguments}
