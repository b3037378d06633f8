"""Sentinel, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.sentinel.process import Sentinel


class NeedsNoMajority(Sentinel):
    """Whoever finds the primary down may fail over, with the votes of ``quorum`` sentinels."""

    __slots__ = ()

    def votes_needed(self) -> int:
        return self.parameters.quorum


class IgnoresOffsets(Sentinel):
    """It promotes the replica that has least."""

    __slots__ = ()

    def ranked(self) -> list[str]:
        return Sentinel.ranked(self)[::-1]


TWINS: dict[str, dict[str, type[Process]]] = {
    "no_majority": {"server": NeedsNoMajority},
    "ignore_offsets": {"server": IgnoresOffsets},
}
