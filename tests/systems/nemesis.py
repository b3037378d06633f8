"""Random faults of every kind that a correct consensus system survives, as plain fault lines of an experiment.

The same seed gives the same script. Everything is healed, restarted and calm ``CALM_S`` before the end, so that
progress can be asked for as well as safety. Disks keep what they promised; at most their last flush is torn.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.systems import more_faults

CALM_S = 3.0

Kind = Callable[[random.Random, float, list[str]], list[dict[str, Any]]]


def kill(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """Some nodes crash and come back soon: quick restarts are what forgotten state shows in."""
    hit = sorted(draw.sample(nodes, draw.randint(1, (len(nodes) + 1) // 2)))
    back = at + draw.choice([0.01, 0.03, 0.1, 0.4, 0.8]) * draw.uniform(0.5, 1.5)
    return [
        {"at_s": at, "do": "kill", "target": hit},
        {"at_s": back, "do": "restart", "target": hit, "disk": draw.choice(["kept", "kept", "torn"])},
    ]


def power_failure(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """All nodes crash at once and come back together."""
    return [{"at_s": at, "do": "kill", "target": nodes, "for_s": draw.uniform(0.01, 0.1)}]


def kill_leader(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """The leader crashes; it comes back a little later."""
    return [
        {"at_s": at, "do": "kill", "target": "leader", "wait_s": 0.2},
        {"at_s": at + draw.uniform(0.05, 0.6), "do": "restart", "target": "down", "wait_s": 0.2},
    ]


def partition(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """Two groups that cannot reach each other for a while."""
    mixed = draw.sample(nodes, len(nodes))
    size = draw.randint(1, len(nodes) - 1)
    groups = [sorted(mixed[:size]), sorted(mixed[size:])]
    return [{"at_s": at, "do": "partition", "groups": groups, "for_s": draw.uniform(0.1, 1.2)}]


def one_way(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """One node is not heard, or hears nothing, for a while."""
    node = draw.choice(nodes)
    others = [other for other in nodes if other != node]
    ends = (node, others) if draw.random() < 0.5 else (others, node)
    return [{"at_s": at, "do": "cut", "from": ends[0], "to": ends[1], "for_s": draw.uniform(0.1, 1.2)}]


def pause(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """One node freezes for a while."""
    return [{"at_s": at, "do": "pause", "target": draw.choice(nodes), "for_s": draw.uniform(0.05, 0.8)}]


def clock(draw: random.Random, at: float, nodes: list[str]) -> list[dict[str, Any]]:
    """One clock runs at another rate for a while."""
    rate = draw.choice([0.5, 0.8, 1.3, 2.0])
    return [
        {
            "at_s": at,
            "do": "clock",
            "target": draw.choice(nodes),
            "rate": rate,
            "for_s": draw.uniform(0.3, 1.5),
        }
    ]


KINDS: tuple[Kind, ...] = (
    power_failure,
    power_failure,
    kill,
    kill,
    kill_leader,
    kill_leader,
    partition,
    partition,
    one_way,
    pause,
    clock,
)


def leader_storm(draw: random.Random, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """Somebody campaigns every 40 to 150 ms, and whoever does is soon not heard by some of the others: half
    replicated entries of many terms, as in Figure 8 of the Raft paper."""
    lines: list[dict[str, Any]] = []
    at = 0.5
    while at < stop_s - CALM_S - 0.5:
        node, lasts = draw.choice(nodes), draw.uniform(0.04, 0.15)
        others = [other for other in nodes if other != node]
        unheard = sorted(draw.sample(others, draw.randint(len(others) // 2, len(others))))
        cut_at = at + draw.uniform(0.01, 0.06)
        lines += [
            {"at_s": at, "do": "campaign", "target": node},
            {
                "at_s": cut_at,
                "do": "cut",
                "from": node,
                "to": unheard,
                "for_s": draw.uniform(0.3, 1.5) * lasts,
            },
        ]
        at += lasts
    return lines


def vote_storm(draw: random.Random, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """Two campaign at the same moment, and while they gather votes the others crash and are back at once."""
    lines: list[dict[str, Any]] = []
    at = 0.5
    while at < stop_s - CALM_S - 0.5:
        first, second, *voters = draw.sample(nodes, len(nodes))
        lines.append({"at_s": at, "do": "campaign", "target": [first, second]})
        for node in voters:
            moment = at + draw.uniform(0.005, 0.06)
            lines.append({"at_s": moment, "do": "kill", "target": node, "for_s": draw.uniform(0.001, 0.004)})
        at += draw.uniform(0.13, 0.25)
    return lines


def mixture(draw: random.Random, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """Faults of every kind, one or two every 0.1 to 0.6 s."""
    lines: list[dict[str, Any]] = []
    at = 0.4
    while at < stop_s - CALM_S - 1.5:
        for _ in range(draw.choice([1, 1, 2])):
            lines += draw.choice(KINDS)(draw, at, nodes)
        at += draw.uniform(0.1, 0.6)
    return lines


def true_clocks(draw: random.Random, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """The mixture, with clocks that all tell the truth: what leases rely on."""
    lines = mixture(draw, nodes, stop_s)
    return [line for line in lines if line["do"] != "clock"]


def everything(draw: random.Random, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """Any fault that there is, one to three every 0.1 to 0.5 s."""
    lines: list[dict[str, Any]] = []
    at = 0.4
    while at < stop_s - CALM_S - 1.5:
        for _ in range(draw.choice([1, 2, 3])):
            lines += draw.choice((*KINDS, *more_faults.KINDS))(draw, at, nodes)
        at += draw.uniform(0.1, 0.5)
    return [*lines, *more_faults.calm_lines(stop_s - CALM_S, nodes)]


PROFILES = {
    "mixture": mixture,
    "everything": everything,
    "true_clocks": true_clocks,
    "leader_storm": leader_storm,
    "vote_storm": vote_storm,
}


def fault_lines(seed: int, profile: str, nodes: list[str], stop_s: float) -> list[dict[str, Any]]:
    """A fault script for these nodes, and its end: everything healed, up and on time."""
    lines = PROFILES[profile](random.Random(seed), nodes, stop_s)
    calm = stop_s - CALM_S
    lines += [
        {"at_s": calm, "do": "heal", "links_too": True},
        {"at_s": calm, "do": "resume", "target": nodes},
        {"at_s": calm, "do": "clock_mend", "target": nodes},
        {"at_s": calm + 0.001, "do": "restart", "target": "down", "wait_s": 0},
    ]
    return [
        {key: round(value, 6) if isinstance(value, float) else value for key, value in line.items()}
        for line in lines
    ]


def experiment(
    seed: int,
    system: str,
    parameters: dict[str, Any],
    *,
    servers: int = 3,
    twin: str | None = None,
    stop_s: float = 9.0,
    disk_ms: float = 0,
    mix: dict[str, float] | None = None,
    faults: bool = True,
    profile: str = "mixture",
    rate: float = 20,
    latency_ms: tuple[float, float] = (1, 10),
    duplicate: float = 0.05,
    reorder: float = 0.05,
) -> dict[str, Any]:
    """A plain experiment with two clients, a lossy network and the faults of this seed."""
    nodes = [f"n{number}" for number in range(1, servers + 1)]
    links: dict[str, Any] = {"latency_ms": {"uniform": list(latency_ms)}}
    if faults:
        links |= {"loss": 0.02, "duplicate": duplicate, "reorder": reorder}
    found: dict[str, Any] = {
        "format": 1,
        "id": "nemesis",
        "title": {"en": "Nemesis", "zh": "随机故障"},
        "seed": seed,
        "system": system,
        "parameters": parameters,
        "topology": {
            "regions": [{"id": "region", "zones": [{"id": "zone"}]}],
            "nodes": [{"id": node, "zone": "zone"} for node in nodes],
            "links": {"default": links},
        },
        "storage": {"default": {"write_ms": disk_ms}},
        "workload": [
            {"client": client, "at": at, "rate": rate, "keys": 2, "session": True, "mix": mix or {"put": 1}}
            for client, at in (("c1", nodes[0]), ("c2", nodes[-1]))
        ],
        "faults": fault_lines(seed, profile, nodes, stop_s) if faults else [],
        "stop_s": stop_s,
        "checks": ["no_lost_ack"],
    }
    if twin:
        found["twin"] = twin
    return found
