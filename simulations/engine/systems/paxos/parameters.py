"""Paxos's parameters, in milliseconds where they are times. Names and meanings: ``descriptor.PARAMETERS``."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.distributions import Distribution
from simulations.engine.experiment.problems import Problems
from simulations.engine.experiment.spreads import Spread

MULTI, SINGLE, BASIC = "multi", "single", "basic"
MODES = (MULTI, SINGLE, BASIC)
NONE, AT_ONCE, DISTINGUISHED = "none", "at_once", "distinguished"
RETRIES = (NONE, AT_ONCE, DISTINGUISHED)


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """Defaults suit a network of about 10 ms one way. ValueError names the field that is out of range."""

    mode: str = MULTI
    retry: str | dict[str, Any] = msgspec.field(default_factory=lambda: {"uniform": [50, 250]})
    round_timeout_ms: float = 1000
    disk_between_phases: bool = True
    heartbeat_ms: float = 50
    election_timeout_ms: tuple[float, float] = (150, 300)
    check_quorum: bool = True
    leader_lease_ms: float = 0
    sessions: bool = True
    max_batch: int = 100

    def __post_init__(self) -> None:
        low, high = self.election_timeout_ms
        if not 1 <= low <= high <= 600_000:
            raise ValueError("election_timeout_ms: two numbers, 1 <= low <= high <= 600000")
        for name in ("heartbeat_ms", "round_timeout_ms"):
            if not 1 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 1 to 600000")
        if not 0 <= self.leader_lease_ms <= 600_000:
            raise ValueError("leader_lease_ms: a number from 0 to 600000")
        if not 1 <= self.max_batch <= 100_000:
            raise ValueError("max_batch: an integer from 1 to 100000")
        if self.mode not in MODES:
            raise ValueError(f"mode: one of {', '.join(MODES)}")
        self.backoff()

    def backoff(self) -> Distribution | None:
        """How long a refused proposer of one value waits, in ms; None when ``retry`` is a word."""
        if isinstance(self.retry, str):
            if self.retry not in RETRIES:
                raise ValueError(f"retry: one of {', '.join(RETRIES)}, or a distribution of milliseconds")
            return None
        problems = Problems()
        found = Spread().read(self.retry, "retry", problems)
        if not isinstance(found, Distribution):
            raise ValueError(f"retry: one of {', '.join(RETRIES)}, or a distribution of milliseconds")
        return found
