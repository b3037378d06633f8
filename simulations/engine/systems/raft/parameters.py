"""Raft's parameters, in milliseconds where they are times. Names and meanings: ``descriptor.PARAMETERS``."""

from __future__ import annotations

import msgspec

READ_MODES = ("read_index", "lease", "log", "local")
LEADER_DISKS = ("serial", "parallel")


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """Defaults suit a network of about 10 ms one way. ValueError names the field that is out of range."""

    heartbeat_ms: float = 50
    election_timeout_ms: tuple[float, float] = (150, 300)
    pre_vote: bool = True
    check_quorum: bool = True
    leader_stickiness: bool = True
    leader_noop: bool = True
    fast_backtracking: bool = True
    sessions: bool = True
    read_mode: str = "read_index"
    lease_ms: float = 136
    leader_disk: str = "parallel"
    max_batch: int = 100
    max_in_flight: int = 10_000
    catch_up_entries_per_s: int = 0
    compact_every: int = 0
    snapshot_chunks: int = 1

    def __post_init__(self) -> None:
        low, high = self.election_timeout_ms
        if not 1 <= low <= high <= 600_000:
            raise ValueError("election_timeout_ms: two numbers, 1 <= low <= high <= 600000")
        if not 1 <= self.heartbeat_ms <= 600_000:
            raise ValueError("heartbeat_ms: a number from 1 to 600000")
        if not 0 <= self.lease_ms <= 600_000:
            raise ValueError("lease_ms: a number from 0 to 600000")
        if not 1 <= self.max_batch <= 100_000:
            raise ValueError("max_batch: an integer from 1 to 100000")
        if not 1 <= self.max_in_flight <= 1_000_000:
            raise ValueError("max_in_flight: an integer from 1 to 1000000")
        if not 0 <= self.catch_up_entries_per_s <= 1_000_000:
            raise ValueError("catch_up_entries_per_s: an integer from 0 to 1000000")
        if not 0 <= self.compact_every <= 1_000_000:
            raise ValueError("compact_every: an integer from 0 to 1000000")
        if not 1 <= self.snapshot_chunks <= 1000:
            raise ValueError("snapshot_chunks: an integer from 1 to 1000")
        if self.read_mode not in READ_MODES:
            raise ValueError(f"read_mode: one of {', '.join(READ_MODES)}")
        if self.leader_disk not in LEADER_DISKS:
            raise ValueError(f"leader_disk: one of {', '.join(LEADER_DISKS)}")
