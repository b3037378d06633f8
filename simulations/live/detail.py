"""How much of a stretch is sent: everything, or roles, faults and verdicts with messages as rates.

The budget counts what a viewer gets in a second on the wall, so it depends on the run's speed.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulations.live.store import Tile

FULL, AGGREGATE = "full", "aggregate"
LEVELS = (FULL, AGGREGATE)
EVENTS_PER_S = 20_000
BYTES_PER_S = 400_000
BYTES_PER_EVENT = 32
"""Of a full chunk, compressed, before any was made."""
EVENTS_TELLING = 400
"""Chunks with fewer events are mostly keyframe and say little about bytes per event."""
TILES_TELLING = 8
RETURN_SHARE = 0.5
"""Full detail comes back when it would need this share of the budget, so that a run does not flicker."""


def level_for(tiles: Sequence[Tile], until_us: int, speed: float) -> str:
    """The level for the next chunk, from the chunks (in order of time) that began by `until_us`."""
    known = [tile for tile in tiles if tile.t0_us <= until_us][-TILES_TELLING:]
    span_us = sum(tile.t1_us - tile.t0_us for tile in known)
    if span_us == 0:
        return FULL
    rate = sum(tile.events for tile in known) * 1_000_000 / span_us * speed
    share = max(rate / EVENTS_PER_S, rate * _bytes_per_event(tiles) / BYTES_PER_S)
    most = 1.0 if known[-1].level == FULL else RETURN_SHARE
    return FULL if share <= most else AGGREGATE


def _bytes_per_event(tiles: Sequence[Tile]) -> float:
    telling = [tile for tile in tiles if tile.level == FULL and tile.events >= EVENTS_TELLING]
    telling = telling[-TILES_TELLING:]
    if not telling:
        return BYTES_PER_EVENT
    return sum(tile.size for tile in telling) / sum(tile.events for tile in telling)
