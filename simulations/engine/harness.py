"""What is expected of an experiment, and what came out: checks are chosen, metrics computed, verdicts compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine import meters
from simulations.engine.assembly import Member
from simulations.engine.checks import availability, base, convergence, guarantees, service_levels
from simulations.engine.checks.linearizable import Linearizable
from simulations.engine.experiment.structs import Check as Expectation
from simulations.engine.experiment.structs import Experiment
from simulations.engine.meters import SHOWN, Milestones, Scope
from simulations.engine.process import System

if TYPE_CHECKING:
    from simulations.engine.world import World

HOLDS, VIOLATED, UNKNOWN = base.HOLDS, base.VIOLATED, base.UNKNOWN

GENERIC: dict[str, type[base.Check]] = {
    "linearizable": Linearizable,
    **guarantees.CHECKS,
    **convergence.CHECKS,
}
"""Checks of client histories and of replicas, whatever the system."""

METRICS: dict[str, Callable[[World, Scope], Any]] = {
    **meters.METRICS,
    **guarantees.METRICS,
    **availability.METRICS,
    **convergence.METRICS,
    **service_levels.METRICS,
}
"""Every metric that suits any system; a system may add its own."""


class Outcome(msgspec.Struct, frozen=True):
    """One line of a result: what was expected and what holds. ``value``: the number, when it is a metric's."""

    name: str
    verdict: str
    expected: str
    event: int | None = None
    at_us: int | None = None
    message: str = ""
    values: dict[str, Any] = {}
    value: Any = None

    @property
    def as_expected(self) -> bool:
        return self.verdict == self.expected


def systems_of(experiment: Experiment) -> list[str]:
    """The systems that its processes run, the experiment's own first."""
    found = [spec.system for node in experiment.topology.nodes for spec in node.processes]
    return list(dict.fromkeys([experiment.system, *found]))


def make_checks(experiment: Experiment, systems: Mapping[str, System]) -> dict[str, base.Check]:
    """The lamps of a run: those of its systems, of the clients' history, and those that the experiment expects."""
    available: dict[str, Any] = dict(GENERIC)
    wanted: list[str] = []
    for name in reversed(
        systems_of(experiment)
    ):  # (where two bring a check, the experiment's own system's counts)
        available.update(systems[name].checks)
    for name in systems_of(experiment):
        wanted.extend(systems[name].descriptor.default_checks)
    if systems[experiment.system].linearizable:
        wanted.append("linearizable")
    lines = [*experiment.checks, *(line for variant in experiment.variants for line in variant.checks or ())]
    named = [line.check for line in lines]
    wanted.extend(name for name in named if name is not None and name in available)
    arguments = arguments_of(experiment.checks)
    checks: dict[str, base.Check] = {
        name: available[name].made(arguments.get(name, {})) for name in dict.fromkeys(wanted)
    }
    checks[Milestones.name] = Milestones()
    if names_one_of(experiment, convergence.METRICS):
        checks[convergence.Convergence.name] = convergence.Convergence()
    for name in systems_of(experiment):
        for meter, kind in systems[name].meters.items():
            if asks_for_own_metrics(experiment, systems[name]):
                checks[meter] = kind()
    return checks


def arguments_of(lines: Iterable[Expectation]) -> dict[str, dict[str, Any]]:
    """Check name -> its arguments: those of the first line that gives it any."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line.check is not None and line.arguments:
            found.setdefault(line.check, line.arguments)
    return found


def watching(members: Sequence[Member], systems: Mapping[str, System]) -> dict[str, frozenset[int] | None]:
    """Check name -> indexes of the processes it watches: those of the systems that bring it. Others watch all."""
    found: dict[str, frozenset[int] | None] = {}
    for name in dict.fromkeys(member.system for member in members):
        mine = frozenset(index for index, member in enumerate(members) if member.system == name)
        for check in (*systems[name].checks, *systems[name].meters):
            found[check] = mine | (found.get(check) or frozenset())
    return found


def asks_for_own_metrics(experiment: Experiment, system: System) -> bool:
    """Whether the experiment names a metric of the system's own: only then its meters count along."""
    return names_one_of(experiment, system.metrics)


