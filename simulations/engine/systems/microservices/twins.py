"""Microservices, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import Process
from simulations.engine.systems.microservices.balancer import Balancer
from simulations.engine.systems.microservices.container import Container
from simulations.engine.systems.microservices.service import Cache, Chain, Database, Gateway, Service
from simulations.engine.systems.microservices.worker import Job, Worker

KINDS: dict[str, type[Process]] = {
    "server": Worker,
    "service": Service,
    "gateway": Gateway,
    "chain": Chain,
    "container": Container,
    "cache": Cache,
    "database": Database,
    "balancer": Balancer,
}
"""Process kind -> class."""


class RetriesWithoutBudget:
    """Retries as long as attempts are left, whatever the budget says."""

    __slots__ = ()

    def may_retry(self: Service, job: Job, to: str) -> bool:  # type: ignore[misc]
        return job.attempt < self.parameters.attempts and self.retries_here()


class NeverCloses:
    """A breaker that opens again after its trials, however they went."""

    __slots__ = ()

    def may_close(self) -> bool:
        return False


class ShedsTheImportant:
    """Lets in the least important priorities, and refuses the others."""

    __slots__ = ()

    def is_important(self: Worker, priority: int) -> bool:  # type: ignore[misc]
        return priority >= 128 - self.gate.level


class LiesDeep:
    """A deep health check that says yes, whatever became of the work."""

    __slots__ = ()

    def passes_deep_check(self, outcome: str) -> bool:
        return True


def broken(rule: type, *bases: type[Process]) -> dict[str, type[Process]]:
    """Process kind -> its class with the rule in front, for the kinds of these classes."""
    return {
        kind: type(f"{rule.__name__}{base.__name__}", (rule, base), {"__slots__": ()})
        for kind, base in KINDS.items()
        if issubclass(base, bases)
    }


TWINS: dict[str, dict[str, type[Process]]] = {
    "retries_without_budget": broken(RetriesWithoutBudget, Service),
    "never_closes": broken(NeverCloses, Service),
    "sheds_the_important": broken(ShedsTheImportant, Worker),
    "lies_deep": broken(LiesDeep, Worker),
}
