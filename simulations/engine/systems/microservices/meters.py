"""What is counted along the way, from outside, and the metrics made of it.

Counts are kept in slots of 100 ms: spans of a metric are cut to these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.meters import SECOND, Scope, fits
from simulations.engine.systems.microservices.worker import CRASHED, Part

if TYPE_CHECKING:
    from simulations.engine.world import World

SLOT_US = 100_000
NAME = "microservices"
ROLE, BUSY, RECEIVED, BREAKER, HEALTHY, EJECTED, ROLLOUT = (
    Part.watched.index(name)
    for name in ("role", "busy", "received", "breaker", "healthy", "ejected", "rollout")
)
ENOUGH = 10
"""Requests a second that a share of errors is computed from."""


class Load(Check):
    """Work that arrived and threads that were busy. ``received`` and ``asked``: (process, slot) in one number -> work;
    ``busy``: -> most threads at once; ``exhausted``: process -> when its last thread was taken first."""

    name: ClassVar[str] = "microservices_load"
    watches: ClassVar[tuple[int, ...]] = (BUSY, RECEIVED)
    received: dict[int, int] = {}
    asked: dict[int, int] = {}
    busy: dict[int, int] = {}
    exhausted: dict[int, int] = {}
    seen: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        place = place_of(process_index, at_us)
        more = after[RECEIVED] - before[RECEIVED]
        if more > 0:
            self.received[place] = self.received.get(place, 0) + more
            asked = process.asked - self.seen.get(process_index, 0)
            if asked:
                self.asked[place] = self.asked.get(place, 0) + asked
                self.seen[process_index] = process.asked
        busy = after[BUSY]
        if busy > before[BUSY]:
            if busy > self.busy.get(place, 0):
                self.busy[place] = busy
            if process_index not in self.exhausted and busy >= sum(process.sizes.values()):
                self.exhausted[process_index] = at_us

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.seen.pop(process_index, None)


class Moment(msgspec.Struct, frozen=True):
    """A breaker, a dashboard, an ejection or a rollout changed, or an instance crashed (its role did). ``what``: which
    of these; ``value``: what it is now."""

    at_us: int
    process: int
    what: str
    value: str | tuple[str, ...]


class Moments(Check):
    """Every such change, in order."""

    name: ClassVar[str] = "microservices_moments"
    watches: ClassVar[tuple[int, ...]] = (ROLE, BREAKER, HEALTHY, EJECTED, ROLLOUT)
    all: Chunks[Moment] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        for position in self.watches:
            if before[position] != after[position] and (position != ROLE or after[ROLE] == CRASHED):
                self.all.append(Moment(at_us, process_index, Part.watched[position], after[position]))


def place_of(process: int, at_us: int) -> int:
    return (process << 32) + at_us // SLOT_US


METERS: dict[str, Any] = {Load.name: Load, Moments.name: Moments}

# -- metrics ------------------------------------------------------------------------------------------------------


def load_of(world: World) -> Load:
    meter = world.observer.checks[Load.name]
    assert isinstance(meter, Load)
    return meter


def slots(world: World, scope: Scope) -> tuple[int, int]:
    """The first slot of the scope and the first after it."""
    return scope.from_us // SLOT_US, -(-scope.end(world) // SLOT_US)


def members(world: World, scope: Scope) -> Iterator[int]:
    """The processes of this system that the scope names."""
    for context, member in zip(world.kernel.contexts, world.members, strict=False):
        if member.system == NAME and scope.node in (None, context.id, context.place):
            yield context.index


def counted(world: World, scope: Scope, counts: dict[int, int], chosen: Callable[[Any], bool]) -> int:
    first, end = slots(world, scope)
    wanted = [index for index in members(world, scope) if chosen(world.kernel.contexts[index].process)]
    return sum(
        count
        for place, count in counts.items()
        if first <= place & 0xFFFFFFFF < end and place >> 32 in wanted
    )


def calls_to(world: World, scope: Scope) -> int:
    """Requests and calls that reached a node."""
    return counted(world, scope, load_of(world).received, lambda process: True)


def attempts_per_s(world: World, scope: Scope) -> float | None:
    """Clients' attempts a second that reached a process."""
    span = scope.end(world) - scope.from_us
    attempts = counted(world, scope, load_of(world).asked, lambda process: True)
    return attempts * SECOND / span if span > 0 else None


def is_leaf(process: Any) -> bool:
    """Whether it calls nobody."""
    return hasattr(process, "sizes") and not process.parameters.calls and not process.parameters.routes


def leaf_calls_per_user_call(world: World, scope: Scope) -> float | None:
    """Calls that reached those who call nobody, per request of a client."""
    users = counted(world, scope, load_of(world).asked, lambda process: True)
    leaves = counted(world, scope, load_of(world).received, is_leaf)
    return leaves / users if users else None


