"""What replicas of mergeable types send.

Almeida, Shoker, Baquero, "Delta state replicated data types", 2018, Algorithm 2.
"""

from __future__ import annotations

from simulations.engine.process import Message
from simulations.engine.systems.crdt.types import Atom


class CrdtMessage(Message, tag=lambda name: "crdt." + name, gc=False):
    """Base of its messages."""


class Merge(CrdtMessage, gc=False):
    """Join these into your state. ``life``, ``number``: which change of the sender's they reach up to."""

    life: int
    number: int
    atoms: tuple[Atom, ...]


class Merged(CrdtMessage, gc=False):
    """All changes of yours up to ``number``, of that ``life``, are in my durable state."""

    life: int
    number: int


class Hello(CrdtMessage, gc=False):
    """My disk came back empty: forget what I confirmed, and send me everything."""


class Welcome(CrdtMessage, gc=False):
    """It will come."""


MESSAGES = (Merge, Merged, Hello, Welcome)
