"""What clients may rely on short of linearizability, as lamps of a run: session guarantees and fresh reads.

They judge the clients' history alone (``sessions``, ``staleness``), so they fit every system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation, pending
from simulations.engine.checks.sessions import GuaranteeVerdict, Sessions
from simulations.engine.checks.staleness import Staleness
from simulations.engine.meters import Scope, fits
from simulations.engine.process import Note

if TYPE_CHECKING:
    from simulations.engine.world import World

NOTES = {
    "guarantees.broken": Note(
        "Terry et al. 1994, section 3",
        "operation {operation} returned something older than its session knew; "
        "{violations} {violations|read|reads} did",
        "操作 {operation} 返回的内容比其会话已知的旧；这样的读取共有 {violations} 次",
        "check",
    ),
    "guarantees.stale": Note(
        "Bailis et al. 2012, section 3",
        "operation {operation} returned a value after a newer one had been acknowledged; "
        "{stale} {stale|read|reads} did",
        "操作 {operation} 返回了陈旧值，而较新的值早已得到确认；这样的陈旧读共有 {stale} 次",
        "check",
    ),
}


class SessionCheck(Check):
    """One session guarantee. ``decided``: the event of the first violation."""

    sessions: Sessions = msgspec.field(default_factory=Sessions)
    decided: int | None = None

    def guarantee(self) -> GuaranteeVerdict:
        """The part of the sessions' verdict that this check is named for."""
        found: GuaranteeVerdict = getattr(self.sessions.verdict, self.name)
        return found

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        self.sessions.invoke(operation)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        self.sessions.complete(operation)
        if self.decided is None and self.guarantee().violations:
            self.decided = event

    def verdict(self) -> Verdict:
        found = self.guarantee()
        if not found.violations:
            return Verdict(self.name, found.verdict, found.judged)
        values = {"operation": found.first_violation, "violations": found.violations}
        return Verdict(
            self.name, VIOLATED, found.judged, self.decided, found.violated_us, "guarantees.broken", values
        )


class ReadYourWrites(SessionCheck):
    """A read returns nothing older than the session's own completed writes of that key."""

    name: ClassVar[str] = "read_your_writes"


class MonotonicReads(SessionCheck):
    """A read returns nothing older than what an earlier read of the session returned."""

    name: ClassVar[str] = "monotonic_reads"


class FreshOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How old a read may be: so many acknowledged versions behind, or so many milliseconds (None: any)."""

    versions_max: Annotated[int, msgspec.Meta(ge=0)] | None = None
    age_ms_max: Annotated[float, msgspec.Meta(ge=0)] | None = None


class FreshReads(Check):
    """No read returns a value after a newer one had been acknowledged; or none older than its arguments allow."""

    name: ClassVar[str] = "fresh_reads"
    options: ClassVar[type[msgspec.Struct]] = FreshOptions
    staleness: Staleness = msgspec.field(default_factory=Staleness)
    decided: int | None = None

    def configure(self, options: Any) -> None:
        age_ms = options.age_ms_max
        age_us = None if age_ms is None else round(age_ms * 1000)
        self.staleness = Staleness(versions_max=options.versions_max, age_us_max=age_us)

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        self.staleness.invoke(operation)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        self.staleness.complete(operation)
        if self.decided is None and self.staleness.seen.too_old:
            self.decided = event

    def verdict(self) -> Verdict:
        found = self.staleness.verdict
        if not found.too_old:
            return Verdict(self.name, HOLDS if found.reads else UNKNOWN, found.reads)
        values: dict[str, Any] = {"operation": found.first_violation, "stale": found.too_old}
        return Verdict(
            self.name, VIOLATED, found.reads, self.decided, found.violated_us, "guarantees.stale", values
        )


def judged_reads(world: World, scope: Scope) -> tuple[int, int, int]:
    """(reads judged, stale ones, the largest age in microseconds) among the reads that ended in the scope."""
    staleness = Staleness()
    reads = stale = oldest_us = 0
    for completion, operation in world.history.events():
        if not completion:
            staleness.invoke(pending(operation))
            continue
        seen = staleness.seen
        before = (seen.reads, seen.stale)
        seen.age_us_max = 0
        staleness.complete(operation)
        if scope.covers(operation.returned_us or 0) and fits(operation, scope):
            reads += seen.reads - before[0]
            stale += seen.stale - before[1]
            oldest_us = max(oldest_us, seen.age_us_max)
    return reads, stale, oldest_us


def stale_reads(world: World, scope: Scope) -> int:
    """Reads that returned a value after a newer one had been acknowledged."""
    return judged_reads(world, scope)[1]


def staleness_ms_max(world: World, scope: Scope) -> float | None:
    """How long a newer value had been acknowledged at most when a read returned an older one; None without reads."""
    reads, _, oldest_us = judged_reads(world, scope)
    return oldest_us / 1000 if reads else None


CHECKS: dict[str, type[Check]] = {check.name: check for check in (ReadYourWrites, MonotonicReads, FreshReads)}
METRICS = {"stale_reads": stale_reads, "staleness_ms_max": staleness_ms_max}
