"""Shared nothing, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.shared_nothing.messages import Part
from simulations.engine.systems.shared_nothing.server import Server


class SkipsTail(Server):
    """A restore ends with the first part of the backup."""

    __slots__ = ()

    def is_complete(self, message: Part) -> bool:
        return True


class WaitsForNoCopy(Server):
    """A write is answered before any other holder has it; the copies are never sent again."""

    __slots__ = ()

    def copies_to_wait_for(self, shard: int) -> tuple[str, ...]:
        return ()


class ServesAnEmptyDisk(Server):
    """After a start whatever is on the disk is served at once, even nothing."""

    __slots__ = ()

    def decide(self, shard: int) -> None:
        self.serve(shard)


TWINS: dict[str, dict[str, type[Process]]] = {
    "skips_tail": {"server": SkipsTail},
    "waits_for_no_copy": {"server": WaitsForNoCopy},
    "serves_empty_disk": {"server": ServesAnEmptyDisk},
}
