"""What is counted about sharding along the way, and the metrics over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.meters import SECOND, Scope, done, latencies_ms, percentile
from simulations.engine.systems.sharding.pool import PodPool
from simulations.engine.systems.sharding.state import (
    EPOCH,
    KEYS_IN,
    READY,
    REDIRECTS,
    SERVED,
    WANTED,
    WRITES,
    ServerState,
)

if TYPE_CHECKING:
    from simulations.engine.world import World

Watched = tuple[Any, ...]
BUCKET_US = 50_000
PROCESSES = 4096
OVERLOAD_SPAN_US = 5 * SECOND
OVERLOAD_SHARE = 0.1
"""A span of 5 s counts as overloaded when a tenth of the operations that ended in it failed."""


class Traffic(Check):
    """Requests answered, per bucket of time and process: ``bucket * PROCESSES + index`` -> how many."""

    name: ClassVar[str] = "sharding_traffic"
    watches: ClassVar[tuple[int, ...] | None] = (SERVED,)
    counts: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        more = after[SERVED] - before[SERVED]
        if more > 0:
            place = at_us // BUCKET_US * PROCESSES + process_index
            self.counts[place] = self.counts.get(place, 0) + more


class Handovers(Check):
    """Rows that came into service elsewhere: (time, how many)."""

    name: ClassVar[str] = "sharding_handovers"
    watches: ClassVar[tuple[int, ...] | None] = (KEYS_IN,)
    moved: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if after[KEYS_IN] > before[KEYS_IN]:
            self.moved.append((at_us, after[KEYS_IN] - before[KEYS_IN]))


class Corrections(Check):
    """Clients that were told MOVED, and writes carried out by somebody else than the owner in the keeper's map."""

    name: ClassVar[str] = "sharding_corrections"
    watches: ClassVar[tuple[int, ...] | None] = (EPOCH, WRITES, REDIRECTS)
    told: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    silent: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    names: tuple[str, ...] = ()
    owners: bytes = b""

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if not isinstance(process, ServerState):
            return
        if process.keeps and before[EPOCH] != after[EPOCH]:
            self.names, self.owners = process.names, process.owners
        if after[REDIRECTS] > before[REDIRECTS]:
            self.told.append((at_us, process.last_redirected))
        if after[WRITES] > before[WRITES] and self.owners:
            owner = self.names[self.owners[process.last_write[1]]]
            if owner != process.id:
                self.silent.append((at_us, process.last_write[0]))


class Scaling(Check):
    """Pods of every pool as they changed: (time, pool, wanted, ready)."""

    name: ClassVar[str] = "sharding_scaling"
    watches: ClassVar[tuple[int, ...] | None] = (WANTED, READY)
    changes: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if isinstance(process, PodPool):
            self.changes.append((at_us, process_index, after[WANTED], after[READY]))


METERS: dict[str, type[Check]] = {meter.name: meter for meter in (Traffic, Handovers, Corrections, Scaling)}


def servers(world: World) -> Iterator[tuple[int, ServerState]]:
    """Every server that runs: (index, process)."""
    for context in world.kernel.contexts:
        running = context.host is not None and context.host.state != "down"
        if running and isinstance(context.process, ServerState):
            yield context.index, context.process


def keeper_of(world: World) -> ServerState | None:
    return next((server for _, server in servers(world) if server.keeps), None)


# -- load ---------------------------------------------------------------------------------------------------------


def traffic(world: World, scope: Scope) -> dict[int, int]:
    """Process -> requests it answered in the scope."""
    meter = world.observer.checks.get(Traffic.name)
    found: dict[int, int] = {}
    if isinstance(meter, Traffic):
        for place, count in meter.counts.items():
            bucket, index = divmod(place, PROCESSES)
            if scope.from_us <= bucket * BUCKET_US < scope.end(world):
                found[index] = found.get(index, 0) + count
    return found


def loads(world: World, scope: Scope) -> list[int]:
    """What the members carry: requests answered in the scope, or keys held when there were none."""
    keeper = keeper_of(world)
    if keeper is None:
        return []
    members = [(index, server) for index, server in servers(world) if server.id in keeper.members]
    counts = traffic(world, scope)
    if counts:
        return [counts.get(index, 0) for index, _ in members]
    return [len(server.data) for _, server in members]


