"""A master: takes writes of its own clients, and hands them to the relay until every other master has them.

Two masters may write one key: the later Lamport time wins, then the larger name (Lamport 1978), on every master alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import DiskImage, Request, append
from simulations.engine.systems.relay.messages import Confirmed, Deliver, Entry, Forward, Have, Pulse
from simulations.engine.systems.relay.parameters import STOP
from simulations.engine.systems.relay.state import NAME, State

HANDLERS: dict[Any, str] = {Pulse: "on_pulse", Deliver: "on_deliver", Confirmed: "on_confirmed"}


@dataclass(slots=True)
class Master(State):
    """Rules and handlers of a master."""

    data: dict[str, Any] = field(default_factory=dict)
    state_hash: Any = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def is_new(self, entry: Entry) -> bool:
        """Each write of an origin is applied once and in order, however often it is delivered."""
        return entry.number == self.counts.get(entry.origin, 0) + 1

    def answers_at_once(self) -> bool:
        """continue: a write is acknowledged when it is on the own disk. stop: when all other masters have it."""
        return self.parameters.mode != STOP or not self.others

    def is_silent(self) -> bool:
        """Whether the relay in use is gone. Then whoever sends a pulse will do, in an older epoch too (it may have
        missed all the takeovers since): no relay holds anything that could be stale."""
        return not 0 <= self.context.now - self.heard_us < self.parameters.takeover_ms * 1000

    # -- small steps ----------------------------------------------------------------------------------------------

    def apply(self, entry: Entry) -> None:
        """The later of two writes of one key wins."""
        self.counts[entry.origin] = entry.number
        self.clock = max(self.clock, entry.clock)
        version = (entry.clock, entry.origin)
        known = self.versions.get(entry.key)
        if known is None or tuple(known) < version:
            self.versions[entry.key] = version
            self.state_hash = state_machine.write(
                self.data, self.marks, entry.key, entry.value, self.state_hash
            )

    def record(self, entries: tuple[Entry, ...]) -> None:
        self.context.persist(append("log", entries))
        for entry in entries:
            self.log.append(entry)
            self.apply(entry)

    def hand_over(self, entries: tuple[Entry, ...]) -> None:
        if self.relay and entries:
            self.context.send(self.relay, Forward(entries))

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        masters = (*self.directory.get(f"{NAME}/master", ()), *self.directory.get(f"{NAME}/server", ()))
        self.others = tuple(one for one in masters if one != self.id)
        self.confirmed = dict.fromkeys(self.others, 0)
        self.log = disk.log("log")
        for entry in self.log:
            self.apply(entry)
            if entry.origin == self.id and self.others:
                # What the others have is not known any more: they are asked by sending it again.
                self.unconfirmed[entry.number] = entry
        self.context.set_timer("again", round(self.parameters.resend_ms * 1000))

    def on_message(self, sender: str, message: Any) -> None:
        handler = HANDLERS.get(type(message))
        if handler is not None:
            getattr(self, handler)(sender, message)

    def on_request(self, request: Request) -> None:
        if request.kind == "get":
            self.context.reply(request, "ok", self.data.get(request.key))
            return
        number = self.open.get(request.operation)
        if number is not None:
            self.waiting[number] = request
            return
        writes, value, result = state_machine.effect_of(self.data, request)
        if not writes:
            self.context.reply(request, "ok", result)
            return
        number = self.counts.get(self.id, 0) + 1
        entry = Entry(self.id, number, self.clock + 1, request.operation, request.key, value, result)
        self.record((entry,))
        if self.others:
            self.idle = self.idle and bool(self.unconfirmed)
            self.unconfirmed[number] = entry
        if self.answers_at_once():
            self.context.reply(request, "ok", result)
        else:
            self.waiting[number], self.open[request.operation] = request, number
        self.hand_over((entry,))

    def on_pulse(self, sender: str, message: Pulse) -> None:
        """The relay of the highest epoch carries the data. A new one gets everything that is not confirmed."""
        if message.epoch < self.epoch and not self.is_silent():
            return
        if message.epoch != self.epoch:
            self.context.note("relay.uses", relay=sender, epoch=message.epoch, again=len(self.unconfirmed))
            self.epoch, self.relay = message.epoch, sender
            self.send_again()
        # (A cut made two relays of one epoch: who stood by again since sends no pulse. What went to it and was lost
        # goes again by the timer.)
        self.relay, self.heard_us = sender, self.context.now

    def send_again(self) -> None:
        """Everything that is not confirmed, oldest first, up to a window."""
        self.idle = False
        self.hand_over(tuple(self.unconfirmed.values())[: self.parameters.window])

    def on_timer(self, name: str) -> None:
        """No confirmation for a while: something was lost on the way."""
        if self.unconfirmed and self.idle:
            self.send_again()
        self.idle = True
        self.context.set_timer("again", round(self.parameters.resend_ms * 1000))

    def on_deliver(self, sender: str, message: Deliver) -> None:
        """Writes of another master."""
        fresh = []
        for entry in message.entries:
            if self.is_new(entry):
                fresh.append(entry)
                self.counts[entry.origin] = entry.number
        if fresh:
            self.foreign += len(fresh)
            self.record(tuple(fresh))
        origin = message.entries[0].origin
        self.context.send(sender, Have(origin, self.counts.get(origin, 0)))

    def on_confirmed(self, sender: str, message: Confirmed) -> None:
        """Another master has them. Those that all have need no relay any more."""
        if message.number <= self.confirmed.get(message.master, 0):
            return
        self.confirmed[message.master] = message.number
        everywhere = min(self.confirmed.values())
        for number in [number for number in self.unconfirmed if number <= everywhere]:
            self.idle = False  # (What only some confirm may be lost on its way to the others.)
            entry = self.unconfirmed.pop(number)
            request = self.waiting.pop(number, None)
            if request is not None:
                self.open.pop(request.operation, None)
                self.context.reply(request, "ok", entry.result)
