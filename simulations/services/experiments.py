"""Experiments as the product handles them: parsed, saved once, found by name, and the commands they allow."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import msgspec

from simulations import catalogue, limits, selectors
from simulations.engine import experiment as format
from simulations.engine.experiment import Experiment, ExperimentError
from simulations.engine.experiment.parameters import check_set_parameter
from simulations.engine.experiment.problems import Problems
from simulations.engine.experiment.reader import note_variant, read_command
from simulations.engine.experiment.references import check_references
from simulations.engine.registry import SYSTEMS
from simulations.engine.requirements import missing, wrong_starts
from simulations.models import Experiment as ExperimentRow
from simulations.wire import BadInput, finite

OPERATIONS = ("get", "put", "append", "cas", "delete")
CLIENT_FIELDS = {"do", "client", "operation", "key", "value", "expected", "options"}


class BadExperiment(BadInput):
    """An experiment that cannot be read: all problems at once."""

    def __init__(self, error: ExperimentError, status: int = 400) -> None:
        first = error.problems[0]
        super().__init__(
            first.path or "experiment", first.message, first.allowed or None, status, first.message_zh
        )
        self.problems = [problem_plain(problem) for problem in error.problems]


def problem_plain(problem: Any) -> dict[str, Any]:
    """A problem of an experiment as the page reads it."""
    found = {"field": problem.path, "message": problem.message, "message_zh": problem.message_zh}
    return {**found, "allowed": list(problem.allowed)} if problem.allowed else found


def parse(plain: Any) -> Experiment:
    """Read an experiment strictly. BadExperiment names every path that is wrong."""
    try:
        return format.parse(plain, SYSTEMS)
    except ExperimentError as error:
        raise BadExperiment(error) from error


def with_overrides(experiment: Experiment, overrides: dict[str, Any]) -> Experiment:
    """The experiment with parameters or paths set."""
    try:
        return format.with_overrides(experiment, overrides, SYSTEMS) if overrides else experiment
    except ExperimentError as error:
        raise BadExperiment(error) from error


def with_script(row: ExperimentRow, faults: list[Any]) -> Experiment:
    """The experiment with another fault script, without what was said about variants of the old one.
    BadExperiment names every line that is wrong.
    """
    plain = json.loads(row.plain)
    for name in ("variants", "compare"):
        plain.pop(name, None)
    return parse({**plain, "faults": faults})


def setting_words(experiment: Experiment) -> dict[str, dict[str, str]]:
    """{name: {en, zh}} of the settings a sweep may vary: its system's parameters and the experiment's knobs."""
    parameters = SYSTEMS[experiment.system].descriptor.parameters if experiment.system in SYSTEMS else ()
    titled: list[tuple[str, Any]] = [(parameter.name, parameter.title) for parameter in parameters]
    knobs = [(name, knob.title) for name, knob in experiment.knobs.items()]
    return {name: {"en": title.en, "zh": title.zh} for name, title in (*titled, *knobs)}


def plain_of(experiment: Experiment) -> dict[str, Any]:
    """The normal form."""
    return format.to_plain(experiment)


def save(experiment: Experiment) -> ExperimentRow:
    """The row of this experiment; equal experiments share one."""
    plain = canonical(experiment)
    row, _ = ExperimentRow.objects.get_or_create(
        fingerprint=format.fingerprint(experiment),
        defaults={"name": experiment.title.en[:120], "plain": plain},
    )
    return row


def canonical(experiment: Experiment) -> str:
    """The canonical JSON text: the same for equal experiments."""
    return json.dumps(plain_of(experiment), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=256)
def parsed(plain: str) -> Experiment:
    """The experiment of a saved row (never change it)."""
    return format.parse(json.loads(plain))


def named(reference: str) -> Experiment:
    """A catalogue entry (`RA-01`, `RA-01/variant`) or the experiment of a saved link. BadInput when there
    is none.
    """
    if catalogue.ships(reference):
        try:
            return catalogue.load(reference)
        except ExperimentError as error:
            raise BadExperiment(error, status=404) from error
    link = selectors.find_link(reference)
    if link is not None:
        return parsed(link.experiment.plain)
    raise BadInput("experiment", f"there is no experiment {reference[:80]!r}", catalogue.ids(), status=404)


# Commands ---------------------------------------------------------


def check_command(row: ExperimentRow, do: dict[str, Any]) -> dict[str, Any]:
    """As check_command_of, for a saved experiment."""
    return check_command_of(parsed(row.plain), do)


def check_command_of(experiment: Experiment, do: dict[str, Any]) -> dict[str, Any]:
    """A command as it is logged: a fault line without trigger, or a client operation. BadInput names the
    field.
    """
    if not finite(do) or len(msgspec.json.encode(do)) > limits.MESSAGE_BYTES_MAX // 8:
        raise BadInput("do", "is too large, too deep or holds a number that is not finite")
    if do.get("do") == "client":
        return _check_operation(experiment, do)
    for name in ("at_s", "when", "every_s", "until_s", "probability", "at_most"):
        if name in do:
            raise BadInput(f"do.{name}", "a command happens when it is given; put it into the script instead")
    try:
        line = read_command(do)
    except ExperimentError as error:
        first = error.problems[0]
        field = f"do.{first.path}".rstrip(".")
        raise BadInput(field, first.message, first.allowed or None, message_zh=first.message_zh) from error
    problems = Problems()
    alone = msgspec.structs.replace(experiment, faults=[line], variants=[])
    check_references(alone, problems)
    check_set_parameter(alone, line, "faults[0]", SYSTEMS, problems)
    for problem in problems.found + missing(alone, SYSTEMS):
        if problem.path.startswith("faults"):
            field = problem.path.replace("faults[0]", "do", 1)
            raise BadInput(field, problem.message, problem.allowed or None, message_zh=problem.message_zh)
    return do


def typed_operations(experiment: Experiment) -> dict[str, set[str]]:
    """Client operations that may be given by hand -> their options: those of any store, and of consoles."""
    found: dict[str, set[str]] = {name: set() for name in OPERATIONS}
    for system in experiment.systems():
        for command in SYSTEMS[system].descriptor.console if system in SYSTEMS else ():
            options = found.setdefault(command.operation or command.name, set())
            options.update(command.flags.values(), command.options)
    return found


def _check_operation(experiment: Experiment, do: dict[str, Any]) -> dict[str, Any]:
    unknown = set(do) - CLIENT_FIELDS
    if unknown:
        raise BadInput(f"do.{sorted(unknown)[0]}", "unknown field", sorted(CLIENT_FIELDS))
    clients = list(experiment.clients())
    if do.get("client") not in clients:
        raise BadInput("do.client", "there is no such client", clients)
    allowed = typed_operations(experiment)
    if do.get("operation") not in allowed:
        raise BadInput("do.operation", "unknown operation", list(allowed))
    options = do.get("options", {})
    known = allowed[do["operation"]]
    if not isinstance(options, dict) or not set(options) <= known:
        raise BadInput("do.options", "must be a record of options that this operation knows", sorted(known))
    if not isinstance(do.get("key"), str) or not 1 <= len(do["key"]) <= limits.KEY_MAX:
        raise BadInput("do.key", "must be a text of 1 to 64 characters")
    return do


def require_available(experiment: Experiment) -> None:
    """BadExperiment when something that the experiment needs is not there, or nothing could begin as it says."""
    problems = missing(experiment, SYSTEMS) or wrong_starts(experiment, SYSTEMS)
    if problems:
        raise BadExperiment(ExperimentError(problems))


def require_node(code: str, name: str) -> None:
    """BadInput when a run has no node, and no process on one, of this name."""
    run = selectors.find_run(code)
    nodes = parsed(run.experiment.plain).topology.nodes if run else []
    processes = [f"{node.id}/{process.id}" for node in nodes for process in node.processes if process.id]
    names = [node.id for node in nodes] + processes
    if name not in names:
        raise BadInput("node", "there is no such node", names)


def require_variants(experiment: Experiment) -> None:
    """As require_available, for every variant; the problem is named in the variant's own list, or at what it sets."""
    problems = Problems()
    for i, item in enumerate(experiment.variants):
        changed = format.variant(experiment, item.id, SYSTEMS)
        for problem in missing(changed, SYSTEMS) or wrong_starts(changed, SYSTEMS):
            note_variant(f"variants[{i}]", item, problem, problems)
    if problems.found:
        raise BadExperiment(ExperimentError(problems.found))