def names_one_of(experiment: Experiment, metrics: Mapping[str, Any]) -> bool:
    """Whether a check, comparison, sweep or question of the experiment or its variants names one of these metrics."""
    lists: list[Any] = [experiment.checks, experiment.compare, experiment.expect_sweep, experiment.predict]
    for variant in experiment.variants:
        lists += [variant.checks or [], variant.expect_sweep or [], variant.predict or []]
    return any(line.metric in metrics for lines in lists for line in lines)


def meter_names(experiment: Experiment, systems: Mapping[str, System]) -> frozenset[str]:
    """Names among the checks of a world that only count."""
    return frozenset(
        [
            Milestones.name,
            convergence.Convergence.name,
            *(meter for name in systems_of(experiment) for meter in systems[name].meters),
        ]
    )


def scope_of(line: Any) -> Scope:
    """The scope that a check, comparison or question names."""
    return Scope(
        round((line.from_s or 0) * meters.SECOND),
        None if line.to_s is None else round(line.to_s * meters.SECOND),
        line.client,
        line.node,
        getattr(line, "key", None),
        getattr(line, "operation", None),
    )


def metric(world: World, name: str, scope: Scope = Scope()) -> Any:  # noqa: B008 (a frozen value)
    """The value of a metric; None when it does not apply. KeyError when there is no such metric."""
    for system in systems_of(world.experiment):
        own = world.systems[system].metrics.get(name)
        if own is not None:
            return own(world, scope)
    return METRICS[name](world, scope)


def shown_metrics(world: World) -> dict[str, Any]:
    """The metrics that every result names, and those of the system's own that it shows and that have a value; rounded
    to what can be read."""
    own = {name: rounded(metric(world, name)) for name in world.systems[world.experiment.system].shown}
    found = {name: rounded(metric(world, name)) for name in SHOWN}
    return found | {name: value for name, value in own.items() if value is not None}


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def judge(world: World) -> list[Outcome]:
    """Every expectation of the experiment against what happened."""
    verdicts = world.verdicts(over=True)
    return [
        judge_check(world, line, verdicts) if line.check is not None else judge_metric(world, line)
        for line in world.experiment.checks
    ]


def judge_check(world: World, line: Expectation, verdicts: dict[str, base.Verdict]) -> Outcome:
    """A named check; with from_s and to_s a violation outside that span leaves it unknown."""
    assert line.check is not None
    verdict = verdicts.get(line.check)
    if verdict is None:
        return Outcome(line.check, UNKNOWN, line.expect, message="check.none")
    found = verdict.verdict
    scope = scope_of(line)
    if found == VIOLATED and verdict.at_us is not None and not scope.covers(verdict.at_us):
        found = UNKNOWN
    if world.skipped_lines and found == HOLDS:
        found = UNKNOWN
    return Outcome(
        line.check, found, line.expect, verdict.event, verdict.at_us, verdict.message, verdict.values
    )


def judge_metric(world: World, line: Expectation) -> Outcome:
    """A metric between its bounds."""
    assert line.metric is not None
    value = metric(world, line.metric, scope_of(line))
    name = describe(line)
    if value is None or world.skipped_lines:
        return Outcome(name, UNKNOWN, line.expect, message="metric.none", value=rounded(value))
    return Outcome(name, HOLDS if within(line, value) else VIOLATED, line.expect, value=rounded(value))


def within(line: Any, value: Any) -> bool:
    """Whether a value meets at_least, at_most and equals."""
    if getattr(line, "equals", None) is not None and value != line.equals:
        return False
    if line.at_least is not None and value < line.at_least:
        return False
    return not (line.at_most is not None and value > line.at_most)


def describe(line: Expectation) -> str:
    """A metric's expectation in one line: longest_gap_ms <= 600 (c1, from 3 s)."""
    bounds = []
    if line.equals is not None:
        bounds.append(f"= {line.equals}")
    if line.at_least is not None:
        bounds.append(f">= {line.at_least}")
    if line.at_most is not None:
        bounds.append(f"<= {line.at_most}")
    scope = [str(part) for part in (line.client, line.node, line.key, line.operation) if part]
    if line.from_s is not None:
        scope.append(f"from {line.from_s} s")
    if line.to_s is not None:
        scope.append(f"to {line.to_s} s")
    return f"{line.metric} {' and '.join(bounds)}" + (f" ({', '.join(scope)})" if scope else "")
