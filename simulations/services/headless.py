"""Running an experiment without a page: digest, events, checks, metrics, exactly as a live run would have
them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from django.db import DatabaseError

from simulations import catalogue, limits, selectors, wire
from simulations.engine import harness
from simulations.engine.experiment import Compare, Experiment, variant
from simulations.engine.experiment.details import in_chinese
from simulations.engine.world import ENGINE_ERRORS, World
from simulations.live.recipe import LoggedCommand
from simulations.models import SavedLink
from simulations.services import experiments, links
from simulations.wire import BadInput

log = logging.getLogger(__name__)

TRACE_CHUNK_US = 1_000_000
SLICE_EVENTS = 100_000
UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000}


class Job(msgspec.Struct):
    """What to run. `commands` are those of a saved link or recipe, and stand at `place` there; `alone`: no variants,
    they were not asked for.
    """

    experiment: Experiment
    seed: int
    commands: list[LoggedCommand] = []
    alone: bool = False
    place: str = "commands"


def microseconds(text: str) -> int:
    """`30s`, `500ms`, `2m` or plain seconds as microseconds. BadInput otherwise."""
    unit = next((name for name in ("ms", "s", "m") if text.endswith(name)), "")
    number = text.removesuffix(unit)
    try:
        value = float(number)
    except ValueError:
        value = -1
    found = round(value * UNITS[unit or "s"]) if 0 < value < 1e9 else -1
    if found < 1:
        raise BadInput("until", f"{text[:40]!r} is not a time", ["30s", "500ms", "2m"])
    return found


def overrides(items: list[str]) -> dict[str, Any]:
    """`name=value` pairs; the value is JSON, anything else a text."""
    found = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not equals or not name:
            raise BadInput("set", f"{item[:60]!r} is not name=value", ["name=value"])
        try:
            found[name] = json.loads(text, parse_constant=_no_constant)
        except json.JSONDecodeError:
            found[name] = text
        except RecursionError as error:
            raise BadInput(f"set.{name}", "nested too deeply") from error
    return found


def _no_constant(name: str) -> Any:
    raise BadInput("set", f"{name} is not a finite number")


def find(reference: str) -> Job:
    """A catalogue id (with or without variant), the slug of a saved link, or a file. BadInput when there is
    none.
    """
    if catalogue.ships(reference):
        experiment = experiments.named(reference)
        return Job(experiment, experiment.seed, alone="/" in reference)
    path = Path(reference)
    if is_file(path):
        return _from_file(path)
    link = _link(reference) if reference.isalnum() and reference.islower() else None
    if link is None:
        allowed = ["an id of the catalogue", "the slug of a saved link", "a file"]
        raise BadInput("experiment", f"there is no experiment {reference[:80]!r}", allowed)
    recipe = links.link_recipe(link)
    return Job(experiments.parsed(recipe.experiment), link.seed, list(recipe.commands), alone=True)


def is_file(path: Path) -> bool:
    """Whether there is such a file; no name of a file (too long) is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _link(slug: str) -> SavedLink | None:
    try:
        return selectors.find_link(slug)
    except DatabaseError as error:
        raise BadInput(
            "experiment", f"{slug[:80]!r} is no file, and saved links cannot be read: {error}"
        ) from error


def _from_file(path: Path) -> Job:
    """An experiment, or a recipe as a run exports it (the branch that was shown)."""
    try:
        data = catalogue.read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(str(path), str(error)) from error
    if not isinstance(data, dict) or "branches" not in data:
        experiment = experiments.parse(data)
        return Job(experiment, experiment.seed)
    try:
        exported = msgspec.convert(data, Exported)
    except msgspec.ValidationError as error:
        raise wire.bad_field(error) from error
    check_seed(exported.seed)
    branches = {line.id: i for i, line in enumerate(exported.branches)}
    if exported.branch not in branches:
        raise BadInput("branch", "there is no such branch", map(str, branches))
    number = branches[exported.branch]
    place = f"branches[{number}].commands"
    experiment, commands = experiments.parse(exported.experiment), exported.branches[number].commands
    job = Job(experiment, exported.seed, commands, alone=True, place=place)
    check_commands(job)
    return job


