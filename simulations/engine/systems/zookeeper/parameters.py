"""ZooKeeper's parameters, in milliseconds where they are times. Names and meanings: ``descriptor.PARAMETERS``."""

from __future__ import annotations

import msgspec


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """Defaults: a tick of 200 ms (ZooKeeper's own is 2000). ValueError names the field that is out of range."""

    tick_ms: float = 200
    init_limit: int = 10
    sync_limit: int = 5
    finalize_ms: float = 50
    session_timeout_ms: float = 2000
    committed_log: int = 500
    container_check_ms: float = 2000
    set_creates: bool = True
    create_parents: bool = True
    oracle: dict[str, int] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, low in (
            ("tick_ms", 1),
            ("finalize_ms", 0),
            ("session_timeout_ms", 1),
            ("container_check_ms", 1),
        ):
            if not low <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from {low} to 600000")
        for name in ("init_limit", "sync_limit"):
            if not 1 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name}: an integer from 1 to 1000")
        if not 0 <= self.committed_log <= 1_000_000:
            raise ValueError("committed_log: an integer from 0 to 1000000")
        if any(value not in (0, 1) for value in self.oracle.values()):
            raise ValueError("oracle: a record of servers, each 0 or 1")
