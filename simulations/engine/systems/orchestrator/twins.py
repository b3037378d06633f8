"""The orchestrator, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.orchestrator.process import DEAD, Orchestrator


class AsksNobody(Orchestrator):
    """What it cannot reach is dead, whatever the replicas say."""

    __slots__ = ()

    def judge_silence(self, replicas_hear_it: bool) -> str:
        return DEAD


class AsksNoGroup(Orchestrator):
    """Every orchestrator acts at once, on what it sees itself, without the Raft group."""

    __slots__ = ()

    def may_act(self) -> bool:
        return True

    def decide(self, topology: str) -> None:
        self.agreed(topology)


TWINS: dict[str, dict[str, type[Process]]] = {
    "ask_nobody": {"server": AsksNobody},
    "ask_no_group": {"server": AsksNoGroup},
}
