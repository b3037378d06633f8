"""What must hold of Raft: RP Figure 3, and what the TLA+ models add. Judged from outside, on what changed.

Not among them: that whoever got a vote holds what the voter committed (false in correct Raft), and one leader
at a time (two leaders of different terms are legal).
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, Check
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.chunks import Chunks
from simulations.engine.log import Log
from simulations.engine.process import Request
from simulations.engine.systems.raft.process import Raft
from simulations.engine.systems.raft.state import LEADER

ROLE, TERM, VERSION, COMMIT, APPLIED = range(5)
"""Places in ``Raft.watched``."""

Watched = tuple[Any, ...]


class OneLeaderPerTerm(Check):
    """Election Safety, RP Figure 3. ``leaders``: term -> (process index, id) of everybody who ever led in it."""

    name: ClassVar[str] = "one_leader_per_term"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, TERM)
    leaders: dict[int, tuple[int, str]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if after[ROLE] != LEADER or (before[ROLE] == LEADER and before[TERM] == after[TERM]):
            return
        self.judged += 1
        term = after[TERM]
        first = self.leaders.setdefault(term, (process_index, process.id))
        if first[0] != process_index:
            self.violate(at_us, event, "raft.two_leaders", term=term, first=first[1], second=process.id)


class LogMatching(Check):
    """Log Matching, RP Figure 3: an entry's index and term decide everything up to it.

    ``entries``: per index the first (term, prefix hash) seen; ``others``: index -> further ones.
    """

    name: ClassVar[str] = "log_matching"
    watches: ClassVar[tuple[int, ...] | None] = (VERSION,)
    entries: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    others: dict[int, tuple[tuple[int, int], ...]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        self.judged += 1
        log: Log = process.log
        hashes, seen = log.tail_hashes, self.entries
        at = log.last - 1 - seen.tail_start
        # The common case needs no walk: the last entry is known.
        if hashes and 0 <= at < len(seen.tail) and seen.tail[at] == (log.tail[-1].term, hashes[-1]):
            return
        if not self.follows(log, at):
            self.walk(at_us, event, log)

    def follows(self, log: Log, at: int) -> bool:
        """Whether the last entry is new and the one before it known: the other common case, without a walk."""
        hashes, tail = log.tail_hashes, self.entries.tail
        if at != len(tail) or at == 0 or len(hashes) < 2 or tail[-1] != (log.tail[-2].term, hashes[-2]):
            return False
        self.entries.append((log.tail[-1].term, hashes[-1]))
        return True

    def walk(self, at_us: int, event: int, log: Log) -> None:
        """From the end of the log back to an entry that is known: its whole prefix is known then."""
        index = log.last
        fresh: list[tuple[int, int]] = []
        while index >= log.first:
            found = (log[index].term, log.hash_at(index))
            known = self.seen(index, found[0])
            if known is not None:
                if known != found[1]:
                    self.violate(at_us, event, "raft.logs_differ", index=index, term=found[0])
                break
            fresh.append(found)
            index -= 1
        self.learn(index + 1, fresh)

    def seen(self, index: int, term: int) -> int | None:
        """The prefix hash known for an entry of this index and term."""
        if index > len(self.entries):
            return None
        first: tuple[int, int] = self.entries[index - 1]
        if first[0] == term:
            return first[1]
        for other in self.others.get(index, ()):
            if other[0] == term:
                return other[1]
        return None

    def learn(self, index: int, fresh: list[tuple[int, int]]) -> None:
        """Remember entries (newest first in ``fresh``) from ``index`` on."""
        while fresh:
            found = fresh.pop()
            if index > len(self.entries):
                self.entries.append(found)
            else:
                self.others[index] = (*self.others.get(index, ()), found)
            index += 1


class LeaderCompleteness(Check):
    """Leader Completeness, RP Figure 3: a leader holds every entry that was committed in an earlier term.

    ``committed``: per index (term in which it was committed, prefix hash, the entry's own term); ``leaders``: process
    index -> (term, id, log at its election) of those who lead now. A leader's log never loses what it had at its
    election, so that copy is enough. What counts is the term of the *commit*: an old entry may be committed by a later
    leader, and a stale leader in between is not bound by it.
    """

    name: ClassVar[str] = "leader_completeness"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, TERM, COMMIT)
    committed: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    leaders: dict[int, tuple[int, str, Log]] = {}
    count: int = 0

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if before[ROLE] != after[ROLE] or before[TERM] != after[TERM]:
            self.leaders.pop(process_index, None)
            if after[ROLE] == LEADER:
                self.elected(at_us, event, process_index, process)
        if after[COMMIT] > self.count:
            self.advance(at_us, event, after[TERM], process.log, after[COMMIT])

    def elected(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        """Compare a new leader with everything committed in earlier terms."""
        leader = self.leaders[process_index] = (process.term, process.id, process.log.fork())
        index = self.count
        while index and self.committed[index - 1][0] >= process.term:
            index -= 1
        self.judged += 1
        self.compare(at_us, event, index, leader)

    def advance(self, at_us: int, event: int, term: int, log: Log, commit: int) -> None:
        """Entries committed for the first time, in this term: leaders of later terms must hold them."""
        for index in range(self.count + 1, min(commit, log.last) + 1):
            known = index >= log.first
            self.committed.append((term, log.hash_at(index), log[index].term) if known else (0, 0, 0))
            self.count = index
            self.judged += 1
            for process_index in sorted(self.leaders):
                if self.leaders[process_index][0] > term:
                    self.compare(at_us, event, index, self.leaders[process_index])

    def compare(self, at_us: int, event: int, index: int, leader: tuple[int, str, Log]) -> None:
        """Whether the leader's log holds the committed prefix that ends at ``index``."""
        term, id, log = leader
        if index < log.first:
            return
        _, prefix, entry_term = self.committed[index - 1]
        if index > log.last or log.hash_at(index) != prefix:
            values = {"leader": id, "term": term, "index": index, "entry_term": entry_term}
            self.violate(at_us, event, "raft.leader_lacks", **values)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.leaders.pop(process_index, None)


class StateMachineSafety(Check):
    """State Machine Safety, RP Figure 3, and LogInv: applied histories are prefixes of one history.

    ``applied``: hash of that history per index.
    """

    name: ClassVar[str] = "state_machine_safety"
    watches: ClassVar[tuple[int, ...] | None] = (APPLIED,)
    applied: Chunks[int] = msgspec.field(default_factory=Chunks)
    count: int = 0

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        last = after[APPLIED]
        if last <= before[APPLIED]:
            return
        self.judged += 1
        log: Log = process.log
        count = self.count
        shared = last if last < count else count
        if shared >= log.first and self.applied[shared - 1] != log.hash_at(shared):
            self.violate(at_us, event, "raft.applied_differs", process=process.id, index=shared)
        elif last > count:
            for index in range(count + 1, last + 1):
                self.applied.append(log.hash_at(index))
            self.count = last


class LeaderAppendOnly(Check):
    """Leader Append-Only, RP Figure 3. ``marks``: index of a leader -> (last index, prefix hash) before the event."""

    name: ClassVar[str] = "leader_append_only"
    marks: dict[int, tuple[int, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if after[ROLE] != LEADER:
            self.marks.pop(process_index, None)
            return
        log: Log = process.log
        if before[ROLE] == LEADER and before[TERM] == after[TERM] and process_index in self.marks:
            self.judged += 1
            last, prefix = self.marks[process_index]
            if last > log.last or (last >= log.first and log.hash_at(last) != prefix):
                self.violate(
                    at_us, event, "raft.leader_rewrote", leader=process.id, index=last, term=after[TERM]
                )
        self.marks[process_index] = (log.last, log.hash)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.marks.pop(process_index, None)


class MonotonicState(Check):
    """RD lemmas: within a life neither the term nor the commit index falls; terms along a log never fall nor exceed
    the server's own; only committed entries are applied. (A term that was never durable may be gone after a crash.)
    """

    name: ClassVar[str] = "monotonic_state"

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        self.judged += 1
        if after[TERM] < before[TERM]:
            values = {"process": process.id, "before": before[TERM], "after": after[TERM]}
            self.violate(at_us, event, "raft.term_fell", **values)
        if after[COMMIT] < before[COMMIT]:
            values = {"process": process.id, "before": before[COMMIT], "after": after[COMMIT]}
            self.violate(at_us, event, "raft.commit_fell", **values)
        if after[APPLIED] > after[COMMIT]:
            values = {"process": process.id, "applied": after[APPLIED], "commit": after[COMMIT]}
            self.violate(at_us, event, "raft.applied_uncommitted", **values)
        if before[VERSION] != after[VERSION]:
            self.log_terms(at_us, event, process)

    def log_terms(self, at_us: int, event: int, process: Any) -> None:
        """The last entry's term against the one before it and the server's own."""
        log: Log = process.log
        if len(log) == 0:
            return
        term = log[log.last].term
        falls = len(log) > 1 and log[log.last - 1].term > term
        if falls or term > process.term:
            values = {"process": process.id, "index": log.last, "term": term, "mine": process.term}
            self.violate(at_us, event, "raft.log_terms_fall", **values)


class CommitOnMajority(Check):
    """QuorumLogInv, CommittedEntriesReachMajority: what a leader commits is in the logs of a majority.

    ``logs``: process -> copy of its log, kept over crashes. In a joint configuration, majorities of both sets hold it.
    """

    name: ClassVar[str] = "commit_on_majority"
    watches: ClassVar[tuple[int, ...] | None] = (VERSION, COMMIT)
    logs: dict[str, Log] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if before[VERSION] != after[VERSION]:
            self.logs[process.id] = process.log.fork()
        index = after[COMMIT]
        if after[ROLE] != LEADER or index <= before[COMMIT]:
            return
        self.judged += 1
        prefix = process.log.hash_at(index)
        holders = {id for id, log in self.logs.items() if holds(log, index, prefix)}
        for voters in electorates(process):
            copies = len(holders.intersection(voters))
            if copies <= len(voters) // 2:
                values = {"process": process.id, "index": index, "copies": copies, "servers": len(voters)}
                self.violate(at_us, event, "raft.commit_not_on_majority", **values)


def electorates(process: Any) -> list[tuple[str, ...]]:
    """The sets of servers of which majorities decide, by the latest configuration in a server's log: one, or two."""
    if not process.configurations:
        return [(process.id, *process.peers)]
    configuration = process.configurations[-1][1]
    return [voters for voters in (configuration.voters, configuration.old) if voters]


def holds(log: Log, index: int, prefix: int) -> bool:
    """Whether a log holds the history of this hash up to an index; what it compacted had been committed."""
    return index < log.first or (index <= log.last and log.hash_at(index) == prefix)


def is_leader(process: Any) -> bool:
    """Whether a Raft server is in the leading role."""
    return bool(process.role == LEADER)


def epoch(process: Any) -> int:
    """Its term."""
    return int(process.term)


def operations(process: Any) -> tuple[set[int], set[int]]:
    """Ids of the operations in a server's log, as far as it was not compacted: (applied, not applied yet)."""
    applied: set[int] = set()
    waiting: set[int] = set()
    index = process.log.first
    for entry in process.log:
        if isinstance(entry.command, Request):
            (applied if index <= process.last_applied else waiting).add(entry.command.operation)
        index += 1
    return applied, waiting - applied


def applied_all(leader: Any, operations: set[int]) -> bool:
    """Whether a server applied all of these, looking backwards from the last: what is new stands near the end."""
    for index in range(leader.last_applied, leader.log.first - 1, -1):
        if not operations:
            return True
        command = leader.log[index].command
        if isinstance(command, Request):
            operations.discard(command.operation)
    return not operations


class RaftNoLostAck(NoLostAck):
    """no_lost_ack, reading Raft's leaders. A compacted log no longer tells what led to the state, so where logs are
    compacted ``history`` remembers it: per index (hash of the history up to it, its operation or 0).

    ``found``: (how many of the acknowledged were there at the last look that found them all, the index up to which that
    leader had applied, the hash of its log up to there). Who has applied the same history has them as well.
    """

    members = Raft
    is_leader = staticmethod(is_leader)
    epoch = staticmethod(epoch)
    operations = staticmethod(operations)
    history: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    found: tuple[int, int, int] = (0, 0, 0)

    def watches_of(self, process: Any) -> tuple[int, ...]:
        """A log that is kept whole tells by itself what was applied."""
        compacted = isinstance(process, Raft) and process.parameters.compact_every
        return (ROLE, TERM, APPLIED) if compacted else (ROLE, TERM)

    def compare(self, leader: Any) -> tuple[str, str, dict[str, Any], int | None, int | None]:
        """The verdict against this leader; what was found before in the same history is not looked for again."""
        count, index, prefix = self.found
        log: Log = leader.log
        same = count and log.first <= index <= leader.last_applied and log.hash_at(index) == prefix
        if same and applied_all(leader, {item[0] for item in self.acknowledged.since(count)}):
            answer: tuple[str, str, dict[str, Any], int | None, int | None] = (HOLDS, "", {}, None, None)
        else:
            answer = super().compare(leader)
        if answer[0] == HOLDS:
            applied = leader.last_applied
            self.found = (len(self.acknowledged), applied, log.hash_at(applied))
        return answer

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if before[ROLE] != after[ROLE] or before[TERM] != after[TERM]:
            super().changed(at_us, event, process_index, before, after, process)
        self.remember(process)

    def parameters_changed(self, process: Any) -> None:
        """From now on its log may be compacted: all that it applied before is remembered, too."""
        self.remember(process)

    def remember(self, process: Any) -> None:
        """Where logs are compacted, keep what this server has applied."""
        if not isinstance(process, Raft) or not process.parameters.compact_every:
            return
        log: Log = process.log
        for index in range(max(len(self.history) + 1, log.first), process.last_applied + 1):
            command = log[index].command
            self.history.append(
                (log.hash_at(index), command.operation if isinstance(command, Request) else 0)
            )

    def read(self, leader: Any) -> tuple[set[int], set[int]]:
        """What the leader's log says, and what is known to have led to its snapshot."""
        applied, waiting = operations(leader)
        cut = leader.log.first - 1
        if 0 < cut <= len(self.history) and self.history[cut - 1][0] == leader.log.base:
            applied = applied | {self.history[index][1] for index in range(cut)}
        return applied, waiting - applied


CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (
        OneLeaderPerTerm,
        LogMatching,
        LeaderCompleteness,
        StateMachineSafety,
        RaftNoLostAck,
        LeaderAppendOnly,
        MonotonicState,
        CommitOnMajority,
    )
}
