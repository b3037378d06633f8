"""A synchronous pair without a quorum: "consistent and available", until the link is cut.

Every operation involves both nodes: two rounds of Attiya, Bar-Noy and Dolev, 1995, with a quorum of two out of two.
While both answer that is linearizable and every request is answered. When one hears nothing any more it must choose:
refuse (consistent), or answer alone (available). Gilbert and Lynch, "Brewer's conjecture", 2002; Kleppmann, "A critique
of the CAP theorem", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.process import DiskImage, Process, Request, put
from simulations.engine.state_machine import write as write_value
from simulations.engine.systems.cap_pair.messages import (
    Ask,
    At,
    PairMessage,
    Ping,
    Pong,
    Store,
    StoreAck,
    Sync,
    Tell,
)

PAIRED, BLOCKED, ALONE, SYNCING = "paired", "blocked", "alone", "syncing"
BLOCK, ANSWER = "block", "answer"
CHOICES = (BLOCK, ANSWER)
PING_US = 100_000
SECOND = 1_000_000
NEVER: At = (0, "")
FINISHED_KEPT = 256
HANDLERS: dict[type, str] = {
    Ask: "on_ask", Tell: "on_tell", Store: "on_store", StoreAck: "on_store_ack", Ping: "on_ping", Pong: "on_pong",
    Sync: "on_sync",
}  # fmt: skip


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``on_cut``: what a node does when its peer is gone for ``decide_after_s`` and nobody chose for it."""

    on_cut: str = BLOCK
    decide_after_s: float = 3

    def __post_init__(self) -> None:
        if self.on_cut not in CHOICES:
            raise ValueError(f"on_cut: one of {', '.join(CHOICES)}")
        if not 0.1 <= self.decide_after_s <= 600:
            raise ValueError("decide_after_s: a number from 0.1 to 600")


class Pending(msgspec.Struct):
    """An operation under way. ``value``, ``at``: what it stores (``at`` (0, "") in its first round)."""

    request: Request
    value: Any = None
    at: At = NEVER


