"""How fast a run really goes: a speed that the workers cannot reach is told as what it is."""

from __future__ import annotations

from collections import deque

from simulations.live.playhead import Playhead

WINDOW_MS = 3_000
TELLING_MS = 1_500
"""A shorter look says nothing: frames come once or twice a second."""
NEAR = 0.9
"""Above this share of the speed asked for nobody sees a difference."""


class Pace:
    """What viewers were shown in the last seconds. A pause, a seek or another speed begins a new look."""

    def __init__(self) -> None:
        self._shown: deque[tuple[int, int]] = deque()
        self._asked: tuple[int, float] = (-1, 0.0)

    def look(self, head: Playhead, head_us: int, now_ms: int, stop_us: int) -> float | None:
        """The true speed (virtual s per s) when it is clearly less than the playhead's, else None.

        `head_us` (virtual us): how far the playhead's branch is simulated, where viewers stop.
        """
        here = head.at(now_ms, stop_us)
        shown_us = min(here, max(head_us, head.anchor_us))
        asked = (head.branch, head.speed)
        if not head.playing or shown_us >= head.limit_us(stop_us) or asked != self._asked:
            self._shown.clear()
            self._asked = asked
        if self._shown and self._jumped(now_ms, shown_us, head.speed):
            self._shown.clear()
        self._shown.append((now_ms, shown_us))
        while now_ms - self._shown[0][0] > WINDOW_MS:
            self._shown.popleft()
        began_ms, began_us = self._shown[0]
        if now_ms - began_ms < TELLING_MS:
            return None
        speed = (shown_us - began_us) / 1000 / (now_ms - began_ms)
        return speed if speed < NEAR * head.speed else None

    def _jumped(self, now_ms: int, shown_us: int, speed: float) -> bool:
        before_ms, before_us = self._shown[-1]
        most_us = before_us + int((now_ms - before_ms + TELLING_MS) * 1000 * speed)
        return not before_us <= shown_us <= most_us
