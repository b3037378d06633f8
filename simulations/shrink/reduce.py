"""Delta debugging: the smallest part of a list that still fails.

Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28 (2002), algorithm ddmin, then
single removals until none succeeds: the result is 1-minimal.
"""

from __future__ import annotations

from collections.abc import Callable

Fails = Callable[[list[int]], bool]
"""Whether the run with only these items (positions, ascending) still fails."""


def minimize(count: int, fails: Fails) -> list[int]:
    """Positions of a 1-minimal failing part of ``count`` items. All of them together must fail."""
    kept = list(range(count))
    if fails([]):
        return []
    parts = 2
    while len(kept) >= 2:
        smaller = _smaller(kept, parts, fails)
        if smaller is None:
            if parts >= len(kept):
                break
            parts = min(len(kept), parts * 2)
            continue
        kept, parts = smaller
    return one_by_one(kept, fails)


def _smaller(kept: list[int], parts: int, fails: Fails) -> tuple[list[int], int] | None:
    """A failing part, or the complement of one, and into how many parts to cut next; None when all of them pass."""
    pieces = [kept[len(kept) * i // parts : len(kept) * (i + 1) // parts] for i in range(parts)]
    for piece in pieces:
        if len(piece) < len(kept) and fails(piece):
            return piece, 2
    if parts == 2:  # each complement is the other part
        return None
    for piece in pieces:
        rest = [item for item in kept if item not in piece]
        if fails(rest):
            return rest, max(parts - 1, 2)
    return None


def one_by_one(kept: list[int], fails: Fails) -> list[int]:
    """Remove single items as long as any can go."""
    found = True
    while found and len(kept) > 1:
        found = False
        for item in kept:
            rest = [other for other in kept if other != item]
            if fails(rest):
                kept, found = rest, True
                break
    return kept
