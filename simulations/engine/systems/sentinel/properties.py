"""What must hold of sentinels, seen from outside."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.systems.sentinel.process import FAILING_OVER

ROLE, EPOCH, VOTE_EPOCH, PRIMARY = range(4)
"""Positions of the watched attributes."""


class OneFailoverPerEpoch(Check):
    """At most one sentinel carries out the failover of an epoch. ``won``: epoch -> process."""

    name: ClassVar[str] = "one_failover_per_epoch"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE,)
    won: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ROLE] != FAILING_OVER or before[ROLE] == FAILING_OVER:
            return
        self.judged += 1
        epoch = after[VOTE_EPOCH]
        if self.won.setdefault(epoch, process_index) != process_index:
            self.violate(at_us, event, "sentinel.two_winners", epoch=epoch, process=process.id)


CHECKS: dict[str, type[Check]] = {OneFailoverPerEpoch.name: OneFailoverPerEpoch}
