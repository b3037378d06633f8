"""Staleness: reads that returned a value after a newer one had been acknowledged.

A read is k versions stale when k writes, each certainly newer than the one it returned, had completed
before it was invoked; its age is the time since the first of them completed. Both are lower bounds: what
clients can prove. Source: Bailis et al., "Probabilistically Bounded Staleness for Practical Partial
Quorums" (VLDB 2012), section 3.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.checks.versions import REMEMBERED, KeyVersions, Write, certainly_older
from simulations.engine.state_machine import frozen

WRITES = ("put", "append", "cas", "delete")


class StalenessVerdict(msgspec.Struct):
    """`reads`: reads judged; `stale`: how many were at least one version behind; `too_old`: how many broke
    the limits.

    `unexplained`: reads of values that nobody wrote, which are not judged. Unknown when no read was judged.
    """

    verdict: Literal["holds", "violated", "unknown"]
    reads: int = 0
    stale: int = 0
    too_old: int = 0
    unexplained: int = 0
    versions_max: int = 0
    age_us_max: int = 0
    first_violation: int | None = None
    violated_us: int | None = None


class Staleness(msgspec.Struct):
    """Told every event in order. A read is too old when it is more than `versions_max` versions or
    `age_us_max` microseconds stale (None: no such limit). Plain data; a fork is independent. At most
    REMEMBERED versions are counted.
    """

    initial: Any = None
    versions_max: int | None = 0
    age_us_max: int | None = None
    place: int = 0
    keys: dict[str, KeyVersions] = msgspec.field(default_factory=dict)
    open_reads: dict[int, int] = msgspec.field(default_factory=dict)
    seen: StalenessVerdict = msgspec.field(default_factory=lambda: StalenessVerdict("unknown"))

    def invoke(self, operation: Operation) -> None:
        self.place += 1
        if operation.kind == "get":
            self.open_reads[operation.id] = self.place
        elif operation.kind in WRITES:
            self._key(operation.key).invoke(operation, self.place, self.initial)

    def complete(self, operation: Operation) -> None:
        self.place += 1
        if operation.kind == "get":
            invoked = self.open_reads.pop(operation.id)
            if operation.outcome == "ok":
                self._judge(operation, invoked)
        elif operation.kind in WRITES:
            self._key(operation.key).complete(operation, self.place, self.initial)

    def _key(self, name: str) -> KeyVersions:
        key = self.keys.get(name)
        if key is None:
            key = self.keys[name] = KeyVersions()
        return key

    def _judge(self, operation: Operation, invoked: int) -> None:
        key, seen = self._key(operation.key), self.seen
        if key.appended:
            return
        origin = key.origin(frozen(operation.result), frozen(self.initial))
        if origin is None:
            seen.unexplained += 1
            return
        if origin.repeated:
            return
        versions, since_us = newer_writes(key, origin, invoked)
        age_us = operation.invoked_us - since_us if versions else 0
        seen.reads += 1
        seen.stale += versions > 0
        seen.versions_max = max(seen.versions_max, versions)
        seen.age_us_max = max(seen.age_us_max, age_us)
        if _beyond(versions, self.versions_max) or _beyond(age_us, self.age_us_max):
            seen.too_old += 1
            if seen.first_violation is None:
                seen.first_violation, seen.violated_us = operation.id, operation.returned_us

    @property
    def verdict(self) -> StalenessVerdict:
        """The verdict on everything told so far."""
        answer: Literal["holds", "violated", "unknown"] = "holds" if self.seen.reads else "unknown"
        if self.seen.too_old:
            answer = "violated"
        return msgspec.structs.replace(self.seen, verdict=answer)

    def fork(self) -> Staleness:
        return msgspec.structs.replace(
            self,
            keys={name: key.fork() for name, key in self.keys.items()},
            open_reads=self.open_reads.copy(),
            seen=msgspec.structs.replace(self.seen),
        )


def newer_writes(key: KeyVersions, origin: Write, invoked: int) -> tuple[int, int]:
    """(how many writes certainly newer than `origin` had completed before `invoked`, when the first of them
    did).
    """
    versions, since_us = 0, 0
    if origin.returned is None:
        return versions, since_us
    for write in reversed(key.completed):
        returned = write.returned or 0
        if returned <= origin.returned or versions == REMEMBERED:
            break
        if returned < invoked and certainly_older(origin, write):
            versions, since_us = versions + 1, write.returned_us
    return versions, since_us


def _beyond(value: int, limit: int | None) -> bool:
    return limit is not None and value > limit
