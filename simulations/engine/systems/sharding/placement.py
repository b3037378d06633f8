"""Which shard a key is in, and which member a shard belongs to: pure functions, the same on every machine.

A key's hash is a number of 32 bits; its first bits are its shard, so that a shard is one of equal arcs of the
hash space (DeCandia et al., "Dynamo", SOSP 2007, section 6.2, strategy 3; Redis Cluster calls them slots).
``ring`` gives an arc to the first point at or after its middle, each member standing at ``vnodes`` points (Karger
et al., STOC 1997, section 4); ``modulo`` deals shard i to member i mod N; ``even`` gives every member as many,
and moves as few as it can.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

PLACEMENTS = ("ring", "modulo", "even")
BITS = 32
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def stable_hash(text: str, salt: int) -> int:
    """A number of 32 bits: CRC-32, then the mixing steps of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    x = (crc32(text.encode()) + (salt + 1) * _GOLDEN) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return (x ^ (x >> 31)) >> BITS


@lru_cache(maxsize=1 << 17)
def shard_of(key: str, salt: int, shards: int) -> int:
    """The shard of a key, 0 .. shards - 1."""
    return stable_hash(key, salt) * shards >> BITS


@lru_cache(maxsize=4)
def shards_of_first_keys(keys: int, salt: int, shards: int) -> tuple[int, ...]:
    """The shards of the keys k0, k1, ...: of what a new cluster holds."""
    return tuple(shard_of(f"k{number}", salt, shards) for number in range(keys))


def ring_points(members: Sequence[str], vnodes: int, salt: int) -> list[tuple[int, str]]:
    """Where the members stand on the ring, sorted."""
    return sorted(
        (stable_hash(f"{member}:{number}", salt), member) for member in members for number in range(vnodes)
    )


def on_ring(shards: int, members: Sequence[str], vnodes: int, salt: int) -> list[str]:
    """Every shard goes to the first point at or after the middle of its arc."""
    points = ring_points(members, vnodes, salt)
    owners: list[str] = []
    at = 0
    for shard in range(shards):
        middle = (2 * shard + 1 << BITS) // (2 * shards)
        while at < len(points) and points[at][0] < middle:
            at += 1
        owners.append(points[at % len(points)][1])
    return owners


def evened(shards: int, members: Sequence[str], current: Sequence[str] | None) -> list[str]:
    """Every member gets as many shards, one more or less; only what must move does."""
    owners = list(current) if current is not None else [members[n % len(members)] for n in range(shards)]
    most, larger = divmod(shards, len(members))
    held = dict.fromkeys(members, 0)
    homeless: list[int] = []
    for shard, owner in enumerate(owners):
        limit = most + (larger > 0)
        if owner not in held or held[owner] >= limit:
            homeless.append(shard)
            continue
        held[owner] += 1
        larger -= held[owner] == most + 1
    for shard in homeless:
        owner = min(members, key=held.__getitem__)
        owners[shard] = owner
        held[owner] += 1
    return owners


def placed(
    placement: str,
    shards: int,
    members: Sequence[str],
    vnodes: int,
    salt: int,
    current: Sequence[str] | None = None,
) -> list[str]:
    """The owner of every shard among these members; ``current``: who owns them now."""
    if placement == "ring":
        return on_ring(shards, members, vnodes, salt)
    if placement == "modulo":
        return [members[shard % len(members)] for shard in range(shards)]
    return evened(shards, members, current)
