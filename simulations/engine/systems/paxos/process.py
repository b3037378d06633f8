"""Paxos: one process. Read it beside the paper.

PMS: Leslie Lamport, "Paxos Made Simple", 2001.

Simplified: the set of processes is fixed, nothing is compacted, and the proposer is the distinguished learner that
informs the others (PMS 2.3). Beyond the paper: numbers, how a leader is chosen, catching up, leases (see README.md).

Order of reading: messages.py, state.py, then the rules - acceptor.py, proposer.py, learner.py for one value, single.py
and multi.py for who proposes when -, then the handlers here.
"""

from __future__ import annotations

from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.paxos.messages import (
    Accept,
    Accepted,
    CatchUp,
    Entry,
    Heartbeat,
    HeartbeatReply,
    Learn,
    PaxosMessage,
    Prepare,
    Promise,
    Refused,
)
from simulations.engine.systems.paxos.multi import MultiPaxos
from simulations.engine.systems.paxos.parameters import BASIC, MULTI, SINGLE
from simulations.engine.systems.paxos.state import ACCEPTOR, CAMPAIGNING, CANDIDATE, IDLE, LEADER, LEARNER

HANDLERS = {
    Prepare: "on_prepare",
    Promise: "on_promise",
    Accept: "on_accept",
    Accepted: "on_accepted",
    Refused: "on_refused",
    Learn: "on_learn",
    CatchUp: "on_catch_up",
    Heartbeat: "on_heartbeat",
    HeartbeatReply: "on_heartbeat_reply",
}


