"""What masters and relays send each other."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One write: the ``number``-th of the master ``origin``. ``clock``: its Lamport time, by which two writes of one
    key are ordered; ``operation``: the client's."""

    origin: str
    number: int
    clock: int
    operation: int
    key: str
    value: Any = None
    result: Any = None

    @property
    def epoch(self) -> int:
        """What the page shows as its number."""
        return self.clock

    @property
    def label(self) -> str:
        """How the page shows it."""
        return f"{self.origin} {self.number}: {self.key} = {self.value}"


class RelayMessage(Message, tag=lambda name: "relay." + name, gc=False):
    """Base of its messages."""


class Pulse(RelayMessage, gc=False):
    """A relay to everybody: I carry the data, in this epoch."""

    epoch: int


class Forward(RelayMessage, gc=False):
    """Master to relay: pass these, in the order of their numbers, on to the others."""

    entries: tuple[Entry, ...]


class Deliver(RelayMessage, gc=False):
    """Relay to master: entries of one other master."""

    entries: tuple[Entry, ...]


class Have(RelayMessage, gc=False):
    """Master to relay: of ``origin`` I have everything up to ``number`` on disk."""

    origin: str
    number: int


class Confirmed(RelayMessage, gc=False):
    """Relay to the origin: ``master`` has everything of yours up to ``number``."""

    master: str
    number: int


MESSAGES = (Pulse, Forward, Deliver, Have, Confirmed)
