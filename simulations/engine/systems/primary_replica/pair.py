"""Two nodes on one shared disk: one is active, the other takes over when it hears nothing - after shooting it, maybe.

STONITH: who goes on first makes sure that the other is off. Over the network that has just failed the order may be
lost; over a separate one it arrives, and both may shoot at once. GitHub, "Downtime last Saturday", December 2012.
"""

from __future__ import annotations

from simulations.engine import state_machine
from simulations.engine.failover import OFF, PRIMARY, REPLICA, FenceDone, FenceOrder, PoweredOff, PowerOff
from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.primary_replica.following import Following
from simulations.engine.systems.primary_replica.messages import (
    Beat,
    DiskContent,
    Entry,
    ReadDisk,
    WriteDisk,
    Written,
)
from simulations.engine.systems.primary_replica.parameters import NONE, SAME_NETWORK, SEPARATE_NETWORK


class Pair(Following):
    """Rules of a node of the pair. ``taking``: it reads the disk before it becomes active."""

    __slots__ = ()

    def start_pair(self, disk: DiskImage) -> None:
        if disk.cell("start_as") == PRIMARY:
            self.context.persist(put("start_as", ""))
            self.take_over("itself")
        self.on_beat_timer()
        self.hear_partner()

    def on_beat_timer(self) -> None:
        for partner in self.others:
            self.context.send(partner, Beat(self.epoch, self.role == PRIMARY or self.taking))
        if self.taking:
            self.ask_disk()
        for number, entry in self.unwritten.items():
            self.to_disk(WriteDisk(number, entry))
        self.context.set_timer("beat", self.us(self.parameters.heartbeat_ms))

    def hear_partner(self) -> None:
        self.linked = True
        self.context.set_timer("partner", self.us(self.parameters.detect_ms))
        self.context.cancel_timer("shoot")
        self.context.cancel_timer("fence")

    def on_beat(self, sender: str, message: Beat) -> None:
        self.hear_partner()
        acting = self.role == PRIMARY or self.taking
        if message.active and message.epoch > self.epoch and not (acting and self.parameters.fencing == NONE):
            self.stand_by(message.epoch, sender)
        elif message.active and not acting:
            self.source = sender
        elif not message.active and not acting and self.id < sender:
            self.adopt(REPLICA, max(self.epoch, message.epoch))
            self.take_over("itself")  # (neither is active: one of them begins)

    def stand_by(self, epoch: int, source: str) -> None:
        """Another is active: what is in memory is not what is on the disk any more."""
        self.note("stands_by", active=source, epoch=epoch)
        self.taking, self.source, self.waiting, self.open, self.unwritten = False, source, {}, {}, {}
        self.adopt(REPLICA, epoch)
        self.rebuild()

    # -- when the partner is silent ---------------------------------------------------------------------------------

    def on_partner_timeout(self) -> None:
        """Nothing from the partner: is it dead, or only the link?"""
        self.note("partner_silent", partner=", ".join(self.others))
        self.linked = False
        if self.parameters.fencing in (SAME_NETWORK, SEPARATE_NETWORK):
            delay = self.parameters.fence_delay_ms.get(self.id, 0)
            self.context.set_timer("shoot", self.us(delay))
        else:
            self.go_on()

    def go_on(self) -> None:
        """Be the active one, alone."""
        if self.role != PRIMARY and not self.taking:
            self.take_over("itself")

    def shoot(self) -> None:
        """Ask the fence device to switch the partner off."""
        for partner in self.others:
            self.note("shoots", partner=partner)
            for fence in self.fences:
                self.context.send(fence, FenceOrder(partner))
        self.context.set_timer("fence", self.us(self.parameters.fence_timeout_ms))

    def on_fence_timeout(self) -> None:
        """No word from the fence device. Over a separate network it is asked again, and nobody goes on unless it
        confirms; over the same network nobody can confirm, so the order is held for carried out."""
        if self.parameters.fencing == SEPARATE_NETWORK:
            self.shoot()
        else:
            self.note("presumes_fenced", partner=", ".join(self.others))
            self.go_on()

    def on_fence_done(self, sender: str, message: FenceDone) -> None:
        self.note("fenced", partner=message.target)
        self.fenced = message.target
        self.context.cancel_timer("fence")
        self.context.cancel_timer("shoot")
        self.go_on()

    def on_power_off(self, sender: str, message: PowerOff) -> None:
        """The plug is pulled: from here on nothing happens until somebody restarts the machine."""
        self.note("is_shot", by=message.orderer)
        self.role, self.taking, self.source, self.linked = OFF, False, "", False
        self.waiting, self.open, self.unwritten, self.due = {}, {}, {}, []
        for timer in (
            "beat",
            "partner",
            "shoot",
            "fence",
            "heartbeat",
            "ship",
            "semi_sync",
            "link",
            "return",
        ):
            self.context.cancel_timer(timer)
        # (The machine's controller answers, not what ran on it.)
        self.context.send(sender, PoweredOff(message.orderer), before_durable=True)

    # -- the shared disk ------------------------------------------------------------------------------------------

    def take_over(self, by: str) -> None:
        """Begin a new epoch: read the disk, then be active."""
        self.promoted_by, self.taking = by, True
        self.adopt(REPLICA, self.epoch + 1)
        self.note("takes_over", epoch=self.epoch)
        self.ask_disk()

    def ask_disk(self) -> None:
        for disk in self.disks:
            self.context.send(disk, ReadDisk(self.epoch))

    def to_disk(self, message: WriteDisk) -> None:
        for disk in self.disks:
            self.context.send(disk, message)

    def on_disk_content(self, sender: str, message: DiskContent) -> None:
        if not self.taking or message.epoch != self.epoch:
            return
        self.taking, self.source = False, ""
        self.data, self.marks, self.state_hash = {}, {}, 0
        for key, value in message.pairs:
            self.state_hash = state_machine.write(self.data, self.marks, key, value, self.state_hash)
        self.adopt(PRIMARY, self.epoch)

    def write_through(self, request: Request) -> None:
        """A write of the active node: into its memory and to the disk; answered when it is there."""
        if request.operation in self.waiting:
            self.waiting[request.operation] = (self.context.now, request)
            return
        writes, value, result = state_machine.effect_of(self.data, request)
        if not writes:
            self.context.reply(request, "ok", result)
            return
        entry = Entry(self.epoch, request.operation, 0, 0, request.key, value, result)
        self.apply(entry)
        self.unwritten[request.operation] = entry
        self.waiting[request.operation] = (self.context.now, request)
        self.to_disk(WriteDisk(request.operation, entry))

    def on_written(self, sender: str, message: Written) -> None:
        entry = self.unwritten.pop(message.number, None)
        if entry is None:
            return
        request = self.waiting.pop(message.number)[1]
        if message.done:
            self.accepted += 1
            self.context.reply(request, "ok", entry.result)
        else:
            self.note("disk_refuses", epoch=self.epoch)
            self.stand_by(self.epoch, "")
