"""Three-phase commit: nobody blocks when a site fails - and sites that cannot talk decide differently.

Skeen, "Nonblocking Commit Protocols", 1981: timeout and failure transitions. They rest on a network that never loses
or delays a message beyond the timeout; a partition breaks that, and with it the protocol.

Simplified: transactions carry no data; the timeout transitions stand for the termination protocol (no coordinator is
elected); after a failure of all sites at once the transaction stays open.
A process without a role in the topology (a server) coordinates what clients ask it and takes part in all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from simulations.engine.checks.atomic_commitment import (
    ABORTED,
    COMMITTED,
    OUTCOMES,
    PRECOMMITTED,
    READY,
    Record,
)
from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process, Request, append, put
from simulations.engine.systems.three_phase_commit.messages import (
    Decision,
    Inquire,
    PreCommit,
    PreCommitted,
    ThreePhaseMessage,
    Vote,
    VoteRequest,
)

NAME = "three_phase_commit"
IDLE, COORDINATING, OPEN = "idle", "coordinating", "open"
HANDLERS = {
    VoteRequest: "on_vote_request",
    Vote: "on_vote",
    PreCommit: "on_pre_commit",
    PreCommitted: "on_pre_committed",
    Decision: "on_decision",
    Inquire: "on_inquire",
}


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``timeout_ms``: how long a coordinator waits, participants twice that; ``refuse``: chance of a vote of no."""

    timeout_ms: float = 1000
    refuse: float = 0

    def __post_init__(self) -> None:
        if not 1 <= self.timeout_ms <= 600_000:
            raise ValueError("timeout_ms: a number from 1 to 600000")
        if not 0 <= self.refuse <= 1:
            raise ValueError("refuse: a number from 0 to 1")


