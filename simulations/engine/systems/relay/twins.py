"""The relay, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.relay.master import Master
from simulations.engine.systems.relay.messages import Confirmed, Entry, Forward
from simulations.engine.systems.relay.process import Relay


class AppliesTwice(Master):
    """What is delivered is applied, whether it is there already or not."""

    __slots__ = ()

    def is_new(self, entry: Entry) -> bool:
        return True


class ConfirmsEarly(Relay):
    """It confirms what it has not delivered yet."""

    __slots__ = ()

    def confirm_early(self, sender: str, message: Forward) -> None:
        for master in self.masters:
            if master != sender:
                self.context.send(sender, Confirmed(master, message.entries[-1].number))


TWINS: dict[str, dict[str, type[Process]]] = {
    "apply_twice": {"server": AppliesTwice, "master": AppliesTwice},
    "confirm_early": {"relay": ConfirmsEarly, "standby": ConfirmsEarly},
}
