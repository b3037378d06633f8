"""Named partitions: from a shape to the directed pairs of nodes that no longer hear each other.

The names are those of Jepsen's nemeses and of TigerBeetle's simulator.
"""

from __future__ import annotations

Pair = tuple[str, str]


def between_groups(groups: list[list[str]]) -> list[Pair]:
    """Every pair of members of different groups, both directions."""
    return [
        (a, b)
        for i, here in enumerate(groups)
        for j, there in enumerate(groups)
        if i != j
        for a in here
        for b in there
    ]


def halves(nodes: list[str]) -> list[list[str]]:
    """Two halves in the given order; the second is larger when the number is odd."""
    middle = len(nodes) // 2
    return [nodes[:middle], nodes[middle:]]


def minority(nodes: list[str]) -> list[list[str]]:
    """The last nodes, one fewer than half, cut off from the others."""
    size = (len(nodes) - 1) // 2
    return [nodes[: len(nodes) - size], nodes[len(nodes) - size :]]


def isolate(nodes: list[str], node: str) -> list[list[str]]:
    """One node alone."""
    return [[node], [other for other in nodes if other != node]]


def bridge(nodes: list[str], node: str) -> list[Pair]:
    """Two halves that only the bridge node still connects."""
    return between_groups(halves([other for other in nodes if other != node]))


def ring(nodes: list[str]) -> list[Pair]:
    """Every node hears only its two neighbours."""
    count = len(nodes)
    return [
        (nodes[i], nodes[j])
        for i in range(count)
        for j in range(count)
        if i != j and (i - j) % count not in (1, count - 1)
    ]


def one_way(nodes: list[str]) -> list[Pair]:
    """The first half hears the second, but is not heard by it."""
    first, second = halves(nodes)
    return [(a, b) for a in first for b in second]
