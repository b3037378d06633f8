"""What must hold of the mechanisms, judged from outside by what processes show."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.systems.microservices.limits import BURST
from simulations.engine.systems.microservices.worker import Part

RETRIED, TRIAL, ADMISSION, DEEP = (
    Part.watched.index(name) for name in ("retried", "trial", "admission", "deep_passed")
)
NOTHING_WENT_WELL = 5
"""Requests that all failed between two health checks."""
LIES = 3
"""Health checks in a row that passed nevertheless."""


class WithinRetryBudget(Check):
    """The retries of a process stay within its budget: a share of its first tries, and what it may save up per
    dependency. ``seen``: process -> (its first tries so far, the retries they allow)."""

    name: ClassVar[str] = "retry_budget"
    watches: ClassVar[tuple[int, ...]] = (RETRIED,)
    seen: dict[int, tuple[int, float]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[RETRIED] <= before[RETRIED]:
            return
        self.judged += 1
        tries, allowed = self.seen.get(process_index, (0, 0.0))
        # (The budget in force now: it can be changed while the process runs.)
        allowed += (process.first_tries - tries) * process.parameters.retry_budget
        self.seen[process_index] = (process.first_tries, allowed)
        allowed += max(BURST, process.parameters.retry_budget) * len(process.budgets)
        if process.retried > allowed + 1:
            self.violate(
                at_us, event, "microservices.over_budget", retried=process.retried, allowed=round(allowed)
            )

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.seen.pop(process_index, None)


class BreakerCloses(Check):
    """When as many trials in a row went well as a half-open breaker asks for, it is closed. (Not judged where trials
    may also be too slow.)"""

    name: ClassVar[str] = "breaker_closes"
    watches: ClassVar[tuple[int, ...]] = (TRIAL,)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        good, state = after[TRIAL]
        settings = process.parameters.breaker
        if not good or settings is None or settings.slow_call_ms:
            return
        self.judged += 1
        if good >= settings.half_open_calls and state != "closed":
            self.violate(at_us, event, "microservices.never_closes", good=good, state=state)


class ImportantFirst(Check):
    """Shedding by priority: in one window nobody is refused who is more important than somebody who was let in."""

    name: ClassVar[str] = "important_first"
    watches: ClassVar[tuple[int, ...]] = (ADMISSION,)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        refused, admitted = after[ADMISSION]
        if process.parameters.shedding != "priority" or admitted < 0:
            return
        self.judged += 1
        if refused < admitted:
            self.violate(at_us, event, "microservices.drops_important", refused=refused, admitted=admitted)


class DeepHealth(Check):
    """A deep health check does not pass again and again while every request fails. ``seen``: process -> (served,
    failed, lies in a row) at its last pass."""

    name: ClassVar[str] = "deep_health"
    watches: ClassVar[tuple[int, ...]] = (DEEP,)
    seen: dict[int, tuple[int, int, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[DEEP] < before[DEEP]:
            self.seen.pop(process_index, None)
            return
        self.judged += 1
        served, failed, lies = self.seen.get(process_index, (process.served, process.failed, 0))
        lied = process.served == served and process.failed - failed >= NOTHING_WENT_WELL
        lies = lies + 1 if lied else 0
        self.seen[process_index] = (process.served, process.failed, lies)
        if lies >= LIES:
            self.violate(at_us, event, "microservices.check_lies", passed=lies, failed=process.failed)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.seen.pop(process_index, None)


CHECKS: dict[str, Any] = {
    kind.name: kind for kind in (WithinRetryBudget, BreakerCloses, ImportantFirst, DeepHealth)
}
