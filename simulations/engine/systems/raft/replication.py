"""Raft, the rules of replication by the leader. RP section 5.3; disk writes RD 10.2.1, pipelining 10.2.2."""

from __future__ import annotations

from simulations.engine.process import Request, append
from simulations.engine.systems.raft.messages import AppendEntries, AppendEntriesReply, Configuration, Entry
from simulations.engine.systems.raft.snapshots import Snapshots


class Replication(Snapshots):
    """What the leader sends, to whom, and how it backs up."""

    __slots__ = ()

    def append_as_leader(self, command: Request | Configuration | None) -> None:
        """RP section 5.3: the leader only ever appends to its own log."""
        entry = Entry(self.term, command)
        self.log.append(entry)
        self.last_index += 1
        self.last_term = self.term
        self.log_write = self.context.persist(append("log", (entry,)))
        self.undurable.append((self.log_write, self.last_index))

    def replicable_index(self) -> int:
        """Up to where entries may leave: serial means own disk first, parallel both at once. RD 10.2.1.

        What becomes durable during a transfer stays here: voters that got it would refuse the successor, who was told
        to campaign without it.
        """
        if self.parameters.leader_disk == "parallel":
            return self.last_index
        return self.shared_index if self.transfer_to else self.durable_index

    def append_from(self, start: int, limit: int) -> AppendEntries:
        """The message that carries the entries from ``start``, at most ``limit`` of them."""
        prev = start - 1
        stop = min(self.replicable_index(), prev + limit) + 1
        entries = self.log.slice(start, stop) if start < stop else ()
        return AppendEntries(self.term, prev, self.term_at(prev), entries, self.commit_index, self.round)

    def send_append(self, peer: str, limit: int) -> None:
        """Send the follower what comes next, or the snapshot when that is gone. Entries beyond ``replicable_index``
        never leave.

        before_durable: safe, because the leader's term and vote were durable before it was elected, and it
        counts its own copy only when that is on its disk (``take_durable``), RD section 10.2.1.
        """
        start = self.next_index[peer]
        if start < self.log.first:
            self.send_snapshot(peer)
            return
        if self.catch_up_step:
            limit = self.paced(peer, start, limit)
            if not limit and not self.probing[peer]:
                return
        message = self.append_from(start, limit)
        if not self.probing[peer]:
            self.next_index[peer] += len(message.entries)
        self.sent_round[peer] = self.round
        self.context.send(peer, message, True)

    def replicate(self) -> None:
        """Pipelining (RD section 10.2.2): new entries go to every follower in step, without awaiting answers - up to
        ``max_in_flight`` entries: a slow follower gets more when it answers. One that catches up has its own pace.

        Followers that lack the same get one shared message. before_durable: as in ``send_append``.
        """
        limit = self.replicable_index()
        batch = self.parameters.max_batch
        built_for = 0
        window = self.parameters.max_in_flight
        following, match, probing = self.next_index, self.match_index, self.probing
        for peer in self.others:
            start = following[peer]
            if start > limit or probing[peer] or start - match[peer] > window:
                continue
            if self.catch_up_step and limit - start >= self.catch_up_step:
                continue
            if start < self.log.first:
                self.send_snapshot(peer)
                continue
            if start != built_for:
                built_for = start
                message = self.append_from(start, batch)
            following[peer] = start + len(message.entries)
            self.sent_round[peer] = self.round
            self.context.send(peer, message, True)

    def send_heartbeats(self) -> None:
        """RP section 5.2. A heartbeat names the last entry known to match, so it is never refused for what is
        still under way. A follower silent for an election timeout is probed from there when it answers again.

        before_durable: safe, it carries nothing but the leader's durable term and what is committed.
        """
        self.round += 1
        silent = self.tick - self.silent_ticks + 1
        built_for = -1
        for peer in self.others:
            match = self.match_index[peer]
            if self.heard_tick[peer] < silent and not self.probing[peer]:
                self.probing[peer] = True
                self.next_index[peer] = match + 1
            if match != built_for:
                built_for = match
                # (What is compacted cannot be named; an empty log's end matches everybody's.)
                prev = match if match >= self.log.first - 1 else 0
                prev_term = self.term_at(prev) if prev else 0
                message = AppendEntries(self.term, prev, prev_term, (), self.commit_index, self.round)
            self.context.send(peer, message, True)
        if self.catch_up_step:
            self.pace_again()

    def paced(self, peer: str, start: int, limit: int) -> int:
        """RD section 4.2.1: feeding a server that lacks a long log must not take the leader's whole strength. Who lacks
        more than a heartbeat's worth of ``catch_up_entries_per_s`` gets no more than that per heartbeat."""
        if self.last_index - start < self.catch_up_step:
            return limit
        left = self.allowance.get(peer, self.catch_up_step)
        granted = min(limit, left)
        self.allowance[peer] = left - granted
        return granted

    def pace_again(self) -> None:
        """Another heartbeat interval: who catches up gets its next share."""
        self.allowance = {}
        for peer in self.others:
            while not self.probing[peer] and self.last_index - self.next_index[peer] >= self.catch_up_step:
                if not self.allowance.get(peer, self.catch_up_step):
                    break
                self.send_append(peer, self.parameters.max_batch)

    def back_up(self, peer: str, message: AppendEntriesReply) -> int:
        """RP section 5.3: the next index to try, one step back or before the whole conflicting term."""
        following = refused = message.index
        if self.parameters.fast_backtracking:
            following = self.after_term(message.conflict_term, refused) or message.conflict_index
        return max(self.match_index[peer] + 1, min(following, refused))

    def after_term(self, term: int, below: int) -> int:
        """One past the last entry of a term in this log; 0 when it has none."""
        following = self.first_index_of_term(term + 1, min(below, self.last_index) + 1)
        has_term = following > self.log.first and self.term_at(following - 1) == term
        return following if has_term else 0
