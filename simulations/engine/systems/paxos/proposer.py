"""Paxos, the rules of the proposer: numbers, phase 1, the choice of a value (P2c), phase 2. PMS 2.2 to 2.5, 3."""

from __future__ import annotations

from simulations.engine.process import Request, put
from simulations.engine.systems.paxos.acceptor import Acceptor
from simulations.engine.systems.paxos.messages import (
    Accept,
    Accepted,
    Entry,
    Learn,
    Prepare,
    Promise,
    Refused,
)  # fmt: skip
from simulations.engine.systems.paxos.parameters import MULTI
from simulations.engine.systems.paxos.state import ACCEPTOR, CANDIDATE, IDLE, LEADER, LEADING, PROPOSER


class Proposer(Acceptor):
    """From a number of its own to a chosen value."""

    __slots__ = ()

    def enough_votes(self) -> int:
        """PMS 2.2: a value is chosen when a majority of the acceptors accepted it."""
        return len(self.acceptors) // 2 + 1

    def prefer(self, first: Entry, second: Entry) -> Entry:
        """PMS 2.2, P2c: of two reported votes the one with the higher number counts."""
        return second if second.term > first.term else first

    def bound_value(self, slot: int) -> tuple[Request | None] | None:
        """PMS 2.2, P2c: the value, in a tuple, that the promises bind this slot to; None when it is free."""
        vote = self.reported.get(slot)
        if vote is None:
            return None
        self.context.note("paxos.value_bound", slot=slot, voted=vote.term, ballot=self.ballot)
        return (vote.command,)

    def next_ballot(self) -> int:
        """PMS 2.5: proposers draw from disjoint sets of numbers; the lowest of mine above all I heard of."""
        count = max(1, len(self.proposers))
        mine = self.proposers.index(self.id) if self.id in self.proposers else 0
        lowest = max(self.ballot, self.promised, self.highest) + 1
        return lowest + (mine + 1 - lowest) % count

    # -- phase 1 --------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """PMS 2.2, phase 1 (a): a new number goes to all acceptors, for the first unknown slot and all after it.

        before_durable: safe, a proposer that forgets a number which it never sent accept requests for may use it
        again; those wait for the disk (``phase_one_done``).
        """
        self.ballot = self.highest = ballot = self.next_ballot()
        self.role = CANDIDATE
        self.leader = ""
        self.prepared_slot = self.log.last + 1
        self.promises, self.reported, self.open, self.tally = {}, {}, {}, {}
        self.refusals = {}
        self.own_promise = None
        self.context.note("paxos.prepare", ballot=ballot, slot=self.prepared_slot)
        message = Prepare(ballot, self.prepared_slot)
        between = self.parameters.disk_between_phases
        if not between:
            self.ballot_write = self.write(put("ballot", ballot))
        for acceptor in self.acceptors:
            if acceptor != self.id:
                self.context.send(acceptor, message, between)
        if between:
            self.ballot_write = self.write(put("ballot", ballot))
        if self.is_acceptor:
            self.promise_to_itself(message)

    def promise_to_itself(self, message: Prepare) -> None:
        """Its own acceptor is asked like any other; the answer counts when it is on the disk."""
        answer = self.promise_for(self.id, message)
        if isinstance(answer, Promise):
            self.own_promise = answer
            self.ballot_write = self.written

    def on_promise(self, sender: str, message: Promise) -> None:
        """PMS 2.2: promises of one number are gathered, with the highest-numbered vote for each slot.

        A number that this proposer used before a crash, and forgot, is used again: an answer of that time may be silent
        on slots that it has forgotten too.
        """
        if self.role != CANDIDATE or message.ballot != self.ballot or message.slot > self.prepared_slot:
            return
        self.count_promise(sender, message)
        self.phase_one_done()

    def count_promise(self, sender: str, message: Promise) -> None:
        self.promises[sender] = True
        self.learn(message.learned)
        reported = self.reported
        for vote in message.votes:
            known = reported.get(vote.slot)
            reported[vote.slot] = vote if known is None else self.prefer(known, vote)

    def phase_one_done(self) -> None:
        """A majority promised, and the number is on this proposer's own disk: phase 2 may begin."""
        if self.durable_write < self.ballot_write:
            return
        if self.own_promise is not None:
            own, self.own_promise = self.own_promise, None
            self.count_promise(self.id, own)
        if len(self.promises) < self.prepare_quorum:
            return
        self.context.note("paxos.prepared", ballot=self.ballot, promises=len(self.promises))
        if self.mode == MULTI:
            self.become_leader()
        else:
            self.propose_one()

    def become_leader(self) -> None:
        """Replaced by the rules of Multi-Paxos."""

    def propose_one(self) -> None:
        """Replaced by the rules of single slots."""

    # -- phase 2 --------------------------------------------------------------------------------------------------

    def propose(self, entries: tuple[Entry, ...]) -> None:
        """PMS 2.2, phase 2 (a): accept requests to all acceptors; its own acceptor votes like any other.

        before_durable: safe, the number was on disk before phase 2 began, and its own vote is counted only when
        that is on its disk too.
        """
        opened, tally = self.open, self.tally
        for entry in entries:
            opened[entry.slot] = entry
            tally[entry.slot] = 0
        message = Accept(self.ballot, entries)
        send, me = self.context.send, self.id
        for acceptor in self.acceptors:
            if acceptor != me:
                send(acceptor, message, True)
        if self.is_acceptor and self.may_accept(self.ballot):
            self.vote(message)
            self.undurable.append((self.written, self.ballot, tuple([entry.slot for entry in entries])))
        elif self.is_acceptor:
            self.refusals[self.id] = True

    def take_durable(self, write: int) -> None:
        """Its own votes count once its own disk holds them."""
        undurable = self.undurable
        while undurable and undurable[0][0] <= write:
            _, ballot, slots = undurable.pop(0)
            if ballot == self.ballot and self.role in LEADING:
                self.count_votes(self.id, slots)

    def on_accepted(self, sender: str, message: Accepted) -> None:
        """PMS 2.3: the distinguished learner is the proposer itself; it tells the others what is chosen."""
        if message.ballot != self.ballot or self.role not in LEADING:
            return
        self.heard_tick[sender] = self.tick
        self.count_votes(sender, message.slots)

    def count_votes(self, voter: str, slots: tuple[int, ...]) -> None:
        """PMS 2.2: chosen is what a majority accepted. Who votes twice counts once."""
        tally, bit = self.tally, self.bits[voter]
        decided: list[Entry] = []
        for slot in slots:
            mask = tally.get(slot)
            if mask is None:
                continue
            tally[slot] = mask = mask | bit
            if mask.bit_count() >= self.accept_quorum:
                del tally[slot]
                decided.append(self.open.pop(slot))
                self.context.note("paxos.chosen", slot=slot, ballot=self.ballot, votes=mask.bit_count())
        if decided:
            self.decide(tuple(decided))

    def decide(self, entries: tuple[Entry, ...]) -> None:
        """PMS 2.3: tell the learners. before_durable: safe, a majority's disks hold what is chosen."""
        message = Learn(self.ballot, entries)
        send = self.context.send
        for peer in self.peers:
            send(peer, message, True)
        self.learn(entries)
        if self.mode != MULTI:
            self.one_decided()

    def one_decided(self) -> None:
        """Replaced by the rules of single slots."""

    # -- giving up ------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Propose no more; what was under way may still be chosen by others."""
        self.role = IDLE if not self.is_acceptor else ACCEPTOR
        self.promises, self.reported, self.open, self.tally = {}, {}, {}, {}
        self.own_promise = None
        self.lease_until = None
        self.lease_rounds = {}

    def is_hopeless(self) -> bool:
        """PMS 2.2: time to abandon the number. A leader goes by the first refusal, for whoever promised more will never
        vote for it; a proposer of one value goes on while a majority may still accept.
        """
        return self.mode == MULTI or len(self.refusals) > len(self.acceptors) - self.prepare_quorum

    def on_refused(self, sender: str, message: Refused) -> None:
        """PMS 2.2: abandon a proposal when a higher number is known."""
        if message.promised > self.highest:
            self.highest = message.promised
        if message.ballot != self.ballot or self.role not in (CANDIDATE, PROPOSER, LEADER):
            return
        if message.promised <= self.ballot and self.role == LEADER:
            return
        self.refusals[sender] = True
        if not self.is_hopeless():
            return
        if message.promised > self.ballot:
            self.context.note("paxos.preempted", by=sender, ballot=self.ballot, promised=message.promised)
        else:
            self.context.note("paxos.held_off", by=sender, ballot=self.ballot)
        self.rest()
        self.refused()

    def refused(self) -> None:
        """What comes after a refusal: replaced by the rules of either kind."""
