"""Versions of a key, and which of them wins: vector clocks, siblings, last write wins.

Vector clocks: DeCandia et al., "Dynamo", 2007, section 4.4. Last write wins: Apache Cassandra's cells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

Clock = tuple[tuple[str, int], ...]
Stamp = tuple[int, str, int]


class Version(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One write of a key. ``at``: its timestamp in microseconds of the coordinator's clock (or higher, see
    ``Coordinator.timestamp``); ``by``: that coordinator; ``clock``: vector clock as sorted (coordinator, timestamp)
    pairs; ``operation``, ``attempt``: the client operation that asked for it, 0 for what was there at the beginning."""

    value: Any
    at: int
    by: str
    clock: Clock = ()
    operation: int = 0
    attempt: int = 0


Versions = tuple[Version, ...]


def stamp(version: Version) -> Stamp:
    """What last-write-wins compares: the time, then the coordinator, so that ties break everywhere alike."""
    return (version.at, version.by, version.operation)


NOTHING: Stamp = (-(1 << 62), "", 0)


def top(versions: Versions) -> Stamp:
    """The highest stamp among siblings; below every stamp when there are none."""
    return max([stamp(version) for version in versions]) if versions else NOTHING


def descends(clock: Clock, other: Clock) -> bool:
    """Whether ``clock`` has seen everything that ``other`` has (Dynamo 4.4: all its counters are at least as high)."""
    if len(other) == 1:
        return any(node == other[0][0] and count >= other[0][1] for node, count in clock)
    seen = dict(clock)
    return all(seen.get(node, -1) >= count for node, count in other)


def joined(clocks: Iterable[Clock]) -> dict[str, int]:
    """The pointwise maximum of vector clocks."""
    found: dict[str, int] = {}
    for clock in clocks:
        for node, count in clock:
            if count > found.get(node, -1):
                found[node] = count
    return found


def concurrent(one: Version, other: Version) -> bool:
    """Neither has seen the other."""
    return not descends(one.clock, other.clock) and not descends(other.clock, one.clock)


def siblings(versions: Iterable[Version]) -> Versions:
    """The versions that no other one has seen, in the order of their stamps."""
    kept: list[Version] = []
    for version in sorted(set(versions), key=stamp, reverse=True):
        if not any(descends(other.clock, version.clock) for other in kept):
            kept = [other for other in kept if not descends(version.clock, other.clock)]
            kept.append(version)
    return tuple(sorted(kept, key=stamp))


def shown(versions: Versions) -> Any:
    """What a client is told: the value, or the list of values when there are siblings."""
    if len(versions) < 2:
        return versions[0].value if versions else None
    return [version.value for version in versions]
