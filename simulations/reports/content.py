"""What a report says, as plain data: facts and tables in both languages. Made from a world and the log of commands.

General for every system: what the drill or another system adds comes from its own ``System.report``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from simulations import wire
from simulations.engine import harness
from simulations.engine.checks import availability
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.vocabulary import DISASTERS, SHAPES
from simulations.engine.meters import SECOND, Milestones, Scope
from simulations.engine.process import Parameter, Text
from simulations.engine.reporting import Section
from simulations.engine.world import World
from simulations.live.recipe import LoggedCommand
from simulations.names import counted, named, value_named
from simulations.reports.wording import LANGUAGES, said

TIMELINE_ROWS_MAX = 200
OBJECTIVES = ("rto_objective_s", "rpo_objective_s")
MEASURED = ("availability", "nines", "error_budget_used", "rto_s", "rpo_s", "cost")
"""Metrics that every report names besides those that every result does."""


class Report(msgspec.Struct, frozen=True):
    """``facts``: (what, value) pairs at its head. Values as in ``reporting.Section``."""

    title: Text
    question: Text | None
    facts: tuple[tuple[Text, Any], ...]
    sections: tuple[Section, ...]


class Happening(msgspec.Struct, frozen=True):
    """One line of the timeline. ``who``: a person's number, 0 for the script and the system itself; ``fault``: its
    number, 0 where it began none."""

    at_us: int
    what: Text
    target: str
    who: int
    fault: int = 0


def watched(world: World) -> list[Happening]:
    """A list that fills with what people and the script do while the world runs. Call it before the first step."""
    found: list[Happening] = []
    kernel = world.kernel
    carry_out: Callable[[Any], dict[str, Any]] = kernel.on_command
    titles = titles_of(world)

    def on_command(event: Any) -> dict[str, Any]:
        told = carry_out(event)
        if "skipped" not in told:
            what, who = words_of(told, titles), told.get("command", -1) + 1
            found.append(Happening(kernel.now, what, target_of(told), who, told.get("fault", 0)))
        return told

    kernel.on_command = on_command
    return found


def titles_of(world: World) -> dict[tuple[str, str], Text]:
    """(action, name) -> what the experiment's systems call their own commands and settings."""
    found: dict[tuple[str, str], Text] = {}
    for name in harness.systems_of(world.experiment):
        descriptor = world.systems[name].descriptor
        found |= {(one.do, one.name): one.title for one in descriptor.instructions}
        found |= {("set_parameter", one.name): one.title for one in descriptor.parameters}
    return found


def words_of(told: dict[str, Any], titles: dict[tuple[str, str], Text]) -> Text:
    """What a line or command does, with the arguments that matter."""
    do = told["do"]
    if do == "client":
        return Text("client operation", "客户端操作")
    title = ACTIONS[do].title if do in ACTIONS else Text(do, do)
    arguments = told.get("arguments", {})
    own = titles.get((do, str(arguments.get("name"))))
    title = own if own is not None and do == "command" else title
    more = [
        arguments[name] for name in ("cause", "disk", "shape", "value") if arguments.get(name) is not None
    ]
    if arguments.get("name") is not None and title is not own:
        more.insert(0, own or arguments["name"])
    more = [CAUSES.get(str(one), str(one)) for one in (*more, *(arguments.get("arguments") or {}).values())]
    en, zh = (", ".join(said(one, language) for one in more) for language in LANGUAGES)
    if not more:
        return Text(title.en, title.zh)
    if arguments.get("warning_s"):
        return Text(f"announced: {title.en}: {en}", f"预警：{title.zh}：{zh}")
    return Text(f"{title.en}: {en}", f"{title.zh}：{zh}")


CAUSES: dict[str, Any] = {
    **SHAPES,
    **{name: disaster.title for name, disaster in DISASTERS.items()},
    "lost": Text("disks lost", "磁盘丢失"),
    "kept": Text("disks kept", "磁盘保留"),
    "readable": Text("disks readable", "磁盘可读"),
}
"""What the vocabulary calls shapes of partitions, causes of a disaster and what stays of the disks."""