def busy_threads_max(world: World, scope: Scope) -> int:
    """The most threads that one process had busy at once: of those that clients ask, unless the scope names one."""
    first, end = slots(world, scope)
    load = load_of(world)
    doors = {place >> 32 for place in load.asked}
    found = [
        busy
        for place, busy in load.busy.items()
        if first <= place & 0xFFFFFFFF < end and (place >> 32 in doors or scope.node is not None)
        if place >> 32 in members(world, scope)
    ]
    return max(found, default=0)


def pool_exhausted_s(world: World, scope: Scope) -> float | None:
    """When the last free thread of a process was taken first; the earliest of all, unless the scope names one."""
    found = [
        at
        for index, at in load_of(world).exhausted.items()
        if index in members(world, scope) and scope.covers(at)
    ]
    return min(found) / SECOND if found else None


def moments(world: World, scope: Scope, what: str) -> list[Moment]:
    meter = world.observer.checks[Moments.name]
    assert isinstance(meter, Moments)
    wanted = list(members(world, scope))
    return [
        one for one in meter.all if one.what == what and one.process in wanted and scope.covers(one.at_us)
    ]


def first_s(what: str, value: str) -> Callable[[World, Scope], float | None]:
    """When something changed to a value, first."""
    return lambda world, scope: next(
        (one.at_us / SECOND for one in moments(world, scope, what) if one.value == value), None
    )


def breaker_closed_s(world: World, scope: Scope) -> float | None:
    """When a breaker that had opened closed again, the last time."""
    opened, found = False, None
    for one in moments(world, scope, "breaker"):
        opened = opened or one.value == "open"
        if opened and one.value == "closed":
            found = one.at_us / SECOND
    return found


def breaker_openings(world: World, scope: Scope) -> int:
    """How often breakers opened."""
    return sum(one.value == "open" for one in moments(world, scope, "breaker"))


def healthy_on_dashboard(world: World, scope: Scope) -> int | None:
    """The fewest backends that health checks called healthy in the scope."""
    shown: dict[int, int] = {}
    lowest: list[int] = []
    for one in moments(world, Scope(0, scope.to_us), "healthy"):
        if one.at_us >= scope.from_us:
            lowest.append(len(one.value))
        else:
            shown[one.process] = len(one.value)
    found = [*shown.values(), *lowest]
    return min(found) if found else None


def ejected_s(world: World, scope: Scope) -> float | None:
    """When the scope's node - or anybody - was ejected for its answers, first."""
    for one in moments(world, Scope(scope.from_us, scope.to_us), "ejected"):
        if one.value and (scope.node is None or scope.node in one.value):
            return one.at_us / SECOND
    return None


def running_at_end(world: World, scope: Scope) -> int:
    """Processes of the system that run at the end: their node is up, and they have not crashed."""
    return sum(
        1
        for index in members(world, scope)
        if (context := world.kernel.contexts[index]).host is not None
        and context.host.state != "down"
        and getattr(context.process, "role", "") != CRASHED
    )


def error_share_max(world: World, scope: Scope) -> float | None:
    """The worst second of the scope: the share of the operations that ended in it and were not answered ok."""
    ended: dict[int, list[int]] = {}
    last = (scope.end(world) - scope.from_us) // SECOND
    for one in world.observer.ledger.done:
        second = ((one.returned_us or 0) - scope.from_us) // SECOND
        if 0 <= second < last and fits(one, scope):
            ended.setdefault(second, []).append(one.outcome != "ok")
    return max((sum(some) / len(some) for some in ended.values() if len(some) >= ENOUGH), default=None)


def restarts(world: World, scope: Scope) -> int:
    """How often supervisors have started the containers again, as they count it now."""
    contexts = world.kernel.contexts
    return sum(getattr(contexts[index].process, "restarts", 0) for index in members(world, scope))


METRICS: dict[str, Callable[[World, Scope], Any]] = {
    "pool_exhausted_s": pool_exhausted_s,
    "busy_threads_max": busy_threads_max,
    "leaf_calls_per_user_call": leaf_calls_per_user_call,
    "calls_to": calls_to,
    "attempts_per_s": attempts_per_s,
    "breaker_opened_s": first_s("breaker", "open"),
    "breaker_closed_s": breaker_closed_s,
    "breaker_openings": breaker_openings,
    "healthy_on_dashboard": healthy_on_dashboard,
    "ejected_s": ejected_s,
    "rolled_back_s": first_s("rollout", "rolled back"),
    "crashed_s": first_s("role", CRASHED),
    "running_at_end": running_at_end,
    "error_share_max": error_share_max,
    "restarts": restarts,
}