@dataclass(slots=True)
class CapPair(Process):
    """One of the two nodes."""

    watched: ClassVar[tuple[str, ...]] = ("role", "state_hash")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    held: dict[str, tuple[Any, At]] = field(default_factory=dict)
    life: int = 0

    # --- volatile ---
    role: str = SYNCING
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    pending: dict[int, Pending] = field(default_factory=dict)
    operations: dict[int, int] = field(default_factory=dict)
    finished: dict[int, tuple[str, Any]] = field(default_factory=dict)
    tickets: int = 0
    answered_us: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    @property
    def peer(self) -> str:
        return self.peers[0] if self.peers else self.id

    def silent_for(self) -> int:
        """Since when nothing that was asked of the peer is answered. What the peer sends by itself does not count: a
        link may work in one direction only."""
        return self.context.now - self.answered_us

    def may_serve(self) -> bool:
        """Together, or alone by choice; never while blocked."""
        return self.role in (PAIRED, ALONE)

    def needs_peer(self, kind: str) -> bool:
        """Both take part in every operation, reads too: what one holds the other may not hold yet."""
        return self.role != ALONE

    # -- the choice -----------------------------------------------------------------------------------------------

    def decide(self, choice: str) -> None:
        """The peer is gone: there is no third way."""
        role = BLOCKED if choice == BLOCK else ALONE
        if role == self.role:
            return
        self.role = role
        self.context.note(f"cap_pair.{choice}", peer=self.peer)
        waiting, self.pending = self.pending, {}
        for ticket, pending in waiting.items():
            if role == BLOCKED and pending.request.kind == "put" and pending.at > NEVER:
                # A version of it is out: forgotten, it would be written once more when its client repeats it.
                self.pending[ticket] = pending
                continue
            self.operations.pop(pending.request.operation, None)
            if role == ALONE:
                self.serve(pending.request, pending)
            elif pending.request.kind == "get":
                self.finish(pending.request, "fail", None)

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """Somebody presses "block" or "answer" while the peer is silent."""
        choice = arguments.get("name")
        if action == "command" and choice in CHOICES and self.silent_for() > 2 * PING_US:
            self.decide(str(choice))

    def on_parameters(self) -> None:
        if self.role in (BLOCKED, ALONE):
            self.decide(self.parameters.on_cut)

    # -- small steps ----------------------------------------------------------------------------------------------

    def keep(self, key: str, value: Any, at: At) -> None:
        """Hold a version on disk, unless a later one is here already."""
        if at <= self.held.get(key, (None, NEVER))[1]:
            return
        self.held[key] = (value, at)
        self.state_hash = write_value(self.data, self.marks, key, value, self.state_hash)
        self.context.persist(put("held", tuple((k, v, a) for k, (v, a) in self.held.items())))

    def next_at(self, at: At) -> At:
        return (at[0] + 1, self.id)

    def finish(self, request: Request, outcome: str, result: Any) -> None:
        self.operations.pop(request.operation, None)
        self.finished[request.operation] = (outcome, result)
        if len(self.finished) > FINISHED_KEPT:
            del self.finished[next(iter(self.finished))]
        self.context.reply(request, outcome, result)

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        for key, value, at in msgspec.convert(disk.cell("held") or (), list[tuple[str, Any, At]]):
            self.held[key] = (value, at)
            self.state_hash = write_value(self.data, self.marks, key, value, self.state_hash)
        self.life = disk.cell("life", 0) + 1
        self.context.persist(put("life", self.life))
        self.answered_us = self.context.now
        if self.life == 1:  # (Both begin empty, so there is nothing to catch up on.)
            self.role = PAIRED
        self.on_timer("ping")

    def on_timer(self, name: str) -> None:
        """Ask the peer whether it is there, and what it has not answered; when it is silent for too long, choose."""
        self.context.send(self.peer, Ping())
        for ticket, pending in self.pending.items():
            self.ask(ticket, pending)
        self.context.set_timer("ping", PING_US)
        waited = self.silent_for() >= self.parameters.decide_after_s * SECOND
        if waited and self.role not in (BLOCKED, ALONE):
            self.decide(self.parameters.on_cut)

    def on_message(self, sender: str, message: PairMessage) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_ping(self, sender: str, message: Ping) -> None:
        self.context.send(sender, Pong())

    def on_pong(self, sender: str, message: Pong) -> None:
        """The peer answers: after a time apart, both tell each other everything before they serve again."""
        self.answered_us = self.context.now
        if self.role != PAIRED:
            self.role = SYNCING
            self.send_all(back=True)

    def send_all(self, back: bool) -> None:
        items = tuple((key, value, at) for key, (value, at) in self.held.items())
        self.context.send(self.peer, Sync(items, back))

    def on_sync(self, sender: str, message: Sync) -> None:
        for key, value, at in message.items:
            self.keep(key, value, at)
        if message.back:
            self.send_all(back=False)
        elif self.role == SYNCING:
            self.role = PAIRED
            self.context.note("cap_pair.paired", peer=self.peer)

    # -- operations -----------------------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        finished = self.finished.get(request.operation)
        if finished is not None:
            self.context.reply(request, *finished)
        elif request.kind not in ("get", "put"):
            self.finish(request, "fail", None)
        elif request.operation in self.operations:
            ticket = self.operations[request.operation]
            self.pending[ticket].request = request
            self.ask(ticket, self.pending[ticket])
        elif not self.may_serve():
            self.refuse(request)
        elif self.needs_peer(request.kind):
            self.tickets += 1
            ticket = self.life << 20 | self.tickets
            self.operations[request.operation] = ticket
            self.pending[ticket] = Pending(request)
            self.ask(ticket, self.pending[ticket])
        else:
            self.serve(request, Pending(request))

    def refuse(self, request: Request) -> None:
        """Blocked: no answer is better than a wrong one. A read fails; of a write only this attempt did not happen."""
        self.context.note("cap_pair.refuses", key=request.key)
        if request.kind == "get":
            self.finish(request, "fail", None)
        else:
            self.context.reply(request, "retry")

    def serve(self, request: Request, pending: Pending) -> None:
        """Alone: answer from the own copy."""
        value, at = self.held.get(request.key, (None, NEVER))
        if request.kind == "get":
            self.finish(request, "ok", value)
            return
        self.keep(request.key, request.argument, pending.at if pending.at > NEVER else self.next_at(at))
        self.finish(request, "ok", None)

    def ask(self, ticket: int, pending: Pending) -> None:
        """The round under way, once more if need be."""
        key = pending.request.key
        if pending.at > NEVER:
            self.context.send(self.peer, Store(ticket, key, pending.value, pending.at))
        else:
            self.context.send(self.peer, Ask(ticket, key))

    def on_ask(self, sender: str, message: Ask) -> None:
        self.context.send(sender, Tell(message.ticket, *self.held.get(message.key, (None, NEVER))))

    def on_tell(self, sender: str, message: Tell) -> None:
        """First round done: what is the latest of both?"""
        self.answered_us = self.context.now
        pending = self.pending.get(message.ticket)
        if pending is None or pending.at > NEVER:
            return
        request = pending.request
        mine, mine_at = self.held.get(request.key, (None, NEVER))
        value, at = (message.value, message.at) if message.at > mine_at else (mine, mine_at)
        if request.kind == "get" and message.at == mine_at:
            self.done(message.ticket, value)
            return
        if request.kind == "put":
            value, at = request.argument, self.next_at(at)
        pending.value, pending.at = value, at
        self.ask(message.ticket, pending)
        self.keep(request.key, value, at)

    def on_store(self, sender: str, message: Store) -> None:
        self.keep(message.key, message.value, message.at)
        self.context.send(sender, StoreAck(message.ticket))

    def on_store_ack(self, sender: str, message: StoreAck) -> None:
        """Second round done: both hold it."""
        self.answered_us = self.context.now
        pending = self.pending.get(message.ticket)
        if pending is not None:
            self.done(message.ticket, pending.value if pending.request.kind == "get" else None)

    def done(self, ticket: int, result: Any) -> None:
        pending = self.pending.pop(ticket)
        self.finish(pending.request, "ok", result)
