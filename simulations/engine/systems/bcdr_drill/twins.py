"""A drill, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.bcdr_drill.messages import CopyOf, CopyTaken
from simulations.engine.systems.bcdr_drill.technology import Server, Technician


class LastOrderFirst(Technician):
    """The technician does what was shouted last."""

    __slots__ = ()

    def waiting(self) -> list[str]:
        return Technician.waiting(self)[::-1]


class AcknowledgesUnstored(Server):
    """The standby says that it took a copy, and keeps nothing."""

    __slots__ = ()

    def take_copy(self, sender: str, message: CopyOf) -> None:
        self.context.send(sender, CopyTaken(self.function, message.first + len(message.calls) - 1))


TWINS: dict[str, dict[str, type[Process]]] = {
    "last_order_first": {"technician": LastOrderFirst},
    "copy_acknowledged_unstored": {"standby": AcknowledgesUnstored, "server": Server},
}
