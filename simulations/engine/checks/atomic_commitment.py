"""Atomic commitment: no transaction is committed at one process and aborted at another. What 2PC and 3PC promise.

Judged from outside, on the records that are on the processes' disks. A system's processes give ``records`` (a ``Log``
of ``Record``), ``durable_records``, ``coordinator_of(transaction)`` and ``members`` (everybody who votes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.meters import Scope
from simulations.engine.process import Note, Text

if TYPE_CHECKING:
    from simulations.engine.world import World

READY, PRECOMMITTED, COMMITTED, ABORTED = "ready", "precommitted", "committed", "aborted"
OUTCOMES = (COMMITTED, ABORTED)
WORDS = {
    READY: Text("ready", "就绪"),
    PRECOMMITTED: Text("pre-committed", "已预提交"),
    COMMITTED: Text("committed", "已提交"),
    ABORTED: Text("aborted", "已中止"),
}

NOTES = {
    "atomic_commitment.diverged": Note(
        "Skeen 1981",
        "{process} {outcome} transaction {transaction}, which another process did not",
        "{process} 对事务 {transaction} 的决定是 {outcome}，与另一进程的决定不同",
        "check",
        WORDS,
    ),
    "atomic_commitment.without_vote": Note(
        "Gray 1978",
        "{process} committed transaction {transaction} without the vote of {missing}",
        "{process} 未得到 {missing} 的投票就提交了事务 {transaction}",
        "check",
    ),
}


class Record(msgspec.Struct, array_like=True, frozen=True):
    """One line of a process's log: what became of a transaction (ready | precommitted | committed | aborted)."""

    transaction: str
    state: str


class AtomicCommitment(Check):
    """``outcomes``: transaction -> the first decision seen; ``voted``: transaction -> who recorded a yes; ``seen``:
    process -> (records read, their hash); ``diverged``: transactions with two outcomes; ``since``: when a process
    became uncertain of a transaction; ``spans``: (process, from, to) of past uncertainty."""

    name: ClassVar[str] = "atomic_commitment"
    outcomes: dict[str, str] = {}
    voted: dict[str, tuple[str, ...]] = {}
    seen: dict[int, tuple[int, int]] = {}
    diverged: dict[str, bool] = {}
    since: dict[str, int] = {}
    spans: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        log, last = process.records, process.durable_records
        first, mark = self.seen.get(process_index, (0, 0))
        if first > last or log.hash_at(first) != mark:  # a new life that lost what was read before
            first = before[1]
        for record in log.slice(first + 1, last + 1):
            self.read(at_us, event, process_index, process, record)
        self.seen[process_index] = (last, log.hash_at(last))

    def read(self, at_us: int, event: int, index: int, process: Any, record: Record) -> None:
        """One more record on a disk."""
        self.judged += 1
        transaction, state = record.transaction, record.state
        key = f"{index} {transaction}"
        if state in (READY, PRECOMMITTED):
            if process.id not in self.voted.get(transaction, ()):
                self.voted[transaction] = (*self.voted.get(transaction, ()), process.id)
                if process.id != process.coordinator_of(transaction):
                    self.since[key] = at_us
            return
        if key in self.since:
            self.spans.append((index, self.since.pop(key), at_us))
        values = {"process": process.id, "transaction": transaction}
        if self.outcomes.setdefault(transaction, state) != state:
            self.diverged[transaction] = True
            self.violate(at_us, event, "atomic_commitment.diverged", outcome=state, **values)
        missing = [
            member
            for member in process.members
            if member != process.coordinator_of(transaction) and member not in self.voted.get(transaction, ())
        ]
        if state == COMMITTED and missing:
            self.violate(at_us, event, "atomic_commitment.without_vote", missing=missing[0], **values)


def check_of(world: World) -> AtomicCommitment | None:
    found = world.observer.checks.get(AtomicCommitment.name)
    return found if isinstance(found, AtomicCommitment) else None


def inside(world: World, scope: Scope, index: int) -> bool:
    context = world.kernel.contexts[index]
    return scope.node in (None, context.id, context.place)


def diverged(world: World, scope: Scope) -> int | None:
    """Transactions that were committed at one process and aborted at another."""
    check = check_of(world)
    return None if check is None else len(check.diverged)


def blocked_s(world: World, scope: Scope) -> float | None:
    """The longest time for which a process that had voted yes did not know the outcome, to the end at most."""
    check = check_of(world)
    if check is None:
        return None
    spans = [(start, end) for index, start, end in check.spans if inside(world, scope, index)]
    spans += [
        (start, world.now_us)
        for key, start in check.since.items()
        if inside(world, scope, int(key.split()[0]))
    ]
    return max((end - start for start, end in spans), default=0) / 1_000_000


def blocked_at_end(world: World, scope: Scope) -> int | None:
    """Votes of yes whose outcome is not known at the end."""
    check = check_of(world)
    if check is None:
        return None
    return sum(inside(world, scope, int(key.split()[0])) for key in check.since)


METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "diverged": diverged,
    "blocked_s": blocked_s,
    "blocked_at_end": blocked_at_end,
}
