"""Paxos, the rules of the acceptor: promises and votes, kept on disk. PMS 2.2 (P1, P1a), 2.5."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import DiskImage, append, put
from simulations.engine.systems.paxos.learner import Learner
from simulations.engine.systems.paxos.messages import (
    Accept,
    Accepted,
    Entry,
    Prepare,
    Promise,
    Refused,
)  # fmt: skip


class Acceptor(Learner):
    """Answers prepare and accept requests; remembers every promise and vote before it tells of it."""

    __slots__ = ()

    def may_promise(self, ballot: int) -> bool:
        """PMS 2.2, phase 1 (b): a number that no other promise exceeds. Asked again, it promises again."""
        return ballot >= self.promised

    def may_accept(self, ballot: int) -> bool:
        """PMS 2.2, P1a: accept unless a prepare request with a greater number was answered."""
        return ballot >= self.promised

    def restored(self, disk: DiskImage) -> tuple[int, Any]:
        """PMS 2.5: stable storage keeps promise and votes through a failure: (promised, votes)."""
        return disk.cell("promised", 0), disk.log("votes")

    def lease_forbids(self, proposer: str) -> bool:
        """Leases: for a while after a heartbeat no other proposer gets a promise."""
        now = self.context.now
        if self.granted_until > now + self.lease_us:  # (the clock was set back)
            self.granted_until = now + self.lease_us
        return self.lease_us > 0 and proposer != self.granted_to and now < self.granted_until

    def grant_lease(self, leader: str) -> None:
        """Promise a leader, on this node's own clock, not to promise anybody else. Kept in memory only."""
        self.granted_to, self.granted_until = leader, self.context.now + self.lease_us

    def raise_promise(self, ballot: int) -> tuple[tuple[Any, ...], ...]:
        """The acceptor is bound to a higher number now; the write that remembers it."""
        self.promised = ballot
        if ballot > self.highest:
            self.highest = ballot
        return (put("promised", ballot),)

    def write(self, *writes: tuple[Any, ...]) -> int:
        """Persist, together with what was learned since the last write (which nothing waits for)."""
        if self.saved < self.log.last:
            learned = self.log.slice(self.saved + 1, self.log.last + 1)
            self.saved = self.log.last
            writes = (*writes, append("log", learned))
        self.written = self.context.persist(*writes)
        return self.written

    def votes_from(self, slot: int) -> tuple[Entry, ...]:
        """The highest-numbered vote of every slot from this one on."""
        accepted = self.accepted
        return tuple([accepted[at] for at in sorted(accepted) if at >= slot])

    def promise_for(self, proposer: str, message: Prepare) -> Promise | Refused:
        """PMS 2.2, phase 1 (b): the answer to a prepare request, promised on disk before it leaves."""
        ballot = message.ballot
        if not self.may_promise(ballot):
            self.context.note(
                "paxos.prepare_refused", proposer=proposer, ballot=ballot, promised=self.promised
            )
            return Refused(ballot, self.promised)
        if self.lease_forbids(proposer):
            self.context.note("paxos.lease_refused", proposer=proposer, ballot=ballot, holder=self.granted_to)
            return Refused(ballot, self.promised)
        if ballot > self.promised:
            self.write(*self.raise_promise(ballot))
        votes = self.votes_from(message.slot)
        self.context.note("paxos.promised", proposer=proposer, ballot=ballot, votes=len(votes))
        return Promise(ballot, message.slot, votes, self.log.slice(message.slot, self.log.last + 1))

    def vote(self, message: Accept) -> None:
        """PMS 2.2, phase 2 (b): accept proposals; the promise to ignore lower ones is part of the vote."""
        writes: tuple[tuple[Any, ...], ...] = ()
        ballot = message.ballot
        if ballot > self.promised:
            writes = self.raise_promise(ballot)
        fresh = message.entries
        accepted, last = self.accepted, self.log.last
        for entry in fresh:
            known = accepted.get(entry.slot)
            if known is not None and known.term == ballot:
                fresh = tuple([one for one in fresh if not self.has_voted(one)])
                break
        if fresh:
            votes = self.votes
            for entry in fresh:
                votes.append(entry)
                if entry.slot > last:
                    accepted[entry.slot] = entry
            self.undurable_votes.append((self.write(*writes, append("votes", fresh)), votes.last))
        elif writes:
            self.write(*writes)

    def has_voted(self, entry: Entry) -> bool:
        """Whether this very proposal was accepted before (a repeated message)."""
        known = self.accepted.get(entry.slot)
        return known is not None and known.term == entry.term

    def answer_accept(self, proposer: str, message: Accept) -> Accepted | Refused:
        """PMS 2.2, phase 2 (b): vote, or say what was promised."""
        if not self.may_accept(message.ballot):
            self.context.note(
                "paxos.accept_refused", proposer=proposer, ballot=message.ballot, promised=self.promised
            )
            return Refused(message.ballot, self.promised)
        self.vote(message)
        slots = tuple([entry.slot for entry in message.entries])
        self.context.note("paxos.accepted", proposer=proposer, ballot=message.ballot, slot=slots[0])
        return Accepted(message.ballot, slots)