def check_commands(job: Job) -> None:
    """BadInput names a command that the experiment knows nothing of."""
    stop_us = round(job.experiment.stop_s * 1_000_000)
    for i, command in enumerate(job.commands):
        if not 0 <= command.at_us <= stop_us:
            raise BadInput(f"{job.place}[{i}].at_us", "is out of range", [f"0..{stop_us}"])
        try:
            experiments.check_command_of(job.experiment, command.do)
        except BadInput as error:
            field = f"{job.place}[{i}].{error.field}"
            raise BadInput(field, error.message, error.allowed, message_zh=error.message_zh) from error


class ExportedBranch(msgspec.Struct):
    """The part of a Branch that a recipe needs."""

    id: int
    commands: list[LoggedCommand]


class Exported(msgspec.Struct):
    """A recipe as a run exports it."""

    experiment: dict[str, Any]
    seed: int
    branch: int
    branches: list[ExportedBranch]


def check_seed(seed: int | None) -> None:
    """BadInput for a seed outside its range."""
    if seed is not None and not 0 <= seed <= 2**53:
        raise BadInput("seed", "is out of range", [f"0..{2**53}"])


def simulate(
    job: Job, until_us: int | None = None, trace: Callable[[bytes], None] | None = None
) -> tuple[dict[str, Any], World]:
    """Run one experiment to its end. `trace` is given each chunk as one line of JSON. BadInput when the engine can make
    nothing of it."""
    experiments.require_available(job.experiment)
    stop_us = round(job.experiment.stop_s * 1_000_000)
    end_us = stop_us if until_us is None else min(until_us, stop_us)
    try:
        return _simulated(job, end_us, trace)
    except ENGINE_ERRORS as error:
        raise stopped("experiment", error) from error


def stopped(field: str, error: Exception) -> BadInput:
    """What the engine says of what it can make nothing of."""
    log.debug("The engine failed", exc_info=True)
    zh = f"引擎无法继续：{in_chinese(str(error))}"
    return BadInput(field, f"the engine cannot go on with it: {error}", message_zh=zh)


def _simulated(job: Job, end_us: int, trace: Callable[[bytes], None] | None) -> tuple[dict[str, Any], World]:
    world = World(job.experiment, job.seed, record="checks" if trace is None else "full")
    for command in sorted(job.commands, key=lambda item: (item.at_us, item.seq)):
        if command.at_us <= end_us:
            _run(world, command.at_us, trace)
            _give(world, job, command)
    _run(world, end_us, trace)
    if trace is not None:
        trace(msgspec.json.encode(world.take_chunk().plain()) + b"\n")
    results = world.results()
    return {
        "experiment": job.experiment.id,
        "seed": job.seed,
        "engine": wire.ENGINE,
        "digest": world.digest(),
        "events": world.events,
        "virtual_seconds": end_us / 1_000_000,
        **results,
        "checks": [*results["checks"], *unexpected(world)],
    }, world


def _give(world: World, job: Job, command: LoggedCommand) -> None:
    """Carry out a command. BadInput names it when the engine can make nothing of it, as where what it sets does not go
    with what was set before."""
    try:
        world.command(command.at_us, command.do, command.seq)
        world.run_until(command.at_us, budget=SLICE_EVENTS)
    except ENGINE_ERRORS as error:
        raise stopped(f"{job.place}[{job.commands.index(command)}].do", error) from error