class Paxos(MultiPaxos):
    """A proposer, an acceptor, a learner - or a server, which is all three."""

    __slots__ = ()

    def on_start(self, disk: DiskImage) -> None:
        """PMS 2.5: promise, votes and the proposer's number come from the disk; the rest starts empty."""
        self.on_parameters()
        self.take_roles()
        self.log = disk.log("log")
        self.saved = self.log.last
        self.promised, self.votes = self.restored(disk)
        self.durable_votes = self.votes.last
        for vote in self.votes:
            known = self.accepted.get(vote.slot)
            if vote.slot > self.log.last and (known is None or known.term <= vote.term):
                self.accepted[vote.slot] = vote
        self.ballot = disk.cell("ballot", 0)
        self.highest = max(self.ballot, self.promised)
        self.chosen = {entry.slot: entry for entry in disk.cell("learned", ()) if entry.slot > self.log.last}
        self.apply_restored()
        # A heartbeat answered before the crash may have granted a lease.
        self.granted_until = self.context.now + self.lease_us if self.lease_us and self.promised else 0
        if self.mode == MULTI:
            self.restart_election_timer()
        if disk.cell("start_as") == LEADER:
            # An experiment's first leader. Cleared before it leads: no later life leads with the same number.
            self.preset_write = self.write(put("start_as", ""))

    def apply_restored(self) -> None:
        """The log of the disk is applied again, in order."""
        if self.mode != SINGLE:
            for entry in self.log:
                if entry.command is not None:
                    self.apply(entry.command)

    def take_roles(self) -> None:
        """PMS 2.1: which of the three agents this process is, and who the others are."""
        servers = self.directory.get("paxos/server", ()) if self.directory else (self.id, *self.peers)
        every = self.directory.get("paxos", ()) if self.directory else (self.id, *self.peers)
        acceptors = {*servers, *self.directory.get("paxos/acceptor", ())}
        proposers = {*servers, *self.directory.get("paxos/proposer", ())}
        self.acceptors = tuple(sorted(acceptors, key=every.index))
        self.proposers = tuple(sorted(proposers, key=every.index))
        self.is_acceptor, self.is_proposer = self.id in acceptors, self.id in proposers
        self.bits = {id: 1 << place for place, id in enumerate(self.acceptors)}
        self.prepare_quorum = len(self.acceptors) // 2 + 1
        self.accept_quorum = self.enough_votes()
        self.role = ACCEPTOR if self.is_acceptor else IDLE if self.is_proposer else LEARNER

    def on_parameters(self) -> None:
        """Times in microseconds, at hand for the handlers."""
        parameters = self.parameters
        low, high = parameters.election_timeout_ms
        self.mode = parameters.mode
        self.heartbeat_us = int(parameters.heartbeat_ms * 1000)
        self.election_low_us, self.election_high_us = int(low * 1000), int(high * 1000)
        self.lease_us = int(parameters.leader_lease_ms * 1000)
        self.silent_ticks = max(1, self.election_low_us // self.heartbeat_us)
        self.backoff = parameters.backoff()

    def on_message(self, sender: str, message: PaxosMessage) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_timer(self, name: str) -> None:
        if name == "election":
            self.on_election_timeout()
        elif name == "heartbeat":
            self.on_heartbeat_timeout()
        elif name in ("round", "retry"):
            self.on_round_timeout()

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """campaign: prepare a number of your own now."""
        if action == "campaign" and self.is_proposer and self.role != LEADER:
            if self.mode == MULTI:
                self.on_election_timeout()
            else:
                self.start_round()

    def on_election_timeout(self) -> None:
        """Nobody leads, or nobody is heard: become the distinguished proposer."""
        if self.mode == MULTI and self.role != LEADER:
            self.prepare()
            self.restart_election_timer()

    def on_round_timeout(self) -> None:
        """A round without an end, or a wait that is over: again, with a higher number."""
        if self.mode != MULTI:
            self.start_round()

    def on_durable(self, write: int) -> None:
        self.durable_write = write
        votes = self.undurable_votes
        while votes and votes[0][0] <= write:
            self.durable_votes = votes.pop(0)[1]
        if self.undurable:
            self.take_durable(write)
        if self.role == CANDIDATE:
            self.phase_one_done()
        elif self.preset_write and write >= self.preset_write:
            self.preset_write = 0
            self.lead_from_start()

    def lead_from_start(self) -> None:
        """An experiment's first leader takes office without phase 1: nobody has another promise."""
        if self.role not in CAMPAIGNING and self.mode == MULTI and self.promised <= self.ballot:
            self.context.note("paxos.leads_from_start", ballot=self.ballot)
            self.promises = dict.fromkeys(self.acceptors, True)
            self.reported = self.accepted.copy()
            self.become_leader()

    def on_prepare(self, sender: str, message: Prepare) -> None:
        if not self.is_acceptor:
            return
        before = self.promised
        answer = self.promise_for(sender, message)
        if self.mode == MULTI and self.promised > before:
            if self.role in CAMPAIGNING and self.promised > self.ballot:
                self.context.note("paxos.preempted", by=sender, ballot=self.ballot, promised=self.promised)
                self.step_down()
            self.restart_election_timer()
        # before_durable: a refusal is safe, it binds nobody.
        self.context.send(sender, answer, type(answer) is Refused)

    def on_accept(self, sender: str, message: Accept) -> None:
        if not self.is_acceptor:
            return
        answer = self.answer_accept(sender, message)
        if self.mode == MULTI and type(answer) is Accepted:
            self.hears_leader(sender, message.ballot)
        # before_durable: as above.
        self.context.send(sender, answer, type(answer) is Refused)

    def on_learn(self, sender: str, message: Learn) -> None:
        entries: tuple[Entry, ...] = message.entries
        known, early = self.log.last, len(self.chosen)
        self.learn(entries)
        # Only what is new asks for more: else the copies that a network makes of answers and questions would multiply.
        if self.log.last > known and self.is_behind(entries):
            self.ask_for_missing(sender)
        elif self.mode == BASIC and len(self.chosen) > early:
            self.ask_for_missing(sender)  # (there is no leader whose heartbeats would show the hole)
        if self.mode != MULTI:
            self.learned_from_others()

    def on_heartbeat(self, sender: str, message: Heartbeat) -> None:
        """PMS 3: a leader that was promised less than others hears of it; else it is followed."""
        bound = max(self.promised, self.ballot) if self.role == LEADER else self.promised
        if message.ballot < bound:
            # before_durable: as above.
            self.context.send(sender, Refused(message.ballot, bound), True)
            return
        self.hears_leader(sender, message.ballot)
        self.notice_holes(sender, message.chosen)
        if self.is_acceptor:
            if self.lease_us:
                if message.ballot > self.promised:
                    # Else a restart, or a late heartbeat of an older leader, would undo what is granted here.
                    self.write(*self.raise_promise(message.ballot))
                self.grant_lease(sender)
            self.context.send(sender, HeartbeatReply(message.ballot, message.round))

    def on_request(self, request: Request) -> None:
        """Commands go to a proposer: in Multi-Paxos to the leader, else to anybody who proposes.

        before_durable: safe, "retry" and "fail" say that nothing was done, and what was executed is chosen.
        """
        kind = request.kind
        if not self.is_proposer:
            self.context.reply(request, "retry", None, self.leader or self.proposers[0], True)
        elif (kind == "propose") != (self.mode == SINGLE) or kind not in ("propose", *state_machine.KINDS):
            self.context.reply(request, "fail", None, None, True)
        elif self.mode != MULTI:
            self.take_on(request)
        elif self.role != LEADER:
            self.context.reply(request, "retry", None, self.leader or None, True)
        elif request.session and (before := self.executed_before(request)) is not None:
            self.context.reply(request, "ok", before[0], None, True)
        elif kind == "get" and self.lease_us and self.may_read_locally():
            self.context.note("paxos.lease_read", key=request.key)
            self.context.reply(request, "ok", self.data.get(request.key), None, True)
        else:
            self.propose_next(request)

    def executed_before(self, request: Request) -> tuple[Any] | None:
        """The remembered result, in a tuple, of a request that this state machine executed."""
        return self.sessions.seen(request) if self.parameters.sessions else None
