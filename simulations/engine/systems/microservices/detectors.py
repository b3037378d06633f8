"""Failure detectors as pure functions and one small class: no network, no process, no clock of their own.

Hayashibara et al., "The phi accrual failure detector", SRDS 2004, with the logistic approximation of the normal
distribution that Akka uses; Dadgar et al., "Lifeguard: local health awareness for more accurate failure detection",
2018, for the suspicion timer of memberlist.
"""

from __future__ import annotations

from math import inf, sqrt

import msgspec

from simulations.engine.sampling import exp, log

LN10 = 2.302585092994046


def log10(x: float) -> float:
    return log(x) / LN10


def tail(x: float, mean: float, deviation: float) -> float:
    """P(X > x) for a normal distribution, by the logistic approximation (Bowling et al., 2009)."""
    y = (x - mean) / deviation
    exponent = -y * (1.5976 + 0.070566 * y * y)
    if exponent < -700:
        return 0.0
    if exponent > 700:
        return 1.0
    e = exp(exponent)
    return e / (1.0 + e) if x > mean else 1.0 - 1.0 / (1.0 + e)


def cdf(x: float, mean: float, deviation: float) -> float:
    """P(X <= x), by the same approximation."""
    return 1.0 - tail(x, mean, deviation)


def phi(since_ms: float, mean_ms: float, deviation_ms: float) -> float:
    """How suspicious a silence is: -log10 of the chance that a heartbeat comes later than this. Never below 0."""
    chance = tail(since_ms, mean_ms, deviation_ms)
    return -log10(chance) + 0.0 if chance > 0 else inf


def suspicion_ms(confirmations: int, expected: int, elapsed_ms: int, least_ms: int, most_ms: int) -> int:
    """How much longer a suspicion waits for a refutation: the more members confirm it, the shorter. Negative: it is
    over. ``expected``: confirmations that bring it down to ``least_ms`` (below 1: that from the start)."""
    share = 1.0 if expected < 1 else log(confirmations + 1.0) / log(expected + 1.0)
    timeout = int(most_ms - (most_ms - least_ms) * share)
    return max(timeout, least_ms) - elapsed_ms


def retransmit_limit(multiplier: int, members: int) -> int:
    """How often a piece of gossip is passed on: the multiplier times the decimal digits that count the members."""
    digits = 0
    while 10**digits < members + 1:
        digits += 1
    return multiplier * digits


class PhiDetector(msgspec.Struct):
    """Learns how regular somebody's heartbeats are, and says how suspicious the present silence is. Milliseconds.

    ``gaps``: the last intervals between heartbeats, at most ``max_samples``.
    """

    threshold: float = 8.0
    max_samples: int = 1000
    min_deviation_ms: float = 100
    acceptable_pause_ms: float = 0
    first_ms: float = 1000
    last_ms: float | None = None
    gaps: list[float] = []

    def heartbeat(self, now_ms: float) -> None:
        """A sign of life."""
        if self.last_ms is None:
            # Before anything is known: the estimate, give or take a quarter of it.
            self.gaps = [self.first_ms - self.first_ms / 4, self.first_ms + self.first_ms / 4]
        elif self.is_available(now_ms):
            self.gaps.append(now_ms - self.last_ms)
            del self.gaps[: -self.max_samples]
        self.last_ms = now_ms

    def phi(self, now_ms: float) -> float:
        """The suspicion; 0 before the first heartbeat."""
        if self.last_ms is None:
            return 0.0
        mean = sum(self.gaps) / len(self.gaps)
        variance = sum([(gap - mean) ** 2 for gap in self.gaps]) / len(self.gaps)
        deviation = max(sqrt(variance), self.min_deviation_ms)
        return phi(now_ms - self.last_ms, mean + self.acceptable_pause_ms, deviation)

    def is_available(self, now_ms: float) -> bool:
        return self.phi(now_ms) < self.threshold
