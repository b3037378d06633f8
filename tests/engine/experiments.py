"""A small experiment that tests change."""

from __future__ import annotations

import copy
from typing import Any

SMALL: dict[str, Any] = {
    "format": 1,
    "id": "EX-01",
    "title": {"en": "Leader crash", "zh": "领导者崩溃"},
    "seed": 42,
    "system": "raft",
    "parameters": {"heartbeat_ms": 50, "election_timeout_ms": [150, 300], "pre_vote": True},
    "topology": {
        "regions": [
            {"id": "east", "zones": [{"id": "a", "racks": [{"id": "rack1"}]}, {"id": "b"}]},
            {"id": "west", "zones": [{"id": "w"}]},
        ],
        "nodes": [
            {"id": "n1", "zone": "a", "rack": "rack1"},
            {"id": "n2", "zone": "a"},
            {"id": "n3", "zone": "b", "processes": ["raft", {"system": "sentinel", "id": "sentinel"}]},
        ],
        "links": {
            "default": {"latency_ms": {"normal": [10, 2]}, "loss": 0},
            "between": [{"from": "east", "to": "west", "latency_ms": {"lognormal": [80, 0.1]}}],
        },
    },
    "workload": [{"client": "c1", "at": "n1", "operation": "put", "rate": 20, "keys": 5}],
    "operations": [
        {"id": "one", "client": "c2", "at": "w", "operation": "get", "key": "x", "at_s": 3},
        {"client": "c2", "operation": "get", "key": "x", "when": {"event": "fault", "count": 2}},
    ],
    "faults": [
        {"at_s": 5, "do": "kill", "target": "leader"},
        {"at_s": {"uniform": [6, 7]}, "do": "cut", "from": "n1", "to": ["n2", "n3"], "for_s": 2},
        {"when": {"event": "view", "field": "role", "value": "leader"}, "do": "pause", "target": "n3"},
        {"at_s": 8, "do": "drop", "match": {"message": "AppendEntries", "from": "n1"}, "for_s": 1},
    ],
    "variants": [
        {
            "id": "no_prevote",
            "title": {"en": "Without PreVote", "zh": "关闭预投票"},
            "set": {"pre_vote": False, "faults.0.target": "n1"},
            "checks": [{"check": "linearizable", "expect": "violated", "from_s": 3}],
        }
    ],
    "stop_s": 20,
    "checks": ["no_lost_ack", {"metric": "longest_gap_ms", "at_most": 600}],
    "compare": [{"variant": "no_prevote", "metric": "longest_gap_ms", "is": "greater"}],
    "expect_sweep": [{"seeds": 20, "metric": "longest_gap_ms", "statistic": "p99", "at_most": 900}],
    "predict": [
        {"at_s": 5, "question": {"en": "How long?", "zh": "多久？"}, "metric": "longest_gap_ms", "unit": "ms"}
    ],
    "cite": ["Raft extended paper, section 5.2"],
}


def small() -> dict[str, Any]:
    """A fresh copy."""
    return copy.deepcopy(SMALL)


def put(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The data with one place changed; list items by position, one past the end appends."""
    holder: Any = data
    parts = path.split(".")
    for part in parts[:-1]:
        holder = holder[int(part)] if isinstance(holder, list) else holder.setdefault(part, {})
    if isinstance(holder, list):
        holder[int(parts[-1]) : int(parts[-1]) + 1] = [value]
    else:
        holder[parts[-1]] = value
    return data
