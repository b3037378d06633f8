"""Numbers that only primary-replica has: promotions and how good they were, what is diverged, who was shot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks import convergence, guarantees
from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.context import ProcessContext
from simulations.engine.failover import OFF, PRIMARY
from simulations.engine.log import Log
from simulations.engine.meters import Scope, milestones
from simulations.engine.systems.primary_replica.devices import SharedDisk
from simulations.engine.systems.primary_replica.process import PrimaryReplica
from simulations.engine.systems.primary_replica.properties import EPOCH, LINKED, ROLE

if TYPE_CHECKING:
    from simulations.engine.world import World

BY_ITSELF = ("", "itself", "operator")
"""Makers of a primary that are no coordinators."""


class Promotion(msgspec.Struct, frozen=True):
    """A coordinator made a replica the primary. ``needless``: that replica still heard the old one; ``best``: no other
    running replica had a longer log."""

    at_us: int
    process: int
    needless: bool
    best: bool


class Promotions(Check):
    """Every promotion by a coordinator. ``ends``: running process -> (epoch of its last entry, position);
    ``primaries``: running processes in the leading role."""

    name: ClassVar[str] = "primary_replica_promotions"
    ends: dict[int, tuple[int, int]] = {}
    primaries: dict[int, int] = {}
    found: Chunks[Promotion] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, PrimaryReplica):
            return
        if before[ROLE] != PRIMARY and after[ROLE] == PRIMARY:
            if process.promoted_by not in BY_ITSELF:
                self.promoted(at_us, process_index, bool(before[LINKED]))
            self.primaries[process_index] = after[EPOCH]
        elif after[ROLE] != PRIMARY:
            self.primaries.pop(process_index, None)
        self.ends[process_index] = (process.log_epoch, process.log.last)

    def promoted(self, at_us: int, process_index: int, linked: bool) -> None:
        mine = self.ends.get(process_index, (0, 0))
        others = [end for at, end in self.ends.items() if at != process_index and at not in self.primaries]
        self.found.append(Promotion(at_us, process_index, linked, mine >= max(others, default=mine)))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.ends.pop(process_index, None)
        self.primaries.pop(process_index, None)


def promotions(world: World, scope: Scope) -> Iterator[Promotion]:
    meter = world.observer.checks.get(Promotions.name)
    if isinstance(meter, Promotions):
        for found in meter.found:
            context = world.kernel.contexts[found.process]
            if scope.covers(found.at_us) and scope.node in (None, context.id, context.place):
                yield found


def needless_failovers(world: World, scope: Scope) -> int:
    """Promotions by a coordinator while the promoted replica still heard the old primary."""
    return sum(found.needless for found in promotions(world, scope))


def promoted_had_highest_offset(world: World, scope: Scope) -> int | None:
    """1 when every replica that a coordinator promoted had the longest log of all that ran; None without promotions."""
    found = [one.best for one in promotions(world, scope)]
    return int(all(found)) if found else None


def databases(world: World, scope: Scope) -> Iterator[tuple[ProcessContext, PrimaryReplica]]:
    """The running databases in the scope."""
    for context in world.kernel.contexts:
        process = context.process
        if (
            isinstance(process, PrimaryReplica)
            and context.host is not None
            and context.host.state != "down"
            and scope.node in (None, context.id, context.place)
        ):
            yield context, process


def active_at_end(world: World, scope: Scope) -> int:
    """How many databases act as the primary now."""
    return sum(process.role == PRIMARY for _, process in databases(world, scope))


def diverged(world: World, scope: Scope) -> int | None:
    """Keys on which those who answer clients differ: the primaries, and the shared disk, where there is one."""
    answering: list[Any] = [process for _, process in databases(world, Scope()) if process.role == PRIMARY]
    answering += [
        context.process for context in world.kernel.contexts if isinstance(context.process, SharedDisk)
    ]
    replicas = convergence.replicas_of(answering)
    return len(convergence.differing(replicas)) if replicas else None


def common_prefix(one: Log, other: Log) -> int:
    """The last position up to which two logs agree."""
    low, high = 0, min(one.last, other.last)
    while low < high:
        middle = (low + high + 1) // 2
        if one.hash_at(middle) == other.hash_at(middle):
            low = middle
        else:
            high = middle - 1
    return low


def unique_writes(world: World, scope: Scope) -> int | None:
    """Writes in the log of the scope's node that conflict with another's: those after the last common position, of
    the running database with which it has least in common. One that only lags conflicts with nobody."""
    logs = [process.log for _, process in databases(world, Scope())]
    found = []
    for _, process in databases(world, scope):
        for other in logs:
            agreed = common_prefix(process.log, other)
            if agreed < min(process.log.last, other.last):
                tail = process.log.slice(agreed + 1, process.log.last + 1)
                found.append(sum(entry.operation > 0 for entry in tail))
    return max(found, default=0)


def failback_refused(world: World, scope: Scope) -> int:
    """Orders to lead that databases refused because they hold writes the primary lacks."""
    return sum(process.failbacks_refused for _, process in databases(world, scope))


def fence_done_ms(world: World, scope: Scope) -> float | None:
    """From the begin of the scope to the first machine that was switched off; None when none was."""
    for change in milestones(world, scope):
        if change.role == OFF:
            return (change.at_us - scope.from_us) / 1000
    return None


def missed_own_share(world: World, scope: Scope) -> float | None:
    """The share of a session's reads after its own write that did not show it; None when nothing was judged."""
    check = world.observer.checks.get("read_your_writes")
    if not isinstance(check, guarantees.ReadYourWrites):
        return None
    found = check.guarantee()
    return found.violations / found.judged if found.judged else None


METERS = {Promotions.name: Promotions}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "needless_failovers": needless_failovers,
    "promoted_had_highest_offset": promoted_had_highest_offset,
    "active_at_end": active_at_end,
    "diverged": diverged,
    "unique_writes": unique_writes,
    "failback_refused": failback_refused,
    "fence_done_ms": fence_done_ms,
    "missed_own_share": missed_own_share,
}
