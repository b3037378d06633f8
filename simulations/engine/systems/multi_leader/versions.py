"""Which version knows which: version vectors.

Parker et al., "Detection of mutual inconsistency in distributed systems", 1983; used for rows as in DeCandia et al.,
"Dynamo", 2007, section 4.4.
"""

from __future__ import annotations

from typing import Any

from simulations.engine.systems.multi_leader.messages import Vector, Version

Rows = tuple[Version, ...]
"""The versions of one row that are shown: one, or several siblings, by name."""


def knows(version: Version, other: Version) -> bool:
    """Whether one was written where the other was known (or is the other)."""
    return dict(version.vector).get(other.origin, 0) >= other.number


def joined(vector: Vector, other: Vector) -> Vector:
    """The least vector that covers both."""
    known = dict(vector)
    for origin, number in other:
        known[origin] = max(number, known.get(origin, 0))
    return tuple(sorted(known.items()))


def later(version: Version, other: Version) -> bool:
    """Last write wins: the later clock; of equal ones the higher name, so that all choose alike."""
    return (version.stamp, version.origin, version.number) > (other.stamp, other.origin, other.number)


def without_ancestors(shown: Rows, new: Version) -> Rows:
    """The newcomer beside those that do not know it and that it does not know."""
    if any(knows(one, new) for one in shown):
        return shown
    rest = [one for one in shown if not knows(new, one)]
    return tuple(sorted([*rest, new], key=lambda one: (one.origin, one.number)))


def merged(shown: Rows) -> Any:
    """The values of concurrent versions as one sorted set (a value that is a list counts by its items)."""
    values: list[Any] = []
    for one in shown:
        values += one.value if isinstance(one.value, list) else [one.value]
    return sorted({str(value) for value in values if value is not None})
