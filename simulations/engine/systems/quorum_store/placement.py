"""Who holds a key: consistent hashing with virtual nodes. Pure functions of their arguments, remembered.

DeCandia et al., "Dynamo", 2007, sections 4.2 and 4.3: a key belongs to the first n different nodes that follow it on
the ring.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

import msgspec

LEAVES = 256
"""Leaves of the Merkle tree, and cells that a replica keeps its keys in."""

STABLE, JOINT, MOVING, HANDOVER = "stable", "joint", "moving", "handover"
PHASES = (STABLE, JOINT, MOVING, HANDOVER)


class Ring(msgspec.Struct, frozen=True):
    """Who is a member. While the membership changes from ``old`` to ``new``, writes need a quorum of both; reads ask
    the old owners (joint, moving) or the new ones (handover), so that neighbouring phases may meet in one cluster.
    ``manager`` drives the change; ``gone``: leavers that do not answer."""

    epoch: int = 0
    phase: str = STABLE
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    manager: str = ""
    gone: tuple[str, ...] = ()

    @property
    def everybody(self) -> tuple[str, ...]:
        """Old and new members, each once."""
        return tuple(dict.fromkeys((*self.old, *self.new)))

    @property
    def readers(self) -> tuple[str, ...]:
        """The members whose owners answer reads."""
        return self.old if self.phase in (JOINT, MOVING) else self.new


def position(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=64)
def tokens(members: tuple[str, ...], vnodes: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Every virtual node's position, in order, and whose it is."""
    ring = sorted((position(f"{member}#{number}"), member) for member in members for number in range(vnodes))
    return tuple(place for place, _ in ring), tuple(member for _, member in ring)


@lru_cache(maxsize=1 << 16)
def walk(key: str, members: tuple[str, ...], vnodes: int) -> tuple[str, ...]:
    """All members in the order in which they follow the key on the ring; without virtual nodes in the order given."""
    if not vnodes:
        return members
    places, owners = tokens(members, vnodes)
    start = bisect_right(places, position(key))
    return tuple(dict.fromkeys(owners[start:] + owners[:start]))


def owners(key: str, members: tuple[str, ...], n: int, vnodes: int) -> tuple[str, ...]:
    """The n members that hold the key (all of them when there are no more): its preference list."""
    if len(members) <= n:
        return members
    return walk(key, members, vnodes)[:n]


@lru_cache(maxsize=1 << 16)
def leaf_of(key: str) -> int:
    """The leaf of the Merkle tree that a key belongs to."""
    return crc32(key.encode()) % LEAVES
