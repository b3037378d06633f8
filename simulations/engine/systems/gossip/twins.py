"""Gossip, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.gossip.process import Gossip


class NeverCompares(Gossip):
    """Rumours alone: what did not reach a node before they died never does."""

    __slots__ = ()

    def compares(self) -> bool:
        return False


class OverlooksGaps(Gossip):
    """A digest claims everything up to the newest news: what is missing before it is never repaired."""

    __slots__ = ()

    def advance(self, origin: str) -> None:
        self.known[origin] = max(self.held[origin])


TWINS: dict[str, dict[str, type[Process]]] = {
    "no_anti_entropy": {"server": NeverCompares},
    "overlooks_gaps": {"server": OverlooksGaps},
}
