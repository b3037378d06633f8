"""No acknowledged write is lost: judged from outside, against what the owners of each key hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import BEGINNING, HOLDS, UNKNOWN, VIOLATED, Check, Moment, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.process import Process
from simulations.engine.systems.quorum_store.coordinator import WRITES
from simulations.engine.systems.quorum_store.process import QuorumStore

ROLE, WRITTEN = 0, 2
"""Places in ``State.watched``."""
LATER = 1 << 62
"""Stands for a completion that has not come."""


class NoLostAck(Check):
    """A write is lost when no owner of its key holds it, or anything that is not certainly older than it.

    So whoever was overwritten by a later or a concurrent write is not lost; whoever was beaten by a write that had
    completed before (a clock was wrong) is. ``invoked_at``, ``returned_at``: operation -> place of these events in the
    order of all; ``acknowledged``: (key, operation, moment of its acknowledgement).

    A loss is dated by the last moment at which an owner that held such a write ceased to: it crashed, replaced it by
    an older one, or gave it away. (Hints are not told as they come and go: when a process that keeps any crashes, that
    counts for every loss. That an owner is none any more counts when its role or its store changes.)
    ``holding``: process and key -> operations it holds; ``ceased``: (key, operations it held, moment); ``rings``:
    process -> members; ``hinting``: whether it keeps hints; ``hints_gone``: when one that did last crashed.
    """

    name: ClassVar[str] = "no_lost_ack"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, WRITTEN)
    place: int = 0
    invoked_at: dict[int, int] = {}
    returned_at: dict[int, int] = {}
    acknowledged: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    first: int = 0
    only_hints: int = 0
    since: Moment = BEGINNING
    holding: dict[str, tuple[int, ...]] = {}
    ceased: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    rings: dict[int, tuple[str, ...]] = {}
    hinting: dict[int, bool] = {}
    hints_gone: Moment = BEGINNING

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
        self.acknowledged.append((operation.key, operation.id, at_us, event))

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, QuorumStore):
            return
        self.hinting[process_index] = bool(process.hints)
        keys: Iterable[str] = process.touched if before[WRITTEN] != after[WRITTEN] else ()
        if self.rings.get(process_index) != process.ring.new:
            self.rings[process_index] = process.ring.new
            keys = list(process.store)
        for key in keys:
            now = tuple([version.operation for version in process.store.get(key, ()) if version.operation])
            self.hold((at_us, event), f"{process_index} {key}", now if now and process.owns(key) else ())

    def hold(self, moment: Moment, place: str, now: tuple[int, ...]) -> None:
        """An owner holds the versions of these operations; that what it held was newer is worth a note."""
        before = self.holding.pop(place, ())
        if now:
            self.holding[place] = now
        if before and self.place_of(now) < self.place_of(before):
            self.ceased.append((place.partition(" ")[2], before, *moment))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        if self.hinting.pop(process_index, False):
            self.hints_gone = (at_us, event)
        start = f"{process_index} "
        for place in [place for place in self.holding if place.startswith(start)]:
            self.hold((at_us, event), place, ())

    def place_of(self, operations: tuple[int, ...]) -> int:
        """The place where the last of these operations completed."""
        return max([self.returned_at.get(one, LATER) for one in operations], default=-1)

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Compare what was acknowledged with what the owners hold, and with the hints under way."""
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
        self.since = self.lost_since(lost) if lost else BEGINNING

    def lost_since(self, lost: list[tuple[Any, ...]]) -> Moment:
        """Since when the first of these has been lost."""
        ends: dict[str, list[tuple[int, Moment]]] = {}
        for key, operations, when, what in self.ceased:
            ends.setdefault(key, []).append((self.place_of(operations), (when, what)))
        return min(
            max(
                [(at_us, event), self.hints_gone]
                + [moment for place, moment in ends.get(key, ()) if place >= self.invoked_at[id]]
            )
            for key, id, at_us, event in lost
        )

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
            when, what = self.since
            return Verdict(self.name, VIOLATED, self.judged, what, when, "quorum_store.lost", values)
        if self.only_hints:
            values = {"count": self.only_hints}
            return Verdict(self.name, UNKNOWN, self.judged, None, None, "quorum_store.only_hints", values)
        return Verdict(self.name, HOLDS if self.judged else UNKNOWN, self.judged)


CHECKS: dict[str, type[Check]] = {NoLostAck.name: NoLostAck}
