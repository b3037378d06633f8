"""What leaders send each other: their changes, and how far they have read those of the others."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message, Request

Vector = tuple[tuple[str, int], ...]
"""A version vector: (origin, number of its newest change that is known), sorted."""


class Version(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One change of one row, as every leader keeps and ships it.

    ``origin``, ``number``: who accepted it, and its place among all that this leader accepted; ``stamp``: that
    leader's clock then, in microseconds; ``vector``: all changes of the row that were known there, this one included;
    ``replaced``: the names of the versions that were shown there. ``value`` None: the row is gone.
    """

    key: str
    kind: str
    value: Any
    origin: str
    number: int
    stamp: int
    vector: Vector
    replaced: tuple[str, ...]
    operation: int

    @property
    def name(self) -> str:
        return f"{self.origin}.{self.number}"

    @property
    def label(self) -> str:
        """What the page shows of it."""
        return f"{self.kind} {self.key} {self.value} ({self.name})"


class LeaderMessage(Message, tag=lambda name: "multi_leader." + name, gc=False):
    """Base of its messages."""


class Changes(LeaderMessage, gc=False):
    """The changes of one origin from number ``first`` on, in order."""

    origin: str
    first: int
    versions: tuple[Version, ...]


class Received(LeaderMessage, gc=False):
    """All changes of ``origin`` up to ``number`` are durable here."""

    origin: str
    number: int


class Hello(LeaderMessage, gc=False):
    """I have just started and hold this: send me what I lack."""

    received: Vector


class Welcome(LeaderMessage, gc=False):
    """The answer to a greeting, after what was lacking: I hold this."""

    received: Vector


class Forward(LeaderMessage, gc=False):
    """You own this row: please carry this out (single owner)."""

    request: Request


class Outcome(LeaderMessage, gc=False):
    """The owner's answer to a forwarded request."""

    operation: int
    outcome: str
    result: Any


MESSAGES = (Changes, Received, Hello, Welcome, Forward, Outcome)
