"""Pure rules that keep load within bounds: admission by measured overload, quotas, retry budgets, backoff.

Admission: Zhou et al., "Overload control for scaling WeChat microservices", SoCC 2018, section 4 (queuing time
tells of overload; the level of admitted priorities follows what was really served). Retry budget and backoff:
Brooker, "Timeouts, retries, and backoff with jitter", AWS Builders' Library; Beyer et al., "Site Reliability
Engineering", chapters 21, 22. Times are microseconds.
"""

from __future__ import annotations

import msgspec

LEVELS = 128
"""Priorities: 0 is the most important, LEVELS - 1 the least."""
WINDOW_US = 250_000
GROWTH = 0.03
"""How much an admitted share grows from one window to the next."""
DRAIN = 0.25
"""How much of what waits is to be worked off within a window."""
MEMORY = 0.8
"""How much of the earlier arrivals counts when priorities are compared."""
BURST = 10.0
"""Retries that a budget may save up."""
SECOND = 1_000_000


def priority_of(operation: int, business: int) -> int:
    """The priority of a request: its business first, then its user, hashed, so that one user is treated alike
    everywhere. ``business``: 0 (all alike) or 1 (most important) to 8."""
    user = operation * 2654435761 >> 8 & LEVELS - 1
    return user if business == 0 else (business - 1) * (LEVELS // 8) + user // 8


class Admission(msgspec.Struct):
    """Decides how much of the arriving work is let in. ``share``: of everything; ``level``: priorities below it are
    let in. When work waited longer than the limit on average, the share falls to what the last window served, less
    a quarter of what waits still; else it grows a little. The level follows the share. ``by_priority``: arrivals,
    older ones less.

    ``best_refused`` and ``worst_admitted``: priorities in the window that goes on; ``last``: those of the one before.
    """

    since_us: int = 0
    arrived: int = 0
    admitted: int = 0
    served: int = 0
    waited_us: int = 0
    share: float = 1.0
    level: int = LEVELS
    by_priority: dict[int, float] = {}
    best_refused: int = LEVELS
    worst_admitted: int = -1
    last: tuple[int, int] = (LEVELS, -1)

    def arrive(self, now_us: int, priority: int, limit_us: int, waiting: int) -> None:
        """Something arrived; begin a new window when the last one is over."""
        if now_us - self.since_us >= WINDOW_US or now_us < self.since_us:
            self.renew(now_us, limit_us, waiting)
        self.arrived += 1
        self.by_priority[priority] = self.by_priority.get(priority, 0.0) + 1

    def decided(self, priority: int, is_admitted: bool) -> None:
        """Whether it was let in."""
        if is_admitted:
            self.admitted += 1
            self.worst_admitted = max(self.worst_admitted, priority)
        else:
            self.best_refused = min(self.best_refused, priority)

    def renew(self, now_us: int, limit_us: int, waiting: int) -> None:
        """Judge the window that is over."""
        if self.arrived:
            if self.waited_us > limit_us * max(1, self.served):
                possible = max(0.1 * self.served, self.served - DRAIN * waiting)
                self.share = min(self.share, possible / self.arrived)
            else:
                self.share = min(1.0, self.share + GROWTH)
            self.level = self.level_for(self.share)
        self.last = (self.best_refused, self.worst_admitted)
        self.since_us, self.arrived, self.admitted, self.served = now_us, 0, 0, 0
        self.waited_us, self.best_refused, self.worst_admitted = 0, LEVELS, -1
        self.by_priority = {
            level: MEMORY * count for level, count in self.by_priority.items() if count > 0.01
        }

    def level_for(self, share: float) -> int:
        """The level below which about this share of the work arrived."""
        if share >= 1:
            return LEVELS
        rest = share * sum([self.by_priority[level] for level in sorted(self.by_priority)])
        for level in range(LEVELS):
            rest -= self.by_priority.get(level, 0.0)
            if rest < 0:
                return level
        return LEVELS


class Quota(msgspec.Struct):
    """A token bucket: ``rate`` a second, at most one second's worth saved up."""

    rate: float
    tokens: float
    at_us: int

    def take(self, now_us: int) -> bool:
        """Whether one more fits."""
        passed = max(0, now_us - self.at_us) * self.rate / SECOND
        self.tokens, self.at_us = min(max(self.rate, 1.0), self.tokens + passed), now_us
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class RetryBudget(msgspec.Struct):
    """Retries in proportion to first tries: each first try saves up ``share`` of a retry."""

    tokens: float = BURST

    def first_try(self, share: float) -> None:
        self.tokens = min(max(BURST, share), self.tokens + share)

    def spend(self) -> bool:
        """Whether a retry may be sent; it then counts."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def backoff_us(attempt: int, base_ms: float, most_ms: float, jitter: str, draw: float) -> int:
    """The pause before the next attempt: doubled each time up to the limit; ``jitter`` full draws from all of it,
    equal from its upper half, none takes all of it. ``draw``: in [0, 1)."""
    pause = min(most_ms, base_ms * 2.0 ** min(attempt - 1, 30)) * 1000
    if jitter == "full":
        pause *= draw
    elif jitter == "equal":
        pause *= 0.5 + draw / 2
    return int(pause)
