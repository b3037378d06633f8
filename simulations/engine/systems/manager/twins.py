"""The manager, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.manager.process import Manager


class IgnoresOffsets(Manager):
    """It promotes the replica that has least."""

    __slots__ = ()

    def rank(self, database: str) -> tuple[int, int]:
        epoch, position = Manager.rank(self, database)
        return (-epoch, -position)


TWINS: dict[str, dict[str, type[Process]]] = {"ignore_offsets": {"server": IgnoresOffsets}}
