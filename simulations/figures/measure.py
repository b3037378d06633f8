"""What the product measures of Raft, beside what was published: elections, and how often votes split."""

from __future__ import annotations

import json
from functools import lru_cache
from math import comb
from pathlib import Path
from typing import Any

from simulations import catalogue
from simulations.engine.experiment import Experiment, parse, to_plain
from simulations.sweeps.parts import Part
from simulations.sweeps.plan import Plan
from simulations.sweeps.pool import run_here

FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def published() -> dict[str, Any]:
    """The tables of published.json. Shared: do not change them."""
    tables: dict[str, Any] = json.loads((FOLDER / "published.json").read_text(encoding="utf-8"))
    return tables


def values(experiment: Experiment, metric: str, runs: int, processes: int = 1) -> list[float]:
    """One metric of so many seeds, from the experiment's own upwards. ValueError when a run has none."""
    plan = Plan(experiment.seed, runs, metrics=[metric])
    found: list[Any] = []
    parts: list[Part] = run_here(json.dumps(to_plain(experiment)), plan, processes)
    for part in parts:
        found += part.values[metric]
    if None in found:
        raise ValueError(f"{experiment.id}: {found.count(None)} of {runs} runs have no {metric}")
    return found


def elections(id: str, runs: int, processes: int = 1) -> list[float]:
    """Election times of a catalogue entry in ms, sorted."""
    return sorted(values(catalogue.load(id), "election_ms", runs, processes))


def split_rate(servers: int, failed: int, latency: float, runs: int, processes: int = 1) -> float:
    """How often nobody wins the first round; ``latency``: one way, over the range of the timeouts."""
    found = values(split_experiment(servers, failed, latency), "first_round_split", runs, processes)
    return sum(found) / runs


def split_experiment(servers: int, failed: int, latency: float) -> Experiment:
    """Servers that start with fresh timers of 1 to 2 s; some of them are down."""
    nodes = [f"n{number}" for number in range(1, servers + 1)]
    return parse(
        {
            "format": 1,
            "id": "split_votes",
            "title": {"en": "Split votes", "zh": "选票瓜分"},
            "seed": 1,
            "system": "raft",
            "parameters": {
                "heartbeat_ms": 500,
                "election_timeout_ms": [1000, 2000],
                "pre_vote": False,
                "check_quorum": False,
                "leader_stickiness": False,
                "leader_noop": False,
            },
            "topology": {
                "regions": [{"id": "region", "zones": [{"id": "zone"}]}],
                "nodes": [{"id": node, "zone": "zone"} for node in nodes],
                "links": {"default": {"latency_ms": latency * 1000}},
            },
            "faults": [{"at_s": 0, "do": "kill", "target": nodes[:failed]}],
            "stop_s": 60,
            "checks": [{"metric": "first_round_split", "at_most": 1}],
        }
    )


def split_probability(servers: int, failed: int, latency: float) -> float:
    """RD section 9.2: a vote splits when so many servers time out within one latency of the first that those left over
    are no majority."""
    up = servers - failed
    candidates = up - servers // 2 + 1
    return sum(comb(up, k) * latency**k * (1 - latency) ** (up - k) for k in range(candidates - 1, up + 1))
