"""Further invariants of Raft, from the TLA+ models of etcd (etcdraft.tla) and of J. Vanlightly (Raft.tla).

Each is shown to fire on a twin or on a handmade history. They cost more than those in properties.py, so they are no
lamps of every run; experiments and tests name them. Not here because it is false in correct Raft: VotesGrantedInv.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.log import Log
from simulations.engine.systems.raft.properties import electorates, holds
from simulations.engine.systems.raft.state import LEADER

ROLE, TERM, VERSION, COMMIT, APPLIED = range(5)

Watched = tuple[Any, ...]


class CommittedPrefixesAgree(Check):
    """LogInv, NoLogDivergence: what any two servers take for committed are prefixes of one history.

    ``history``: hash of that history per index. (Defined over commit indexes; state_machine_safety is about what was
    applied.)
    """

    name: ClassVar[str] = "committed_prefixes_agree"
    watches: ClassVar[tuple[int, ...] | None] = (VERSION, COMMIT)
    history: Chunks[int] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        log: Log = process.log
        commit = min(after[COMMIT], log.last)
        if commit < log.first:
            return
        self.judged += 1
        known = len(self.history)
        upto = min(commit, known)
        if upto >= log.first and self.history[upto - 1] != log.hash_at(upto):
            self.violate(at_us, event, "raft.committed_differs", process=process.id, index=upto)
            return
        for index in range(known + 1, commit + 1):
            self.history.append(log.hash_at(index))


class LeaderHasNewest(Check):
    """ElectionSafetyInv: of the entries of its term, a leader has the newest that any server has.

    ``leaders``: process index -> (term, id, last index) of those who lead; ``newest``: term -> the last index of an
    entry of that term in any log so far.
    """

    name: ClassVar[str] = "leader_has_newest"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, TERM, VERSION)
    leaders: dict[int, tuple[int, str, int]] = {}
    newest: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        log: Log = process.log
        if after[ROLE] == LEADER:
            self.leaders[process_index] = (after[TERM], process.id, log.last)
        else:
            self.leaders.pop(process_index, None)
        if len(log):
            term = log[log.last].term
            self.newest[term] = max(self.newest.get(term, 0), log.last)
        for term, id, last in self.leaders.values():
            self.judged += 1
            if self.newest.get(term, 0) > last:
                values = {"leader": id, "term": term, "last": last, "newest": self.newest[term]}
                self.violate(at_us, event, "raft.leader_behind", **values)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.leaders.pop(process_index, None)


class MoreUpToDateIsCorrect(Check):
    """MoreUpToDateCorrectInv: a log that is at least as up-to-date as another server's holds all that this server
    takes for committed. That is why comparing logs is enough for a vote (RP section 5.4.1).

    Not judged while a server knows of a commit in a later term than its last entry's: a newcomer that is being filled
    knows that old entries are committed before it has the one of the present term that committed them, and an
    uncommitted tail of a term in between is more up-to-date. (It harms nobody: a majority has that later entry.)

    ``logs``: process index -> (copy of its log, term of its last entry, commit index, term in which it learned it) of
    the running servers.
    """

    name: ClassVar[str] = "more_up_to_date_is_correct"
    watches: ClassVar[tuple[int, ...] | None] = (VERSION, COMMIT)
    logs: dict[int, tuple[Log, int, int, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        known = self.logs.get(process_index, (None, 0, 0, 0))
        learned = after[TERM] if after[COMMIT] > before[COMMIT] else known[3]
        log = process.log.fork()
        last_term = log[log.last].term if len(log) else process.base_term
        mine = self.logs[process_index] = (log, last_term, min(after[COMMIT], log.last), learned)
        for index, other in self.logs.items():
            if index != process_index:
                self.compare(at_us, event, mine, other)
                self.compare(at_us, event, other, mine)

    def compare(
        self, at_us: int, event: int, one: tuple[Log, int, int, int], other: tuple[Log, int, int, int]
    ) -> None:
        """If the first log is at least as up-to-date as the second (RP section 5.4.1: by the term of the last entry,
        then by its index), it holds what the second server committed."""
        (log, last_term, _, _), (theirs, their_term, commit, learned) = one, other
        if commit < max(log.first, theirs.first) or (last_term, log.last) < (their_term, theirs.last):
            return
        if their_term < learned:
            return
        self.judged += 1
        if log.last < commit or log.hash_at(commit) != theirs.hash_at(commit):
            self.violate(at_us, event, "raft.up_to_date_lacks", index=commit, last=log.last)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.logs.pop(process_index, None)


class CommittedIsDurable(Check):
    """CommittedIsDurableInv, for a leader that may count its followers' copies before its own (RD section 10.2.1): what
    a leader commits is on the disks of a majority."""

    name: ClassVar[str] = "committed_is_durable"
    watches: ClassVar[tuple[int, ...] | None] = (COMMIT,)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        index = after[COMMIT]
        if after[ROLE] != LEADER or index <= before[COMMIT]:
            return
        self.judged += 1
        prefix = process.log.hash_at(index)
        for voters in electorates(process):
            copies = sum(holds(log, index, prefix) for log in disks(process, voters))
            if copies <= len(voters) // 2:
                values = {"process": process.id, "index": index, "copies": copies, "servers": len(voters)}
                self.violate(at_us, event, "raft.commit_not_durable", **values)


def disks(process: Any, servers: tuple[str, ...]) -> list[Log]:
    """The logs on the disks of these servers: those of the world that the process is in."""
    return [
        context.disk.logs.get("log", Log())
        for context in process.context.kernel.contexts
        if context.id in servers
    ]


CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (CommittedPrefixesAgree, LeaderHasNewest, MoreUpToDateIsCorrect, CommittedIsDurable)
}