def load_max_over_mean(world: World, scope: Scope) -> float | None:
    """The load of the busiest member over the mean."""
    found = loads(world, scope)
    return max(found) * len(found) / sum(found) if found and sum(found) else None


def hottest_node_rps(world: World, scope: Scope) -> float:
    """Requests a second of the busiest process."""
    span = scope.end(world) - scope.from_us
    return max(traffic(world, scope).values(), default=0) * SECOND / span if span > 0 else 0.0


# -- moves --------------------------------------------------------------------------------------------------------


def keys_moved(world: World, scope: Scope) -> int:
    """Keys that got another owner."""
    meter = world.observer.checks.get(Handovers.name)
    if not isinstance(meter, Handovers):
        return 0
    return sum(count for at_us, count in meter.moved if scope.covers(at_us))


def keys_moved_share(world: World, scope: Scope) -> float | None:
    """Of all keys that there are; one that moved twice counts twice."""
    total = sum(len(server.data) for _, server in servers(world))
    return keys_moved(world, scope) / total if total else None


def p99_over_baseline(world: World, scope: Scope) -> float | None:
    """The 99th percentile of the latency in the scope over that of the time before it; None without such a time."""
    before = Scope(0, scope.from_us, scope.client, scope.node, scope.key)
    baseline = percentile(latencies_ms(world, before), 0.99)
    now = percentile(latencies_ms(world, scope), 0.99)
    return now / baseline if baseline and now is not None else None


def moved_answers(world: World, scope: Scope) -> int:
    """How often a client was told that somebody else owns its key's shard now."""
    meter = world.observer.checks.get(Corrections.name)
    if not isinstance(meter, Corrections):
        return 0
    return sum(1 for at_us, client in meter.told if scope.covers(at_us) and scope.client in (None, client))


def silent_writes(world: World, scope: Scope) -> int:
    """Writes that a server carried out although the keeper's map names another owner."""
    meter = world.observer.checks.get(Corrections.name)
    if not isinstance(meter, Corrections):
        return 0
    return sum(1 for at_us, _ in meter.silent if scope.covers(at_us))


# -- pods ---------------------------------------------------------------------------------------------------------


def totals(world: World) -> list[tuple[int, int, int]]:
    """(time, wanted, ready) over all pools, at every change."""
    meter = world.observer.checks.get(Scaling.name)
    now: dict[int, tuple[int, int]] = {}
    found = []
    for at_us, pool, wanted, ready in meter.changes if isinstance(meter, Scaling) else ():
        now[pool] = (wanted, ready)
        found.append((at_us, sum(one[0] for one in now.values()), sum(one[1] for one in now.values())))
    return found


def pods_max(world: World, scope: Scope) -> int:
    """The most pods that were ready at once."""
    return max((ready for at_us, _, ready in totals(world) if scope.covers(at_us)), default=0)


def scale_reversals(world: World, scope: Scope) -> int:
    """How often the wanted number of pods went down after it had gone up, or the other way round."""
    steps = [
        (at_us, after > before)
        for (_, before, _), (at_us, after, _) in pairwise(totals(world))
        if after != before
    ]
    return sum(1 for (_, up), (at_us, now_up) in pairwise(steps) if up != now_up and scope.covers(at_us))


def overload_s(world: World, scope: Scope) -> float:
    """Seconds of the scope, in spans of 5, in which a tenth of the operations or more failed."""
    ended: dict[int, int] = {}
    failed: dict[int, int] = {}
    for operation in done(world, scope):
        span = (operation.returned_us or 0) // OVERLOAD_SPAN_US
        ended[span] = ended.get(span, 0) + 1
        failed[span] = failed.get(span, 0) + (operation.outcome != "ok")
    bad = sum(1 for span, count in ended.items() if failed[span] >= OVERLOAD_SHARE * count)
    return bad * OVERLOAD_SPAN_US / SECOND


METRICS: dict[str, Callable[[World, Scope], Any]] = {
    "load_max_over_mean": load_max_over_mean,
    "hottest_node_rps": hottest_node_rps,
    "keys_moved": keys_moved,
    "keys_moved_share": keys_moved_share,
    "p99_over_baseline": p99_over_baseline,
    "moved_answers": moved_answers,
    "silent_writes_to_old_owner": silent_writes,
    "pods_max": pods_max,
    "scale_reversals": scale_reversals,
    "overload_s": overload_s,
}
