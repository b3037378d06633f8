"""No acknowledged write is lost: judged from outside, against what the owners of each key hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.process import Process
from simulations.engine.systems.quorum_store.coordinator import WRITES
from simulations.engine.systems.quorum_store.process import QuorumStore

LATER = 1 << 62
"""Stands for a completion that has not come."""


class NoLostAck(Check):
    """A write is lost when no owner of its key holds it, or anything that is not certainly older than it.

    So whoever was overwritten by a later or a concurrent write is not lost; whoever was beaten by a write that had
    completed before (a clock was wrong) is. ``invoked_at``, ``returned_at``: operation -> place of these events in the
    order of all; ``acknowledged``: (key, operation, time of its acknowledgement).
    """

    name: ClassVar[str] = "no_lost_ack"
    place: int = 0
    invoked_at: dict[int, int] = {}
    returned_at: dict[int, int] = {}
    acknowledged: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    first: int = 0
    only_hints: int = 0
    at_us: int = 0
    event: int = 0

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        self.place += 1
        if operation.kind in WRITES:
            self.invoked_at[operation.id] = self.place

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        self.place += 1
        if operation.kind not in WRITES or operation.outcome != "ok":
            return
        self.judged += 1
        self.returned_at[operation.id] = self.place
        self.acknowledged.append((operation.key, operation.id, at_us))

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Compare what was acknowledged with what the owners hold, and with the hints under way."""
        self.at_us, self.event = at_us, event
        stores = [process for _, process in sorted(running.items()) if isinstance(process, QuorumStore)]
        held = self.latest(
            (key, version.operation)
            for process in stores
            for key, versions in process.store.items()
            if process.id in process.owners(key, process.ring.new)
            for version in versions
        )
        hinted = self.latest(
            (key, version.operation)
            for process in stores
            for hints in process.hints.values()
            for key, version in hints.items()
        )
        missing = [one for one in self.acknowledged if held.get(one[0], -1) < self.invoked_at[one[1]]]
        lost = [one for one in missing if hinted.get(one[0], -1) < self.invoked_at[one[1]]]
        self.only_hints = len(missing) - len(lost)
        self.lost, self.lost_at = len(lost), tuple(one[2] for one in lost)
        self.first = lost[0][1] if lost else 0

    def latest(self, found: Iterable[tuple[str, int]]) -> dict[str, int]:
        """Key -> the place where the last of these writes completed: one that was invoked later is not among them, nor
        was it overtaken by one that overlapped it."""
        latest: dict[str, int] = {}
        for key, operation in found:
            place = self.returned_at.get(operation, LATER) if operation else -1
            if place > latest.get(key, -1):
                latest[key] = place
        return latest

    def verdict(self) -> Verdict:
        """What the last look found."""
        if self.lost:
            values: dict[str, Any] = {"lost": self.lost, "first": self.first}
            return Verdict(
                self.name, VIOLATED, self.judged, self.event, self.at_us, "quorum_store.lost", values
            )
        if self.only_hints:
            values = {"count": self.only_hints}
            return Verdict(self.name, UNKNOWN, self.judged, None, None, "quorum_store.only_hints", values)
        return Verdict(self.name, HOLDS if self.judged else UNKNOWN, self.judged)


CHECKS: dict[str, type[Check]] = {NoLostAck.name: NoLostAck}
