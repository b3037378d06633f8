"""Two-phase commit: a coordinator, and participants that block when it is gone.

Gray, "Notes on Data Base Operating Systems", 1978; presumed abort: Mohan, Lindsay, Obermarck, 1986; asking the other
participants: Bernstein, Hadzilacos, Goodman, "Concurrency Control and Recovery in Database Systems", 1987, chapter 7.

Simplified: transactions carry no data and never wait for locks; decisions are not acknowledged, so nobody forgets them.
A process without a role in the topology (a server) coordinates what clients ask it and takes part in all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from simulations.engine.checks.atomic_commitment import ABORTED, COMMITTED, OUTCOMES, READY, Record
from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process, Request, append, put
from simulations.engine.systems.two_phase_commit.messages import (
    Decision,
    Inquire,
    TwoPhaseMessage,
    Vote,
    VoteRequest,
)

NAME = "two_phase_commit"
IDLE, COORDINATING, UNCERTAIN = "idle", "coordinating", "uncertain"
HANDLERS = {
    VoteRequest: "on_vote_request", Vote: "on_vote", Decision: "on_decision", Inquire: "on_inquire",
}  # fmt: skip


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``timeout_ms``: how long votes and decisions are waited for; ``refuse``: chance of a vote of no."""

    timeout_ms: float = 1000
    refuse: float = 0

    def __post_init__(self) -> None:
        if not 1 <= self.timeout_ms <= 600_000:
            raise ValueError("timeout_ms: a number from 1 to 600000")
        if not 0 <= self.refuse <= 1:
            raise ValueError("refuse: a number from 0 to 1")


@dataclass(slots=True)
class TwoPhaseCommit(Process):
    """One process; ``records`` is what it wrote to its disk."""

    watched: ClassVar[tuple[str, ...]] = ("role", "durable_records")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    records: Log = field(default_factory=Log)
    life: int = 0

    # --- volatile ---
    role: str = IDLE
    decided: dict[str, str] = field(default_factory=dict)
    uncertain: dict[str, bool] = field(default_factory=dict)
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

    def may_commit(self, transaction: str) -> bool:
        """Phase 2: commit when every participant voted yes."""
        return not self.gathering[transaction]

    def restored(self, disk: DiskImage) -> Log:
        """Votes and decisions are on disk before they are told, so that a restart does not change them."""
        return disk.log("records")

    def without_news(self, transaction: str) -> None:
        """Who voted yes can neither commit nor abort alone: it asks, again and again. This is the blocking."""
        self.context.note("two_phase_commit.blocked", transaction=transaction)
        self.inquire(transaction)

    def inquire(self, transaction: str) -> None:
        coordinator = self.coordinator_of(transaction)
        for peer in self.peers:
            if peer == coordinator or peer in self.members:
                self.context.send(peer, Inquire(transaction))
        self.wait_for(transaction)

    # -- small steps ----------------------------------------------------------------------------------------------

    def record(self, transaction: str, state: str) -> None:
        """Write a line to the log; what is sent afterwards leaves when it is durable."""
        line = Record(transaction, state)
        self.records.append(line)
        write = self.context.persist(append("records", (line,)))
        self.undurable.append((write, self.records.last))

    def wait_for(self, transaction: str) -> None:
        self.context.set_timer(f"wait {transaction}", int(self.parameters.timeout_ms * 1000))

    def refresh_role(self) -> None:
        self.role = COORDINATING if self.gathering else UNCERTAIN if self.uncertain else IDLE

    def decide(self, transaction: str, outcome: str) -> None:
        """The outcome is known here: write it down; the coordinator tells everybody."""
        if transaction in self.decided:
            return
        self.decided[transaction] = outcome
        self.uncertain.pop(transaction, None)
        self.context.cancel_timer(f"wait {transaction}")
        self.context.note("two_phase_commit.decided", transaction=transaction, outcome=outcome)
        self.record(transaction, outcome)
        if self.gathering.pop(transaction, None) is not None:
            for member in self.members:
                if member != self.id:
                    self.context.send(member, Decision(transaction, outcome == COMMITTED))
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
        self.records = self.restored(disk)
        self.durable_records = self.records.last
        for line in self.records:
            if line.state in OUTCOMES:
                self.decided[line.transaction] = line.state
                self.uncertain.pop(line.transaction, None)
            else:
                self.uncertain[line.transaction] = True
        for transaction in sorted(self.uncertain):
            self.inquire(transaction)
        # A coordinator that forgot a transaction never begins it again: its next life has other names.
        self.life = disk.cell("life", 0) + 1
        self.context.persist(put("life", self.life))
        self.refresh_role()

    def on_message(self, sender: str, message: TwoPhaseMessage) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_durable(self, write: int) -> None:
        while self.undurable and self.undurable[0][0] <= write:
            self.durable_records = self.undurable.pop(0)[1]

    def on_timer(self, name: str) -> None:
        transaction = name.removeprefix("wait ")
        if transaction in self.gathering:
            self.context.note("two_phase_commit.vote_missing", transaction=transaction)
            self.decide(transaction, ABORTED)
        elif transaction in self.uncertain:
            self.without_news(transaction)

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
            known = transaction in self.requests
            self.requests[transaction] = request
            if not known:
                self.begin(transaction)

    def begin(self, transaction: str) -> None:
        """Phase 1: ask every participant for its vote."""
        self.gathering[transaction] = [member for member in self.members if member != self.id]
        self.context.note("two_phase_commit.begins", transaction=transaction)
        for member in self.gathering[transaction]:
            self.context.send(member, VoteRequest(transaction))
        self.wait_for(transaction)
        self.refresh_role()
        if self.may_commit(transaction):
            self.decide(transaction, COMMITTED)

    def on_vote_request(self, sender: str, message: VoteRequest) -> None:
        transaction = message.transaction
        if transaction in self.uncertain:
            self.context.send(sender, Vote(transaction, True))
        elif transaction in self.decided:
            self.context.send(sender, Vote(transaction, self.decided[transaction] == COMMITTED))
        elif self.votes_yes():
            self.uncertain[transaction] = True
            self.record(transaction, READY)
            self.context.note("two_phase_commit.votes_yes", transaction=transaction)
            self.context.send(sender, Vote(transaction, True))
            self.wait_for(transaction)
            self.refresh_role()
        else:
            self.context.note("two_phase_commit.votes_no", transaction=transaction)
            self.decide(transaction, ABORTED)
            self.context.send(sender, Vote(transaction, False))

    def on_vote(self, sender: str, message: Vote) -> None:
        transaction = message.transaction
        waiting = self.gathering.get(transaction)
        if waiting is None:
            return
        if not message.yes:
            self.decide(transaction, ABORTED)
            return
        if sender in waiting:
            waiting.remove(sender)
        if self.may_commit(transaction):
            self.decide(transaction, COMMITTED)

    def on_decision(self, sender: str, message: Decision) -> None:
        self.decide(message.transaction, COMMITTED if message.commit else ABORTED)

    def on_inquire(self, sender: str, message: Inquire) -> None:
        """Who knows the outcome tells it. A coordinator that knows nothing never committed (presumed abort); a
        participant that has not voted yet aborts, for nobody can commit without it."""
        transaction = message.transaction
        if transaction in self.uncertain or transaction in self.gathering:
            return
        if transaction not in self.decided:
            if self.id != self.coordinator_of(transaction) and self.id not in self.members:
                return
            self.context.note("two_phase_commit.presumes_abort", transaction=transaction)
            self.decide(transaction, ABORTED)
        self.context.send(sender, Decision(transaction, self.decided[transaction] == COMMITTED))
