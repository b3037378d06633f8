"""Sharding, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import Process
from simulations.engine.systems.sharding.autoscaler import Autoscaler
from simulations.engine.systems.sharding.process import ShardServer
from simulations.engine.systems.sharding.state import Outgoing

KINDS = ("server", "keeper")


class NoEpochCheck(ShardServer):
    """Serves whatever an old map sends here, owner or not."""

    __slots__ = ()

    def on_forward(self, sender: str, message: Any) -> None:
        self.carry_out(message.request, message.shard)


class NeverFreezes(ShardServer):
    """Goes on serving a shard until it hears of the new map, while the receiver may serve it already."""

    __slots__ = ()

    def freeze(self, move: int, out: Outgoing) -> None:
        out.last = True


class SkipsWrites(ShardServer):
    """The copy leaves out what is written while it is under way."""

    __slots__ = ()

    def mark_dirty(self, out: Any, key: str) -> None:
        """Nothing is copied again."""


class ForgetsFreeze(ShardServer):
    """The freeze is not on disk: a restart serves a shard again whose handover may be decided."""

    __slots__ = ()

    def replay(self, disk: Any) -> None:
        ShardServer.replay(self, disk)
        self.frozen = {}


class NoStabilization(Autoscaler):
    """Shrinks as soon as one measurement allows it."""

    __slots__ = ()

    def stabilized(self, pods: int, desired: int) -> int:
        return desired


TWINS: dict[str, dict[str, type[Process]]] = {
    "no_epoch_check": dict.fromkeys(KINDS, NoEpochCheck),
    "never_freezes": dict.fromkeys(KINDS, NeverFreezes),
    "skips_writes": dict.fromkeys(KINDS, SkipsWrites),
    "forgets_freeze": dict.fromkeys(KINDS, ForgetsFreeze),
    "no_stabilization": {"autoscaler": NoStabilization},
}
