"""The backup store: a separate machine that keeps every backup it ever got, and gives it back."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from simulations.engine.process import DiskImage, Request, append
from simulations.engine.systems.shared_nothing.member import Member
from simulations.engine.systems.shared_nothing.messages import (
    BackedUp,
    Backup,
    Entry,
    Fetch,
    Holds,
    Look,
    Part,
    ShardMessage,
)
from simulations.engine.systems.shared_nothing.router import shard_of

PART = 50
"""Entries in one message of a restore."""


@dataclass(slots=True)
class BackupStore(Member):
    """``writes``: every entry that was backed up, in the order of its coming. ``shards``: shard -> key -> the places
    of its entries in the writes."""

    role: str = "vault"
    shards: dict[int, dict[str, list[int]]] = field(default_factory=dict)

    # -- rules ----------------------------------------------------------------------------------------------------

    def as_of(self, shard: int, to_us: int) -> list[Entry]:
        """A point in time: of every key the newest entry that was saved by then."""
        found: list[Entry] = []
        for places in self.shards.get(shard, {}).values():
            entries = [self.writes[place] for place in reversed(places)]
            entry = next((one for one in entries if to_us < 0 or one.saved_us <= to_us), None)
            if entry is not None:
                found.append(entry)
        return found

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        for entry in disk.log("writes"):
            self.file(entry)

    def file(self, entry: Entry) -> None:
        self.writes.append(entry)
        shard = shard_of(entry.key, self.parameters.shards)
        self.shards.setdefault(shard, {}).setdefault(entry.key, []).append(self.writes.last)

    def on_request(self, request: Request) -> None:
        self.context.reply(request, "retry", None, self.directory["shared_nothing/server"][0])

    def on_message(self, sender: str, message: ShardMessage) -> None:
        if isinstance(message, Backup):
            now = self.context.now
            entries = [msgspec.structs.replace(entry, saved_us=now) for entry in message.entries]
            for entry in entries:
                self.file(entry)
            self.context.persist(append("writes", entries))
            self.context.note("shared_nothing.saved", count=len(entries), shard=message.shard)
            self.context.send(sender, BackedUp(message.shard, message.number))
        elif isinstance(message, Look):
            self.context.send(sender, Holds(message.shard, self.newest(message.shard), False))
        elif isinstance(message, Fetch):
            entries = self.as_of(message.shard, message.to_us)
            part = tuple(entries[message.place : message.place + PART])
            last = message.place + PART >= len(entries)
            self.context.send(sender, Part(message.shard, message.place, part, last))

    def newest(self, shard: int) -> int:
        places = [found[-1] for found in self.shards.get(shard, {}).values()]
        return max((self.writes[place].version for place in places), default=0)
