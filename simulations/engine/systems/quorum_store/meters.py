"""What can be counted about the quorum store from outside: staleness, repairs, conflicts, moved keys, freshness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.context import DELIVER
from simulations.engine.meters import Scope, done
from simulations.engine.process import Samples
from simulations.engine.systems.quorum_store.messages import Read, ReadReply, Write
from simulations.engine.systems.quorum_store.state import Probed
from simulations.engine.systems.quorum_store.versions import NOTHING, Stamp, top

if TYPE_CHECKING:
    from simulations.engine.world import World

ROLE, HASH, WRITES, CONFLICTS, READ_REPAIRED, REPAIR_STREAMED, MOVED, PROBES = range(8)
"""Places in ``State.watched``."""

WRITES_KEPT = 4096
NEVER = float("inf")


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A counter of a process rose."""

    at_us: int
    process: int
    which: int
    by: int


class Counts(Check):
    """Conflicts met, keys repaired by reads and by anti-entropy, keys streamed to new owners."""

    name: ClassVar[str] = "quorum_store_counts"
    watches: ClassVar[tuple[int, ...] | None] = (CONFLICTS, READ_REPAIRED, REPAIR_STREAMED, MOVED)
    rises: Chunks[Counted] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        for which in (CONFLICTS, READ_REPAIRED, REPAIR_STREAMED, MOVED):
            by = after[which] - before[which]
            if by > 0:
                self.rises.append(Counted(at_us, process_index, which, by))


