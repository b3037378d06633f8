"""The parameters of disaster recovery, with their limits."""

from __future__ import annotations

from typing import Any

import msgspec

TIERS = ("none", "backup_and_restore", "pilot_light", "warm_standby", "active_active")
JOBS = ("verified", "untested", "off")
FAILBACKS = ("automatic", "manual")
LIMITS: dict[str, tuple[float, float]] = {
    "backup_every_s": (1, 100_000),
    "unreadable": (0, 1),
    "delayed_replica_s": (0, 100_000),
    "data_mb": (0.001, 1e9),
    "restore_mb_s": (0.001, 1e6),
    "detect_s": (0.1, 100_000),
    "provision_s": (0, 100_000),
    "start_s": (0, 100_000),
    "pilot_ship_s": (0, 100_000),
    "scale_up_s": (0, 100_000),
    "validate_s": (0, 100_000),
    "settle_s": (0, 100_000),
    "heartbeat_ms": (10, 60_000),
    "pilot_share": (0, 1),
    "warm_share": (0, 1),
    "price_per_gb": (0, 1e6),
}


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds, megabytes and prices; what each means is told in the descriptor.

    ``backup_job``: verified (read back before it counts), untested (each backup unreadable with the chance
    ``unreadable``, which nobody notices), off, or {broken_from_s: t}: from then on it reports success and keeps
    nothing.
    """

    tier: str = "none"
    backup_every_s: float = 60
    backup_job: Any = "verified"
    unreadable: float = 0.3
    point_in_time: bool = False
    delayed_replica_s: float = 0
    data_mb: float = 1000
    restore_mb_s: float = 50
    detect_s: float = 3
    provision_s: float = 40
    start_s: float = 15
    pilot_ship_s: float = 10
    scale_up_s: float = 3
    validate_s: float = 5
    settle_s: float = 10
    failback: str = "automatic"
    salvage: bool = True
    heartbeat_ms: float = 500
    pilot_share: float = 0.1
    warm_share: float = 0.3
    price_per_gb: float = 0.1
    rto_objective_s: float = 60
    rpo_objective_s: float = 60

    def __post_init__(self) -> None:
        one_of("tier", self.tier, TIERS)
        one_of("failback", self.failback, FAILBACKS)
        if not isinstance(self.backup_job, dict):
            one_of("backup_job", self.backup_job, (*JOBS, "{broken_from_s: seconds}"))
        elif list(self.backup_job) != ["broken_from_s"] or not is_time(self.backup_job["broken_from_s"]):
            raise ValueError(f"backup_job: one of {', '.join(JOBS)}, or {{broken_from_s: seconds}}")
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}: a number from {low:g} to {high:g}")

    def broken_at(self, now_us: int) -> bool:
        """Whether the backup job keeps nothing any more, although it says so."""
        return isinstance(self.backup_job, dict) and now_us >= self.backup_job["broken_from_s"] * 1_000_000


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: one of {', '.join(allowed)}")


def is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
