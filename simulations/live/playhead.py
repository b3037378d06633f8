"""The shared playhead: a mapping from wall time to virtual time, as data.

At server time s (milliseconds) it is `anchor_us + (s - anchor_ms) * 1000 * speed` while playing,
`anchor_us` while paused, and never beyond the gate or the end of the experiment. Changes are broadcast,
never ticks.
"""

from __future__ import annotations

import time

import msgspec

COMMAND_LEAD_MS = 150
"""Commands given while playing take effect this much wall time ahead, so that nobody has to go back."""
AHEAD_MS = 2_500
"""How much wall time the workers keep simulated ahead of the playhead."""
SPEED_DEFAULT = 0.1


class Playhead(msgspec.Struct, frozen=True):
    """Where everybody is. `sequence` rises with each change: the highest wins."""

    branch: int = 0
    playing: bool = True
    speed: float = SPEED_DEFAULT
    anchor_us: int = 0
    anchor_ms: int = 0
    sequence: int = 0
    gate_us: int | None = None

    def limit_us(self, stop_us: int) -> int:
        """The furthest it may go."""
        return stop_us if self.gate_us is None else min(stop_us, self.gate_us)

    def at(self, now_ms: int, stop_us: int) -> int:
        """Virtual time at server time `now_ms`."""
        gone_ms = max(0, now_ms - self.anchor_ms) if self.playing else 0
        return max(0, min(self.anchor_us + int(gone_ms * 1000 * self.speed), self.limit_us(stop_us)))

    def moved(self, now_ms: int, stop_us: int, **changes: object) -> Playhead:
        """The same playhead anchored now, with changes and the next sequence number."""
        here = {"anchor_us": self.at(now_ms, stop_us), "anchor_ms": now_ms, "sequence": self.sequence + 1}
        return msgspec.structs.replace(self, **{**here, **changes})

    def command_lead_us(self) -> int:
        """How far ahead a command given now takes effect; 0 while paused."""
        return int(COMMAND_LEAD_MS * 1000 * self.speed) if self.playing else 0

    def ahead_us(self, here_us: int, stop_us: int, share: float = 1.0) -> int:
        """How far the workers should have simulated (or a share of that) when the playhead is here."""
        return min(here_us + max(1, int(AHEAD_MS * 1000 * self.speed * share)), self.limit_us(stop_us))


def server_ms() -> int:
    """The server's clock, in milliseconds since the epoch: what anchors refer to."""
    return int(time.time() * 1000)


def chunk_us(speed: float) -> int:
    """Length of a chunk at this speed: a power of two of milliseconds; half a second to a second on the
    wall.
    """
    wall_ms = max(1.0, 1000.0 * speed)
    return 1000 * (1 << (int(wall_ms).bit_length() - 1))


def short_chunk_us(speed: float) -> int:
    """Length of the first chunk after a command: an eighth to a quarter of a second on the wall."""
    return max(1000, chunk_us(speed) // 4)


def next_border_us(at_us: int, length_us: int) -> int:
    """The first multiple of `length_us` after `at_us`: chunks are cut on one grid, so that caches are
    shared.
    """
    return (at_us // length_us + 1) * length_us
