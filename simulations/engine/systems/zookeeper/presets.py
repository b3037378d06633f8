"""The durable state that an experiment gives to a server at its start."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Request
from simulations.engine.systems.zookeeper.messages import Node, Snapshot, Txn

FIELDS = ("leader", "term", "epoch", "last", "committed", "uncommitted", "voters", "sequences")

Disk = tuple[dict[str, Any], dict[str, list[Any]]]


def given(epoch: int, counter: int) -> Txn:
    """A transaction of an earlier epoch: equal zxids are equal transactions, on whichever server."""
    number = -(epoch << 20) - counter
    request = Request(number, 0, "", 0, 0, "put", "given", f"{epoch}.{counter}")
    return Txn(epoch, counter, request, "/given")


def number(values: dict[str, Any], name: str, default: int, low: int) -> int:
    """A whole number of the preset. ValueError names the field."""
    value = values.get(name, default)
    if not isinstance(value, int) or not low <= value <= 100_000:
        raise ValueError(f"{name}: an integer from {low} to 100000")
    return value


def history(values: dict[str, Any]) -> list[Txn]:
    """1 .. ``committed``, then ``uncommitted`` (``committed`` + 1 .. ``last`` unless given), all of ``epoch``."""
    epoch = number(values, "epoch", 0, 0)
    last = number(values, "last", 0, 0)
    committed = number(values, "committed", last, 0)
    more = values.get("uncommitted", list(range(committed + 1, last + 1)))
    if not isinstance(more, list) or any(not isinstance(one, int) or one <= committed for one in more):
        raise ValueError("uncommitted: a list of counters above committed")
    counters = [*range(1, committed + 1), *sorted(more)]
    if (counters and not epoch) or (counters[-1] if counters else 0) != last:
        raise ValueError("last: the highest counter of committed and uncommitted, in an epoch of at least 1")
    return [given(epoch, counter) for counter in counters]


def first_state(sequences: Any, voters: tuple[str, ...]) -> Snapshot:
    """Nodes that are there from the beginning: path -> the number that its next sequential child gets."""
    if not isinstance(sequences, dict) or not all(
        path.startswith("/")
        and path.count("/") == 1
        and len(path) > 1
        and isinstance(count, int)
        and count >= 0
        for path, count in sequences.items()
    ):
        raise ValueError("sequences: a record of paths (/name) and numbers")
    names = tuple(path[1:] for path in sequences)
    nodes = {path: Node(creations=count) for path, count in sequences.items()}
    return Snapshot(0, 0, 0, {"/": Node(children=names, creations=len(names)), **nodes}, {}, voters)


def preset(values: dict[str, Any]) -> Disk:
    """The disk of a server: (cells, logs).

    ``leader``: true for the server that is elected already, false for the others; ``term``: the epoch in which it
    will lead (1 unless given); ``epoch``, ``last``, ``committed``, ``uncommitted``: its history; ``voters``: its
    configuration; ``sequences``: nodes that are there, with their next sequence number. ValueError names a wrong field.
    """
    for name in values:
        if name not in FIELDS:
            raise ValueError(f"{name}: not one of {', '.join(FIELDS)}")
    entries = history(values)
    term = number(values, "term", 1, 1)
    epoch = number(values, "epoch", term - 1 if "leader" in values else 0, 0)
    cells: dict[str, Any] = {
        "epoch": epoch,
        "accepted_epoch": max(epoch, term - 1 if "leader" in values else 0),
    }
    voters = values.get("voters", [])
    if not isinstance(voters, list) or not all(isinstance(voter, str) for voter in voters):
        raise ValueError("voters: a list of servers")
    if voters:
        cells["voters"] = voters
    if "leader" in values:
        cells["start_as"] = "leader" if values["leader"] else "follower"
    if "sequences" in values:
        cells["snapshot"] = msgspec.msgpack.encode(first_state(values["sequences"], tuple(voters)))
    return cells, {"log": list(entries)}
