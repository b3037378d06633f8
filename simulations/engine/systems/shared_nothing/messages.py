"""What shards, the directory and the backup store send. Stonebraker, "The case for shared nothing", 1986."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message, Request


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One write of one key. ``value`` None: the key is gone; ``version`` rises with every write of its shard;
    ``operation``: the client's; ``replaced``: the operation whose value it replaced (0: none); ``saved_us``: when the
    backup store got it."""

    key: str
    value: Any
    operation: int
    version: int
    replaced: int = 0
    saved_us: int = 0

    @property
    def label(self) -> str:
        """What the page shows of it."""
        return f"put {self.key} {self.value}"


class ShardMessage(Message, tag=lambda name: "shared_nothing." + name, gc=False):
    """Base of its messages."""


class Register(ShardMessage, gc=False):
    """I run, serve these shards, and could serve those. ``life``: when this life began by its clock; ``number``: rises
    with every word, so that an older one that arrives late is known as such."""

    life: int
    number: int
    serves: tuple[int, ...]
    stands: tuple[int, ...]


class Ask(ShardMessage, gc=False):
    """Please carry this out; answer to me."""

    request: Request


class Answer(ShardMessage, gc=False):
    """What became of a request."""

    operation: int
    outcome: str
    result: Any


class Copy(ShardMessage, gc=False):
    """Keep this write too: its client waits for you."""

    shard: int
    entry: Entry


class Copied(ShardMessage, gc=False):
    """The copy is on my disk."""

    shard: int
    version: int


class Look(ShardMessage, gc=False):
    """I have just started: what do you hold of this shard? ``version``: the newest that I hold."""

    shard: int
    version: int


class Holds(ShardMessage, gc=False):
    """The answer: the newest version (0: nothing), and whether I serve the shard."""

    shard: int
    version: int
    serves: bool


class Fetch(ShardMessage, gc=False):
    """Send me the entries of this shard from this place on (of a backup: as they were at ``to_us``, -1: the newest)."""

    shard: int
    place: int
    to_us: int


class Part(ShardMessage, gc=False):
    """Entries from that place on; ``last``: there are no more."""

    shard: int
    place: int
    entries: tuple[Entry, ...]
    last: bool


class Backup(ShardMessage, gc=False):
    """What changed in this shard since the last backup that was confirmed."""

    shard: int
    number: int
    entries: tuple[Entry, ...]


class BackedUp(ShardMessage, gc=False):
    """That backup is on my disk."""

    shard: int
    number: int


MESSAGES = (Register, Ask, Answer, Copy, Copied, Look, Holds, Fetch, Part, Backup, BackedUp)
