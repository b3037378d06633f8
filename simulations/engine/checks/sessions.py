"""Session guarantees: read your writes, and monotonic reads.

Read your writes: a read returns nothing older than the session's own completed writes of that key.
Monotonic reads: a read returns nothing older than what an earlier read of the session returned. Only
what is certain counts: a version is older when its write completed before the other's was invoked, or
when the session itself saw the other one replace it. Source: Terry et al., "Session Guarantees for
Weakly Consistent Replicated Data" (PDIS 1994), section 3.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.checks.versions import KeyVersions, Write, certainly_older
from simulations.engine.state_machine import frozen

WRITES = ("put", "append", "cas", "delete")
REPLACED_MAX = 16  # replaced values remembered per session and key


class GuaranteeVerdict(msgspec.Struct):
    """`judged`: reads that had something to be compared with; `violations`: how many broke the guarantee."""

    verdict: Literal["holds", "violated", "unknown"] = "unknown"
    judged: int = 0
    violations: int = 0
    first_violation: int | None = None
    violated_us: int | None = None

    def judge(self, operation: Operation, broken: bool) -> None:
        self.judged += 1
        if broken:
            self.violations += 1
            if self.first_violation is None:
                self.first_violation, self.violated_us = operation.id, operation.returned_us
        self.verdict = "violated" if self.violations else "holds"


class SessionVerdict(msgspec.Struct):
    """One verdict for each guarantee."""

    read_your_writes: GuaranteeVerdict
    monotonic_reads: GuaranteeVerdict


class Seen(msgspec.Struct, frozen=True):
    """What a session knows of a key: its newest own write and the values that one certainly overwrote; the
    version it read last (completed at `read_at`) and the values that its reads have seen replaced.
    """

    own: Write | None = None
    overwritten: tuple[Any, ...] = ()
    last: Write | None = None
    read_at: int = -1
    replaced: tuple[Any, ...] = ()


class Started(msgspec.Struct, frozen=True):
    """An operation in flight: the place of its invocation, and what the session knew then."""

    invoked: int
    before: Seen


NOTHING_SEEN = Seen()


class Sessions(msgspec.Struct):
    """Told every event in order; plain data; a fork is independent. A session is `operation.session`, else
    the client.

    `known` is by session, then key.
    """

    initial: Any = None
    place: int = 0
    keys: dict[str, KeyVersions] = msgspec.field(default_factory=dict)
    known: dict[str, dict[str, Seen]] = msgspec.field(default_factory=dict)
    started: dict[int, Started] = msgspec.field(default_factory=dict)
    own_writes: GuaranteeVerdict = msgspec.field(default_factory=GuaranteeVerdict)
    monotonic: GuaranteeVerdict = msgspec.field(default_factory=GuaranteeVerdict)

    def invoke(self, operation: Operation) -> None:
        self.place += 1
        if operation.kind == "get" or operation.kind in WRITES:
            known = self.known.get(session_of(operation))
            before = known.get(operation.key, NOTHING_SEEN) if known else NOTHING_SEEN
            self.started[operation.id] = Started(self.place, before)
        if operation.kind in WRITES:
            self._key(operation.key).invoke(operation, self.place, self.initial)

    def complete(self, operation: Operation) -> None:
        self.place += 1
        started = self.started.pop(operation.id, None)
        if started is None:
            return
        if operation.kind in WRITES:
            write = self._key(operation.key).complete(operation, self.place, self.initial)
            if write is not None:
                self._wrote(operation, started, write)
        elif operation.outcome == "ok":
            self._judge(operation, started)

    def _key(self, name: str) -> KeyVersions:
        key = self.keys.get(name)
        if key is None:
            key = self.keys[name] = KeyVersions()
        return key

    def _wrote(self, operation: Operation, started: Started, write: Write) -> None:
        """The session's newest write counts; it overwrote all that the session had read before it began."""
        known = self.known.setdefault(session_of(operation), {})
        seen = known.get(operation.key, NOTHING_SEEN)
        if seen.own is not None and seen.own.invoked > write.invoked:
            return
        before = started.before
        overwritten = seen.overwritten
        for value in before.replaced:
            overwritten = _with(overwritten, value)
        if before.last is not None:
            overwritten = _with(overwritten, before.last.value)
        known[operation.key] = Seen(write, overwritten, seen.last, seen.read_at, seen.replaced)

    def _judge(self, operation: Operation, started: Started) -> None:
        key = self._key(operation.key)
        value = frozen(operation.result)
        origin = key.origin(value, frozen(self.initial))
        if key.appended or origin is None or origin.repeated:
            return
        before = started.before
        if before.own is not None:
            older = certainly_older(origin, before.own) or value in before.overwritten
            self.own_writes.judge(operation, older and before.own.value != value)
        if before.last is not None:
            older = certainly_older(origin, before.last) or value in before.replaced
            self.monotonic.judge(operation, older and before.last.value != value)
        self._read(operation, started, origin)

    def _read(self, operation: Operation, started: Started, origin: Write) -> None:
        """Remember what was read last; it replaced what the session had read before this read began."""
        known = self.known.setdefault(session_of(operation), {})
        seen = known.get(operation.key, NOTHING_SEEN)
        replaced = seen.replaced
        if seen.last is not None and seen.last.value != origin.value and seen.read_at < started.invoked:
            replaced = _with(replaced, seen.last.value)
        known[operation.key] = Seen(seen.own, seen.overwritten, origin, self.place, replaced)

    @property
    def verdict(self) -> SessionVerdict:
        """The verdicts on everything told so far."""
        replace = msgspec.structs.replace
        return SessionVerdict(replace(self.own_writes), replace(self.monotonic))

    def fork(self) -> Sessions:
        return msgspec.structs.replace(
            self,
            keys={name: key.fork() for name, key in self.keys.items()},
            known={name: keys.copy() for name, keys in self.known.items()},
            started=self.started.copy(),
            own_writes=msgspec.structs.replace(self.own_writes),
            monotonic=msgspec.structs.replace(self.monotonic),
        )


def session_of(operation: Operation) -> str:
    """The session an operation belongs to: the client's own unless one is named."""
    return operation.client if operation.session is None else operation.session


def _with(values: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    return values if value in values else (*values[-REPLACED_MAX + 1 :], value)
