"""What processes say to a storage that looks at fencing tokens, whoever they are."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import Message


class StorageMessage(Message, tag=lambda name: "storage." + name):
    """Base of both."""


class StoreWrite(StorageMessage):
    """Put a value. ``token``: the number of the lock under which it is written."""

    number: int
    key: str
    value: Any
    token: int


class StoreReply(StorageMessage):
    """Whether it was stored; with ``stored`` false the token was too old."""

    number: int
    stored: bool


MESSAGES: tuple[type[Message], ...] = (StoreWrite, StoreReply)
