"""A circuit breaker: a pure state machine over a caller's own calls. It knows no network and no process.

Nygard, "Release It!", 2nd edition, section 5.2; the rules of windows, slow calls and the half-open state are those
that resilience4j and Hystrix document. Times are microseconds of one clock that does not run backwards.

* closed: calls pass; when the window holds enough of them and too many failed (or were slow), the breaker opens.
* open: nothing passes for ``sleep_s``; then the next call finds it half open.
* half open: ``half_open_calls`` calls may try. When all have ended it closes or opens again, by the same thresholds.
"""

from __future__ import annotations

import msgspec

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
SECOND = 1_000_000


class BreakerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``window_s`` (by time) or ``window_calls`` (the last so many calls) is judged, once it holds
    ``minimum_requests``. ``error_share`` and ``slow_share`` open it when reached; slow is what takes
    ``slow_call_ms`` or longer (0: never). ``sleep_s``: how long it stays open; ``half_open_calls``: trials;
    ``half_open_s``: the longest time for them (0: any).
    """

    window_s: int = 10
    window_calls: int = 0
    minimum_requests: int = 20
    error_share: float = 0.5
    slow_share: float = 1.0
    slow_call_ms: float = 0
    sleep_s: float = 5
    half_open_calls: int = 1
    half_open_s: float = 0

    def __post_init__(self) -> None:
        for name, low in (
            ("window_s", 1),
            ("window_calls", 0),
            ("minimum_requests", 1),
            ("half_open_calls", 1),
        ):
            if getattr(self, name) < low:
                raise ValueError(f"breaker.{name}: a whole number from {low}")
        for name in ("error_share", "slow_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"breaker.{name}: a number above 0, at most 1")
        for name in ("slow_call_ms", "sleep_s", "half_open_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"breaker.{name}: a number from 0")


class Counts(msgspec.Struct):
    """Calls that ended in one second, or one call: how many, how many failed, how many were slow."""

    second: int
    calls: int = 0
    failed: int = 0
    slow: int = 0


class CircuitBreaker(msgspec.Struct):
    """One breaker. ``window``: counts, oldest first; ``permits``: trials that may still begin while half open;
    ``refused``: calls that it did not let pass."""

    settings: BreakerSettings
    state: str = CLOSED
    since_us: int = 0
    window: list[Counts] = []
    permits: int = 0
    refused: int = 0

    # -- what a caller asks and tells -----------------------------------------------------------------------------

    def acquire(self, now_us: int) -> bool:
        """Whether a call may begin now. Who gets True must ``record`` how it ended, or ``release``."""
        self.pass_time(now_us)
        if self.state == OPEN and self.has_slept(now_us):
            self.half_open(now_us)
        if self.state == CLOSED:
            return True
        if self.state == HALF_OPEN and self.permits > 0:
            self.permits -= 1
            return True
        self.refused += 1
        return False

    def record(self, now_us: int, ok: bool, took_us: int = 0) -> None:
        """A call ended."""
        self.pass_time(now_us)
        self.count(now_us, ok, took_us)
        if self.state == CLOSED and self.is_enough() and self.is_bad():
            self.move(OPEN, now_us)
        elif self.state == HALF_OPEN and self.is_enough():
            self.conclude(now_us)

    def release(self) -> None:
        """A call that was allowed did not take place."""
        if self.state == HALF_OPEN and self.permits < self.settings.half_open_calls:
            self.permits += 1

    # -- rules ----------------------------------------------------------------------------------------------------

    def has_slept(self, now_us: int) -> bool:
        return now_us - self.since_us >= self.settings.sleep_s * SECOND

    def conclude(self, now_us: int) -> None:
        """All trials have ended."""
        self.move(OPEN if self.is_bad() else CLOSED, now_us)

    def is_enough(self) -> bool:
        """Whether the window holds enough calls to judge; while half open: all trials."""
        least = self.settings.minimum_requests
        if self.state == HALF_OPEN:
            least = self.settings.half_open_calls
        elif self.settings.window_calls:
            least = min(least, self.settings.window_calls)
        return self.total("calls") >= least

    def is_bad(self) -> bool:
        calls = self.total("calls")
        failed, slow = self.total("failed") / calls, self.total("slow") / calls
        return failed >= self.settings.error_share or (
            self.settings.slow_call_ms > 0 and slow >= self.settings.slow_share
        )

    def failure_rate(self) -> float:
        """Percent of the judged calls that failed; -1 while there are too few."""
        return 100 * self.total("failed") / self.total("calls") if self.is_enough() else -1.0

    # -- small steps ----------------------------------------------------------------------------------------------

    def total(self, name: str) -> int:
        return sum([getattr(counts, name) for counts in self.window])

    def half_open(self, now_us: int) -> None:
        """Let a few calls try."""
        self.move(HALF_OPEN, now_us)
        self.permits = self.settings.half_open_calls

    def move(self, state: str, now_us: int) -> None:
        """Into another state: what is counted begins anew - except that an open breaker still shows why it opened."""
        self.state, self.since_us, self.permits = state, now_us, 0
        if state != OPEN:
            self.window = []

    def pass_time(self, now_us: int) -> None:
        """Forget what left the window; trials that take too long open it again."""
        settings = self.settings
        if self.state == HALF_OPEN:
            if settings.half_open_s and now_us - self.since_us >= settings.half_open_s * SECOND:
                self.move(OPEN, now_us)
        elif not settings.window_calls:
            oldest = now_us // SECOND - settings.window_s
            while self.window and self.window[0].second <= oldest:
                del self.window[0]

    def count(self, now_us: int, ok: bool, took_us: int) -> None:
        """Add one call to the window: to its second, or as one of the last calls."""
        settings, second = self.settings, now_us // SECOND
        by_calls = settings.window_calls or self.state == HALF_OPEN
        if by_calls or not self.window or self.window[-1].second != second:
            self.window.append(Counts(second))
        newest = self.window[-1]
        newest.calls += 1
        newest.failed += not ok
        newest.slow += bool(settings.slow_call_ms) and took_us >= settings.slow_call_ms * 1000
        if settings.window_calls and len(self.window) > settings.window_calls and self.state != HALF_OPEN:
            del self.window[0]
