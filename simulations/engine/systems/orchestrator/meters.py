"""What orchestrators made of what they saw, counted from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.meters import Scope

if TYPE_CHECKING:
    from simulations.engine.world import World

ANALYSIS = 3
"""Position of the watched attribute."""


class Analyses(Check):
    """Every change of an orchestrator's judgement: (time, process, judgement)."""

    name: ClassVar[str] = "orchestrator_analyses"
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if before[ANALYSIS] != after[ANALYSIS]:
            self.found.append((at_us, process_index, after[ANALYSIS]))


def analysis_seen(world: World, scope: Scope) -> int:
    """How often an orchestrator came to the judgement ``key`` (any, when it is not given)."""
    meter = world.observer.checks.get(Analyses.name)
    if not isinstance(meter, Analyses):
        return 0
    count = 0
    for at_us, process, judgement in meter.found:
        context = world.kernel.contexts[process]
        inside = scope.covers(at_us) and scope.node in (None, context.id, context.place)
        count += inside and scope.key in (None, judgement)
    return count


METERS = {Analyses.name: Analyses}
METRICS: dict[str, Callable[[Any, Any], Any]] = {"analysis_seen": analysis_seen}
