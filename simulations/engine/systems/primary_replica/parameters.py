"""Parameters of primary-replica, in milliseconds where they are times. Meanings: ``descriptor.PARAMETERS``."""

from __future__ import annotations

import msgspec

ASYNC, SEMI_SYNC, SYNC, SHARED_DISK = "async", "semi_sync", "sync", "shared_disk"
MODES = (ASYNC, SEMI_SYNC, SYNC, SHARED_DISK)
NONE, EPOCH, SAME_NETWORK, SEPARATE_NETWORK = "none", "epoch", "same_network", "separate_network"
FENCINGS = (NONE, EPOCH, SAME_NETWORK, SEPARATE_NETWORK)
DISCARD, REFUSE = "discard", "refuse_if_diverged"
FAILBACKS = (DISCARD, REFUSE)
READS = ("primary", "replica")

TIMES = {
    "replication_lag_ms": (0, 600_000),
    "semi_sync_timeout_ms": (1, 600_000),
    "heartbeat_ms": (1, 60_000),
    "detect_ms": (1, 600_000),
    "fence_timeout_ms": (1, 600_000),
    "min_replicas_max_lag_s": (0.001, 600),
}
"""Name -> limits, both included."""


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """ValueError names the field that is out of range."""

    mode: str = ASYNC
    replication_lag_ms: float = 0
    semi_sync_timeout_ms: float = 1000
    semi_sync_acks: int = 1
    min_replicas_to_write: int = 0
    min_replicas_max_lag_s: float = 10
    window: int = 64
    heartbeat_ms: float = 200
    detect_ms: float = 1000
    reads: str = "primary"
    fencing: str = EPOCH
    fence_delay_ms: dict[str, float] = {}
    fence_timeout_ms: float = 500
    automatic_failback: str = DISCARD

    def __post_init__(self) -> None:
        for name, (low, high) in TIMES.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low} to {high}")
        for name, words in (
            ("mode", MODES), ("fencing", FENCINGS), ("automatic_failback", FAILBACKS), ("reads", READS),
        ):  # fmt: skip
            if getattr(self, name) not in words:
                raise ValueError(f"{name}: one of {', '.join(words)}")
        if not 1 <= self.semi_sync_acks <= 100:
            raise ValueError("semi_sync_acks: an integer from 1 to 100")
        if not 0 <= self.min_replicas_to_write <= 100:
            raise ValueError("min_replicas_to_write: an integer from 0 to 100")
        if not 1 <= self.window <= 100_000:
            raise ValueError("window: an integer from 1 to 100000")
        if any(not 0 <= delay <= 600_000 for delay in self.fence_delay_ms.values()):
            raise ValueError("fence_delay_ms: node -> a number from 0 to 600000")
