"""The technology lane: business functions, the standbys of a second region, and the technician who starts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process, Request, append
from simulations.engine.systems.bcdr_drill.messages import (
    Alive,
    AskRunbook,
    Call,
    CopyOf,
    CopyTaken,
    Order,
    Restored,
    Runbook,
    Start,
    Started,
)
from simulations.engine.systems.bcdr_drill.parameters import Parameters

NAME = "bcdr_drill"
SECOND = 1_000_000
BEAT_US = SECOND
FRESH_US = 3 * SECOND
"""So long a sign of life says where a function is served."""
SERVING, COLD, STARTING, IDLE, WORKING = "serving", "cold", "starting", "idle", "working"
WATCHED = ("role", "decisions", "alarms", "declared", "copied")


@dataclass(slots=True)
class Member(Process):
    """Base of every process of a drill: it knows where functions are served. ``where``: function -> (address, when).

    What the page shows of any of them is here; which of it a process uses depends on its lane. ``calls``: what a
    function did; ``copied``: how much of it its standby holds; ``doing``: a technician's order under way; ``lost``,
    ``ordered``, ``restored``, ``has_runbook``, ``approved``: what the commander knows; ``decided``: decisions
    taken here, in order.
    """

    watched: ClassVar[tuple[str, ...]] = WATCHED

    parameters: Parameters = field(default_factory=Parameters)

    role: str = IDLE
    function: str = ""
    decisions: int = 0
    decided: list[str] = field(default_factory=list)
    alarms: int = 0
    declared: int = 0
    copied: int = 0
    where: dict[str, tuple[str, int]] = field(default_factory=dict)
    calls: Log = field(default_factory=Log)
    doing: str = ""
    lost: list[str] = field(default_factory=list)
    ordered: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    has_runbook: bool = False
    approved: bool = False

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, Alive):
            self.where[message.function] = (sender, self.context.now)
        else:
            self.receive(sender, message)

    def receive(self, sender: str, message: Any) -> None:
        """Any message but a sign of life."""

    def on_request(self, request: Request) -> None:
        """Who does not serve a function tells who does, if it heard of it lately."""
        known, at_us = self.where.get(request.key, ("", 0))
        if known and self.context.now - at_us <= FRESH_US:
            self.context.reply(request, "retry", None, known)

    def members(self, role: str) -> tuple[str, ...]:
        return self.directory.get(f"{NAME}/{role}", ())


@dataclass(slots=True)
class Server(Member):
    """One business function at home, or its standby."""

    def on_start(self, disk: DiskImage) -> None:
        self.function = self.parameters.function or self.id
        self.calls = disk.log("calls")
        self.role = COLD if self.kind == "standby" else SERVING
        if self.role == SERVING:
            self.context.set_timer("beat", 0)
            self.context.set_timer("copy", round(self.parameters.copy_every_s * SECOND))

    def on_timer(self, name: str) -> None:
        if name == "beat":
            self.beat()
        elif name == "copy":
            self.copy()
        elif name == "started":
            self.serve()

    def beat(self) -> None:
        """Tell everybody that the function is served here."""
        self.context.set_timer("beat", BEAT_US)
        for peer in self.peers:
            self.context.send(peer, Alive(self.function), before_durable=True)  # (It promises no data.)

    def copy(self) -> None:
        """Send what is new to the standbys; they know which function is theirs."""
        self.context.set_timer("copy", round(self.parameters.copy_every_s * SECOND))
        calls = self.calls.slice(self.copied + 1, self.calls.last + 1)
        if calls:
            for standby in self.members("standby"):
                self.context.send(standby, CopyOf(self.function, self.copied + 1, calls))

    # -- clients ----------------------------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        if self.role != SERVING or request.key != self.function:
            Member.on_request(self, request)
            return
        call = Call(request.operation, self.context.now)
        self.calls.append(call)
        self.context.persist(append("calls", (call,)))
        self.context.reply(request, "ok", self.calls.last)

    # -- as a standby -----------------------------------------------------------------------------------------------

    def receive(self, sender: str, message: Any) -> None:
        if isinstance(message, CopyOf) and self.takes(message):
            self.take_copy(sender, message)
        elif isinstance(message, CopyTaken) and message.function == self.function:
            self.copied = max(self.copied, message.upto)
        elif isinstance(message, Start) and message.function == self.function:
            self.start(sender, message)
        elif isinstance(message, AskRunbook):
            self.context.send(sender, Runbook(self.parameters.order))

    def takes(self, message: CopyOf) -> bool:
        return self.role == COLD and message.function == self.function

    def take_copy(self, sender: str, message: CopyOf) -> None:
        """Hold what the function did, so that it can go on here."""
        fresh = message.calls[max(0, self.calls.last + 1 - message.first) :]
        if message.first <= self.calls.last + 1 and fresh:
            self.calls.extend(fresh)
            self.context.persist(append("calls", fresh))
        self.context.send(sender, CopyTaken(self.function, self.calls.last))

    def start(self, sender: str, message: Start) -> None:
        """Start up; without a runbook it takes longer. Asked twice it answers again."""
        if self.role == SERVING:
            self.context.send(sender, Started(self.function))
        elif self.role == COLD:
            self.role = STARTING
            self.context.note("bcdr_drill.starts", function=self.function)
            self.context.set_timer("started", round(self.parameters.start_s * SECOND * message.slower))

    def serve(self) -> None:
        self.role = SERVING
        self.context.note("bcdr_drill.serves", function=self.function)
        self.beat()
        self.context.set_timer("copy", round(self.parameters.copy_every_s * SECOND))
        for technician in self.members("technician"):
            self.context.send(technician, Started(self.function))


@dataclass(slots=True)
class Technician(Member):
    """Carries out orders one after another. ``ordered``: all of them; ``restored``: those done; ``slower``: how much
    longer a start takes without written steps."""

    slower: float = 1.0

    def receive(self, sender: str, message: Any) -> None:
        if isinstance(message, Order):
            self.take_orders(sender, message)
        elif isinstance(message, Started) and message.function == self.doing:
            self.restored.append(self.doing)
            self.doing, self.role = "", IDLE
            self.context.cancel_timer("again")
            for commander in self.members("organisation"):
                self.context.send(commander, Restored(message.function))
            self.next_order()

    def take_orders(self, sender: str, message: Order) -> None:
        """What is new is to be done after what was ordered before; what is done is told again."""
        self.slower = 1.0 if message.by_the_book else self.parameters.improvise_times
        for function in message.functions:
            if function in self.restored:
                self.context.send(sender, Restored(function))
            elif function not in self.ordered:
                self.ordered.append(function)
        self.next_order()

    def waiting(self) -> list[str]:
        """Orders that are not done, in the order in which they are to be done."""
        return [function for function in self.ordered if function not in self.restored]

    def next_order(self) -> None:
        """One pair of hands: the next order begins when the one before is done."""
        waiting = self.waiting()
        if not self.doing and waiting:
            self.doing, self.role = waiting[0], WORKING
            self.start()

    def start(self) -> None:
        for standby in self.members("standby"):
            self.context.send(standby, Start(self.doing, self.slower))
        self.context.set_timer("again", 2 * SECOND)

    def on_timer(self, name: str) -> None:
        """No answer: the order may have been lost on its way."""
        if self.doing:
            self.start()
