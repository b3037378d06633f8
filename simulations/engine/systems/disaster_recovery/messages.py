"""What sites, followers and the backup store send to each other."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message

Heads = tuple[tuple[str, int], ...]
"""Origin -> number of its last entry, as pairs."""


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One write. ``origin`` and ``number`` name it: who accepted it in which epoch, and the how-manieth it was there.

    ``at_us``: the local clock of its origin; ``over``: the writes of this key that its origin had seen, per origin the
    last; ``operation``: the client's.
    """

    origin: str
    number: int
    epoch: int
    at_us: int
    kind: str
    key: str
    value: Any
    over: Heads
    operation: int

    @property
    def stamp(self) -> tuple[int, int, str]:
        """What decides between two writes of one key: the later epoch, then the later clock, then the origin."""
        return (self.epoch, self.at_us, self.origin)


class DisasterMessage(Message, tag=lambda name: "disaster_recovery." + name, gc=False):
    """Base of its messages."""


class Ship(DisasterMessage, gc=False):
    """Entries of one origin from ``first`` on; without entries a sign of life. ``base``: what the copies may keep of
    earlier epochs. ``leads``: the sender accepts writes."""

    epoch: int
    origin: str
    first: int
    entries: tuple[Entry, ...]
    base: Heads
    leads: bool


class Ack(DisasterMessage, gc=False):
    """What the sender holds durably."""

    epoch: int
    heads: Heads


class HandOver(DisasterMessage, gc=False):
    """Failback: lead from now on, in this epoch, if you hold all of ``heads``."""

    epoch: int
    heads: Heads


class Salvage(DisasterMessage, gc=False):
    """Writes that a returned site had accepted and who leads in ``epoch`` never got, read from its disk."""

    epoch: int
    entries: tuple[Entry, ...]


class Salvaged(DisasterMessage, gc=False):
    """Who leads in ``epoch`` has taken in what it wanted of them: they may be dropped."""

    epoch: int


class BackupPart(DisasterMessage, gc=False):
    """One part of an incremental backup, taken by who led in ``epoch``."""

    epoch: int
    number: int
    part: int
    parts: int
    entries: tuple[Entry, ...]
    heads: Heads


class BackupDone(DisasterMessage, gc=False):
    """The store's answer: the backup is kept (``good``), or it could not be read back. ``heads``: what the store
    holds."""

    number: int
    good: bool
    heads: Heads


class RestoreRequest(DisasterMessage, gc=False):
    """Send what can be read, from part ``part`` on. ``to_us``: only what was written by then (-1: everything);
    ``last``: how much of the archive the parts before it came from (-1: none did)."""

    to_us: int
    rate_mb_s: float
    part: int
    last: int


class RestorePart(DisasterMessage, gc=False):
    """One part of a restore; ``parts`` in all. ``epoch``: the latest that the archive knows; ``to_us``, ``last``: see
    RestoreRequest."""

    epoch: int
    to_us: int
    last: int
    part: int
    parts: int
    entries: tuple[Entry, ...]


MESSAGES = (Ship, Ack, HandOver, Salvage, Salvaged, BackupPart, BackupDone, RestoreRequest, RestorePart)
