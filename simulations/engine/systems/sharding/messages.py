"""What the processes of a sharded store, and of a pool of pods behind a balancer, tell each other."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message, Request


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a key holds. ``version`` counts its writes; ``writers``: the last operations that wrote it, so that a
    repeated attempt is not carried out twice."""

    version: int = 0
    value: Any = None
    writers: tuple[int, ...] = ()


Rows = tuple[tuple[str, Row], ...]


class ShardingMessage(Message, tag=lambda name: "sharding." + name, gc=False):
    """Base of its messages."""


class Map(ShardingMessage, gc=False):
    """The whole map. ``owners``: for each shard the place of its owner among all servers; ``first``: the same of the
    cluster's first map, which tells where the keys were that it began with; ``salt``: the cluster's own hash seed."""

    epoch: int
    members: tuple[str, ...]
    salt: int
    owners: bytes
    first: bytes


class MapChange(ShardingMessage, gc=False):
    """A move is done: these shards belong to ``owner`` from this epoch on."""

    epoch: int
    move: int
    owner: str
    shards: tuple[int, ...]


class Beacon(ShardingMessage, gc=False):
    """The keeper tells which epoch the map has, now and then."""

    epoch: int


class AskMap(ShardingMessage, gc=False):
    """Who has an older map asks for the newest."""

    epoch: int


class MoveOut(ShardingMessage, gc=False):
    """The keeper asks an owner to hand shards over."""

    move: int
    shards: tuple[int, ...]
    target: str


class Copy(ShardingMessage, gc=False):
    """Some rows of a move; ``padding`` stands for the bytes of their values."""

    move: int
    attempt: int
    number: int
    rows: Rows
    padding: bytes = b""


class CopyAck(ShardingMessage, gc=False):
    """The rows are on the receiver's disk."""

    move: int
    attempt: int
    number: int


class Copied(ShardingMessage, gc=False):
    """The owner has stopped serving the shards of a move, and the receiver holds all of their rows."""

    move: int


class Forward(ShardingMessage, gc=False):
    """A request for the owner of its shard, as the map of this epoch says. ``hops``: how often it was sent on."""

    request: Request
    shard: int
    epoch: int
    hops: int


class Moved(ShardingMessage, gc=False):
    """Not mine: ``owner`` has it, as far as is known at this epoch."""

    request: Request
    shard: int
    epoch: int
    owner: str
    hops: int


class ReadCopy(ShardingMessage, gc=False):
    """A read of a split key, for one of those that hold a copy of it."""

    request: Request


class Fetch(ShardingMessage, gc=False):
    """Give me a copy of this row."""

    key: str


class Fetched(ShardingMessage, gc=False):
    """A copy of a row; it may be served for a while."""

    key: str
    row: Row


class Work(ShardingMessage, gc=False):
    """A request for one pod."""

    request: Request
    pod: int


class Done(ShardingMessage, gc=False):
    """A pod has finished (or refused) a request."""

    pod: int


class Status(ShardingMessage, gc=False):
    """How many requests each ready pod of a pool has before it."""

    queued: tuple[int, ...]


class AskLoad(ShardingMessage, gc=False):
    """The autoscaler asks how much arrived."""


class Load(ShardingMessage, gc=False):
    """Requests that arrived since the pool or server started; pods it has or is starting (a server: 1 for a member)."""

    arrived: int
    pods: int


class Scale(ShardingMessage, gc=False):
    """Have so many pods."""

    pods: int


class Resize(ShardingMessage, gc=False):
    """The autoscaler wants these members."""

    members: tuple[str, ...]


MESSAGES = (
    Map, MapChange, Beacon, AskMap, MoveOut, Copy, CopyAck, Copied, Forward, Moved, ReadCopy, Fetch, Fetched, Work,
    Done, Status, AskLoad, Load, Scale, Resize,
)  # fmt: skip
