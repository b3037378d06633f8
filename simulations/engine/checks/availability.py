"""What each fault cost the clients: time without an acknowledgement (RTO), acknowledged operations that were lost
(RPO), goodput, errors and latencies before, during and after it.

Measured from outside, from the clients' ledger alone. Writes count when the clients write, everything else otherwise:
reads that go on do not hide that nothing can be written.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.faults.state import PastFault
from simulations.engine.meters import SECOND, Scope, fits, percentile

if TYPE_CHECKING:
    from simulations.engine.world import World

WINDOW_US = 5 * SECOND
"""How far "before" and "after" reach at most."""


class Phase(msgspec.Struct, frozen=True):
    """A span of time as the clients saw it. Seconds; operations acknowledged a second; shares of those that ended;
    latencies of acknowledged operations in ms (None: there were none)."""

    from_s: float
    to_s: float
    goodput: float
    error_share: float | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None


class Report(msgspec.Struct, frozen=True):
    """One fault and what it cost.

    ``rto_s``: the longest span without an acknowledgement that touches the fault, up to the next fault; None when
    nothing was acknowledged before it; ``recovered``: whether that span ended. ``lost_operations``: acknowledged
    operations, now missing, that were acknowledged before this fault and after the one before it (None: nobody can
    tell); ``rpo_s``: how long before the fault - or the last of them - the oldest of them was acknowledged.
    """

    id: int
    do: str
    hit: tuple[str, ...]
    at_s: float
    ended_s: float | None
    rto_s: float | None
    recovered: bool
    lost_operations: int | None
    rpo_s: float | None
    before: Phase
    during: Phase
    after: Phase | None


def counted(world: World, scope: Scope) -> list[Operation]:
    """Completed operations of the scope's client and key, in order of completion: the writes, unless there are none."""
    found = [operation for operation in world.observer.ledger.done if fits(operation, scope)]
    writes = [operation for operation in found if operation.kind != "get"]
    return writes or found


def reports(world: World, scope: Scope = Scope()) -> list[Report]:  # noqa: B008 (a frozen value)
    """A report of every fault that lasted and began in the scope, in order."""
    past = [fault for fault in world.faults.past if scope.covers(fault.since_us)]
    if not past:
        return []
    operations = counted(world, scope)
    losses = losses_by_fault(world, past)
    nexts = [fault.since_us for fault in past[1:]] + [world.now_us]
    return [
        report(world, fault, following, operations, losses)
        for fault, following in zip(past, nexts, strict=True)
    ]


def report(
    world: World,
    fault: PastFault,
    next_us: int,
    operations: list[Operation],
    losses: dict[int, list[int]] | None,
) -> Report:
    """One fault; ``next_us``: when the next one begins, or the run ends."""
    ended_us = world.now_us if fault.ended_us is None else fault.ended_us
    length_us = min(WINDOW_US, max(ended_us - fault.since_us, SECOND))
    lost = None if losses is None else losses.get(fault.id, [])
    gap_us, recovered = longest_gap(operations, fault.since_us, max(next_us, fault.since_us), world.now_us)
    after_until = min(world.now_us, ended_us + length_us)
    return Report(
        fault.id,
        fault.do,
        fault.hit,
        fault.since_us / SECOND,
        None if fault.ended_us is None else fault.ended_us / SECOND,
        None if gap_us is None else gap_us / SECOND,
        recovered,
        None if lost is None else len(lost),
        None if lost is None else rpo_us(lost, fault.since_us) / SECOND,
        phase(operations, max(0, fault.since_us - length_us), fault.since_us),
        phase(operations, fault.since_us, ended_us),
        phase(operations, ended_us, after_until) if after_until > ended_us else None,
    )


def longest_gap(
    operations: list[Operation], since_us: int, until_us: int, now_us: int
) -> tuple[int | None, bool]:
    """(the longest span without an acknowledgement that begins with the last one before ``since_us`` or later, but not
    after ``until_us``; whether it ended). None when there was none before."""
    times = [operation.returned_us or 0 for operation in operations if operation.outcome == "ok"]
    before = [at for at in times if at <= since_us]
    if not before:
        return None, any(at > since_us for at in times)
    inside = [before[-1], *(at for at in times if at > since_us)]
    spans = [(later - earlier, True) for earlier, later in pairwise(inside) if earlier <= until_us]
    if inside[-1] <= until_us:
        spans.append((now_us - inside[-1], False))
    longest, ended = max(spans)
    return longest, ended


def losses_by_fault(world: World, past: list[PastFault]) -> dict[int, list[int]] | None:
    """Fault id -> times of acknowledgement of the operations it cost: each belongs to the first fault that was in force
    or began afterwards. None when no check can tell what is lost."""
    check: Any = world.observer.checks.get("no_lost_ack")
    if check is None or world.verdicts()["no_lost_ack"].verdict == "unknown":
        return None
    found: dict[int, list[int]] = {}
    for at_us in check.lost_at:
        after = [fault for fault in past if fault.ended_us is None or fault.ended_us >= at_us]
        fault = after[0] if after else past[-1]
        found.setdefault(fault.id, []).append(at_us)
    return found


def rpo_us(lost: list[int], since_us: int) -> int:
    """How long before the fault, or before the last of them, the oldest lost operation was acknowledged."""
    return max(since_us, *lost) - min(lost) if lost else 0


def phase(operations: list[Operation], from_us: int, to_us: int) -> Phase:
    """The operations that ended in [from_us, to_us)."""
    ended = [one for one in operations if from_us <= (one.returned_us or 0) < to_us]
    latencies = sorted(
        ((one.returned_us or 0) - one.invoked_us) / 1000 for one in ended if one.outcome == "ok"
    )
    return Phase(
        from_us / SECOND,
        to_us / SECOND,
        len(latencies) * SECOND / (to_us - from_us) if to_us > from_us else 0.0,
        1 - len(latencies) / len(ended) if ended else None,
        percentile(latencies, 0.5),
        percentile(latencies, 0.99),
    )


# -- as metrics ---------------------------------------------------------------------------------------------------


def rto_s(world: World, scope: Scope) -> float | None:
    """The worst fault's time without an acknowledgement; one that never ended counts up to now. None without faults."""
    found = [one.rto_s for one in reports(world, scope) if one.rto_s is not None]
    return max(found, default=None)


def rpo_s(world: World, scope: Scope) -> float | None:
    """The worst fault's loss in seconds; None without faults, or when nobody can tell."""
    found = [one.rpo_s for one in reports(world, scope)]
    return None if not found or None in found else max(one for one in found if one is not None)


def share(*outcomes: str) -> Any:
    """The share of the operations that ended in the scope with one of these outcomes; None when none ended."""

    def metric(world: World, scope: Scope) -> float | None:
        ended = [
            one.outcome
            for one in world.observer.ledger.done
            if scope.covers(one.returned_us or 0) and fits(one, scope)
        ]
        return sum(outcome in outcomes for outcome in ended) / len(ended) if ended else None

    return metric


METRICS = {
    "rto_s": rto_s,
    "rpo_s": rpo_s,
    "success_share": share("ok"),
    "error_share": share("fail", "unknown"),
    "failed_share": share("fail"),
}
