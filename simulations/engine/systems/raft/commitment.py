"""Raft, the rules of commitment: counting copies, applying, sessions. RP 5.3, 5.4.2 and 8; RD 6.3."""

from __future__ import annotations

from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import Request
from simulations.engine.systems.raft import quorum
from simulations.engine.systems.raft.reads import Reads
from simulations.engine.systems.raft.state import LEADER


class Commitment(Reads):
    """When an entry is committed, and what happens then."""

    __slots__ = ()

    def may_commit_by_counting(self, index: int) -> bool:
        """RP section 5.4.2: only entries of the leader's own term are committed by counting (Figure 8)."""
        return index >= self.term_start

    def count_copies(self, old: int, new: int) -> None:
        """One more server stores the entries ``old + 1 .. new``. Figure 2, leaders: advance commitIndex."""
        index = old if old > self.commit_index else self.commit_index
        copies = self.copies
        reached = 0
        while index < new:
            index += 1
            count = copies.get(index, 0) + 1
            copies[index] = count
            if count >= self.quorum:
                reached = index
        if reached > self.commit_index:
            self.reached_majority(reached, copies[reached])

    def count_jointly(self) -> None:
        """RP section 6: in a joint configuration an entry needs majorities of both sets. Counted anew each time: it is
        soon over."""
        match = {**self.match_index, self.id: self.durable_index}
        reached = quorum.joint_committed_index(self.voters, self.old_voters, match)
        if reached > self.commit_index:
            self.reached_majority(reached, sum(stored >= reached for stored in match.values()))

    def count_again(self) -> None:
        """Who is counted has changed, or what a follower stores: the copies of each entry, from the beginning."""
        stored = [self.durable_index if id == self.id else self.match_index[id] for id in self.voters]
        self.copies = {
            index: sum(match >= index for match in stored)
            for index in range(self.commit_index + 1, max(stored, default=0) + 1)
        }

    def reached_majority(self, index: int, copies: int) -> None:
        """Enough servers store the entries up to ``index``: committed - or not yet, by the rule of Figure 8."""
        if self.may_commit_by_counting(index):
            self.context.note("raft.committed", index=index, term=self.term, copies=copies)
            self.commit(index)
        else:
            self.context.note(
                "raft.not_committed_old_term", index=index, start=self.term_start, term=self.term
            )

    def commit(self, index: int) -> None:
        """Figure 2, all servers: apply up to commitIndex. The leader answers the clients of its own term."""
        if self.compact_at and self.last_applied >= self.compact_at:
            self.compact()
        answering = self.role == LEADER
        before = self.commit_index
        applied = self.last_applied
        while applied < index:
            applied += 1
            entry = self.log[applied]
            command = entry.command
            self.last_applied = applied
            outcome = self.apply(command) if isinstance(command, Request) else None
            if answering:
                self.copies.pop(applied, None)
                if outcome is not None and entry.term == self.term:
                    # before_durable: safe, a majority's disks hold what is committed.
                    self.context.reply(command, "ok", outcome[0], None, True)
        self.commit_index = index
        if answering and self.reads_confirmed:
            self.answer_confirmed_reads()
        if self.pending_change and index >= self.pending_change:
            self.change_committed(before)

    def apply(self, request: Request) -> tuple[Any] | None:
        """RD section 6.3: execute once per session and number. None: too old to tell, so no answer."""
        if not self.parameters.sessions or not request.session:
            return (self.execute(request),)
        if request.sequence <= self.sessions.heads.get(
            request.session, 0
        ):  # (what is later was not executed)
            before = self.executed_before(request)
            if before is not None:
                return before
            if self.sessions.is_forgotten(request):
                return None
        result = self.execute(request)
        self.sessions.remember(request, result)
        return (result,)

    def executed_before(self, request: Request) -> tuple[Any] | None:
        """RD section 6.3: the remembered result, in a tuple, of a request that this state machine executed."""
        if not self.parameters.sessions or request.sequence > self.sessions.heads.get(request.session, 0):
            return None  # (nothing later than the head was executed; without a session there is no head)
        before = self.sessions.seen(request)
        if before is not None:
            self.context.note("raft.duplicate", session=request.session, sequence=request.sequence)
        return before

    def execute(self, request: Request) -> Any:
        """Let the key-value state machine do what the request asks."""
        writes, value, result = state_machine.effect_of(self.data, request)
        if writes:
            self.state_hash = state_machine.write(self.data, self.marks, request.key, value, self.state_hash)
        return result

    def take_durable(self, write: int) -> None:
        """RD section 10.2.1: the leader counts its own copy once its own disk holds it."""
        durable = self.durable_index
        while self.undurable and self.undurable[0][0] <= write:
            durable = self.undurable.pop(0)[1]
        if durable > self.durable_index:
            old, self.durable_index = self.durable_index, durable
            if self.old_voters:
                self.count_jointly()
            elif self.is_voter:
                self.count_copies(old, durable)
