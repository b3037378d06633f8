"""Availability as people promise it: nines, the error budget of an objective, and what the machines cost.

Beyer et al., "Site Reliability Engineering", 2016, chapters 3 and 4. Of operations, not of time: what was asked and not
answered counts, whenever it was.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from simulations.engine.meters import SECOND, Scope, availability

if TYPE_CHECKING:
    from simulations.engine.world import World

OBJECTIVE = 0.999
"""The share of operations that should be answered: three nines."""
NINES_MAX = 9.0
"""More cannot be told from a run."""


def nines_of(share: float) -> float:
    """0.999 is 3 nines, 0.99 is 2."""
    return NINES_MAX if share >= 1 else min(NINES_MAX, -math.log10(1 - share))


def nines(world: World, scope: Scope) -> float | None:
    """The availability of the scope in nines; None when nothing was asked."""
    share = availability(world, scope)
    return None if share is None else nines_of(share)


def error_budget_used(world: World, scope: Scope) -> float | None:
    """How much of the errors that the objective allows were made: above 1 the budget is spent. None when nothing was
    asked."""
    share = availability(world, scope)
    return None if share is None else (1 - share) / (1 - OBJECTIVE)


def cost(world: World, scope: Scope) -> float:
    """Every node's price an hour for the whole scope: a machine that is down is paid for as well."""
    hours = (scope.end(world) - scope.from_us) / (3600 * SECOND)
    return sum(node.price for node in world.experiment.topology.nodes) * max(0.0, hours)


METRICS: dict[str, Any] = {"nines": nines, "error_budget_used": error_budget_used, "cost": cost}
