"""The durable state that an experiment gives to a process at its start."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from simulations.engine.process import Request
from simulations.engine.systems.paxos.messages import Entry

FIELDS = ("leader", "term", "promised", "slots", "extra", "accepted")

Disk = tuple[dict[str, Any], dict[str, list[Any]]]


def command(value: str) -> Request:
    """A command that stores a value: equal values are one command, whichever slot and process holds it."""
    number = -1 - crc32(value.encode())
    return Request(number, 0, "", 0, 0, "put", "given", value)


def numbered(values: Any, name: str, term: int) -> list[Entry]:
    """``{slot: value}`` as proposals of this number, in the order of slots. ValueError names the field."""
    if not isinstance(values, dict) or not all(
        str(slot).isdigit() and 1 <= int(slot) <= 100_000 for slot in values
    ):
        raise ValueError(f"{name}: a record of slots (1 to 100000) and their values")
    return [Entry(term, int(slot), command(str(values[slot]))) for slot in sorted(values, key=int)]


def chosen_slots(given: Any) -> list[Entry]:
    """``{from, to, ballot}`` as chosen commands. ValueError names the field."""
    wanted = isinstance(given, dict) and set(given) <= {"from", "to", "ballot"}
    first, last = (given.get("from", 1), given.get("to", 0)) if wanted else (0, 0)
    if first != 1 or not isinstance(last, int) or not 0 <= last <= 100_000:
        raise ValueError("slots: a record of from (1), to (0 to 100000) and ballot")
    ballot = given.get("ballot", 1)
    return [Entry(ballot, slot, command(f"v{slot}")) for slot in range(1, last + 1)]


def preset(values: dict[str, Any]) -> Disk:
    """The disk of a process: (cells, logs).

    ``leader``: true for the process that leads from the start, false for the others; ``term``: its number (1 unless
    given), which all have promised; ``slots``: chosen and known from slot 1 on; ``extra``: further slots that are
    known to be chosen; ``accepted``: votes, of the number ``term``. ValueError names a wrong field.
    """
    for name in values:
        if name not in FIELDS:
            raise ValueError(f"{name}: not one of {', '.join(FIELDS)}")
    term = values.get("term", 1 if len(values) else 0)
    promised = values.get("promised", term)
    if not isinstance(promised, int) or promised < term:
        raise ValueError(f"promised: a number, at least {term} (the number of the votes)")
    extra = numbered(values.get("extra", {}), "extra", term)
    accepted = numbered(values.get("accepted", {}), "accepted", term)
    cells: dict[str, Any] = {"promised": promised, "learned": tuple(extra)}
    if values.get("leader"):
        cells |= {"start_as": "leader", "ballot": term}
    votes = sorted([*extra, *accepted], key=lambda entry: entry.slot)
    return cells, {"log": chosen_slots(values.get("slots", {})), "votes": list(votes)}
