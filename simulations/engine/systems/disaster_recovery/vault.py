"""The backup store: what it was told to keep, and what of it can be read when somebody needs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.disaster_recovery.copy import Copy
from simulations.engine.systems.disaster_recovery.leading import NAME, SECOND
from simulations.engine.systems.disaster_recovery.messages import (
    Ack,
    BackupDone,
    BackupPart,
    Entry,
    Heads,
    RestorePart,
    RestoreRequest,
    Ship,
)
from simulations.engine.systems.disaster_recovery.parameters import Parameters

PARTS = 20
"""In how many parts a restore is sent."""
VERIFY_US = SECOND
"""How long reading a backup back takes."""
HANDLERS: dict[Any, str] = {
    Ship: "on_ship",
    BackupPart: "on_backup_part",
    RestoreRequest: "on_restore_request",
    Ack: "on_nothing",
}


class Backup(msgspec.Struct, frozen=True, array_like=True):
    """One backup: the archive up to ``last``; ``readable``: whether a restore can use it."""

    number: int
    at_us: int
    last: int
    readable: bool


class Staged(msgspec.Struct, array_like=True):
    """A backup that is arriving."""

    epoch: int
    number: int
    sender: str
    heads: Heads
    parts: list[tuple[Entry, ...] | None]

    def is_of(self, sender: str, message: BackupPart) -> bool:
        """Whether a part belongs to it. (Who takes backups counts anew after a restart.)"""
        mine = (self.sender, self.epoch, self.number, self.heads, len(self.parts))
        return mine == (sender, message.epoch, message.number, message.heads, message.parts)


class Sending(msgspec.Struct, array_like=True):
    """A restore that is being sent: what (written by ``to_us``, up to place ``last`` of the archive), the
    next part, and the time between two parts."""

    to_us: int
    last: int
    next: int
    every_us: int


@dataclass(slots=True)
class Vault(Copy):
    """``log``: everything archived; ``kept``: the backups."""

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    kept: list[Backup] = field(default_factory=list)

    # --- volatile ---
    staged: Staged | None = None
    sending: dict[str, Sending] = field(default_factory=dict)

    def on_start(self, disk: DiskImage) -> None:
        self.read_disk(disk)
        self.role = "vault"
        self.kept = [Backup(*one) for one in disk.cell("backups", ())]

    def on_message(self, sender: str, message: Any) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_nothing(self, sender: str, message: Any) -> None:
        """It tells, and is told nothing."""

    def on_request(self, request: Request) -> None:
        """It keeps backups and serves no clients."""
        self.context.reply(request, "retry", None, (self.directory[f"{NAME}/server"] or ("",))[0])

    # -- the archive of point-in-time recovery ---------------------------------------------------------------------

    def on_ship(self, sender: str, message: Ship) -> None:
        """Every write as it happens. A later epoch keeps what it says and begins another timeline."""
        if message.epoch > self.epoch:
            self.keep_base(message.base)
            self.write_epoch(message.epoch, message.base)
        if message.epoch != self.epoch:
            return
        lacks = self.head(message.origin) < message.first - 1
        if self.take(message.entries) or lacks:
            self.context.send(sender, Ack(self.epoch, self.heads()))

    # -- backups ----------------------------------------------------------------------------------------------------

    def on_backup_part(self, sender: str, message: BackupPart) -> None:
        if self.is_stale(message):
            return
        staged = self.staged
        if staged is None or not staged.is_of(sender, message):
            empty: list[Any] = [None] * message.parts
            staged = self.staged = Staged(message.epoch, message.number, sender, message.heads, empty)
        staged.parts[message.part] = message.entries
        self.when_complete(staged)

    def is_stale(self, message: BackupPart) -> bool:
        """A backup of a fenced site, or one that came late: only a later epoch may keep less than the archive has."""
        if message.epoch != self.epoch:
            return message.epoch < self.epoch
        kept = dict(message.heads)
        return any(number > kept.get(origin, 0) for origin, number in self.heads())

    def when_complete(self, staged: Staged) -> None:
        """A backup counts when all of it is here and, if somebody checks, has been read back."""
        if any(part is None for part in staged.parts):
            return
        if self.parameters.backup_job == "verified":
            self.context.set_timer("verify", VERIFY_US)
        else:
            self.keep(staged, self.luck())
            self.answer(staged, True)

    def luck(self) -> bool:
        """Whether this backup can be read: nobody knows before it is restored."""
        return self.context.random.random() >= self.parameters.unreadable

    def verify(self) -> None:
        """Read the new backup back. One that cannot be read is told, and thrown away."""
        staged = self.staged
        if staged is None:
            return
        good = self.luck() and self.is_whole(staged)
        if good:
            self.keep(staged, True)
        self.context.note(
            "disaster_recovery.verified" if good else "disaster_recovery.unreadable", number=staged.number
        )
        self.answer(staged, good)

    def is_whole(self, staged: Staged) -> bool:
        """Whether what it claims to hold is in the archive with it."""
        found = dict(self.heads())
        for part in staged.parts:
            for entry in part or ():
                if entry.number == found.get(entry.origin, 0) + 1:
                    found[entry.origin] = entry.number
        return all(found.get(origin, 0) >= number for origin, number in staged.heads)

    def answer(self, staged: Staged, good: bool) -> None:
        self.staged = None
        self.context.send(
            staged.sender, BackupDone(staged.number, good, staged.heads if good else self.heads())
        )

    def keep(self, staged: Staged, readable: bool) -> None:
        """The backup goes to the disk."""
        for part in staged.parts:
            self.take(part or ())
        if staged.epoch > self.epoch:
            self.keep_base(staged.heads)
            self.write_epoch(staged.epoch, ())
        self.kept.append(Backup(staged.number, self.context.now, self.log.last, readable))
        self.context.persist(
            put("backups", [[one.number, one.at_us, one.last, one.readable] for one in self.kept])
        )

    # -- restoring --------------------------------------------------------------------------------------------------

    def readable_until(self) -> int:
        """How much of the archive a restore can use: each backup builds on the ones before it."""
        if self.parameters.point_in_time:
            return self.log.last
        until = 0
        for one in self.kept:
            if not one.readable:
                self.context.note("disaster_recovery.unreadable", number=one.number)
                break
            until = one.last
        return until

    def on_restore_request(self, sender: str, message: RestoreRequest) -> None:
        """Send it in parts, at the rate that the network or the disks allow."""
        every_us = round(self.parameters.data_mb / message.rate_mb_s * SECOND / PARTS)
        last = self.readable_until() if message.last < 0 else message.last
        self.context.note(
            "disaster_recovery.sends", to=sender, mb=self.parameters.data_mb, rate=message.rate_mb_s
        )
        self.sending[sender] = Sending(message.to_us, last, message.part, every_us)
        self.context.set_timer(f"send {sender}", every_us)

    def send_part(self, to: str) -> None:
        sending = self.sending[to]
        entries = self.wanted(sending)
        size = -(-len(entries) // PARTS)
        piece = tuple(entries[sending.next * size : (sending.next + 1) * size])
        self.context.send(
            to, RestorePart(self.epoch, sending.to_us, sending.last, sending.next, PARTS, piece)
        )
        sending.next += 1
        if sending.next < PARTS:
            self.context.set_timer(f"send {to}", sending.every_us)

    def wanted(self, sending: Sending) -> list[Entry]:
        """What a restore gets: everything readable, or what was written by a point in time."""
        entries = self.log.slice(1, sending.last + 1)
        return [entry for entry in entries if sending.to_us < 0 or entry.at_us <= sending.to_us]

    def on_timer(self, name: str) -> None:
        if name == "verify":
            self.verify()
        else:
            self.send_part(name.removeprefix("send "))
