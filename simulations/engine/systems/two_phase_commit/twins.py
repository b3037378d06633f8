"""Two-phase commit, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.checks.atomic_commitment import ABORTED
from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process
from simulations.engine.systems.two_phase_commit.process import TwoPhaseCommit

KINDS = ("server", "coordinator", "participant")


class AbortsAlone(TwoPhaseCommit):
    """Who voted yes and hears nothing aborts instead of blocking."""

    __slots__ = ()

    def without_news(self, transaction: str) -> None:
        self.decide(transaction, ABORTED)


class ForgetsVotes(TwoPhaseCommit):
    """The log is not read back after a restart."""

    __slots__ = ()

    def restored(self, disk: DiskImage) -> Log:
        return Log()


TWINS: dict[str, dict[str, type[Process]]] = {
    "abort_alone": dict.fromkeys(KINDS, AbortsAlone),
    "forget_votes": dict.fromkeys(KINDS, ForgetsVotes),
}
