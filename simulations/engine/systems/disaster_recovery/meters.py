"""Numbers of disaster recovery: what was lost and for how long, what a mistake reached, and what it all cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks import availability, service_levels
from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.meters import SECOND, Scope
from simulations.engine.meters import availability as share_answered
from simulations.engine.process import Text
from simulations.engine.reporting import Section
from simulations.engine.systems.disaster_recovery.descriptor import ROLES
from simulations.engine.systems.disaster_recovery.leading import SERVING
from simulations.engine.systems.disaster_recovery.process import Site
from simulations.engine.systems.disaster_recovery.properties import (
    CAPACITY,
    CONFLICTS,
    DELETIONS,
    RESTORES,
    ROLE,
    serving,
    standing,
)

if TYPE_CHECKING:
    from simulations.engine.world import World

HOUR_US = 3600 * SECOND
CRASHED = "crashed"


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """How one process stood from ``at_us`` on."""

    at_us: int
    process: int
    role: str
    capacity: float
    deletions: int
    restores: int


class Moments(Check):
    """Every change of role, capacity, deletions and restores, as tuples like ``Moment``.

    ``conflicts``: process -> the most it counted.
    """

    name: ClassVar[str] = "disaster_recovery_moments"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, DELETIONS, RESTORES, CONFLICTS, CAPACITY)
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    conflicts: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, Site):
            return
        if after[CONFLICTS] > self.conflicts.get(process_index, 0):
            self.conflicts[process_index] = after[CONFLICTS]
        self.found.append(
            (at_us, process_index, after[ROLE], after[CAPACITY], after[DELETIONS], after[RESTORES])
        )

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.found.append((at_us, process_index, CRASHED, 0.0, 0, 0))


def moments(world: World) -> list[Moment]:
    meter = world.observer.checks.get(Moments.name)
    return [Moment(*one) for one in meter.found] if isinstance(meter, Moments) else []


def sites(world: World) -> list[tuple[int, Site]]:
    return [
        (context.index, context.process)
        for context in world.kernel.contexts
        if isinstance(context.process, Site)
    ]


def running_sites(world: World) -> dict[int, Any]:
    """The processes that run now, by index."""
    return {
        context.index: context.process
        for context in world.kernel.contexts
        if context.host is not None and context.host.state != "down"
    }


# -- a mistake ----------------------------------------------------------------------------------------------------


def mistake(world: World, scope: Scope) -> Operation | None:
    """The operation that the scope names, else the first that deleted everything."""
    client = None
    for line in world.experiment.operations:
        if scope.operation is not None and line.id == scope.operation:
            client = line.client
    history = world.history
    found = [
        operation
        for operation in history.operations.values()
        if operation.kind == "delete_all" and client in (None, operation.client)
    ]
    return min(found, key=lambda operation: operation.id, default=None)


def all_copies_wrong_ms(world: World, scope: Scope) -> float | None:
    """From the mistake to the moment when every copy that runs has carried it out; None when one never did."""
    wrong = mistake(world, scope)
    if wrong is None:
        return None
    first: dict[int, int] = {}
    for one in moments(world):
        if one.deletions and one.at_us >= wrong.invoked_us:
            first.setdefault(one.process, one.at_us)
    running = running_sites(world)
    indexes = [index for index, _ in sites(world) if index in running]
    if not indexes or any(index not in first for index in indexes):
        return None
    return (max(first[index] for index in indexes) - wrong.invoked_us) / 1000


def before_mistake(world: World, scope: Scope) -> tuple[Operation, list[Operation], set[int]] | None:
    """(the mistake, the last acknowledged write of every key before it, the operations that stand now)."""
    wrong = mistake(world, scope)
    there = serving(running_sites(world))
    if wrong is None or not there:
        return None
    last: dict[str, Operation] = {}
    for operation in world.observer.ledger.done:
        written = operation.outcome == "ok" and operation.kind in ("put", "append")
        if written and (operation.returned_us or 0) <= wrong.invoked_us:
            last[operation.key] = operation
    return wrong, list(last.values()), set().union(*(standing(site) for site in there))


def keys_recovered_share(world: World, scope: Scope) -> float | None:
    """Of the keys that the mistake deleted, the share whose last value from before it stands again."""
    found = before_mistake(world, scope)
    if found is None or not found[1]:
        return None
    return sum(operation.id in found[2] for operation in found[1]) / len(found[1])


def rpo_before_mistake_s(world: World, scope: Scope) -> float | None:
    """How long before the mistake the oldest write was acknowledged that is still missing; 0 when none is."""
    found = before_mistake(world, scope)
    if found is None:
        return None
    wrong, writes, there = found
    missing = [operation.returned_us or 0 for operation in writes if operation.id not in there]
    return (wrong.invoked_us - min(missing)) / SECOND if missing else 0.0


def repaired_us(world: World, since_us: int) -> int | None:
    """When the last site that was restored after a moment served again; None when none was."""
    restored: dict[int, int] = {}
    back: dict[int, int] = {}
    for one in moments(world):
        if one.at_us < since_us:
            restored[one.process] = one.restores
        elif one.restores > restored.get(one.process, 0) and one.role in SERVING:
            back.setdefault(one.process, one.at_us)
    return max(back.values(), default=None)


def rto_s(world: World, scope: Scope) -> float | None:
    """The worst incident: a fault's time without an acknowledgement, or the time from a mistake until it is repaired
    (or until now)."""
    found = [availability.rto_s(world, scope)]
    wrong = mistake(world, scope)
    if wrong is not None:
        back = repaired_us(world, wrong.invoked_us)
        found.append(((world.now_us if back is None else back) - wrong.invoked_us) / SECOND)
    return max((one for one in found if one is not None), default=None)


# -- money --------------------------------------------------------------------------------------------------------


def cost(world: World, scope: Scope) -> float:
    """Money spent in the scope: each node's price an hour times what ran of it, and the copies' price per GB."""
    end_us = scope.end(world)
    prices = {node.id: node.price for node in world.experiment.topology.nodes}
    total = 0.0
    changes: dict[int, list[tuple[int, float]]] = {}
    for one in moments(world):
        changes.setdefault(one.process, []).append((one.at_us, one.capacity))
    for index, line in sorted(changes.items()):
        price = prices.get(world.kernel.contexts[index].place, 0.0)
        following = [at for at, _ in line[1:]] + [end_us]
        for (at_us, capacity), until_us in zip(line, following, strict=True):
            span = min(until_us, end_us) - max(at_us, scope.from_us)
            total += price * capacity * max(0, span) / HOUR_US
    return total + storage_cost(world, end_us - scope.from_us)


def storage_cost(world: World, span_us: int) -> float:
    """What keeping the copies costs: every process that keeps the data pays its size."""
    kinds = ("backup_store", "recovery_site")
    parameters = [
        context.process.parameters
        for context in world.kernel.contexts
        if getattr(context.process, "kind", "") in kinds and context.process.parameters.tier != "none"
    ]
    prices = [float(one.data_mb / 1000 * one.price_per_gb) for one in parameters]
    return sum(prices) * span_us / HOUR_US


def conflicts(world: World, scope: Scope) -> int:
    """Pairs of concurrent writes of one key, as the copy saw them that saw most."""
    meter = world.observer.checks.get(Moments.name)
    return max(meter.conflicts.values(), default=0) if isinstance(meter, Moments) else 0


def lost_writes(world: World, scope: Scope) -> int | None:
    """Acknowledged writes that no serving site has now."""
    check: Any = world.observer.checks.get("no_lost_ack")
    return None if check is None or world.verdicts()["no_lost_ack"].verdict == "unknown" else int(check.lost)


METERS = {Moments.name: Moments}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "rto_s": rto_s,
    "cost": cost,
    "conflicts": conflicts,
    "lost_writes": lost_writes,
    "all_copies_wrong_ms": all_copies_wrong_ms,
    "keys_recovered_share": keys_recovered_share,
    "rpo_before_mistake_s": rpo_before_mistake_s,
}


# -- the report ---------------------------------------------------------------------------------------------------


def report(world: World) -> list[Section]:
    """What the tier promised, what it did, and what it cost: side by side."""
    return [outcome(world), takeovers(world)]


def outcome(world: World) -> Section:
    """Recovery time, loss, availability and money, against the objectives."""
    aims = next(site.parameters for _, site in sites(world))
    scope = Scope()
    rto, rpo = rto_s(world, scope), availability.rpo_s(world, scope)
    share = share_answered(world, scope)
    rows: list[tuple[Any, ...]] = [
        (Text("tier", "方案档位"), aims.tier, None, None),
        (Text("RTO, s", "RTO（秒）"), rto, aims.rto_objective_s, met(rto, aims.rto_objective_s)),
        (Text("RPO, s", "RPO（秒）"), rpo, aims.rpo_objective_s, met(rpo, aims.rpo_objective_s)),
        (Text("writes lost", "丢失的写入"), lost_writes(world, scope), None, None),
        (Text("conflicting writes", "冲突的写入"), conflicts(world, scope), None, None),
        (Text("availability", "可用性"), share, service_levels.OBJECTIVE, met_share(share)),
        (Text("cost", "费用"), cost(world, scope), None, None),
    ]
    columns = (Text("what", "内容"), Text("measured", "实测"), Text("objective", "目标"), Text("met", "达标"))
    return Section(Text("Disaster recovery: promise and price", "灾难恢复：目标与代价"), columns, tuple(rows))


def met(value: float | None, aim: float) -> bool | None:
    return None if value is None else value <= aim


def met_share(value: float | None) -> bool | None:
    return None if value is None else value >= service_levels.OBJECTIVE


def takeovers(world: World) -> Section:
    """What each site did, and when: the steps of every recovery."""
    titles = {role.name: role.title for role in ROLES}
    rows = []
    before: dict[int, str] = {}
    for one in moments(world):
        if one.role != before.get(one.process) and one.at_us:
            id = world.kernel.contexts[one.process].id
            rows.append((one.at_us / SECOND, id, titles.get(one.role, Text("down", "停机"))))
        before[one.process] = one.role
    columns = (Text("at, s", "时刻（秒）"), Text("site", "站点"), Text("becomes", "变为"))
    return Section(Text("Steps of the recovery", "恢复步骤"), columns, tuple(rows[:100]))
