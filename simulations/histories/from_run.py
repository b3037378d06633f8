"""A run's chunks as a history file: what its clients asked and were told, with the faults behind."""

from __future__ import annotations

from typing import Any

from simulations.engine.checks.history import KINDS, History, Operation, history_of
from simulations.engine.checks.linearizability import Model
from simulations.engine.views import SHOWN_ENTRIES, TEXT_SHOWN_MAX
from simulations.histories.json_format import written
from simulations.histories.parsed import Fault

NAMES = (
    "id", "client", "kind", "key", "argument", "invoked_us", "returned_us", "outcome", "result", "process"
)  # fmt: skip


def history_file(chunks: list[dict[str, Any]]) -> str:
    """The history of these chunks (docs/history-format.md), with the faults behind."""
    return written(history_in(chunks), Model(), faults_of(chunks))


def history_in(chunks: list[dict[str, Any]]) -> History:
    """What the clients of these chunks asked and were told. Only operations of the kinds that histories have.

    A trace shortens long values. A read that was told one is left out: it changed nothing, and could only be
    judged wrongly.
    """
    known: dict[int, Operation] = {}
    for chunk in chunks:
        for plain in chunk.get("operations", ()):
            fields = dict(zip(NAMES, plain, strict=True))
            if fields["kind"] in KINDS:
                known[fields["id"]] = Operation(**{**fields, "key": fields["key"] or ""})
    whole = [
        known[id] for id in sorted(known) if not (known[id].kind == "get" and shortened(known[id].result))
    ]
    return history_of(whole)


def shortened(value: Any) -> bool:
    """Whether a value of a trace may have been cut."""
    if isinstance(value, str):
        return len(value) >= TEXT_SHOWN_MAX
    if isinstance(value, list):
        return len(value) >= SHOWN_ENTRIES or any(shortened(item) for item in value)
    if isinstance(value, dict):
        return len(value) >= SHOWN_ENTRIES or any(shortened(item) for item in value.values())
    return False


def faults_of(chunks: list[dict[str, Any]]) -> list[Fault]:
    """Every fault that was active, from when to when (None: still active at the end)."""
    found: dict[Any, Fault] = {}
    active: set[Any] = set()
    for at_us, listed in _lists(chunks):
        now = {fault["id"] for fault in listed}
        for fault in listed:
            what = " ".join([fault["do"], *(str(target) for target in fault["target"])])
            found.setdefault(fault["id"], Fault(fault["since_us"], what))
        for id in active - now:
            found[id].until_us = max(at_us, found[id].at_us)
        active = now
    return list(found.values())


def _lists(chunks: list[dict[str, Any]]) -> list[tuple[int, list[dict[str, Any]]]]:
    """(time, the faults active from then on), in order."""
    lists: list[tuple[int, list[dict[str, Any]]]] = []
    for chunk in chunks:
        lists.append((chunk["t0_us"], chunk["keyframe"].get("faults", [])))
        for event in chunk.get("events", ()):
            if event[6] and "faults" in event[6]:
                lists.append((event[1], event[6]["faults"]))
    return lists
