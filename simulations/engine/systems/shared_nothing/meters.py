"""Numbers about a shared-nothing cluster, as its clients see them shard by shard, and about its soft state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine import meters
from simulations.engine.checks import availability as incidents
from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.checks.lineage import lost_acknowledged
from simulations.engine.chunks import Chunks
from simulations.engine.meters import Scope, fits
from simulations.engine.systems.shared_nothing.holder import Holder
from simulations.engine.systems.shared_nothing.properties import PRESENT
from simulations.engine.systems.shared_nothing.router import Directory, shard_of

if TYPE_CHECKING:
    from simulations.engine.world import World


class Presence(Check):
    """``turns``: (time, servers that run, servers that the directory knows). ``down``: servers that do not run."""

    name: ClassVar[str] = "shared_nothing_presence"
    watches: ClassVar[tuple[int, ...] | None] = (PRESENT,)
    turns: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    directories: dict[int, int] = {}
    down: dict[int, bool] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if isinstance(process, Directory):
            self.directories[process_index] = after[PRESENT]
            self.turn(at_us)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        if process_index in self.directories:
            self.directories[process_index] = 0
        else:
            self.down[process_index] = True
        self.turn(at_us)

    def restarted(self, at_us: int, event: int, process_index: int) -> None:
        self.down.pop(process_index, None)
        self.turn(at_us)

    def turn(self, at_us: int) -> None:
        self.turns.append((at_us, len(self.down), min(self.directories.values(), default=0)))


def servers(world: World) -> list[Holder]:
    return [c.process for c in world.kernel.contexts if isinstance(c.process, Holder)]


def directory_rebuilt_ms(world: World, scope: Scope) -> float | None:
    """From the begin of the scope until the directory, having forgotten something since, knows all servers that run."""
    meter = world.observer.checks[Presence.name]
    assert isinstance(meter, Presence)
    total, lost = len(servers(world)), False
    for at_us, down, known in meter.turns:
        if at_us < scope.from_us:
            continue
        if known < total - down:
            lost = True
        elif lost:
            return (at_us - scope.from_us) / 1000 if scope.covers(at_us) else None
    return None


def home_of(world: World, key: str) -> str:
    """The server whose shard a key belongs to."""
    first = servers(world)[0]
    return first.holders(shard_of(key, first.parameters.shards))[0]


def availability(world: World, scope: Scope) -> float | None:
    """The share of operations that were answered ok (of the keys whose home is the scope's node, if it names one)."""
    if scope.node is None:
        return meters.availability(world, scope)
    ended = [
        operation.outcome == "ok"
        for operation in world.observer.ledger.done
        if scope.covers(operation.invoked_us)
        and fits(operation, scope)
        and home_of(world, operation.key) == scope.node
    ]
    return sum(ended) / len(ended) if ended else None


def rto_s(world: World, scope: Scope) -> float | None:
    """The longest time that any fault left any one shard without an acknowledgement; None without faults."""
    past = [fault for fault in world.faults.past if scope.covers(fault.since_us)]
    shards: dict[int, list[Operation]] = {}
    count = servers(world)[0].parameters.shards
    for operation in incidents.counted(world, scope):
        shards.setdefault(shard_of(operation.key, count), []).append(operation)
    nexts = [fault.since_us for fault in past[1:]] + [world.now_us]
    found = [
        incidents.longest_gap(operations, fault.since_us, max(following, fault.since_us), world.now_us)[0]
        for fault, following in zip(past, nexts, strict=False)  # (without faults there is nothing to follow)
        for operations in shards.values()
    ]
    return max((gap / 1_000_000 for gap in found if gap is not None), default=None)


def is_degraded(operation: Operation) -> bool:
    return isinstance(operation.result, dict) and bool(operation.result.get("degraded"))


def share(wanted: Callable[[Operation], bool]) -> Callable[[Any, Any], Any]:
    """The share of such operations among those that ended in the scope."""

    def metric(world: World, scope: Scope) -> float | None:
        ended = [
            wanted(operation)
            for operation in world.observer.ledger.done
            if scope.covers(operation.returned_us or 0) and fits(operation, scope)
        ]
        return sum(ended) / len(ended) if ended else None

    return metric


METERS = {Presence.name: Presence}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "lost_acknowledged": lost_acknowledged,
    "availability": availability,
    "rto_s": rto_s,
    "unaffected_share": share(lambda operation: operation.outcome == "ok" and not is_degraded(operation)),
    "degraded_share": share(is_degraded),
    "directory_rebuilt_ms": directory_rebuilt_ms,
}
