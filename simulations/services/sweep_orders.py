"""What somebody asks a sweep for, checked: from names and texts to an experiment and a plan."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from simulations import catalogue, wire
from simulations.engine.experiment import Experiment, variant
from simulations.live.recipe import LoggedCommand
from simulations.services import experiments, headless
from simulations.sweeps.asked import NotThere, ask, metric_name, named_checks
from simulations.sweeps.plan import RUNS_MAX, Plan, grid_points, grid_size
from simulations.sweeps.result import Subject
from simulations.wire import BadInput

POINTS_MAX = 100
SEED_MAX = 2**53


class Order(msgspec.Struct, frozen=True):
    """A sweep ready to run: the experiment's canonical text, the plan, and how to name it."""

    experiment: Experiment
    plan: Plan
    subject: Subject

    @property
    def plain(self) -> str:
        return experiments.canonical(self.experiment)


def order(
    reference: str,
    seeds: tuple[int, int],
    *,
    settings: dict[str, Any] | None = None,
    grid: dict[str, list[Any]] | None = None,
    metrics: list[str] | None = None,
    checks: list[str] | None = None,
) -> Order:
    """A sweep of a catalogue id, saved link or file. BadInput names what is wrong."""
    job = headless.find(reference)
    base = with_commands(job.experiment, job.commands)
    return order_of(base, reference, seeds, settings=settings, grid=grid, metrics=metrics, checks=checks)


def order_of(
    base: Experiment,
    reference: str,
    seeds: tuple[int, int],
    *,
    settings: dict[str, Any] | None = None,
    grid: dict[str, list[Any]] | None = None,
    metrics: list[str] | None = None,
    checks: list[str] | None = None,
) -> Order:
    """A sweep of an experiment that is at hand. Every point of the grid is checked before anything runs."""
    experiment = experiments.with_overrides(base, settings or {})
    empty = next((name for name, values in (grid or {}).items() if not values), None)
    if empty is not None:
        raise BadInput(f"grid.{empty}", "has no values, or one that is not finite", ["name=v1,v2"])
    if grid_size(grid or {}) > POINTS_MAX:
        raise BadInput("grid", f"{grid_size(grid or {})} combinations are too many", [f"1..{POINTS_MAX}"])
    points = grid_points(grid or {})
    plan = Plan(seeds[0], seeds[1] - seeds[0] + 1, points, metrics, checks)
    if plan.runs > RUNS_MAX:
        raise BadInput("seeds", f"{plan.runs} runs are too many", [f"1..{RUNS_MAX}"])
    for point in points:
        check_point(experiments.with_overrides(experiment, point), plan)
    expected = {name: line.expect for name, line in named_checks(experiment).items()}
    return Order(experiment, plan, Subject(reference, settings or {}, expected))


def check_point(experiment: Experiment, plan: Plan) -> None:
    """BadInput when a point lacks something, or what is asked for."""
    experiments.require_available(experiment)
    try:
        ask(experiment, plan.metrics, plan.checks)
    except NotThere as error:
        raise BadInput(error.kind, f"there is no {error.name!r}", error.allowed) from error


def with_commands(experiment: Experiment, commands: list[LoggedCommand]) -> Experiment:
    """The experiment with what people did to a run as lines of its script, at the same times."""
    if not commands:
        return experiment
    plain = experiments.plain_of(experiment)
    for command in sorted(commands, key=lambda item: (item.at_us, item.seq)):
        line = {**command.do, "at_s": command.at_us / 1_000_000}
        if line.get("do") == "client":
            del line["do"]
            plain.setdefault("operations", []).append(line)
        else:
            plain.setdefault("faults", []).append(line)
    return experiments.parse(plain)


def read_seeds(text: str) -> tuple[int, int]:
    """`A:B`, both ends included, or a single seed."""
    first, colon, last = text.partition(":")
    if not colon:
        last = first
    ends = (first, last)
    if not all(end.isascii() and end.isdigit() and int(end) <= SEED_MAX for end in ends):
        raise BadInput(
            "seeds", f"{text[:40]!r} is not a range", ["A:B with whole numbers, both ends included"]
        )
    if int(first) > int(last):
        raise BadInput("seeds", f"{text[:40]!r} ends before it begins", ["A:B with A <= B"])
    return int(first), int(last)


def read_grid(items: list[str]) -> dict[str, list[Any]]:
    """`name=v1,v2,...` (each value JSON, anything else a text) or `name=[...]`, a JSON list of the values."""
    found: dict[str, list[Any]] = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not equals or not name or not text:
            raise BadInput("grid", f"{item[:60]!r} is not name=value,value,...", ["name=v1,v2"])
        found[name] = grid_values(name, text)
    return found


def grid_values(name: str, text: str) -> list[Any]:
    """The values of one name. A list is given as JSON, so that values may be lists themselves:
    [[150,300],[50,100]].
    """
    try:
        values = json.loads(f"[{text}]")
    except (json.JSONDecodeError, RecursionError):
        values = [headless.overrides([f"{name}={part}"])[name] for part in text.split(",")]
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    if not values or not wire.finite(values):
        raise BadInput(f"grid.{name}", "has no values, or one that is not finite", ["name=v1,v2"])
    return list(values)


# -- what experiments expect of many seeds -------------------------------------------------------------------


def expected_sweeps(reference: str, settings: dict[str, Any]) -> list[tuple[str, Order]]:
    """(variant or "", order) for the experiment and each of its variants that says what many seeds must show.

    BadInput when none does. Each asks only for what its expectations name, so that its runs may end early.
    """
    base = headless.find(reference).experiment
    found = [("", reference, base)] if own_expectations(reference, base) else []
    if "/" not in reference:
        for item in base.variants:
            if item.expect_sweep:
                found.append((item.id, f"{reference}/{item.id}", variant(base, item.id)))
    if not found:
        message = "must be given: the experiment does not say what many seeds must show"
        raise BadInput("seeds", message, ["A:B"])
    return [(name, expected_order(which, one, settings)) for name, which, one in found]


def own_expectations(reference: str, experiment: Experiment) -> bool:
    """Whether an experiment expects something of many seeds; a variant does not inherit what the base
    expects.
    """
    id, _, part = reference.partition("/")
    if not part or id not in catalogue.ids():
        return bool(experiment.expect_sweep)
    return any(item.id == part and item.expect_sweep for item in catalogue.load(id).variants)


def expected_order(reference: str, experiment: Experiment, settings: dict[str, Any]) -> Order:
    """The sweep that answers an experiment's own expectations."""
    lines = experiment.expect_sweep
    last = experiment.seed + max(line.seeds for line in lines) - 1
    metrics = [metric_name(line) for line in lines if line.metric is not None]
    checks = [line.check for line in lines if line.check is not None]
    seeds = (experiment.seed, last)
    return order_of(experiment, reference, seeds, settings=settings, metrics=metrics, checks=checks)
