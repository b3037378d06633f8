"""An experiment whose loss is decided at a moment that is known: when the only copy of a write leaves late."""

from __future__ import annotations

import json
from typing import Any

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World

WRITE_S = 1.5
STOP_US = 2_400_000
SLOW_SHARE = 0.2

PLANTED: dict[str, Any] = {
    "format": 1,
    "id": "planted-loss",
    "title": {"en": "A write whose copy comes too late", "zh": "副本来得太迟的写入"},
    "seed": 1,
    "system": "primary_replica",
    "parameters": {"mode": "async", "replication_lag_ms": 0, "heartbeat_ms": 1000},
    "topology": {
        "nodes": [{"id": "n1"}, {"id": "n2"}],
        # One message in five takes longer than the primary lives.
        "links": {"default": {"latency_ms": {"mixture": [[0.8, {"uniform": [2, 8]}], [0.2, 700]]}}},
    },
    "initial": {"leader": "n1", "term": 1},
    "workload": [{"client": "c1", "at": "n1", "operation": "put", "rate": 4, "keys": 50, "stop_s": 0.5}],
    "operations": [{"at_s": WRITE_S, "client": "c1", "operation": "put", "key": "last"}],
    "faults": [
        {"at_s": WRITE_S + 0.1, "do": "kill", "target": "n1"},
        {"at_s": WRITE_S + 0.2, "do": "promote", "target": "n2"},
    ],
    "stop_s": STOP_US / 1_000_000,
    "checks": [{"check": "no_lost_ack", "expect": "violated"}],
}


def plain() -> str:
    return json.dumps(PLANTED)


def lossy_seed() -> int:
    """The first seed of the experiment with which the write is acknowledged and lost."""
    experiment = parse(PLANTED, SYSTEMS)
    for seed in range(1, 100):
        world = World(experiment, seed)
        world.run_until(STOP_US)
        if world.verdicts()["no_lost_ack"].verdict == "violated":
            return seed
    raise AssertionError("no seed of the first hundred loses the write")
