"""One copy of the data: a log of writes in the order of their arrival, and the keys they leave.

Writes are named by (origin, number); the copy holds a prefix of every origin. An epoch begins with a *base*: what the
copies may keep of earlier epochs; the rest is dropped when a copy hears of the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.chunks import Chunks
from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process, append, put, truncate_from
from simulations.engine.systems.disaster_recovery.messages import Entry, Heads

BATCH = 200
"""Entries in one message."""


class Version(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The write a key has its value from; ``seen``: the writes that it knew or replaced, itself included."""

    epoch: int
    at_us: int
    origin: str
    value: Any
    seen: Heads

    @property
    def stamp(self) -> tuple[int, int, str]:
        return (self.epoch, self.at_us, self.origin)


def merged(one: Heads, other: Heads) -> Heads:
    """Both together: per origin the later one."""
    if not other:
        return one
    found = dict(one)
    for origin, number in other:
        if number > found.get(origin, 0):
            found[origin] = number
    return tuple(found.items())


@dataclass(slots=True)
class Copy(Process):
    """What every process that holds data has. ``places``: origin -> where its entries stand in the log.

    What is watched of it is told of every process alike: checks find it at the same places.
    """

    watched: ClassVar[tuple[str, ...]] = (
        "role", "epoch", "deletions", "claimed", "restores", "conflicts", "capacity", "took_over",
    )  # fmt: skip

    # --- persistent ---
    log: Log = field(default_factory=Log)
    epoch: int = 0
    base: Heads = ()

    # --- volatile ---
    data: dict[str, Version] = field(default_factory=dict)
    places: dict[str, Chunks[int]] = field(default_factory=dict)
    floor: tuple[int, int, str] = (0, 0, "")
    deletions: int = 0
    conflicts: int = 0
    last_at: int = 0
    role: str = ""
    primary: str = ""
    took_over: str = ""
    capacity: float = 0.0
    claimed: int = 0
    restores: int = 0

    def heads(self) -> Heads:
        """What this copy holds, per origin."""
        return tuple((origin, len(places)) for origin, places in self.places.items())

    def head(self, origin: str) -> int:
        places = self.places.get(origin)
        return 0 if places is None else len(places)

    def entries_of(self, origin: str, first: int, count: int = BATCH) -> tuple[Entry, ...]:
        """Up to ``count`` entries of an origin from a number on."""
        places = self.places.get(origin)
        if places is None:
            return ()
        last = min(len(places), first + count - 1)
        return tuple(self.log[places[number - 1]] for number in range(first, last + 1))

    # -- changes --------------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Take the next entry of its origin into memory."""
        self.log.append(entry)
        places = self.places.get(entry.origin)
        if places is None:
            places = self.places[entry.origin] = Chunks()
        places.append(self.log.last)
        self.last_at = max(self.last_at, entry.at_us)
        self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """What a write does to the keys: one that knew the current version replaces it; of two that did not know each
        other the later clock wins, whatever the order of arrival."""
        if entry.kind == "delete_all":
            self.delete_all(entry)
        elif entry.kind == "put" and entry.stamp > self.floor:
            old = self.data.get(entry.key)
            own = ((entry.origin, entry.number),)
            if old is None:
                self.write(entry, merged(entry.over, own))
                return
            seen = dict(old.seen)
            if entry.number <= seen.get(entry.origin, 0):
                return
            known = dict(entry.over)
            if all(number <= known.get(origin, 0) for origin, number in old.seen):
                self.write(entry, merged(entry.over, own))
            else:
                self.resolve(entry, old, merged(merged(old.seen, entry.over), own))

    def write(self, entry: Entry, seen: Heads) -> None:
        self.data[entry.key] = Version(entry.epoch, entry.at_us, entry.origin, entry.value, seen)

    def resolve(self, entry: Entry, old: Version, seen: Heads) -> None:
        """A conflict: last writer wins, by clocks; the other write was acknowledged all the same."""
        self.conflicts += 1
        self.context.note("disaster_recovery.conflict", key=entry.key, one=old.origin, other=entry.origin)
        if entry.stamp > old.stamp:
            self.write(entry, seen)
        else:
            self.data[entry.key] = msgspec.structs.replace(old, seen=seen)

    def delete_all(self, entry: Entry) -> None:
        """A DELETE without WHERE: every write before it is gone. It is a write like any other, so it replicates."""
        self.floor = max(self.floor, entry.stamp)
        self.deletions += 1
        self.data = {key: version for key, version in self.data.items() if version.stamp > self.floor}
        self.context.note("disaster_recovery.deleted_all", by=entry.origin)

    def store(self, entries: Iterable[Entry]) -> int:
        """Write entries to the disk; returns the number of the write."""
        return self.context.persist(append("log", tuple(entries)))

    def take(self, entries: tuple[Entry, ...]) -> int:
        """Add those entries that follow what is there; returns how many."""
        fresh = []
        for entry in entries:
            if entry.number == self.head(entry.origin) + 1:
                self.add(entry)
                fresh.append(entry)
        if fresh:
            self.store(fresh)
        return len(fresh)

    def replace(self, entries: Iterable[Entry]) -> None:
        """Another content altogether: after a restore, or when a new epoch keeps less than this copy has."""
        kept = tuple(entries)
        self.load(kept)
        self.context.persist(truncate_from("log", 1), append("log", kept))

    def load(self, entries: Iterable[Entry]) -> None:
        """Build the memory from entries."""
        self.log, self.data, self.places, self.floor = Log(), {}, {}, (0, 0, "")
        self.deletions = self.conflicts = 0
        for entry in entries:
            self.add(entry)

    def beyond(self, base: Heads) -> tuple[Entry, ...]:
        """What this copy holds and the base does not keep."""
        kept = dict(base)
        return tuple(entry for entry in self.log if entry.number > kept.get(entry.origin, 0))

    def keep_base(self, base: Heads) -> None:
        """Drop what the new epoch does not keep."""
        kept = dict(base)
        lost = sum(max(0, number - kept.get(origin, 0)) for origin, number in self.heads())
        if lost:
            self.context.note("disaster_recovery.dropped", entries=lost)
            self.replace(entry for entry in self.log if entry.number <= kept.get(entry.origin, 0))

    def write_epoch(self, epoch: int, base: Heads) -> None:
        """The epoch this copy follows, durably."""
        self.epoch, self.base = epoch, base
        self.context.persist(put("epoch", epoch), put("base", [list(pair) for pair in base]))

    def read_disk(self, disk: DiskImage) -> None:
        """What was durable."""
        self.epoch = disk.cell("epoch", 0)
        self.base = tuple((origin, number) for origin, number in disk.cell("base", ()))
        self.load(disk.log("log"))