class Held(Check):
    """Which version of which key every process holds. ``newest``: key -> the highest stamp anywhere; ``stale``: process
    -> keys it holds in an older version, and since when; ``history``: (time, process, how many of those); ``behind``:
    (time, process, for how long it had held a key in an older version that has caught up now)."""

    name: ClassVar[str] = "quorum_store_held"
    watches: ClassVar[tuple[int, ...] | None] = (WRITES,)
    newest: dict[str, Stamp] = {}
    held: dict[int, dict[str, Stamp]] = {}
    stale: dict[int, dict[str, int]] = {}
    history: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    behind: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    written: dict[int, tuple[str, Stamp]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        mine = self.held.setdefault(process_index, {})
        store = process.store
        for key in process.touched:
            held = store.get(key, ())
            if not held:
                mine.pop(key, None)
                self.stale.get(process_index, {}).pop(key, None)
                continue
            mine[key] = stamp = top(held)
            for version in held:
                self.written[version.operation] = (key, (version.at, version.by, version.operation))
            if stamp > self.newest.get(key, NOTHING):
                self.newest[key] = stamp
                for index in sorted(self.held):
                    self.judge(at_us, index, key)
            else:
                self.judge(at_us, process_index, key)
        self.note(at_us)

    def judge(self, at_us: int, index: int, key: str) -> None:
        found = self.held[index].get(key)
        stale = self.stale.setdefault(index, {})
        if found is not None and found < self.newest[key]:
            stale.setdefault(key, at_us)
        elif key in stale:
            self.behind.append((at_us, index, at_us - stale.pop(key)))

    def note(self, at_us: int) -> None:
        """Remember how many keys are stale where, as far as that changed."""
        for index in sorted(self.stale):
            self.history.append((at_us, index, len(self.stale[index])))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.held.pop(process_index, None)
        self.stale.pop(process_index, None)

    def fork(self) -> Check:
        twin: Any = super().fork()
        twin.held = {index: held.copy() for index, held in self.held.items()}
        twin.stale = {index: keys.copy() for index, keys in self.stale.items()}
        return twin  # type: ignore[no-any-return]


class Timed(msgspec.Struct, frozen=True, array_like=True):
    """One probe, or with ``at_ms`` -1 the write before it. ``threshold_ms``: how long after the acknowledgement a read
    with these delays must begin to see the write."""

    at_us: int
    at_ms: float
    latency_ms: float
    fresh: bool
    threshold_ms: float


class Freshness(Check):
    """Probes after writes, and when each would have been fresh: from when writes and reads reached each replica.

    A read begun t after the acknowledgement sees the write when one of the replicas that answer first got the write
    before the read. So each probe tells, whatever its own t was, from which t on its delays would have been enough:
    Bailis et al. 2012, section 5.1, measured. ``arrived``: operation -> process -> when the write came; ``reads``:
    ticket -> process -> when the read came; ``replies``: ticket -> processes in the order of their answers.
    """

    name: ClassVar[str] = "quorum_store_freshness"
    wants_events: ClassVar[bool] = True
    watches: ClassVar[tuple[int, ...] | None] = (PROBES,)
    arrived: dict[int, dict[int, int]] = {}
    reads: dict[int, dict[int, int]] = {}
    replies: dict[int, list[int]] = {}
    waiting: dict[int, list[tuple[int, float, float, bool, tuple[tuple[int, int], ...]]]] = {}
    unjudged: list[Probed] = []
    timed: Chunks[Timed] = msgspec.field(default_factory=Chunks)

    def executed(self, at_us: int, event: Any) -> None:
        if event[3] == DELIVER:
            message = event[7]
            kind = message.__class__
            if kind is Read:
                self.keep(self.reads, message.ticket, {})[event[4]] = at_us
            elif kind is ReadReply:
                self.keep(self.replies, message.ticket, []).append(event[6])
            elif kind is Write:
                operation = message.version.operation
                self.keep(self.arrived, operation, {}).setdefault(event[4], at_us)
                if operation in self.waiting:
                    self.settle(operation)
        if self.unjudged:
            # (They were noted in this very event, whose answer is counted only now.)
            for probe in self.unjudged:
                self.take_up(at_us, probe)
            self.unjudged = []

    def keep(self, table: dict[int, Any], number: int, empty: Any) -> Any:
        """The entry of a number; old ones are forgotten."""
        found = table.get(number)
        if found is None:
            found = table[number] = empty
            if len(table) > WRITES_KEPT:
                del table[next(iter(table))]
        return found

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        for probe in process.probed:
            if probe.at_ms < 0:
                self.timed.append(Timed(at_us, probe.at_ms, probe.latency_us / 1000, True, 0))
            elif process.id in probe.first:
                # (The coordinator is a replica itself and held the write before it was acknowledged.)
                self.timed.append(Timed(at_us, probe.at_ms, probe.latency_us / 1000, probe.fresh, 0))
            else:
                self.unjudged.append(probe)

    def take_up(self, at_us: int, probe: Probed) -> None:
        """A probe has its answer: see when its reads came, and wait for the write to come where they did."""
        reads, replies = self.reads.pop(probe.ticket, {}), self.replies.pop(probe.ticket, [])
        came = tuple((index, reads[index]) for index in replies[: len(probe.first)] if index in reads)
        waits = self.waiting.setdefault(probe.operation, [])
        waits.append((at_us, probe.at_ms, probe.latency_us / 1000, probe.fresh, came))
        self.settle(probe.operation)

    def settle(self, operation: int) -> None:
        """Judge the probes of a write whose replicas all have it by now."""
        arrived = self.arrived.get(operation, {})
        rest = []
        for wait in self.waiting[operation]:
            at_us, at_ms, latency_ms, fresh, came = wait
            if all(index in arrived for index, _ in came):
                late = min((arrived[index] - read_us for index, read_us in came), default=0)
                self.timed.append(Timed(at_us, at_ms, latency_ms, fresh, max(0.0, at_ms + late / 1000)))
            else:
                rest.append(wait)
        self.waiting[operation] = rest
        if not rest:
            del self.waiting[operation]

    def fork(self) -> Check:
        twin: Any = super().fork()
        twin.arrived = {number: came.copy() for number, came in self.arrived.items()}
        twin.reads = {number: came.copy() for number, came in self.reads.items()}
        twin.replies = {number: order.copy() for number, order in self.replies.items()}
        twin.waiting = {number: waits.copy() for number, waits in self.waiting.items()}
        return twin  # type: ignore[no-any-return]


# -- metrics ---------------------------------------------------------------------------------------


def place_of(world: World, index: int, node: str | None) -> bool:
    """Whether a process belongs to the scope's node."""
    context = world.kernel.contexts[index]
    return node in (None, context.id, context.place)


def total(which: int) -> Callable[[World, Scope], int | None]:
    """How much a counter rose in the scope, over its nodes."""

    def metric(world: World, scope: Scope) -> int | None:
        meter = world.observer.checks.get(Counts.name)
        if not isinstance(meter, Counts):
            return None
        rises = [Counted(*one) if isinstance(one, list) else one for one in meter.rises]
        return sum(
            one.by
            for one in rises
            if one.which == which and scope.covers(one.at_us) and place_of(world, one.process, scope.node)
        )

    return metric


def keys_moved_share(world: World, scope: Scope) -> float | None:
    """Keys streamed to new owners, as a share of all keys that anybody holds."""
    moved = total(MOVED)(world, scope)
    meter = world.observer.checks.get(Held.name)
    if moved is None or not isinstance(meter, Held) or not meter.newest:
        return None
    return moved / len(meter.newest)


def stale_keys(world: World, scope: Scope) -> int | None:
    """Keys that the scope's nodes held in an older version than somebody, at the end of the scope."""
    meter = world.observer.checks.get(Held.name)
    if not isinstance(meter, Held):
        return None
    latest: dict[int, int] = {}
    for at_us, index, count in meter.history:
        if scope.to_us is None or at_us <= scope.to_us:
            latest[index] = count
    return sum(count for index, count in sorted(latest.items()) if place_of(world, index, scope.node))


def copy_behind_ms_max(world: World, scope: Scope) -> float | None:
    """The longest that one of the scope's nodes held a key in an older version than somebody, until it caught up."""
    meter = world.observer.checks.get(Held.name)
    if not isinstance(meter, Held):
        return None
    found = [
        lasted
        for at_us, index, lasted in meter.behind
        if scope.covers(at_us) and place_of(world, index, scope.node)
    ]
    return max(found) / 1000 if found else None


def stale_keys_at_end(world: World, scope: Scope) -> int | None:
    """The same at the end of the run."""
    return stale_keys(world, msgspec.structs.replace(scope, to_us=None))


def missing_writes_at_end(world: World, scope: Scope) -> int | None:
    """Acknowledged writes that the scope's nodes neither hold nor hold something newer instead of."""
    meter = world.observer.checks.get(Held.name)
    if not isinstance(meter, Held):
        return None
    acknowledged = [
        meter.written[operation.id]
        for operation in world.observer.ledger.done
        if operation.outcome == "ok" and operation.id in meter.written
    ]
    missing = 0
    for index in sorted(meter.held):
        if place_of(world, index, scope.node):
            held = meter.held[index]
            missing += sum(1 for key, stamp in acknowledged if held.get(key, NOTHING) < tuple(stamp))
    return missing


def clients_answered(world: World, scope: Scope) -> int:
    """Clients that got at least one answer in the scope."""
    return len({operation.client for operation in done(world, scope) if operation.outcome == "ok"})


def probes(world: World, scope: Scope) -> Iterator[Timed]:
    """What was timed in the scope."""
    meter = world.observer.checks.get(Freshness.name)
    if isinstance(meter, Freshness):
        for one in meter.timed:
            timed = Timed(*one) if isinstance(one, list) else one
            if scope.covers(timed.at_us):
                yield timed


def quantile(values: list[float], share: float) -> float | None:
    """The quantile at place (n + 1) * share of the sorted values (Weibull): unbiased in probability, also far out in
    the tail. None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    at = (len(ordered) + 1) * share - 1
    low = min(max(int(at), 0), len(ordered) - 1)
    high = min(low + 1, len(ordered) - 1)
    part = min(max(at - low, 0.0), 1.0)
    return ordered[low] if low == high else ordered[low] + part * (ordered[high] - ordered[low])


def percent_of(scope: Scope) -> float:
    """The percentile that the scope's key names, 99.9 by default."""
    try:
        return float(scope.key) / 100 if scope.key else 0.999
    except ValueError:
        return 0.999


def read_latencies(world: World, scope: Scope) -> list[float]:
    """How long a coordinator waited for the answers of each probe."""
    return [one.latency_ms for one in probes(world, scope) if one.at_ms >= 0]


def write_latencies(world: World, scope: Scope) -> list[float]:
    """The same for the acknowledgements of each write that was probed."""
    return [one.latency_ms for one in probes(world, scope) if one.at_ms < 0]


def thresholds(world: World, scope: Scope) -> list[float]:
    """How long after the acknowledgement a read with the delays of each probe must begin to see the write."""
    return [one.threshold_ms for one in probes(world, scope) if one.at_ms >= 0]


def read_latency_ms(world: World, scope: Scope) -> float | None:
    """The percentile named by ``key`` (99.9) of ``read_latencies``."""
    return quantile(read_latencies(world, scope), percent_of(scope))


def write_latency_ms(world: World, scope: Scope) -> float | None:
    """The same of ``write_latencies``."""
    return quantile(write_latencies(world, scope), percent_of(scope))


def shares(world: World, scope: Scope) -> dict[str, float]:
    """Delay -> share of the probes at that delay that were fresh."""
    found: dict[float, list[int]] = {}
    for one in probes(world, scope):
        if one.at_ms >= 0:
            counts = found.setdefault(one.at_ms, [0, 0])
            counts[0] += one.fresh
            counts[1] += 1
    return {f"{at_ms:g}": fresh / all for at_ms, (fresh, all) in sorted(found.items())}


def fresh_at_ms(world: World, scope: Scope) -> Any:
    """The share of the reads begun ``key`` ms after a write was acknowledged that saw it; without a key all of them."""
    found = shares(world, scope)
    return (found or None) if scope.key is None else found.get(scope.key)


def stale_at_ms(world: World, scope: Scope) -> Any:
    """The share of those that did not."""
    found = {at_ms: 1 - share for at_ms, share in shares(world, scope).items()}
    return (found or None) if scope.key is None else found.get(scope.key)


def t_visibility_999_ms(world: World, scope: Scope) -> float | None:
    """How long after the acknowledgement a read must begin to see the write in 99.9% of the cases."""
    return quantile(thresholds(world, scope), 0.999)


SAMPLES = {
    "read_latency_ms": Samples(read_latencies),
    "write_latency_ms": Samples(write_latencies),
    "t_visibility_999_ms": Samples(thresholds, at=0.999),
}
METERS = {meter.name: meter for meter in (Counts, Held, Freshness)}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "conflicts": total(CONFLICTS),
    "keys_repaired_by_read": total(READ_REPAIRED),
    "repair_keys_streamed": total(REPAIR_STREAMED),
    "keys_moved": total(MOVED),
    "keys_moved_share": keys_moved_share,
    "copy_behind_ms_max": copy_behind_ms_max,
    "stale_keys": stale_keys,
    "stale_keys_at_end": stale_keys_at_end,
    "missing_writes_at_end": missing_writes_at_end,
    "clients_answered": clients_answered,
    "read_latency_ms": read_latency_ms,
    "write_latency_ms": write_latency_ms,
    "fresh_at_ms": fresh_at_ms,
    "stale_at_ms": stale_at_ms,
    "t_visibility_999_ms": t_visibility_999_ms,
}
