"""Raft, the rules of the log: consistency check, truncation at a conflict, hints. RP section 5.3."""

from __future__ import annotations

from simulations.engine.process import append, truncate_from
from simulations.engine.systems.raft.membership import Membership
from simulations.engine.systems.raft.messages import AppendEntries, AppendEntriesReply, Configuration, Entry


class FollowerLog(Membership):
    """Rules of the log that followers keep equal to the leader's."""

    __slots__ = ()

    def term_at(self, index: int) -> int:
        """Term of the entry at an index of this log; of the last compacted one just before it (0: there is none)."""
        if index == self.last_index:
            return self.last_term
        if index < self.log.first:
            return self.base_term
        term: int = self.log[index].term
        return term

    def log_matches(self, prev_index: int, prev_term: int) -> bool:
        """RP section 5.3, consistency check: the entry before the new ones is here, with the same term. What was
        compacted was committed, so it matches every leader's log (RP section 7)."""
        if prev_index >= self.last_index:
            return prev_index == self.last_index and prev_term == self.last_term
        return self.term_at(prev_index) == prev_term or prev_index < self.log.first - 1

    def store(self, prev_index: int, entries: tuple[Entry, ...]) -> None:
        """Figure 2, AppendEntries 3 and 4: truncate at the first *conflict* only, append what is missing."""
        start = 0
        index = prev_index + 1
        if index < self.log.first:
            start = self.log.first - index
            index = self.log.first
        while start < len(entries) and index <= self.last_index:
            if self.log[index].term != entries[start].term:
                self.truncate_and_append(index, entries[start:])
                return
            index += 1
            start += 1
        if start < len(entries):
            fresh = entries[start:] if start else entries
            self.log.extend(fresh)
            self.log_write = self.context.persist(append("log", fresh))
            self.last_index, self.last_term = self.log.last, fresh[-1].term
            for entry in fresh:
                if entry.command.__class__ is Configuration:
                    self.learn_configurations(self.last_index - len(fresh) + 1, fresh)
                    break

    def truncate_and_append(self, index: int, entries: tuple[Entry, ...]) -> None:
        """RP section 5.3: a conflicting suffix gives way to the leader's."""
        self.context.note(
            "raft.truncated",
            index=index,
            last=self.last_index,
            term=self.log[index].term,
            leader_term=entries[0].term if entries else self.term,
        )
        self.log.truncate_from(index)
        self.log.extend(entries)
        self.log_changed(self.context.persist(truncate_from("log", index), append("log", entries)))
        self.forget_configurations(index)
        self.learn_configurations(index, entries)

    def log_changed(self, write: int) -> None:
        """Keep what handlers need of the log at hand; ``write``: number of the disk write that holds it."""
        self.log_write = write
        self.log_at_hand()

    def log_at_hand(self) -> None:
        """Index and term of the log's end."""
        log = self.log
        self.last_index = log.last
        self.last_term = log[log.last].term if log.last >= log.first else self.base_term

    def refuse_append(self, sender: str, message: AppendEntries) -> None:
        """RP section 5.3, end: tell where the conflicting term begins, so that it can be skipped whole."""
        prev = message.prev_index
        conflict_term, conflict_index = 0, self.last_index + 1
        if prev <= self.last_index:
            conflict_term = self.term_at(prev)
            conflict_index = self.first_index_of_term(conflict_term, prev)
        self.context.note(
            "raft.append_refused",
            index=prev,
            term=message.prev_term,
            my_term=conflict_term,
            my_last=self.last_index,
        )
        self.context.send(
            sender, AppendEntriesReply(self.term, False, prev, message.round, conflict_term, conflict_index)
        )

    def first_index_of_term(self, term: int, below: int) -> int:
        """First index with at least this term, at most ``below`` (terms never fall along a log)."""
        low, high = self.log.first, below
        while low < high:
            middle = (low + high) // 2
            if self.log[middle].term < term:
                low = middle + 1
            else:
                high = middle
        return low