def target_of(told: dict[str, Any]) -> str:
    """Whom it hit, else which sides it parted: "n1, n2 | n3", or "n1 → n2, n3" where one way only."""
    arguments = told.get("arguments", {})
    if told.get("resolved"):
        return listed(told["resolved"])
    if "from" in arguments and "to" in arguments:
        sign = " → " if arguments.get("one_way") else " | "
        return sign.join(listed(arguments[side]) for side in ("from", "to"))
    groups = arguments.get("groups") or ()
    return " | ".join(listed(group) for group in groups)


NAMED_MAX = 6


def listed(ids: str | Sequence[str]) -> str:
    """Ids beside each other; of many the first."""
    named = [ids] if isinstance(ids, str) else list(ids)
    return ", ".join(named[:NAMED_MAX]) + (" …" if len(named) > NAMED_MAX else "")


# -- the whole ----------------------------------------------------------------------------------------------------


def content(
    world: World, code: str, title: str, happened: Sequence[Happening], commands: Sequence[LoggedCommand]
) -> Report:
    """The report of a world as it stands. ``commands``: of its branch; they name who gave them."""
    experiment = world.experiment
    descriptor = world.systems[experiment.system].descriptor
    facts = (
        (Text("run", "运行"), code),
        (Text("experiment", "实验"), experiment.id),
        (Text("system", "系统"), descriptor.title),
        (Text("seed", "种子"), world.kernel.seed),
        (Text("simulated, s", "已模拟（秒）"), world.now_us / SECOND),
        (Text("of, s", "总长（秒）"), experiment.stop_s),
        (Text("engine", "引擎版本"), wire.ENGINE),
        (Text("digest of the trace", "轨迹摘要"), world.digest()),
    )
    own = world.systems[experiment.system].report
    sections = (
        *(own(world) if own is not None else ()),
        timeline(world, happened, commands),
        incidents(world, happened),
        verdicts(world),
        metrics(world),
        recipe(world),
    )
    name = Text(title, title) if title else Text(experiment.title.en, experiment.title.zh)
    question = experiment.question
    return Report(name, None if question is None else Text(question.en, question.zh), facts, sections)


# -- its tables ---------------------------------------------------------------------------------------------------


def timeline(world: World, happened: Sequence[Happening], commands: Sequence[LoggedCommand]) -> Section:
    """Faults, commands with who gave them, and who led when."""
    people = {command.seq: command.by for command in commands}
    numbers = {by: number for number, by in enumerate(dict.fromkeys(people.values()), 1)}
    rows: list[tuple[int, Text, str, Text]] = []
    for one in happened:
        number = numbers.get(people.get(one.who - 1, ""), 0) if one.who else 0
        who = Text(f"person {number}", f"人员 {number}") if number else Text("script", "脚本")
        rows.append((one.at_us, one.what, one.target, who))
    rows += [(at_us, what, id, Text("system", "系统")) for at_us, what, id in leadership(world)]
    rows.sort(key=lambda row: row[0])
    shown = tuple((at_us / SECOND, *rest) for at_us, *rest in rows[:TIMELINE_ROWS_MAX])
    columns = (
        Text("at, s", "时刻（秒）"), Text("what", "事件"), Text("where", "对象"), Text("by", "发起者"),
    )  # fmt: skip
    left = len(rows) - len(shown)
    remark = Text(counted(left, "more line"), f"另有 {left} 行") if left > 0 else None
    return Section(Text("Timeline", "时间线"), columns, shown, remark)


def leadership(world: World) -> list[tuple[int, Text, str]]:
    """When somebody began or ceased to lead."""
    meter = world.observer.checks.get(Milestones.name)
    changes = list(meter.changes) if isinstance(meter, Milestones) else []
    found = []
    for change in changes:
        if change.leads != change.led:
            what = Text("leads", "开始领导") if change.leads else Text("leads no more", "不再领导")
            found.append((change.at_us, what, world.kernel.contexts[change.process].id))
    return found


