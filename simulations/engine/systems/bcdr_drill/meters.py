"""Numbers of a drill, and what it adds to the run's report: one table for each lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulations.engine.checks import availability
from simulations.engine.meters import SECOND, Scope
from simulations.engine.meters import availability as share_answered
from simulations.engine.process import Text
from simulations.engine.reporting import Section
from simulations.engine.systems.bcdr_drill.properties import Decisions

if TYPE_CHECKING:
    from simulations.engine.world import World


def happened(world: World) -> list[tuple[int, str, str, str]]:
    """(time, process, what, which) of alarms, decisions, declarations and restorations."""
    meter = world.observer.checks.get(Decisions.name)
    if not isinstance(meter, Decisions):
        return []
    return [(at, world.kernel.contexts[index].id, what, which) for at, index, what, which in meter.found]


def first(world: World, what: str, scope: Scope) -> int | None:
    return next((at for at, _, kind, _ in happened(world) if kind == what and scope.covers(at)), None)


def decision_delay_s(world: World, scope: Scope) -> float | None:
    """From the alarm until the disaster is declared, or until now; None without an alarm."""
    alarm, declared = first(world, "alarm", scope), first(world, "declared", scope)
    if alarm is None:
        return None
    return ((world.now_us if declared is None else declared) - alarm) / SECOND


def decisions(world: World, scope: Scope) -> int:
    """How many decisions were taken, by the script or by people."""
    return sum(1 for at, _, what, _ in happened(world) if what == "decision" and scope.covers(at))


METRICS: dict[str, Callable[[Any, Any], Any]] = {"decision_delay_s": decision_delay_s, "decisions": decisions}

# -- the report ---------------------------------------------------------------------------------------------------

WORDS = {
    "alarm": Text("alarm", "告警"),
    "declared": Text("disaster declared", "宣布灾难"),
    "find_runbook": Text("look for the runbook", "寻找预案"),
    "ask_approver": Text("ask the approver", "请示审批人"),
    "approve": Text("approval given", "审批通过"),
    "declare": Text("declare the disaster", "宣布灾难"),
    "restore": Text("order restoration", "下令恢复"),
}


def report(world: World) -> list[Section]:
    """Business, technology, organisation."""
    return [business(world), technology(world), organisation(world)]


def parameters(world: World) -> Any:
    own = world.experiment.system
    return next(context.process.parameters for context in world.processes_of(own))


def business(world: World) -> Section:
    """RTO and RPO of each function, by priority, against the objectives."""
    aims = parameters(world)
    rows = []
    for rank, function in enumerate(aims.order, 1):
        scope = Scope(key=function)
        rto, rpo = availability.rto_s(world, scope), rpo_s(world, function)
        rows.append(
            (
                rank, function, rto, aims.rto_objective_s, None if rto is None else rto <= aims.rto_objective_s,
                rpo, aims.rpo_objective_s, None if rpo is None else rpo <= aims.rpo_objective_s,
                share_answered(world, scope),
            )
        )  # fmt: skip
    columns = (
        Text("priority", "优先级"), Text("function", "业务功能"), Text("RTO, s", "RTO（秒）"),
        Text("objective, s", "目标（秒）"), Text("met", "达标"), Text("RPO, s", "RPO（秒）"),
        Text("objective, s", "目标（秒）"), Text("met", "达标"), Text("availability", "可用性"),
    )  # fmt: skip
    return Section(Text("Business: functions by priority", "业务：按优先级"), columns, tuple(rows))


def rpo_s(world: World, function: str) -> float | None:
    """How long before the worst fault the oldest lost piece of work of a function was acknowledged."""
    check: Any = world.observer.checks.get("no_lost_ack")
    faults = world.faults.past
    if check is None or not faults:
        return None
    world.verdicts()
    # ``lost_at`` tells when; the ledger tells which function answered then.
    lost = set(check.lost_at)
    mine = [
        operation.returned_us or 0
        for operation in world.observer.ledger.done
        if operation.key == function and operation.outcome == "ok" and operation.returned_us in lost
    ]
    return (max(faults[-1].since_us, *mine) - min(mine)) / SECOND if mine else 0.0


def technology(world: World) -> Section:
    """When each standby served again, after the alarm and after the declaration."""
    alarm, declared = first(world, "alarm", Scope()), first(world, "declared", Scope())
    rows = tuple(
        (which, process, at / SECOND, since(at, alarm), since(at, declared))
        for at, process, what, which in happened(world)
        if what == "restored"
    )
    columns = (
        Text("function", "业务功能"), Text("restored by", "由谁恢复"), Text("at, s", "时刻（秒）"),
        Text("after the alarm, s", "告警后（秒）"), Text("after the declaration, s", "宣布后（秒）"),
    )  # fmt: skip
    return Section(Text("Technology: standbys started", "技术：启动备用端"), columns, rows)


def organisation(world: World) -> Section:
    """Every decision and how long it took since the one before."""
    rows = []
    before: int | None = None
    for at, process, what, which in happened(world):
        if what not in ("alarm", "decision"):
            continue
        name, _, function = which.partition(" ")
        rows.append(
            (
                at / SECOND,
                process,
                WORDS.get(name if what == "decision" else what, name),
                function,
                since(at, before),
            )
        )
        before = at
    columns = (
        Text("at, s", "时刻（秒）"), Text("who", "谁"), Text("decision", "决定"), Text("function", "业务功能"),
        Text("after the one before, s", "距上一项（秒）"),
    )  # fmt: skip
    return Section(Text("Organisation: decisions and delays", "组织：决定与延误"), columns, tuple(rows))


def since(at_us: int, before_us: int | None) -> float | None:
    return None if before_us is None else (at_us - before_us) / SECOND
