"""What stands beside the databases: the disk that two of them share, and the device that can switch them off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulations.engine import state_machine
from simulations.engine.failover import FenceDone, FenceOrder, Ping, PoweredOff, PowerOff, Report
from simulations.engine.process import DiskImage, Request, append, put
from simulations.engine.systems.primary_replica.messages import (
    DiskContent,
    Entry,
    ReadDisk,
    WriteDisk,
    Written,
)
from simulations.engine.systems.primary_replica.parameters import EPOCH
from simulations.engine.systems.primary_replica.state import Member


@dataclass(slots=True)
class SharedDisk(Member):
    """A disk on the network. It obeys whoever writes; with fencing by epoch it refuses those of a lower epoch than the
    last one that read it (as a SCSI reservation does)."""

    role: str = "shared_disk"
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    written: dict[int, bool] = field(default_factory=dict)

    def on_start(self, disk: DiskImage) -> None:
        self.epoch, self.log = disk.cell("epoch", 0), disk.log("log")
        for entry in self.log:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        self.written[entry.operation] = True
        self.epoch = max(self.epoch, entry.epoch)
        self.state_hash = state_machine.write(self.data, self.marks, entry.key, entry.value, self.state_hash)

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, ReadDisk):
            if message.epoch > self.epoch:
                self.epoch = message.epoch
                self.context.persist(put("epoch", self.epoch))
            pairs = tuple((key, self.data[key]) for key in sorted(self.data))
            self.context.send(sender, DiskContent(message.epoch, pairs))
        elif isinstance(message, WriteDisk):
            self.on_write(sender, message)

    def on_write(self, sender: str, message: WriteDisk) -> None:
        entry = message.entry
        allowed = self.parameters.fencing != EPOCH or entry.epoch >= self.epoch
        if allowed and message.number not in self.written:
            self.log.append(entry)
            self.context.persist(append("log", (entry,)))
            self.apply(entry)
        self.context.send(sender, Written(message.number, message.number in self.written))

    def on_request(self, request: Request) -> None:
        self.context.reply(request, "retry")


@dataclass(slots=True)
class Fence(Member):
    """A power switch that can be reached over the network. It carries out every order, even of two who shoot at
    each other."""

    role: str = "fence"
    state_hash: Any = None
    orders: int = 0
    last_target: str = ""

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, FenceOrder):
            self.orders += 1
            self.last_target = message.target
            self.context.note("primary_replica.cuts_power", target=message.target, orderer=sender)
            self.context.send(message.target, PowerOff(sender))
        elif isinstance(message, PoweredOff):
            self.context.send(message.orderer, FenceDone(sender))
        elif isinstance(message, Ping):
            self.context.send(sender, Report(message.number, self.role, 0, 0, 0, "", False))

    def on_request(self, request: Request) -> None:
        self.context.reply(request, "retry")