def unexpected(world: World) -> list[dict[str, Any]]:
    """Checks that run along and are violated though the experiment says nothing of them: `expected` is None."""
    named = {line.check for line in world.experiment.checks}
    return [
        {
            "name": name,
            "verdict": found.verdict,
            "expected": None,
            "event": found.event,
            "at_us": found.at_us,
            "message": found.message,
            "values": msgspec.to_builtins(found.values),
            "value": None,
        }
        for name, found in world.verdicts(over=True).items()
        if found.verdict == harness.VIOLATED and name not in named
    ]


def _run(world: World, at_us: int, trace: Callable[[bytes], None] | None) -> None:
    """Move to a time, a second at a time when a trace is written. BadInput at the limit on events."""
    while world.now_us < at_us:
        step_us = (
            at_us if trace is None else min(at_us, (world.now_us // TRACE_CHUNK_US + 1) * TRACE_CHUNK_US)
        )
        while world.run_until(step_us, budget=SLICE_EVENTS) == "budget":
            if world.events > limits.EVENTS_PER_RUN_MAX:
                raise BadInput("experiment", f"more than {limits.EVENTS_PER_RUN_MAX} events")
        if trace is not None:
            trace(msgspec.json.encode(world.take_chunk().plain()) + b"\n")


def as_expected(result: dict[str, Any]) -> bool:
    """Whether every check of a result is as expected; of some nothing is expected."""
    return all(check["expected"] in (None, check["verdict"]) for check in result["checks"])


def simulate_all(
    job: Job,
    until_us: int | None = None,
    changes: dict[str, Any] | None = None,
    trace: Callable[[bytes], None] | None = None,
) -> dict[str, Any]:
    """The experiment and all its variants (unless one was named): `{..., as_expected, variants?, compare?}`.

    `trace` is given the base's chunks. With a time limit or changed settings comparisons are still made.
    """
    changed = experiments.with_overrides(job.experiment, changes or {})
    # A seed of the command line goes before those of the experiment and its variants.
    given = None if job.seed == job.experiment.seed else job.seed
    base = Job(changed, changed.seed if given is None else given, job.commands, job.alone, job.place)
    experiments.require_available(base.experiment)
    if not job.alone:
        experiments.require_variants(base.experiment)
    result, world = simulate(base, until_us, trace)
    worlds = {"": world}
    fine = as_expected(result)
    if not job.alone and base.experiment.variants:
        result["variants"] = {}
        for item in base.experiment.variants:
            changed = variant(base.experiment, item.id)
            part = Job(changed, changed.seed if given is None else given)
            result["variants"][item.id], worlds[item.id] = simulate(part, until_us)
            fine = fine and as_expected(result["variants"][item.id])
        result["compare"] = [compared(line, worlds) for line in base.experiment.compare]
        fine = fine and as_expected({"checks": result["compare"]})
    result["as_expected"] = fine
    return result


def compared(line: Compare, worlds: dict[str, World]) -> dict[str, Any]:
    """Whether a variant differs from another run as the experiment says."""
    one, other = worlds[line.variant], worlds[line.against]
    if line.check is not None:
        values: tuple[Any, Any] = (verdict_of(one, line.check), verdict_of(other, line.check))
    else:
        scope = harness.scope_of(line)
        values = (
            harness.metric(one, str(line.metric), scope),
            harness.metric(other, str(line.metric), scope),
        )
    name = f"{line.check or line.metric}: {line.variant} {line.is_} {line.against or 'base'}"
    return {"name": name, "expected": "holds", "verdict": relation(line, *values), "values": list(values)}


def verdict_of(world: World, name: str) -> str:
    """The verdict of a check, "unknown" when the world has none of this name."""
    found = world.verdicts(over=True).get(name)
    return found.verdict if found is not None else "unknown"


def relation(line: Compare, one: Any, other: Any) -> str:
    """holds, violated, or unknown when a value is missing."""
    if one is None or other is None:
        return "unknown"
    holds = {
        "less": lambda: one * line.times < other,
        "greater": lambda: one > other * line.times,
        "equal": lambda: one == other,
        "different": lambda: one != other,
    }[line.is_]()
    return "holds" if holds else "violated"
