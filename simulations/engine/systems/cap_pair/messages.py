"""What the two nodes of the pair send each other. ``ticket``: the asker's number of an operation; ``at``: a version's
place in the order of writes, (counter, node)."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import Message

At = tuple[int, str]


class PairMessage(Message, tag=lambda name: "cap_pair." + name, gc=False):
    """Base of its messages."""


class Ask(PairMessage, gc=False):
    """What do you hold of this key?"""

    ticket: int
    key: str


class Tell(PairMessage, gc=False):
    """This."""

    ticket: int
    value: Any
    at: At


class Store(PairMessage, gc=False):
    """Hold this, unless you have something later."""

    ticket: int
    key: str
    value: Any
    at: At


class StoreAck(PairMessage, gc=False):
    """It is on disk."""

    ticket: int


class Ping(PairMessage, gc=False):
    """Are you there?"""


class Pong(PairMessage, gc=False):
    """Yes."""


class Sync(PairMessage, gc=False):
    """All I hold, after we were apart; ``back``: send me all you hold."""

    items: tuple[tuple[str, Any, At], ...]
    back: bool


MESSAGES = (Ask, Tell, Store, StoreAck, Ping, Pong, Sync)
