"""What the three lanes of a drill send to each other."""

from __future__ import annotations

import msgspec

from simulations.engine.process import Message


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One piece of work that a business function did: the client's operation."""

    operation: int
    at_us: int


class DrillMessage(Message, tag=lambda name: "bcdr_drill." + name, gc=False):
    """Base of its messages."""


class Alive(DrillMessage, gc=False):
    """Technology: this function is served here."""

    function: str


class CopyOf(DrillMessage, gc=False):
    """Technology: what the function did since the last copy."""

    function: str
    first: int
    calls: tuple[Call, ...]


class CopyTaken(DrillMessage, gc=False):
    """Technology: the standby holds the function's work up to here."""

    function: str
    upto: int


class AskRunbook(DrillMessage, gc=False):
    """Organisation: send me the runbook."""


class Runbook(DrillMessage, gc=False):
    """Organisation: what to restore, in which order."""

    order: tuple[str, ...]


class AskApproval(DrillMessage, gc=False):
    """Organisation: may we declare a disaster and switch over?"""


class Approval(DrillMessage, gc=False):
    """Organisation: yes."""


class Order(DrillMessage, gc=False):
    """Organisation to technology: restore these functions, in this order. All orders so far, so that none gets lost or
    overtakes another. ``by_the_book``: the steps are written down."""

    functions: tuple[str, ...]
    by_the_book: bool


class Start(DrillMessage, gc=False):
    """Technology: start the standby of this function."""

    function: str
    slower: float


class Started(DrillMessage, gc=False):
    """Technology: the function is served again, by the sender."""

    function: str


class Restored(DrillMessage, gc=False):
    """Technology to organisation: done."""

    function: str


MESSAGES = (
    Alive, CopyOf, CopyTaken, AskRunbook, Runbook, AskApproval, Approval, Order, Start, Started, Restored,
)  # fmt: skip