def incidents(world: World, happened: Sequence[Happening]) -> Section:
    """Every fault that lasted: recovery time and loss, against the objectives where the experiment states them."""
    aims = {name: objective(world, name) for name in OBJECTIVES}
    places = {one.fault: one.target for one in happened if one.fault}
    rows = tuple(
        (
            one.at_s, ACTIONS[one.do].title, listed(one.hit) or places.get(one.id, ""),
            one.rto_s, met(one.rto_s, aims["rto_objective_s"]), one.rpo_s, met(one.rpo_s, aims["rpo_objective_s"]),
            one.lost_operations, one.recovered,
        )
        for one in availability.reports(world)
    )  # fmt: skip
    columns = (
        Text("at, s", "时刻（秒）"), Text("fault", "故障"), Text("where", "对象"), Text("RTO, s", "RTO（秒）"),
        Text("met", "达标"), Text("RPO, s", "RPO（秒）"), Text("met", "达标"), Text("operations lost", "丢失的操作"),
        Text("recovered", "已恢复"),
    )  # fmt: skip
    stated = [f"{name[:3].upper()} {aims[name]:g} s" for name in OBJECTIVES if aims[name] is not None]
    remark = Text("Objectives: " + ", ".join(stated), "目标：" + "，".join(stated)) if stated else None
    return Section(Text("Incidents: RTO and RPO", "事件：RTO 与 RPO"), columns, rows, remark)


def objective(world: World, name: str) -> float | None:
    """A stated objective: a parameter of this name of the experiment's system."""
    for context in world.processes_of(world.experiment.system):
        value = getattr(context.process.parameters, name, None)
        return None if value is None else float(value)
    return None


def met(value: float | None, aim: float | None) -> bool | None:
    return None if value is None or aim is None else value <= aim


def verdicts(world: World) -> Section:
    """What the checks say, and what the experiment expects."""
    expected = {line.check: line.expect for line in world.experiment.checks if line.check}
    titles = {
        one.name: one.sentence
        for name in world.systems
        if name in world.directory
        for one in world.systems[name].descriptor.properties
    }
    rows = tuple(
        (
            titles.get(name, named(name)),
            VERDICTS[found.verdict],
            since(found.at_us),
            VERDICTS.get(expected.get(name, "")),
        )
        for name, found in world.verdicts().items()
    )
    rows += tuple(
        (named(outcome.name), VERDICTS[outcome.verdict], None, VERDICTS[outcome.expected])
        for outcome in harness.judge(world)
        if outcome.value is not None
    )
    columns = (
        Text("check", "检查"), Text("verdict", "结论"), Text("decided at, s", "判定时刻（秒）"),
        Text("expected", "预期"),
    )  # fmt: skip
    return Section(Text("Verdicts", "结论"), columns, rows)


VERDICTS = {
    "holds": Text("holds", "成立"),
    "violated": Text("violated", "被违反"),
    "unknown": Text("unknown", "未知"),
}


def since(at_us: int | None) -> float | None:
    return None if at_us is None else at_us / SECOND


def metrics(world: World) -> Section:
    """The numbers that every result has, those of availability and cost, and those that the experiment asks for."""
    asked = [line.metric for line in world.experiment.checks if line.metric]
    names = dict.fromkeys([*MEASURED, *asked])
    found = {**harness.shown_metrics(world), **{name: harness.metric(world, name, Scope()) for name in names}}
    rows = tuple((named(name), value) for name, value in found.items() if not isinstance(value, (dict, list)))
    return Section(Text("Metrics", "指标"), (Text("metric", "指标"), Text("value", "数值")), rows)


def titled(name: str, title: Text | None) -> Text:
    """A parameter's title with the name it has in files."""
    return Text(name, name) if title is None else Text(f"{title.en} ({name})", f"{title.zh}（{name}）")


def setting(parameter: Parameter | None, value: Any) -> Any:
    """What a parameter is set to: a choice by the name that the page has for it."""
    if parameter is not None and value in parameter.choices:
        return value_named(parameter.name, value)
    return value if isinstance(value, bool) else wire.encode_json(value).decode()


def recipe(world: World) -> Section:
    """What it takes to run it again: parameters, places, clients."""
    experiment = world.experiment
    found = world.systems.get(experiment.system)
    stated = {one.name: one for one in found.descriptor.parameters} if found else {}
    parameters = [
        (titled(name, stated[name].title if name in stated else None), setting(stated.get(name), value))
        for name, value in sorted(experiment.parameters.items())
    ]
    nodes = ", ".join(
        f"{node.id} ({node.zone})" if node.zone else node.id for node in experiment.topology.nodes
    )
    clients = ", ".join(f"{line.client}: {line.operation} {line.rate:g}/s" for line in experiment.workload)
    rows = ((Text("nodes", "节点"), nodes), (Text("clients", "客户端"), clients), *parameters)
    return Section(Text("Recipe", "配方"), (Text("part", "项目"), Text("value", "内容")), rows)
