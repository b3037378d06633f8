"""Raft, the rules of reads that do not go through the log. RD section 6.4."""

from __future__ import annotations

from simulations.engine.process import Request
from simulations.engine.systems.raft import quorum
from simulations.engine.systems.raft.replication import Replication


class Reads(Replication):
    """ReadIndex and leases."""

    __slots__ = ()

    def committed_in_term(self) -> bool:
        """RD section 6.4: only a leader that committed an entry of its own term knows what is committed."""
        return self.commit_index >= self.term_start

    def holds_lease(self) -> bool:
        """RD section 6.4.1: nobody else can be elected before the lease ends - by this node's own clock."""
        return self.lease_until is not None and self.context.now < self.lease_until

    def may_hold_lease(self) -> bool:
        """RD sections 3.10 and 6.4.1: whom TimeoutNow reaches is voted for although a leader is heard. It may reach its
        target after the transfer was given up, so this term knows no lease any more."""
        return not self.transfer_to and not self.handed_over

    def read(self, request: Request) -> None:
        """RD section 6.4: answered at once within a lease, else when a round confirmed the leader."""
        if self.parameters.read_mode == "lease" and self.holds_lease() and self.committed_in_term():
            self.answer_read(request)
            return
        self.reads_next.append(request)
        if not self.confirming:
            self.start_confirming()
            self.send_heartbeats()

    def start_confirming(self) -> None:
        """The next round asks a majority if this is still the leader; answers to later rounds count too."""
        self.reads_confirming, self.reads_next = self.reads_next, []
        self.confirming = self.round + 1
        self.confirmations = 1 if self.is_voter else 0
        if self.parameters.read_mode == "lease":
            self.confirming_since = self.context.now
        if self.quorum == 1 and self.confirmed_by(self.id):
            self.leadership_confirmed()

    def count_confirmation(self, peer: str, round: int) -> None:
        """RD section 6.4: a majority of answers proves that no newer leader existed when the round left."""
        if self.answered_round[peer] < self.confirming <= round and peer not in self.uncounted:
            self.confirmations += 1
            if self.confirmed_by(peer) if self.old_voters else self.confirmations == self.quorum:
                self.leadership_confirmed()

    def confirmed_by(self, peer: str) -> bool:
        """Whether this server, this peer and those who answered already are enough in the present configuration."""
        votes = {voter: True for voter, round in self.answered_round.items() if round >= self.confirming}
        votes[self.id] = votes[peer] = True
        return quorum.joint_vote_result(self.voters, self.old_voters, votes) == quorum.WON

    def leadership_confirmed(self) -> None:
        """Serve the reads of this round; those that came meanwhile need a round of their own."""
        self.confirming = 0
        if self.parameters.read_mode == "lease" and self.may_hold_lease():
            self.lease_until = self.confirming_since + self.lease_us
        self.reads_confirmed += self.reads_confirming
        self.reads_confirming = []
        if self.reads_confirmed:
            self.answer_confirmed_reads()
        if self.reads_next:
            self.start_confirming()
            self.send_heartbeats()

    def answer_confirmed_reads(self) -> None:
        """RD section 6.4: the state machine must have reached the commit index of a leader that knows it."""
        if not self.committed_in_term():
            self.context.note("raft.read_waits", start=self.term_start, commit=self.commit_index)
            return
        for request in self.reads_confirmed:
            self.answer_read(request)
        self.reads_confirmed = []

    def answer_read(self, request: Request) -> None:
        """before_durable: safe, what is applied is committed, so a majority's disks hold it."""
        self.context.reply(request, "ok", self.data.get(request.key), None, True)
