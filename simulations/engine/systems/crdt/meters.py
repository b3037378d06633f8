"""Numbers about mergeable types: what is shown at the end, what was lost, and how much was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.context import DELIVER
from simulations.engine.meters import Scope
from simulations.engine.systems.crdt.messages import Merge
from simulations.engine.systems.crdt.process import Crdt

if TYPE_CHECKING:
    from simulations.engine.world import World


class AtomsSent(Check):
    """Parts of states that arrived somewhere in a message."""

    name: ClassVar[str] = "crdt_atoms"
    wants_events: ClassVar[bool] = True
    atoms: int = 0

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event."""
        if event[3] == DELIVER and isinstance(event[7], Merge):
            self.atoms += len(event[7].atoms)


def replicas(world: World, scope: Scope) -> list[Crdt]:
    """The running replicas in the scope."""
    return [
        context.process
        for context in world.kernel.contexts
        if isinstance(context.process, Crdt)
        and context.host is not None
        and context.host.state != "down"
        and scope.node in (None, context.id, context.place)
    ]


def value_at_end(world: World, scope: Scope) -> Any:
    """What all running replicas show of the scope's key (without one: of every key); None when they differ."""
    shown = [dict(process.data) for process in replicas(world, scope)]
    values = [state if scope.key is None else state.get(scope.key) for state in shown]
    return values[0] if values and all(value == values[0] for value in values) else None


def updates_lost(world: World, scope: Scope) -> int | None:
    """Acknowledged updates whose effect is missing at the end; None when nobody can tell."""
    check: Any = world.observer.checks.get("no_lost_update")
    if check is None or world.verdicts()["no_lost_update"].verdict == "unknown":
        return None
    return sum(scope.key in (None, key) for key, _ in check.lost)


def atoms_sent(world: World, scope: Scope) -> int:
    """Parts of states that arrived in messages; of the whole run."""
    meter = world.observer.checks[AtomsSent.name]
    assert isinstance(meter, AtomsSent)
    return meter.atoms


METERS = {AtomsSent.name: AtomsSent}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "value_at_end": value_at_end,
    "updates_lost": updates_lost,
    "atoms_sent": atoms_sent,
}
