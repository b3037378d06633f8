"""Three-phase commit, broken on purpose: the twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.three_phase_commit.process import ThreePhaseCommit

KINDS = ("server", "coordinator", "participant")


class RecoversAlone(ThreePhaseCommit):
    """A site that was down decides by its old state when nobody answers at once."""

    __slots__ = ()

    def may_decide_alone(self, transaction: str) -> bool:
        return True


TWINS: dict[str, dict[str, type[Process]]] = {"recover_alone": dict.fromkeys(KINDS, RecoversAlone)}
