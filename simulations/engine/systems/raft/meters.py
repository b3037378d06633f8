"""Numbers that only Raft has: refused appends, entries thrown away, log lengths, how often an operation was applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.chunks import Chunks
from simulations.engine.context import DELIVER
from simulations.engine.meters import Scope
from simulations.engine.systems.raft.messages import AppendEntries, AppendEntriesReply, InstallSnapshot
from simulations.engine.systems.raft.process import Raft

if TYPE_CHECKING:
    from simulations.engine.world import World


_encode = msgspec.msgpack.Encoder().encode


class Refusals(Check):
    """Refused appends as the leaders learn of them: (time, process that refused)."""

    name: ClassVar[str] = "raft_refusals"
    wants_events: ClassVar[bool] = True
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event."""
        if event[3] == DELIVER and isinstance(event[7], AppendEntriesReply) and not event[7].success:
            self.found.append((at_us, event[6]))


class Discards(Check):
    """Entries thrown away because they conflicted: (time, process, how many). ``last``: process -> last index."""

    name: ClassVar[str] = "raft_discards"
    last: dict[int, tuple[int, int]] = {}
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if before[2] == after[2]:
            return
        log = process.log
        last, hash_ = self.last.get(process_index, (0, 0))
        shared = min(last, log.last)
        if shared < log.first - 1:  # (A snapshot took the log's place: nothing conflicted.)
            shared = last = 0
        # What was appended after a truncation hides how far it went: walk back to where the terms say nothing changed.
        if last and (shared < last or log.hash_at(shared) != hash_):
            kept = process.commit_index
            lost = last - max(kept, min(shared, last - 1))
            self.found.append((at_us, process_index, max(1, lost)))
        self.last[process_index] = (log.last, log.hash)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.last.pop(process_index, None)


def among(world: World, scope: Scope, at_us: int, index: int) -> bool:
    context = world.kernel.contexts[index]
    return scope.covers(at_us) and scope.node in (None, context.id, context.place)


def append_rejections(world: World, scope: Scope) -> int:
    """Appends that followers refused; of one follower when the scope names it."""
    meter = world.observer.checks[Refusals.name]
    assert isinstance(meter, Refusals)
    return sum(1 for at_us, index in meter.found if among(world, scope, at_us, index))


def discarded_entries(world: World, scope: Scope) -> int:
    """Entries that were overwritten because they conflicted with the leader's."""
    meter = world.observer.checks[Discards.name]
    assert isinstance(meter, Discards)
    return sum(count for at_us, index, count in meter.found if among(world, scope, at_us, index))


def servers(world: World, scope: Scope) -> list[Raft]:
    found = [
        context.process
        for context in world.kernel.contexts
        if among(world, Scope(node=scope.node), 0, context.index)
    ]
    return [process for process in found if isinstance(process, Raft)]


def log_length_at_end(world: World, scope: Scope) -> int:
    """The last index of the scope's node; the longest log without one."""
    return max((process.log.last for process in servers(world, scope)), default=0)


def times_applied(world: World, scope: Scope) -> int | None:
    """How often the named operation's value stands in the state of the server that applied most."""
    named = next((op for op in world.experiment.operations if op.id == scope.operation), None)
    if named is None:
        return None
    best = max(servers(world, Scope()), key=lambda process: process.last_applied)
    value = best.data.get(named.key or "k0")
    return str(value).count(str(named.value)) if value is not None else 0


class Installs(Check):
    """Snapshots installed: (time, process). ``seen``: process -> how many in its present life."""

    name: ClassVar[str] = "raft_installs"
    watches: ClassVar[tuple[int, ...] | None] = (4,)
    seen: dict[int, int] = {}
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if process.installs > self.seen.get(process_index, 0):
            self.seen[process_index] = process.installs
            self.found.append((at_us, process_index))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.seen.pop(process_index, None)


class CatchUp(Check):
    """How many bytes of entries and snapshots a restarted process received until it had what others had when it came
    back. ``sizes``: bytes of each entry as it was first delivered to anybody; ``behind``: process -> (the index wanted,
    bytes received); ``done``: process -> (bytes received, that index), of its last return."""

    name: ClassVar[str] = "raft_catch_up"
    wants_events: ClassVar[bool] = True
    sizes: Chunks[int] = msgspec.field(default_factory=Chunks)
    behind: dict[int, tuple[int, int]] = {}
    done: dict[int, tuple[int, int]] = {}

    def restarted(self, at_us: int, event: int, process_index: int) -> None:
        self.behind[process_index] = (len(self.sizes), 0)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.behind.pop(process_index, None)

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event."""
        message = event[7]
        if event[3] != DELIVER:
            return
        if isinstance(message, AppendEntries):
            sizes = [len(_encode(entry)) for entry in message.entries]
            known = len(self.sizes) - message.prev_index
            for size in sizes[known:] if known >= 0 else ():
                self.sizes.append(size)
            self.received(event[4], sum(sizes), message.prev_index + len(sizes))
        elif isinstance(message, InstallSnapshot):
            reached = message.last_index if message.done else 0
            self.received(event[4], len(_encode(message.rows)), reached)

    def received(self, process_index: int, size: int, reached: int) -> None:
        """So many bytes arrived; they reach up to that index."""
        if process_index not in self.behind:
            return
        wanted, before = self.behind.pop(process_index)
        if reached >= wanted:
            self.done[process_index] = (before + size, wanted)
        else:
            self.behind[process_index] = (wanted, before + size)


METERS = {meter.name: meter for meter in (Refusals, Discards, Installs, CatchUp)}


def snapshots_installed(world: World, scope: Scope) -> int:
    """Snapshots that servers installed; that one server did when the scope names it."""
    meter = world.observer.checks[Installs.name]
    assert isinstance(meter, Installs)
    return sum(1 for at_us, index in meter.found if among(world, scope, at_us, index))


def catch_up_share_of_log(world: World, scope: Scope) -> float | None:
    """Bytes that a restarted server received until it had caught up, as a share of the log's bytes up to there. None:
    nobody came back and caught up."""
    meter = world.observer.checks[CatchUp.name]
    assert isinstance(meter, CatchUp)
    shares = [
        received / max(1, sum(meter.sizes[index] for index in range(wanted)))
        for process, (received, wanted) in sorted(meter.done.items())
        if among(world, Scope(node=scope.node), 0, process)
    ]
    return max(shares, default=None)


def promotions_refused(world: World, scope: Scope) -> int:
    """Learners that servers, as leaders of their present life, did not promote because they had not caught up."""
    return sum(process.promotions_refused for process in servers(world, scope))


METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "append_rejections": append_rejections,
    "discarded_entries": discarded_entries,
    "log_length_at_end": log_length_at_end,
    "times_applied": times_applied,
    "snapshots_installed": snapshots_installed,
    "catch_up_share_of_log": catch_up_share_of_log,
    "promotions_refused": promotions_refused,
}


class LogsEqual(Check):
    """At the moment of the question, the logs of all running servers are the same."""

    name: ClassVar[str] = "logs_equal"
    equal: bool = False

    def look(self, at_us: int, event: int, running: Any) -> None:
        logs = [process.log for process in running.values() if isinstance(process, Raft)]
        self.judged = len(logs)
        self.equal = len({log.mark for log in logs}) == 1

    def verdict(self) -> Verdict:
        if self.judged < 2:
            return Verdict(self.name, UNKNOWN, self.judged)
        return Verdict(self.name, HOLDS if self.equal else VIOLATED, self.judged)