@dataclass(slots=True)
class ThreePhaseCommit(Process):
    """One process; ``records`` is what it wrote to its disk."""

    watched: ClassVar[tuple[str, ...]] = ("role", "durable_records")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    records: Log = field(default_factory=Log)
    life: int = 0

    # --- volatile ---
    role: str = IDLE
    decided: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    recovering: dict[str, bool] = field(default_factory=dict)
    members: tuple[str, ...] = ()
    coordinators: tuple[str, ...] = ()
    durable_records: int = 0
    undurable: list[tuple[int, int]] = field(default_factory=list)

    # --- coordinator only ---
    gathering: dict[str, list[str]] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)

    # -- rules ----------------------------------------------------------------------------------------------------

    def coordinator_of(self, transaction: str) -> str:
        return transaction.rpartition(":")[0]

    def votes_yes(self) -> bool:
        """Phase 1: a participant is free to refuse until it has voted."""
        refuse = self.parameters.refuse
        return refuse <= 0 or self.context.random.random() >= refuse

    def outcome_alone(self, transaction: str) -> str:
        """Skeen's timeout transitions: who knows that all voted yes commits, who does not know it aborts."""
        return COMMITTED if self.states[transaction] == PRECOMMITTED else ABORTED

    def may_decide_alone(self, transaction: str) -> bool:
        """Only who was up all the time may: a site that was down cannot know what the others did meanwhile."""
        return transaction not in self.recovering

    # -- small steps ----------------------------------------------------------------------------------------------

    def record(self, transaction: str, state: str) -> None:
        """Write a line to the log; what is sent afterwards leaves when it is durable."""
        line = Record(transaction, state)
        self.records.append(line)
        write = self.context.persist(append("records", (line,)))
        self.undurable.append((write, self.records.last))

    def wait_for(self, transaction: str, times: int) -> None:
        """Coordinators wait one timeout, participants two: a participant is never the first to lose patience."""
        self.context.set_timer(f"wait {transaction}", times * int(self.parameters.timeout_ms * 1000))

    def inquire(self, transaction: str) -> None:
        """Failure transition: after a restart the others are asked."""
        self.context.note("three_phase_commit.recovers", transaction=transaction)
        coordinator = self.coordinator_of(transaction)
        for peer in self.peers:
            if peer == coordinator or peer in self.members:
                self.context.send(peer, Inquire(transaction))
        self.wait_for(transaction, 1)

    def refresh_role(self) -> None:
        self.role = COORDINATING if self.gathering else OPEN if self.states else IDLE

    def tell(self, transaction: str, message: ThreePhaseMessage) -> None:
        for member in self.members:
            if member != self.id:
                self.context.send(member, message)

    def decide(self, transaction: str, outcome: str) -> None:
        """The outcome is known here: write it down; the coordinator tells everybody."""
        if transaction in self.decided:
            return
        self.decided[transaction] = outcome
        self.states.pop(transaction, None)
        self.recovering.pop(transaction, None)
        self.context.cancel_timer(f"wait {transaction}")
        self.context.note("three_phase_commit.decided", transaction=transaction, outcome=outcome)
        self.record(transaction, outcome)
        if self.gathering.pop(transaction, None) is not None:
            self.tell(transaction, Decision(transaction, outcome == COMMITTED))
        request = self.requests.pop(transaction, None)
        if request is not None:
            self.answer(request, outcome)
        self.refresh_role()

    def answer(self, request: Request, outcome: str) -> None:
        self.context.reply(request, "ok" if outcome == COMMITTED else "fail", outcome)

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        servers = self.directory.get(f"{NAME}/server", ()) if self.directory else (self.id, *self.peers)
        self.members = (*servers, *self.directory.get(f"{NAME}/participant", ()))
        self.coordinators = (*self.directory.get(f"{NAME}/coordinator", ()), *servers)
        self.records = disk.log("records")
        self.durable_records = self.records.last
        for line in self.records:
            if line.state in OUTCOMES:
                self.decided[line.transaction] = line.state
                self.states.pop(line.transaction, None)
            else:
                self.states[line.transaction] = line.state
        for transaction in sorted(self.states):
            self.recovering[transaction] = True
            self.inquire(transaction)
        # A coordinator that forgot a transaction never begins it again: its next life has other names.
        self.life = disk.cell("life", 0) + 1
        self.context.persist(put("life", self.life))
        self.refresh_role()

    def on_message(self, sender: str, message: ThreePhaseMessage) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_durable(self, write: int) -> None:
        while self.undurable and self.undurable[0][0] <= write:
            self.durable_records = self.undurable.pop(0)[1]

    def on_timer(self, name: str) -> None:
        """Skeen's timeout transitions, of the coordinator and of the participants."""
        transaction = name.removeprefix("wait ")
        if transaction in self.gathering:
            known = self.states.get(transaction) == PRECOMMITTED
            self.context.note("three_phase_commit.answer_missing", transaction=transaction)
            self.decide(transaction, COMMITTED if known else ABORTED)
        elif transaction in self.states:
            if self.may_decide_alone(transaction):
                outcome = self.outcome_alone(transaction)
                self.context.note(
                    "three_phase_commit.decides_alone", transaction=transaction, outcome=outcome
                )
                self.decide(transaction, outcome)
            else:
                self.inquire(transaction)

    def on_request(self, request: Request) -> None:
        """Every writing operation is a transaction of its own."""
        transaction = f"{self.id}:{self.life}.{request.operation}"
        if self.id not in self.coordinators:
            self.context.reply(request, "retry", None, self.coordinators[0])
        elif request.kind == "get":
            self.context.reply(request, "fail")
        elif transaction in self.decided:
            self.answer(request, self.decided[transaction])
        else:
            known = transaction in self.requests or transaction in self.states
            self.requests[transaction] = request
            if not known:
                self.begin(transaction)

    def begin(self, transaction: str) -> None:
        """Phase 1: ask every participant for its vote."""
        self.gathering[transaction] = [member for member in self.members if member != self.id]
        self.context.note("three_phase_commit.begins", transaction=transaction)
        self.tell(transaction, VoteRequest(transaction))
        self.wait_for(transaction, 1)
        self.refresh_role()
        if not self.gathering[transaction]:
            self.decide(transaction, COMMITTED)

    def on_vote_request(self, sender: str, message: VoteRequest) -> None:
        transaction = message.transaction
        if transaction in self.states:
            self.context.send(sender, Vote(transaction, True))
        elif transaction in self.decided:
            self.context.send(sender, Vote(transaction, self.decided[transaction] == COMMITTED))
        elif self.votes_yes():
            self.states[transaction] = READY
            self.record(transaction, READY)
            self.context.note("three_phase_commit.votes_yes", transaction=transaction)
            self.context.send(sender, Vote(transaction, True))
            self.wait_for(transaction, 2)
            self.refresh_role()
        else:
            self.context.note("three_phase_commit.votes_no", transaction=transaction)
            self.decide(transaction, ABORTED)
            self.context.send(sender, Vote(transaction, False))

    def on_vote(self, sender: str, message: Vote) -> None:
        """Phase 1 ends with the last yes: phase 2 tells everybody so, after it is on the coordinator's disk."""
        transaction = message.transaction
        waiting = self.gathering.get(transaction)
        if waiting is None or self.states.get(transaction) == PRECOMMITTED:
            return
        if not message.yes:
            self.decide(transaction, ABORTED)
            return
        if sender in waiting:
            waiting.remove(sender)
        if not waiting:
            self.states[transaction] = PRECOMMITTED
            self.gathering[transaction] = [member for member in self.members if member != self.id]
            self.context.note("three_phase_commit.all_voted_yes", transaction=transaction)
            self.record(transaction, PRECOMMITTED)
            self.tell(transaction, PreCommit(transaction))
            self.wait_for(transaction, 1)

    def on_pre_commit(self, sender: str, message: PreCommit) -> None:
        transaction = message.transaction
        if self.states.get(transaction) == READY:
            self.states[transaction] = PRECOMMITTED
            self.recovering.pop(transaction, None)
            self.record(transaction, PRECOMMITTED)
            self.wait_for(transaction, 2)
        if transaction in self.states:
            self.context.send(sender, PreCommitted(transaction))

    def on_pre_committed(self, sender: str, message: PreCommitted) -> None:
        """Phase 3: everybody knows that everybody voted yes."""
        transaction = message.transaction
        waiting = self.gathering.get(transaction)
        if waiting is None or self.states.get(transaction) != PRECOMMITTED:
            return
        if sender in waiting:
            waiting.remove(sender)
        if not waiting:
            self.decide(transaction, COMMITTED)

    def on_decision(self, sender: str, message: Decision) -> None:
        self.decide(message.transaction, COMMITTED if message.commit else ABORTED)

    def on_inquire(self, sender: str, message: Inquire) -> None:
        """Who knows the outcome tells it. A coordinator without a record never got past phase 1: it aborts."""
        transaction = message.transaction
        if transaction in self.states or transaction in self.gathering:
            return
        if transaction not in self.decided:
            if self.id != self.coordinator_of(transaction):
                return
            self.context.note("three_phase_commit.presumes_abort", transaction=transaction)
            self.decide(transaction, ABORTED)
        self.context.send(sender, Decision(transaction, self.decided[transaction] == COMMITTED))
