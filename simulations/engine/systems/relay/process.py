"""The relay: a coordinator that stands in the data path, with a standby.

The article's own form: masters replicate only through a coordinator, and "a standby node takes over the coordinator's
duty". Sentinel, MHA and orchestrator do otherwise: they watch, and data flows from master to replica.

The relay holds nothing that could be lost: a master keeps its writes until every other master has confirmed them end to
end, and each master applies a write once by its number. Two relays that both act (one was only silent) do no harm.
"""

from __future__ import annotations

from typing import Any

from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.relay.messages import Confirmed, Deliver, Forward, Have, Pulse
from simulations.engine.systems.relay.state import NAME, State

ACTIVE, STANDBY = "active_relay", "standby"


class Relay(State):
    """One relay."""

    __slots__ = ()

    # -- rules ----------------------------------------------------------------------------------------------------

    def confirm_early(self, sender: str, message: Forward) -> None:
        """Nothing is confirmed before the other masters have it."""

    def takeover_us(self) -> int:
        """How long a standby waits; a little longer for each standby before it, so that one comes first."""
        rank = sorted((self.id, *self.relays)).index(self.id)
        return round((self.parameters.takeover_ms + rank * self.parameters.pulse_ms) * 1000)

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.role = STANDBY
        self.masters = (*self.directory.get(f"{NAME}/master", ()), *self.directory.get(f"{NAME}/server", ()))
        self.relays = tuple(
            one
            for one in (
                *self.directory.get(f"{NAME}/relay", ()), *self.directory.get(f"{NAME}/standby", ()),
            )
            if one != self.id
        )  # fmt: skip
        self.epoch = disk.cell("epoch", 0)
        if self.kind == "relay" and not self.epoch:
            self.take_over()
        else:
            # In a later life another may be the relay by now.
            self.context.set_timer("silence", self.takeover_us())

    def take_over(self) -> None:
        self.epoch += 1
        self.role = ACTIVE
        self.context.persist(put("epoch", self.epoch))
        self.context.note("relay.takes_over", epoch=self.epoch)
        self.on_timer("pulse")

    def on_timer(self, name: str) -> None:
        if name == "silence":
            self.context.note("relay.silence")
            self.take_over()
        elif self.role == ACTIVE:
            for other in (*self.masters, *self.relays):
                self.context.send(other, Pulse(self.epoch))
            self.context.set_timer("pulse", round(self.parameters.pulse_ms * 1000))

    def on_request(self, request: Request) -> None:
        """It holds no data."""
        self.context.reply(request, "fail")

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, Pulse):
            self.on_pulse(sender, message)
        elif isinstance(message, Forward):
            self.carried += len(message.entries)
            self.confirm_early(sender, message)
            for master in self.masters:
                if master != sender:
                    self.context.send(master, Deliver(message.entries))
        elif isinstance(message, Have):
            self.context.send(message.origin, Confirmed(sender, message.number))

    def on_pulse(self, sender: str, message: Pulse) -> None:
        """Another relay acts; the higher epoch does, and of two with one epoch the smaller name."""
        if (message.epoch, self.id) < (self.epoch, sender) and self.role == ACTIVE:
            return
        if message.epoch < self.epoch:
            return
        if self.role == ACTIVE:
            self.context.note("relay.stands_by", relay=sender, epoch=message.epoch)
            self.role = STANDBY
            self.context.cancel_timer("pulse")
        if message.epoch > self.epoch:
            self.epoch = message.epoch
            self.context.persist(put("epoch", self.epoch))
        self.context.set_timer("silence", self.takeover_us())
