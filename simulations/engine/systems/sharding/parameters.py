"""The parameters of sharding, and their limits."""

from __future__ import annotations

import msgspec

from simulations.engine.systems.sharding.placement import PLACEMENTS

SPLIT_PLACEMENTS = ("hash", "round_robin")
POLICIES = ("round_robin", "random", "least_outstanding", "power_of_two")

CHOICES = {"placement": PLACEMENTS, "split_placement": SPLIT_PLACEMENTS, "policy": POLICIES}
LIMITS: dict[str, tuple[float, float]] = {
    "shards": (1, 16384),
    "vnodes": (1, 4096),
    "copy_mb_s": (0, 10_000),
    "split_ways": (1, 100),
    "cache_share": (0, 1),
    "copy_lease_ms": (1, 600_000),
    "beacon_ms": (10, 60_000),
    "pods": (0, 1000),
    "pods_max": (1, 1000),
    "pod_rps": (0.1, 100_000),
    "pod_queue": (1, 100_000),
    "pod_start_s": (0, 3600),
    "sync_s": (0.1, 3600),
    "tolerance": (0, 1),
    "stabilization_s": (0, 86_400),
    "noise": (0, 1),
}


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """See the descriptor for each parameter's meaning."""

    placement: str = "even"
    shards: int = 4096
    vnodes: int = 128
    copy_mb_s: float = 0
    epochs: bool = True
    split_ways: int = 1
    split_placement: str = "hash"
    cache_share: float = 0
    copy_lease_ms: float = 500
    beacon_ms: float = 500
    policy: str = "least_outstanding"
    autoscaler: bool = True
    pods: int = 4
    pods_max: int = 100
    pod_rps: float = 50
    pod_queue: int = 10
    pod_start_s: float = 30
    sync_s: float = 15
    tolerance: float = 0.1
    stabilization_s: float = 300
    noise: float = 0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low:g} to {high:g}")
        for name, words in CHOICES.items():
            if getattr(self, name) not in words:
                raise ValueError(f"{name}: one of {', '.join(words)}")
