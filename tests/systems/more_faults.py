"""The rest of the fault vocabulary, as random lines: disks, CPUs, clocks that jump, weather on the network, odd
partitions, single messages, load, an operator's instructions. A correct consensus system survives all of them.
"""

from __future__ import annotations

import random
from typing import Any

Lines = list[dict[str, Any]]

SHAPES = ("halves", "minority", "isolate", "isolate_leader", "bridge", "ring", "one_way")


def disk(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """A disk is slow, or takes no write at all, and the node may crash before it is mended."""
    node, lasts = draw.choice(nodes), draw.uniform(0.1, 0.8)
    kind = draw.choice(["disk_delay", "disk_fail", "slow"])
    arguments: dict[str, dict[str, Any]] = {
        "disk_delay": {"write_ms": draw.uniform(5, 120)},
        "slow": {"disk_times": 20},
    }
    more = arguments.get(kind, {})
    lines: Lines = [{"at_s": at, "do": kind, "target": node, "for_s": lasts, **more}]
    if draw.random() < 0.5:
        crash = at + draw.uniform(0.01, lasts)
        lines += [
            {"at_s": crash, "do": "kill", "target": node},
            {"at_s": crash + draw.uniform(0.01, 0.3), "do": "restart", "target": node, "disk": "torn"},
        ]
    return lines


def cpu(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """Every event takes a node some time."""
    node = draw.choice(nodes)
    return [
        {
            "at_s": at,
            "do": "slow",
            "target": node,
            "service_ms": draw.uniform(1, 15),
            "for_s": draw.uniform(0.2, 1),
        }
    ]


def clock_jump(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """A clock is suddenly wrong, in either direction."""
    jump = draw.choice([-5000, -200, 50, 200, 60_000]) * draw.uniform(0.5, 1)
    return [{"at_s": at, "do": "clock", "target": draw.choice(nodes), "jump_ms": jump}]


def weather(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """All links lose, delay, repeat or reorder more for a while."""
    kind, arguments = draw.choice(
        [
            ("loss", {"chance": draw.uniform(0.1, 0.5)}),
            ("delay", {"extra_ms": draw.uniform(10, 150)}),
            ("jitter", {"sd_ms": draw.uniform(5, 60)}),
            ("duplicate", {"chance": draw.uniform(0.2, 0.9)}),
            ("reorder", {"chance": draw.uniform(0.2, 0.9)}),
            ("bandwidth", {"bandwidth_mbit": draw.uniform(0.05, 0.5)}),
        ]
    )
    return [{"at_s": at, "do": kind, **arguments, "for_s": draw.uniform(0.2, 1.2)}]


def shape(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """A named partition; who stands apart is drawn where the shape needs somebody."""
    name = draw.choice(SHAPES)
    who = {"node": draw.choice(nodes)} if name in ("isolate", "bridge") else {}
    return [
        {"at_s": at, "do": "partition", "shape": name, **who, "for_s": draw.uniform(0.1, 1.0), "wait_s": 0.1}
    ]


def hold(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """Messages between two nodes wait, and all arrive late."""
    one, other = draw.sample(nodes, 2)
    return [{"at_s": at, "do": "hold", "from": one, "to": other, "for_s": draw.uniform(0.1, 1.0)}]


def single_messages(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """Messages of one type, of one sender, are dropped, doubled or late."""
    match = {
        "message": draw.choice(["AppendEntries", "AppendEntriesReply", "RequestVote", "RequestVoteReply"]),
        "from": draw.choice(nodes),
    }
    kind = draw.choice(["drop", "duplicate_message", "delay_message"])
    more: dict[str, Any] = {
        "duplicate_message": {"after_ms": draw.uniform(1, 400)},
        "delay_message": {"extra_ms": draw.uniform(10, 400)},
    }.get(kind, {})
    return [{"at_s": at, "do": kind, "match": match, **more, "for_s": draw.uniform(0.1, 0.8)}]


def load(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """Clients ask more, or less."""
    return [
        {
            "at_s": at,
            "do": "load",
            "target": draw.choice(["c1", "c2"]),
            "times": draw.choice([0.2, 3, 5]),
            "for_s": draw.uniform(0.2, 1),
        }
    ]


def operator(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """Somebody makes a server campaign or take over, or a timer come due."""
    node = draw.choice(nodes)
    return [
        draw.choice(
            [
                {"at_s": at, "do": "campaign", "target": node},
                {"at_s": at, "do": "transfer", "target": node},
                {"at_s": at, "do": "fire_timer", "target": node, "timer": "election"},
            ]
        )
    ]


def outage(draw: random.Random, at: float, nodes: list[str]) -> Lines:
    """The zone in which all nodes are loses its power."""
    return [{"at_s": at, "do": "zone_outage", "target": "zone", "for_s": draw.uniform(0.05, 0.4)}]


KINDS = (
    disk,
    disk,
    cpu,
    clock_jump,
    weather,
    weather,
    shape,
    shape,
    hold,
    single_messages,
    load,
    operator,
    outage,
)


def calm_lines(calm: float, nodes: list[str]) -> Lines:
    """The end of all this."""
    return [
        {"at_s": calm, "do": "disk_mend", "target": nodes},
        {"at_s": calm, "do": "unslow", "target": nodes},
        {"at_s": calm, "do": "stop_matching"},
        {"at_s": calm, "do": "load_normal", "target": ["c1", "c2"]},
    ]
