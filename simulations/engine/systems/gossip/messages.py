"""What gossiping nodes send. Demers et al., "Epidemic algorithms for replicated database maintenance", 1987."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message

Vector = tuple[tuple[str, int], ...]
"""(origin, how many of its values are known without a gap), sorted."""

VALUE, JOIN, LEAVE = "value", "join", "leave"


class Rumour(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One piece of news: a client's value, or that a node joined or left (``key``: which, ``value``: how manieth time).

    ``origin``, ``number``: who said it first, and its place among all that this node said; ``operation``: the client's.
    """

    kind: str
    key: str
    value: Any
    origin: str
    number: int
    operation: int = 0

    @property
    def name(self) -> str:
        return f"{self.origin}.{self.number}"

    @property
    def label(self) -> str:
        """What the page shows of it."""
        return f"{self.kind} {self.value} ({self.name})" if self.kind == VALUE else f"{self.kind} {self.key}"


class GossipMessage(Message, tag=lambda name: "gossip." + name, gc=False):
    """Base of its messages."""


class Push(GossipMessage, gc=False):
    """Have you heard? ``ages``: for how many rounds each rumour has been pushed, this one included."""

    rumours: tuple[Rumour, ...]
    ages: tuple[int, ...]


class Known(GossipMessage, gc=False):
    """These were no news to me (feedback)."""

    names: tuple[str, ...]


class Relay(GossipMessage, gc=False):
    """News along the tree."""

    rumours: tuple[Rumour, ...]


class Digest(GossipMessage, gc=False):
    """Anti-entropy: this is what I know. ``pull``: send me what I lack; ``push``: ask me for what you lack."""

    known: Vector
    pull: bool
    push: bool


class Repair(GossipMessage, gc=False):
    """Anti-entropy: this is what you lack."""

    rumours: tuple[Rumour, ...]


MESSAGES = (Push, Known, Relay, Digest, Repair)
