"""What the processes of sharding remember, and the small steps that all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

import msgspec

from simulations.engine.process import DiskImage, Process, Request, append
from simulations.engine.systems.sharding.messages import (
    AskMap,
    Copy,
    Map,
    MapChange,
    Row,
    Rows,
    ShardingMessage,
)
from simulations.engine.systems.sharding.parameters import Parameters
from simulations.engine.systems.sharding.placement import shard_of, shards_of_first_keys

NAME = "sharding"
SPARE, MEMBER, KEEPER, GIVING, TAKING = "spare", "member", "keeper", "giving", "taking"
KEPT_WRITERS = 64
"""How many last operations a row names: retries later than that are carried out again."""

EMPTY = Row()
EPOCH, OWNERSHIP, SERVED, WRITES, REDIRECTS, KEYS_IN, WANTED, READY = range(8)
"""Places in ``Part.watched``."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One line of a server's log. ``kind``: put (a row was written), copied (rows of a move were received),
    frozen (the shards of a move are not served any more), map or change (what the keeper told)."""

    kind: str
    move: int = 0
    shards: tuple[int, ...] = ()
    rows: Rows = ()
    map: Map | MapChange | None = None


class Outgoing(msgspec.Struct):
    """A move that this server gives. ``keys``: rows still to be copied, last first; ``dirty``: rows written since they
    were copied; ``unanswered``: batches without an acknowledgement; ``rows``: how many there were at first, ``sent``
    so far; ``last``: nothing more will follow; ``heard_us``: when the last acknowledgement or repetition was."""

    target: str
    shards: tuple[int, ...]
    attempt: int
    keys: list[str]
    dirty: dict[str, bool] = {}
    unanswered: dict[int, Copy] = {}
    number: int = 0
    rows: int = 0
    sent: int = 0
    last: bool = False
    heard_us: int = 0


class Move(msgspec.Struct, frozen=True):
    """A move that the keeper has ordered and that is not done."""

    shards: tuple[int, ...]
    source: str
    target: str


@lru_cache(maxsize=64)
def padding(size: int) -> bytes:
    """Bytes that stand for the values of copied rows."""
    return bytes(size)


@dataclass(slots=True)
class Part(Process):
    """What every process of the system shows."""

    watched: ClassVar[tuple[str, ...]] = (
        "epoch", "ownership", "served", "writes", "redirects", "keys_in", "wanted", "ready",
    )  # fmt: skip
    parameters: Parameters = field(default_factory=Parameters)

    role: str = SPARE
    epoch: int = 0
    members: tuple[str, ...] = ()
    ownership: int = 0
    served: int = 0
    writes: int = 0
    redirects: int = 0
    keys_in: int = 0
    wanted: int = 0
    ready: int = 0
    shards_owned: int = 0
    keys_held: int = 0
    moving: dict[str, str] = field(default_factory=dict)
    hot: list[str] = field(default_factory=list)
    queued: list[int] = field(default_factory=list)
    cache_hits: int = 0


@dataclass(slots=True)
class ServerState(Part):
    """A server: router, owner of shards, and - the first one - keeper of the map."""

    # --- persistent, in the log ---
    data: dict[str, Row] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    salt: int = 0
    owners: bytes = b""
    first: bytes = b""
    frozen: dict[int, int] = field(default_factory=dict)
    incoming: dict[int, dict[str, Row]] = field(default_factory=dict)

    # --- volatile ---
    life: int = 0
    me: int = 0
    keeper: str = ""
    first_keys: int = 0
    value_bytes: int = 0
    first_members: tuple[str, ...] = ()
    owned: set[int] = field(default_factory=set)
    outgoing: dict[int, Outgoing] = field(default_factory=dict)
    index: dict[int, list[str]] = field(default_factory=dict)
    waiting: list[Request] = field(default_factory=list)
    last_write: tuple[int, int, str, int] = (0, 0, "", 0)
    last_redirected: str = ""

    # --- hot keys (volatile) ---
    sampled: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    turn: int = 0
    copies: dict[str, tuple[Row, int]] = field(default_factory=dict)
    fetching: dict[str, int] = field(default_factory=dict)
    readers: dict[str, list[Request]] = field(default_factory=dict)

    # --- keeper only, persistent ---
    keeps: bool = False
    moves: dict[int, Move] = field(default_factory=dict)
    next_move: int = 1
    wanted_members: tuple[str, ...] = ()

    # -- small steps ----------------------------------------------------------------------------------------------

    def shard(self, key: str) -> int:
        return shard_of(key, self.salt, len(self.owners))

    def keys_in_shards(self, shards: set[int]) -> list[str]:
        """The keys held in these shards; looked up in an index that is there while shards are given away."""
        if not self.index:
            salt, count, index = self.salt, len(self.owners), self.index
            for key in self.data:
                index.setdefault(shard_of(key, salt, count), []).append(key)
        return [key for shard in sorted(shards) for key in self.index.get(shard, ())]

    def owner_of(self, shard: int) -> str:
        return self.names[self.owners[shard]]

    def send(self, to: str, message: ShardingMessage) -> None:
        """Send; what is meant for this very process is handled at once."""
        if to == self.id:
            self.on_message(to, message)
        else:
            self.context.send(to, message)

    def record(self, *records: Record) -> None:
        """Write to the log; whatever is sent afterwards leaves when it is durable."""
        self.context.persist(append("log", records))

    def refresh_role(self) -> None:
        """The role and the counters that people see."""
        self.shards_owned, self.keys_held = len(self.owned), len(self.data)
        self.moving = {
            **{f"{move}": f"-> {out.target}" for move, out in sorted(self.outgoing.items())},
            **{f"{move}": "<-" for move in sorted(self.incoming)},
        }
        if self.keeps:
            self.role = KEEPER  # (also while it hands shards over: what moves is another field)
        elif self.outgoing:
            self.role = GIVING
        elif self.incoming:
            self.role = TAKING
        else:
            self.role = MEMBER if self.id in self.members else SPARE

    # -- the map --------------------------------------------------------------------------------------------------

    def on_map(self, sender: str, message: Map) -> None:
        """The whole map: taken when it is newer."""
        if message.epoch > self.epoch:
            self.take_map(message)
            self.record(Record("map", map=message))
            self.after_map()

    def on_map_change(self, sender: str, message: MapChange) -> None:
        """A change is taken only on top of the epoch before it: who missed one asks for the whole map."""
        if message.epoch == self.epoch + 1:
            self.take_change(message)
            self.record(Record("change", map=message))
            self.after_map()
        elif message.epoch > self.epoch:
            self.ask_for_map()

    def ask_for_map(self) -> None:
        self.context.send(self.keeper, AskMap(self.epoch))

    def take_map(self, message: Map) -> None:
        """The map as the keeper tells it. A server that never had one holds what the cluster began with."""
        if not self.epoch:
            self.salt, self.first = message.salt, message.first
            self.seed()
        self.epoch, self.members = message.epoch, message.members
        self.take_owners(message.owners)

    def take_change(self, message: MapChange) -> None:
        """The shards of one move have a new owner."""
        owners, place = bytearray(self.owners), self.names.index(message.owner)
        for shard in message.shards:
            owners[shard] = place
        self.epoch, self.owners = message.epoch, bytes(owners)
        shards = set(message.shards)
        if place == self.me:
            self.exchange(shards - self.owned, set())
        else:
            self.exchange(set(), shards & self.owned)

    def seed(self) -> None:
        """The rows that this server's shards hold when the cluster is new."""
        first, me = self.first, self.me
        shards = shards_of_first_keys(self.first_keys, self.salt, len(first))
        self.data = {f"k{number}": EMPTY for number, shard in enumerate(shards) if first[shard] == me}

    def take_owners(self, owners: bytes) -> None:
        """Compare with what is owned now."""
        self.owners = owners
        owned = {shard for shard, owner in enumerate(owners) if owner == self.me}
        self.exchange(owned - self.owned, self.owned - owned)

    def exchange(self, gained: set[int], lost: set[int]) -> None:
        """Take over what was received, drop what was given away."""
        self.owned = (self.owned | gained) - lost
        if lost:
            self.drop(lost)
        if gained:
            self.take_over(gained)
        if gained or lost:
            self.ownership += 1

    def drop(self, lost: set[int]) -> None:
        """Rows of shards that somebody else owns are deleted."""
        for key in self.keys_in_shards(lost):
            del self.data[key]
        for shard in lost:
            self.index.pop(shard, None)
        self.frozen = {shard: move for shard, move in self.frozen.items() if shard not in lost}
        for move in [move for move, out in self.outgoing.items() if lost.issuperset(out.shards)]:
            del self.outgoing[move]
            self.context.cancel_timer(f"copy {move}")
        if not self.outgoing:
            self.index.clear()

    def take_over(self, gained: set[int]) -> None:
        """The rows received for shards that are mine now become the ones I serve."""
        for move in sorted(self.incoming):
            rows = self.incoming[move]
            if self.shard(next(iter(rows))) in gained:  # (the shards of a move change hands together)
                self.data.update(rows)
                self.index.clear()
                self.keys_in += len(rows)
                del self.incoming[move]

    def after_map(self) -> None:
        """Requests that waited for the map or for the end of a move find their way now, one an event."""
        self.refresh_role()
        if self.waiting:
            self.context.set_timer("waiting", 0)

    # -- a new life -----------------------------------------------------------------------------------------------

    def replay(self, disk: DiskImage) -> None:
        """Carry out the log again: rows, copies, maps."""
        for record in disk.log("log"):
            if record.kind == "map":
                self.take_map(record.map)
            elif record.kind == "change":
                self.take_change(record.map)
            elif record.kind == "put":
                self.data.update(record.rows)
            elif record.kind == "frozen":
                self.frozen.update(dict.fromkeys(record.shards, record.move))
            else:
                self.receive(record.move, record.rows)

    def receive(self, move: int, rows: Iterable[tuple[str, Row]]) -> None:
        """Rows of a move: of each key the newest version counts, whatever order they came in, and whichever attempt
        they belong to (a copied row is durable at its owner, so a version always means the same write)."""
        kept = self.incoming.setdefault(move, {})
        for key, row in rows:
            if key not in kept or kept[key].version < row.version:
                kept[key] = row
