"""Disaster recovery, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.disaster_recovery.messages import HandOver
from simulations.engine.systems.disaster_recovery.process import Site
from simulations.engine.systems.disaster_recovery.vault import Staged, Vault

SITES = ("server", "recovery_site")


class FailsBackUnready(Site):
    """Failback goes by the clock: home leads again whether or not it has caught up."""

    __slots__ = ()

    def nearly(self, one: str) -> bool:
        return True

    def caught_up(self, one: str) -> bool:
        return True

    def holds(self, message: HandOver) -> bool:
        return True


class AcknowledgesEarly(Vault):
    """A backup is reported kept when its first part arrives; nobody looks whether it can be read."""

    __slots__ = ()

    def when_complete(self, staged: Staged) -> None:
        self.answer_once(staged)
        if all(part is not None for part in staged.parts):
            self.keep(staged, self.luck())

    def answer_once(self, staged: Staged) -> None:
        if sum(part is not None for part in staged.parts) == 1:
            self.answer(staged, True)
            self.staged = staged


class SameEpoch(Site):
    """A takeover begins no epoch of its own, so nothing fences the site that led before."""

    __slots__ = ()

    def next_epoch(self) -> int:
        return max(1, self.epoch)


TWINS: dict[str, dict[str, type[Process]]] = {
    "failback_without_catching_up": dict.fromkeys(SITES, FailsBackUnready),
    "backup_acknowledged_early": {"backup_store": AcknowledgesEarly},
    "no_fencing": dict.fromkeys(SITES, SameEpoch),
}
