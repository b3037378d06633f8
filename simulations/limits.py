"""Every limit on what a browser may ask for, and the counters behind them.

Counters live in Valkey: one key per purpose and holder, counted up within a fixed window. The network
address is an abuse ceiling alone, far above what one school of 500 people does together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import redis

from simulations.live.valkey import client

MESSAGE_BYTES_MAX = 65_536
EXPERIMENT_BYTES_MAX = 512_000
TITLE_MAX = 200
KEY_MAX = 64
COMMANDS_PER_BRANCH_MAX = 2_000
BRANCHES_PER_RUN_MAX = 200
LINK_TRACE_BYTES_MAX = 8 * 1024 * 1024
HISTORY_BYTES_MAX = 8 * 1024 * 1024
HISTORY_OPERATIONS_MAX = 50_000
RANGE_FRAMES_MAX = 400
EXPORT_FRAMES_MAX = 4_000
RANGE_BYTES_MAX = 4 * 1024 * 1024
BAD_MESSAGES_MAX = 100
UNTIL_SEARCH_US = 60_000_000
SPEED_MIN = 0.0005
SPEED_MAX = 200.0
EVENTS_PER_RUN_MAX = 20_000_000
RUN_KEPT_DAYS = 30

# purpose -> (how many, per seconds), for one visitor
VISITOR_LIMITS = {
    "runs": (60, 600),
    "links": (30, 600),
    "checks": (240, 60),
    "messages": (600, 60),
    "grants": (120, 600),
    "histories": (60, 600),
    "reports": (60, 600),
}
# purpose -> (how many, per seconds), for one network address: a class of 500 behind one address stays far
# below
ADDRESS_LIMITS = {
    "runs": (3_000, 600),
    "links": (2_000, 600),
    "checks": (20_000, 60),
    "messages": (60_000, 60),
    "grants": (2_000, 600),
    "histories": (3_000, 600),
    "reports": (1_500, 600),
    "sockets": (6_000, 60),
}

_COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return n
"""


def spend(purpose: str, visitor: str, address: str) -> str | None:
    """Count one use. None when it is allowed, else which limit it met: "visitor" or "address".

    A Valkey that does not answer allows: limits protect against abuse, not against an outage.
    """
    try:
        if (
            visitor
            and purpose in VISITOR_LIMITS
            and _over(f"limit:{purpose}:v:{visitor}", VISITOR_LIMITS[purpose])
        ):
            return "visitor"
        if purpose in ADDRESS_LIMITS and _over(f"limit:{purpose}:a:{address}", ADDRESS_LIMITS[purpose]):
            return "address"
    except redis.RedisError:
        return None
    return None


def _over(key: str, limit: tuple[int, int]) -> bool:
    most, window_s = limit
    return int(client().eval(_COUNT, 1, key, window_s)) > most


@dataclass
class Bucket:
    """A token bucket in memory: `rate` a second, `burst` at once. Used per socket, where no other process
    counts.
    """

    rate: float
    burst: float
    level: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.level = self.burst

    def take(self, amount: float = 1.0) -> bool:
        """Whether the amount may be spent now."""
        now = time.monotonic()
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if self.level < amount:
            return False
        self.level -= amount
        return True
