"""The parameters of every part of a microservices system, with their limits."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.systems.microservices.breaker import BreakerSettings

NUMBERS: dict[str, tuple[float, float]] = {
    "pool": (1, 100_000), "service_ms": (0, 3_600_000), "capacity": (0, 1_000_000), "queue_bound": (0, 1_000_000),
    "deadline_ms": (1, 3_600_000), "timeout_ms": (0, 3_600_000), "attempts": (1, 100), "retry_budget": (0, 100),
    "backoff_ms": (0, 600_000), "backoff_limit_ms": (0, 3_600_000), "overload_wait_ms": (1, 600_000),
    "crash_wait_ms": (1, 600_000), "crash_after_overload_s": (0, 86_400), "fail_share": (0, 1),
    "calls_per_request": (1, 101), "needed": (0, 101), "health_check_s": (0, 3600), "unhealthy_after": (1, 100),
    "phi": (0, 100), "ejection_interval_s": (0.1, 3600), "ejection_s": (0.1, 86_400), "ejection_requests": (1, 100_000),
    "ejection_margin": (0, 1), "chain": (1, 40), "restart_s": (0, 3600), "canary_share": (0, 1),
    "rollback_after_s": (0.1, 3600), "cache_ttl_s": (0, 86_400), "cache_keys": (1, 1_000_000),
}  # fmt: skip
"""Name -> (lowest, highest) value, both allowed."""

WORDS: dict[str, tuple[str, ...]] = {
    "service": ("constant", "exponential"),
    "queue": ("fifo", "lifo"),
    "jitter": ("none", "equal", "full"),
    "shedding": ("none", "queue", "random", "priority"),
    "policy": ("round_robin", "random", "least_requests"),
    "health": ("shallow", "deep"),
    "deploy": ("all_at_once", "rolling", "canary"),
}  # fmt: skip
"""Name -> allowed words."""


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """See the descriptor for what each means. ``pools``: route -> threads of its own; ``routes``: route -> process;
    ``calls``: processes called for every request, in order; ``keys``: app -> requests a second (empty: open to all);
    ``priorities``: route -> 1 (most important) to 8; ``backends``: whom a balancer asks (empty: every server and
    container)."""

    pool: int = 50
    pools: dict[str, int] = {}
    routes: dict[str, str] = {}
    calls: tuple[str, ...] = ()
    service_ms: float = 5
    service: str = "constant"
    capacity: float = 0
    queue: str = "fifo"
    queue_bound: int = 0
    drop_expired: bool = False
    deadline_ms: float = 1000
    timeout_ms: float = 1000
    attempts: int = 1
    retry_at: str = "every_layer"
    retry_budget: float = 100
    backoff_ms: float = 10
    backoff_limit_ms: float = 1000
    jitter: str = "full"
    breaker: BreakerSettings | None = None
    fallback: bool = False
    shedding: str = "none"
    overload_wait_ms: float = 20
    crash_wait_ms: float = 50
    crash_after_overload_s: float = 0
    priorities: dict[str, int] = {}
    fail_share: float = 0
    backends: tuple[str, ...] = ()
    policy: str = "round_robin"
    calls_per_request: int = 1
    needed: int = 0
    health: str = "shallow"
    health_check_s: float = 1
    unhealthy_after: int = 2
    phi: float = 0
    outlier_ejection: bool = False
    ejection_interval_s: float = 2
    ejection_s: float = 30
    ejection_requests: int = 20
    ejection_margin: float = 0.1
    chain: int = 1
    deploy: str = "rolling"
    canary_share: float = 0.05
    rollback_after_s: float = 5
    restart_s: float = 1
    keys: dict[str, float] = {}
    cache_ttl_s: float = 10
    cache_keys: int = 1000

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """Processes that requests are sent on to."""
        return {"routes": tuple(self.routes.values()), "calls": self.calls, "backends": self.backends}

    def __post_init__(self) -> None:
        for name, (low, high) in NUMBERS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low} to {high}")
        for name, words in WORDS.items():
            if getattr(self, name) not in words:
                raise ValueError(f"{name}: one of {', '.join(words)}")
        require("pools", self.pools, 1, 100_000)
        require("keys", self.keys, 0, 1_000_000)
        require("priorities", self.priorities, 1, 8)


def require(name: str, values: dict[str, Any], low: float, high: float) -> None:
    """Every value of a table within its limits. ValueError names the entry."""
    for key, value in values.items():
        if not low <= value <= high:
            raise ValueError(f"{name}.{key}: a number from {low} to {high}")
