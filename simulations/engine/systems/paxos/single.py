"""Paxos one slot at a time: every command takes both phases. PMS 2.2 to 2.4.

``single``: one slot only, the value of which is the answer to every proposal. ``basic``: a log in which each command
has an instance of its own, with a number of its own.
"""

from __future__ import annotations

from typing import cast

from simulations.engine.process import Request
from simulations.engine.sampling import draw
from simulations.engine.streams import Stream
from simulations.engine.systems.paxos.messages import Entry
from simulations.engine.systems.paxos.parameters import AT_ONCE, DISTINGUISHED, NONE, SINGLE
from simulations.engine.systems.paxos.proposer import Proposer
from simulations.engine.systems.paxos.state import CAMPAIGNING, PROPOSER


class SingleSlots(Proposer):
    """Who proposes when, without a leader."""

    __slots__ = ()

    def take_on(self, request: Request) -> None:
        """A client's value: propose it as soon as nothing else is under way."""
        if any(one.operation == request.operation for one in self.waiting):
            return
        self.waiting.append(request)
        if self.role not in CAMPAIGNING:
            self.start_round()

    def start_round(self) -> None:
        """PMS 2.2: begin with phase 1, unless everything is answered."""
        self.answer_decided()
        if not self.waiting:
            return
        self.prepare()
        if self.parameters.retry != NONE:
            self.context.set_timer("round", int(self.parameters.round_timeout_ms * 1000))

    def propose_one(self) -> None:
        """PMS 2.2, phase 2: the value that the promises bind it to, else its own."""
        slot = self.log.last + 1
        if (self.mode == SINGLE and self.log.last) or not self.waiting:
            self.one_decided()
            return
        bound = self.bound_value(slot)
        if bound is None:
            self.context.note("paxos.value_free", slot=slot, ballot=self.ballot)
            bound = (self.waiting[0],)
        self.role = PROPOSER
        self.propose((Entry(self.ballot, slot, bound[0]),))

    def one_decided(self) -> None:
        """A slot is decided: answer, or go on with the next."""
        self.rest()
        self.context.cancel_timer("round")
        self.context.cancel_timer("retry")
        self.start_round()

    def learned_from_others(self) -> None:
        """Somebody else's proposal won the slot that was being worked on."""
        if self.waiting and (self.mode == SINGLE or self.role == PROPOSER) and not self.open:
            self.one_decided()

    def answer_decided(self) -> None:
        """In the single slot's case every proposal is answered by the one value that was chosen.

        before_durable: safe, a majority's disks hold what is chosen.
        """
        if self.mode != SINGLE or not self.log.last:
            return
        command = self.log[1].command
        for request in self.waiting:
            self.context.reply(request, "ok", command and command.argument, None, True)
        self.waiting = []

    def stands_aside(self) -> bool:
        """PMS 2.4: only the distinguished proposer tries again at once; here the first by name."""
        return self.parameters.retry == DISTINGUISHED and self.id != self.proposers[0]

    def refused_alone(self) -> None:
        """PMS 2.4: two proposers that outbid each other at once may do so for ever; waiting at random ends it."""
        if self.parameters.retry == NONE:
            return
        if self.stands_aside():
            self.context.note("paxos.stands_aside", first=self.proposers[0])
            return
        if self.parameters.retry in (AT_ONCE, DISTINGUISHED):
            self.start_round()
            return
        assert self.backoff is not None
        wait = max(0, round(draw(self.backoff, cast(Stream, self.context.random)) * 1000))
        self.context.note("paxos.backs_off", wait_ms=wait / 1000)
        self.context.set_timer("retry", wait)
