"""What a sweep wants to know of each run: verdicts and numbers, by the names under which results show them."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine import harness, meters
from simulations.engine.checks.base import Check as Lamp
from simulations.engine.experiment import Check, Experiment
from simulations.engine.faults.targets import is_symbolic
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World


class Asked(msgspec.Struct, frozen=True):
    """``checks``: name -> expectation as ``harness.judge`` takes it; ``expected``: name -> verdict, for those that the
    experiment names. ``metrics``: name -> (metric, scope). ``narrow``: only these, so a run may end when all are
    decided."""

    checks: dict[str, Check]
    expected: dict[str, str]
    metrics: dict[str, tuple[str, Scope]]
    narrow: bool


class NotThere(ValueError):
    """A check or metric that the experiment does not have."""

    def __init__(self, kind: str, name: str, allowed: list[str]) -> None:
        super().__init__(f"{kind}: there is no {name!r} (allowed: {', '.join(allowed)})")
        self.kind, self.name, self.allowed = kind, name, allowed


def ask(experiment: Experiment, metrics: list[str] | None = None, checks: list[str] | None = None) -> Asked:
    """Everything the experiment shows, or only what is named. NotThere lists what there is."""
    named = named_checks(experiment)
    lamps = {name: Check(check=name) for name in lamp_names(experiment) if name not in named}
    expected = {name: line.expect for name, line in named.items()}
    shown = shown_metrics(experiment)
    if metrics is None and checks is None:
        return Asked({**named, **lamps}, expected, shown, False)
    known = {**plain_metrics(experiment), **shown}
    wanted = chosen("metric", metrics or [], known)
    judged = chosen("check", checks or [], {**named, **lamps})
    return Asked(judged, {name: expected[name] for name in judged if name in expected}, wanted, True)


def chosen(kind: str, names: list[str], known: dict[str, Any]) -> dict[str, Any]:
    """The entries of these names, in their order."""
    for name in names:
        if name not in known:
            raise NotThere(kind, name, sorted(known))
    return {name: known[name] for name in dict.fromkeys(names)}


def named_checks(experiment: Experiment) -> dict[str, Check]:
    """The experiment's expectations by name; a second one of the same name is numbered."""
    found: dict[str, Check] = {}
    for line in experiment.checks:
        base = name = line.check or harness.describe(line)
        number = 1
        while name in found:
            number += 1
            name = f"{base} ({number})"
        found[name] = line
    return found


def lamp_names(experiment: Experiment) -> list[str]:
    """Checks that watch every run of the experiment, whether it expects anything of them or not."""
    only_count = harness.meter_names(experiment, SYSTEMS)
    return [name for name in harness.make_checks(experiment, SYSTEMS) if name not in only_count]


def plain_metrics(experiment: Experiment) -> dict[str, tuple[str, Scope]]:
    """Every metric of the experiment's system, over the whole run."""
    names = [*harness.METRICS, *SYSTEMS[experiment.system].metrics]
    return {name: (name, Scope()) for name in dict.fromkeys(names)}


def shown_metrics(experiment: Experiment) -> dict[str, tuple[str, Scope]]:
    """The metrics that every result names, those that the system shows, then those of the experiment's own lines with
    their scopes."""
    names = (*meters.SHOWN, *SYSTEMS[experiment.system].shown)
    found = {name: (name, Scope()) for name in names}
    lines: list[Any] = [*experiment.checks, *experiment.expect_sweep, *experiment.predict]
    for line in lines:
        if line.metric is not None:
            found.setdefault(metric_name(line), (line.metric, harness.scope_of(line)))
    return found


def metric_name(line: Any) -> str:
    """The name of a metric with its scope: ``leader_changes (from 5 s)``."""
    scope = [getattr(line, part, None) for part in ("client", "node", "key", "operation")]
    parts = [str(part) for part in scope if part]
    parts += [
        f"{word} {value:g} s"
        for word, value in (("from", line.from_s), ("to", line.to_s))
        if value is not None
    ]
    return f"{line.metric} ({', '.join(parts)})" if parts else str(line.metric)


def lamps_for(experiment: Experiment, asked: Asked) -> dict[str, Lamp]:
    """The checks a world needs for what is asked: those named, and whatever only counts."""
    made = harness.make_checks(experiment, SYSTEMS)
    if not asked.narrow:
        return made
    needed = {line.check for line in asked.checks.values()} | harness.meter_names(experiment, SYSTEMS)
    if any(metric == "lost_acknowledged" for metric, _ in asked.metrics.values()):
        needed.add("no_lost_ack")
    for line in asked.checks.values():
        needed |= {"no_lost_ack"} if line.metric == "lost_acknowledged" else set()
    return {name: check for name, check in made.items() if name in needed}


def all_decided(world: World, asked: Asked) -> bool:
    """Whether nothing that may still happen can change any answer."""
    return all(metric_decided(world, name, scope) for name, scope in asked.metrics.values()) and all(
        line_decided(world, line) for line in asked.checks.values()
    )


def metric_decided(world: World, name: str, scope: Scope) -> bool:
    own = world.systems[world.experiment.system].metrics
    return name not in own and meters.decided(world, name, scope)


def line_decided(world: World, line: Check) -> bool:
    """A first violation sticks; a number is judged at the end unless it stands and no line can be skipped any more."""
    if line.check is not None:
        check = world.observer.checks.get(line.check)
        return check is not None and check.violation is not None and type(check).verdict is Lamp.verdict
    if any(is_symbolic(word) for fault in world.experiment.faults for word in fault.target):
        return False
    return metric_decided(world, str(line.metric), harness.scope_of(line))
