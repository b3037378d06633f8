"""Chunks, the tiles that branches are covered with, and checkpoints: caches in Valkey with a lifetime.

Chunk bodies and checkpoints are keyed by recipe, so that every run that shares commands shares them. A
*tile* says that a branch of one run is covered from t0 to t1 by the chunk with this key. Every method
treats a Valkey that does not answer, or is full, as an empty one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import msgspec
import redis

from simulations.live.recipe import Recipe
from simulations.live.valkey import client

log = logging.getLogger(__name__)

CHUNK_KEPT_S = 15 * 60
PINNED_KEPT_S = 24 * 3600
CHECKPOINT_KEPT_S = 15 * 60


class Tile(msgspec.Struct, frozen=True, array_like=True):
    """One chunk of a branch. `done`, `prefix`: the commands that had taken effect at its end; `size`: bytes
    of the compressed body.
    """

    t0_us: int
    t1_us: int
    key: str
    previous_hash: str
    hash: str
    done: int
    prefix: str
    level: str = "full"
    events: int = 0
    size: int = 0


class Stored(msgspec.Struct, frozen=True, array_like=True):
    """A chunk as stored: its tile and its compressed body."""

    tile: Tile
    body: bytes


_pack = msgspec.msgpack.Encoder().encode
_stored = msgspec.msgpack.Decoder(Stored)
_tile = msgspec.msgpack.Decoder(Tile)


def chunk_key(recipe: Recipe, done_before: int, t0_us: int, border_us: int, level: str) -> str:
    """The name of the chunk that begins at t0 with these commands done and aims at the border."""
    end = recipe.prefix(recipe.due(border_us))
    return f"chunk:{recipe.key}:{recipe.prefix(done_before)}:{end}:{t0_us}:{border_us}:{level}"


def load_chunk(key: str) -> Stored | None:
    """A chunk, or None."""
    try:
        data = client().get(key)
    except redis.RedisError:
        return None
    return _stored.decode(data) if data else None


def load_chunks(keys: list[str]) -> list[Stored | None]:
    """Many chunks at once, None where one is gone."""
    if not keys:
        return []
    try:
        found = client().mget(keys)
    except redis.RedisError:
        return [None] * len(keys)
    return [_stored.decode(data) if data else None for data in found]


def save_chunk(stored: Stored, pinned: bool = False) -> None:
    """Keep a chunk for a while; a full store keeps nothing and nobody minds."""
    try:
        put_chunk(client(), stored, pinned)
    except redis.RedisError as error:
        log.warning("A chunk was not kept: %s", error)


def put_chunk(pipe: Any, stored: Stored, pinned: bool = False) -> None:
    """The same, with the next round trip of a pipeline."""
    pipe.set(stored.tile.key, _pack(stored), ex=PINNED_KEPT_S if pinned else CHUNK_KEPT_S)


# Tiles of a branch ---------------------------------------------------------


def _tiles_key(code: str, branch: int, refined: bool = False) -> str:
    return f"tiles:{code}:{branch}:full" if refined else f"tiles:{code}:{branch}"


def put_tile(
    pipe: Any, code: str, branch: int, tile: Tile, pinned: bool = False, refined: bool = False
) -> None:
    """The branch is covered by this tile; tiles that began within it are replaced.

    `refined`: kept beside the branch, for those who look again at what was sent as an aggregate.
    """
    key = _tiles_key(code, branch, refined)
    pipe.zremrangebyscore(key, tile.t0_us, f"({tile.t1_us}")
    pipe.zadd(key, {_pack(tile): tile.t0_us})
    pipe.expire(key, PINNED_KEPT_S if pinned else CHUNK_KEPT_S)


def add_tile(code: str, branch: int, tile: Tile, pinned: bool = False, refined: bool = False) -> None:
    """The same in a round trip of its own."""
    try:
        with client().pipeline() as pipe:
            put_tile(pipe, code, branch, tile, pinned, refined)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("A tile was not kept: %s", error)


def load_tiles(code: str, branch: int) -> list[Tile]:
    """The tiles of a branch in order of time."""
    return _load(_tiles_key(code, branch))


def load_full_tiles(code: str, branch: int) -> list[Tile]:
    """The tiles at full detail: the branch's own, and refined ones where it has none."""
    own = [tile for tile in load_tiles(code, branch) if tile.level == "full"]
    found = list(own)
    for tile in _load(_tiles_key(code, branch, refined=True)):
        if not any(tile.t0_us < other.t1_us and other.t0_us < tile.t1_us for other in own):
            found.append(tile)
    return sorted(found, key=lambda tile: tile.t0_us)


def _load(key: str) -> list[Tile]:
    try:
        return [_tile.decode(data) for data in client().zrange(key, 0, -1)]
    except redis.RedisError:
        return []


def drop_tiles(code: str, branch: int, tiles: Iterable[Tile]) -> None:
    """Forget tiles that commands have made untrue."""
    members = [_pack(tile) for tile in tiles]
    try:
        if members:
            client().zrem(_tiles_key(code, branch), *members)
            client().zrem(_tiles_key(code, branch, refined=True), *members)
    except redis.RedisError:
        return


# Checkpoints ---------------------------------------------------------


def _checkpoints_key(recipe: Recipe, done: int) -> str:
    return f"checkpoints:{recipe.key}:{recipe.prefix(done)}"


def save_checkpoint(recipe: Recipe, done: int, at_us: int, data: bytes) -> None:
    """Keep a world for other workers."""
    index = _checkpoints_key(recipe, done)
    key = f"{index}:{at_us}"
    try:
        with client().pipeline() as pipe:
            pipe.set(key, data, ex=CHECKPOINT_KEPT_S)
            pipe.zadd(index, {str(at_us): at_us})
            pipe.expire(index, CHECKPOINT_KEPT_S)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("A checkpoint was not kept: %s", error)


def load_checkpoint(recipe: Recipe, at_us: int, after_us: int) -> tuple[int, int, bytes] | None:
    """The latest checkpoint in (after, at] that this recipe shares: (commands done, time, bytes)."""
    best: tuple[int, int] | None = None
    try:
        # A checkpoint after n commands is of use until the next command takes effect.
        for done in range(recipe.due(at_us), max(-1, recipe.due(at_us) - 4), -1):
            until = recipe.next_us(done)
            latest = at_us if until is None else min(at_us, until)
            found = client().zrevrangebyscore(_checkpoints_key(recipe, done), latest, f"({after_us}", 0, 1)
            for at in found:
                if best is None or int(at) > best[1]:
                    best = (done, int(at))
        if best is None:
            return None
        data = client().get(f"{_checkpoints_key(recipe, best[0])}:{best[1]}")
    except redis.RedisError:
        return None
    return (best[0], best[1], data) if data else None
