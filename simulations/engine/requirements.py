"""What an experiment asks of its systems that they do not have: the place where it asks, and what there is.

The reader knows the format; this knows the systems that run: their parameters, messages, notes, view fields, client
operations, operators' instructions, checks and metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import msgspec

from simulations.engine import assembly, harness
from simulations.engine.experiment.problems import Problem, Problems, child
from simulations.engine.experiment.structs import Check as Expectation
from simulations.engine.experiment.structs import Experiment, When
from simulations.engine.process import System, fixed_parameters
from simulations.engine.workload import POST_AND_REFRESH

OPERATORS = ("campaign", "transfer", "configure", "promote", "backup", "restore_backup", "command")
"""Actions that a system carries out itself, if it can."""

CLIENT_MESSAGES = ("Request", "Reply")

TRIES_MAX = 20_000
"""So often the values of a script are tried beside each other; what is left then, the running world finds out."""


def missing(experiment: Experiment, systems: Mapping[str, System]) -> list[Problem]:
    """Everything that is not there, its variants left out. Empty: the experiment can run and be judged."""
    problems = Problems()
    asked_systems(experiment, systems, problems)
    if not problems.found:
        known = Known(experiment, systems)
        asked_settings(experiment, known, problems)
        asked_script(experiment, known, problems)
        asked_operations(experiment, systems, problems)
        asked_expectations(experiment, known, problems)
    return problems.found


def lacking(experiment: Experiment, systems: Mapping[str, System]) -> list[str]:
    """As ``missing``, as sentences."""
    return [str(problem) for problem in missing(experiment, systems)]


class Known:
    """The names that the systems of one experiment bring."""

    def __init__(self, experiment: Experiment, systems: Mapping[str, System]) -> None:
        used = [systems[name] for name in harness.systems_of(experiment)]
        about = [system.descriptor for system in used]
        self.own = used[0]
        self.settings = [system.parameters for system in used]
        self.addresses = unique(member.address for member in assembly.all_members(experiment))
        self.parameters = unique(parameter.name for one in about for parameter in one.parameters)
        self.messages = (*unique(kind.__name__ for one in used for kind in one.messages), *CLIENT_MESSAGES)
        self.notes = unique(id for one in about for id in one.notes)
        self.fields = unique(
            name for one in about for field in one.fields for name in (field.name, field.attribute) if name
        )
        self.operators = unique(word for one in used for word in one.operations)
        self.checks: dict[str, Any] = dict(harness.GENERIC)
        for one in used:
            self.checks.update(one.checks)
        self.metrics = unique([*harness.METRICS, *(metric for one in used for metric in one.metrics)])


def unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def named(given: str | None, allowed: Iterable[str], path: str, sort: str, problems: Problems) -> None:
    """Note a name that is given and not there. Where nothing is declared, nothing can be wrong."""
    choices = tuple(allowed)
    if given is not None and choices and given not in choices:
        problems.add(path, f"no_{sort}", allowed=choices, given=given)


def asked_systems(experiment: Experiment, systems: Mapping[str, System], problems: Problems) -> None:
    there = sorted(systems)
    named(experiment.system, there, "system", "system", problems)
    for i, node in enumerate(experiment.topology.nodes):
        for j, process in enumerate(node.processes):
            path = f"topology.nodes[{i}].processes[{j}].system"
            named(process.system, there, path, "system", problems)


def asked_settings(experiment: Experiment, known: Known, problems: Problems) -> None:
    for name in experiment.parameters:
        named(name, known.parameters, child("parameters", name), "parameter", problems)
    named(experiment.twin, sorted(known.own.twins), "twin", "twin", problems)
    if experiment.twin is not None and not known.own.twins:
        problems.add("twin", "no_twin", given=experiment.twin)


def asked_script(experiment: Experiment, known: Known, problems: Problems) -> None:
    """Instructions, messages, notes and view fields that fault lines and triggers name."""
    for i, line in enumerate(experiment.faults):
        if line.do in OPERATORS and line.do not in known.operators:
            problems.add(f"faults[{i}].do", "no_action", allowed=known.operators, given=line.do)
        if line.do == "set_parameter":
            asked_value(line.arguments, f"faults[{i}].value", known, problems)
        if "match" in line.arguments:
            path = f"faults[{i}].match.message"
            named(line.arguments["match"].message, known.messages, path, "message", problems)
        asked_event(line.when, f"faults[{i}].when", known, problems)
    for i, operation in enumerate(experiment.operations):
        asked_event(operation.when, f"operations[{i}].when", known, problems)


def asked_value(arguments: Mapping[str, Any], path: str, known: Known, problems: Problems) -> None:
    """A parameter made of parts takes only values that have them, one that names processes only those that are there.
    Whether a value goes with what the others are then is not asked here: only a running world knows that of a
    command."""
    for kind in known.settings:
        if arguments["name"] in kind.__struct_fields__:
            if arguments["name"] in fixed_parameters(kind):
                problems.add(path, "fixed_parameter", given=arguments["name"])
                return
            try:
                made = msgspec.convert({arguments["name"]: arguments["value"]}, kind)
            except msgspec.ValidationError as error:
                if parted(error)[1]:
                    problems.add(path, "parameter", detail=str(error))
            else:
                used = getattr(made, "addresses", dict)().get(arguments["name"], ())
                unknown_addresses(used, known.addresses, path, problems)
            return


def asked_event(when: When | None, path: str, known: Known, problems: Problems) -> None:
    if when is not None:
        named(when.message, known.messages, f"{path}.message", "message", problems)
        named(when.note, known.notes, f"{path}.note", "note", problems)
        named(when.field, known.fields, f"{path}.field", "field", problems)


def answered_by(system: System) -> tuple[str, ...]:
    """What clients may ask it for, what they make of several requests themselves too; empty: anything."""
    return (*system.requests, POST_AND_REFRESH) if system.requests else ()


def asked_operations(experiment: Experiment, systems: Mapping[str, System], problems: Problems) -> None:
    """What clients ask for; only where a system declares what it answers."""
    for i, line in enumerate(experiment.workload):
        answered = answered_by(systems[line.system or experiment.system])
        if not line.mix:
            named(line.operation, answered, f"workload[{i}].operation", "operation", problems)
        for name in line.mix:
            named(name, answered, child(f"workload[{i}].mix", name), "operation", problems)
    homes = {line.client: line.system for line in experiment.workload}
    for i, operation in enumerate(experiment.operations):
        home = homes.setdefault(operation.client, operation.system)
        answered = answered_by(systems[home or experiment.system])
        named(operation.operation, answered, f"operations[{i}].operation", "operation", problems)


def asked_expectations(experiment: Experiment, known: Known, problems: Problems) -> None:
    """Checks and metrics by name, and the arguments of checks."""
    for group in ("checks", "compare", "expect_sweep", "predict"):
        for i, line in enumerate(getattr(experiment, group)):
            named(line.check, known.checks, f"{group}[{i}].check", "check", problems)
            named(line.metric, known.metrics, f"{group}[{i}].metric", "metric", problems)
    asked_arguments(experiment.checks, known.checks, problems)


def asked_arguments(lines: list[Expectation], checks: Mapping[str, Any], problems: Problems) -> None:
    """Arguments that a check does not take, or takes otherwise in another line."""
    chosen = harness.arguments_of(lines)
    for i, line in enumerate(lines):
        path = f"checks[{i}].arguments"
        if line.arguments and line.metric:
            problems.add(path, "no_arguments", given=line.metric)
        if not line.arguments or line.check is None or line.check not in checks:
            continue
        if line.arguments != chosen[line.check]:
            problems.add(path, "second_arguments", given=line.check)
        try:
            checks[line.check].made(line.arguments)
        except msgspec.ValidationError as error:
            fields = checks[line.check].options.__struct_fields__ or ("none",)
            problems.add(path, "arguments", allowed=fields, given=line.check, detail=str(error))


def wrong_starts(experiment: Experiment, systems: Mapping[str, System]) -> list[Problem]:
    """Parameters and durable states that a process could not begin with, and parameters that it could not be set to.
    Every system of the experiment must be there."""
    problems = Problems()
    wrong_parameters(experiment, systems, problems)
    if not problems.found:
        wrong_settings(experiment, systems, problems)
    addresses = {member.address for member in assembly.all_members(experiment)}
    for member in assembly.all_members(experiment):
        preset = systems[member.system].preset
        own = experiment.initial.nodes.get(member.address)
        values = assembly.initial_values(experiment, member.address)
        if preset is None or not values:
            continue
        path = "initial.shared" if own is None else child("initial.nodes", member.address)
        try:
            preset(values)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            problems.add(path, "initial", given=member.address, detail=str(error))
        else:
            for name in systems[member.system].preset_addresses:
                unknown_addresses(values.get(name, ()), addresses, child(path, name), problems)
    return problems.found


def wrong_parameters(experiment: Experiment, systems: Mapping[str, System], problems: Problems) -> None:
    """What the reader cannot know: parameters made of parts, those that do not go together, addresses in them."""
    addresses = {member.address for member in assembly.all_members(experiment)}
    for i, node in enumerate(experiment.topology.nodes):
        for j, member in enumerate(assembly.members_of(node, experiment.system)):
            own = f"topology.nodes[{i}].processes[{j}].parameters"
            try:
                made = assembly.parameters_of(experiment, member, systems)
            except msgspec.ValidationError as error:
                name = named_in(error, systems[member.system].parameters.__struct_fields__)
                path = own if name in member.parameters else "parameters"
                problems.add(child(path, name) if name else path, "parameter", detail=str(error))
                continue
            for name, used in getattr(made, "addresses", dict)().items():
                path = own if name in member.parameters else "parameters"
                unknown_addresses(used, addresses, child(path, name), problems)


def wrong_settings(experiment: Experiment, systems: Mapping[str, System], problems: Problems) -> None:
    """Values that lines set and no process they may hit could take: neither beside what it begins with nor beside what
    another line sets. (Which was first, and whom a line hits, is known when it is carried out.)"""
    lines = [(i, line) for i, line in enumerate(experiment.faults) if line.do == "set_parameter"]
    settings = [{line.arguments["name"]: line.arguments["value"]} for _, line in lines]
    starts = beginnings(experiment) if lines else []
    left = TRIES_MAX
    for i, line in lines:
        name, value = line.arguments["name"], line.arguments["value"]
        found = [one for one in starts if name in systems[one.system].parameters.__struct_fields__]
        named = [one for one in found if not one.names.isdisjoint(line.target)]
        why = ""
        for other, start in product(({}, *settings), named or found):
            left -= 1
            refused = unfit({**start.given, **other, name: value}, systems[start.system].parameters)
            why = why or refused
            if not refused or left < 0:
                break
        else:
            if why:
                problems.add(f"faults[{i}].value", "parameter", detail=why)


class Beginning(msgspec.Struct, frozen=True):
    """The parameters given to some processes of a system; ``names``: their addresses and nodes."""

    system: str
    given: dict[str, Any]
    names: set[str]


def beginnings(experiment: Experiment) -> list[Beginning]:
    """What processes begin with, once for all that begin alike."""
    found: dict[str, Beginning] = {}
    for member in assembly.all_members(experiment):
        given = assembly.given_parameters(experiment, member)
        start = found.setdefault(repr((member.system, given)), Beginning(member.system, given, set()))
        start.names.update((member.address, member.node))
    return list(found.values())


def unfit(values: Mapping[str, Any], kind: Any) -> str:
    """Why a process could not have these parameters, those it has no field for left out; "" when it could."""
    try:
        msgspec.convert({name: values[name] for name in kind.__struct_fields__ if name in values}, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def parted(error: msgspec.ValidationError) -> tuple[str, str]:
    """(text, path): a value that is none of its kind has a path, one that its neighbours do not allow has not."""
    text, _, path = str(error).partition(" - at `$.")
    return text, path


def named_in(error: msgspec.ValidationError, names: tuple[str, ...]) -> str:
    """The parameter that an error is about: msgspec tells its path, parameters that check themselves begin with it."""
    text, path = parted(error)
    word = re.split(r"\W", path or text)[0]
    return word if word in names else ""


def unknown_addresses(used: Iterable[str], addresses: Iterable[str], path: str, problems: Problems) -> None:
    for address in unique(used):
        if address not in addresses:
            problems.add(path, "unknown_id", allowed=unique(addresses), given=address)
