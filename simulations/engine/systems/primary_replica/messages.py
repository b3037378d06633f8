"""What primaries, replicas, and the pair on a shared disk send each other."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One write in the log, as its effect (row-based): the key now holds ``value`` (None: nothing).

    ``operation`` 0 stands for the record with which a new primary begins its epoch. ``session``, ``sequence`` and
    ``result`` let a retry be answered without writing twice.
    """

    epoch: int
    operation: int
    session: int = 0
    sequence: int = 0
    key: str = ""
    value: Any = None
    result: Any = None

    @property
    def label(self) -> str:
        """How the page shows it."""
        return f"{self.key} = {self.value}" if self.operation else ""


class PrimaryReplicaMessage(Message, tag=lambda name: "primary_replica." + name, gc=False):
    """Base of its messages."""


class Entries(PrimaryReplicaMessage, gc=False):
    """Primary to replica: what follows ``prev`` in its log, whose prefix up to there has the hash ``prev_hash``.
    Without entries it is a heartbeat."""

    epoch: int
    prev: int
    prev_hash: int
    entries: tuple[Entry, ...]


class Received(PrimaryReplicaMessage, gc=False):
    """The replica's log is the primary's up to ``position``, on disk."""

    epoch: int
    position: int


class Refused(PrimaryReplicaMessage, gc=False):
    """The entries did not fit after ``prev``: the replica's log ends at ``last``, or differs. A higher ``epoch`` than
    the sender's tells it that it leads no longer."""

    epoch: int
    prev: int
    last: int


class Beat(PrimaryReplicaMessage, gc=False):
    """The two nodes of a shared disk tell each other that they are there."""

    epoch: int
    active: bool


class ReadDisk(PrimaryReplicaMessage, gc=False):
    """To the shared disk: what do you hold?"""

    epoch: int


class DiskContent(PrimaryReplicaMessage, gc=False):
    """From the shared disk: all pairs."""

    epoch: int
    pairs: tuple[tuple[str, Any], ...]


class WriteDisk(PrimaryReplicaMessage, gc=False):
    """To the shared disk: write this."""

    number: int
    entry: Entry


class Written(PrimaryReplicaMessage, gc=False):
    """From the shared disk. Not ``done``: it serves a higher epoch."""

    number: int
    done: bool


MESSAGES = (Entries, Received, Refused, Beat, ReadDisk, DiskContent, WriteDisk, Written)
