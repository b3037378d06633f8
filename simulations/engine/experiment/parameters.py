"""Parameters, twins and systems of an experiment, checked against the registry of systems when there is
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.experiment import limits
from simulations.engine.experiment.kinds import INVALID, Flag, Json, Kind, Line, ListOf, Number, Schema, Word
from simulations.engine.experiment.problems import Problems, child
from simulations.engine.experiment.spreads import Spread
from simulations.engine.experiment.structs import Experiment, FaultLine

if TYPE_CHECKING:
    from simulations.engine.process import Parameter, System

Registry = Mapping[str, "System"]


class WordOrSpread(msgspec.Struct, frozen=True):
    """One of a few words, or a distribution."""

    words: tuple[str, ...]
    spread: Spread

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if isinstance(value, str):
            return Word(self.words).read(value, path, problems)
        return self.spread.read(value, path, problems)

    def plain(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.spread.plain(value)

    def schema(self) -> Schema:
        return {"anyOf": [Word(self.words).schema(), self.spread.schema()]}


class FlagOrWord(msgspec.Struct, frozen=True):
    """true, false, or one of a few words."""

    words: tuple[str, ...]

    def read(self, value: object, path: str, problems: Problems) -> Any:
        return value if isinstance(value, bool) else Word(self.words).read(value, path, problems)

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"anyOf": [Flag().schema(), Word(self.words).schema()]}


def parameter_kind(parameter: Parameter) -> Kind:
    """The kind of value a descriptor's parameter takes. An unknown type is plain data."""
    low = -limits.JSON_NUMBER_MAX if parameter.minimum is None else parameter.minimum
    high = limits.JSON_NUMBER_MAX if parameter.maximum is None else parameter.maximum
    number = Number(low, high, parameter.unit, whole=parameter.type == "int")
    kinds: dict[str, Kind] = {
        "int": number,
        "float": number,
        "bool": Flag(),
        "choice": Word(parameter.choices),
        "range": ListOf(number, 2, 2),
        "numbers": ListOf(number, limits.NUMBERS_MAX),
        "flag_or_word": FlagOrWord(parameter.choices),
        "text": Line(limits.JSON_TEXT_MAX, 0),
        "word_or_distribution": WordOrSpread(
            parameter.choices, Spread(low, min(high, limits.LATENCY_MS_MAX), parameter.unit)
        ),
        "distribution": Spread(low, min(high, limits.LATENCY_MS_MAX), parameter.unit),
    }
    return kinds.get(parameter.type, Json())


def check_parameters(
    values: dict[str, Any], system: str, path: str, registry: Registry, problems: Problems
) -> None:
    """Every name must be one of the system's, every value within its limits; ranges low before high."""
    if system not in registry:
        return
    known = {parameter.name: parameter for parameter in registry[system].descriptor.parameters}
    for name, value in values.items():
        here = child(path, name)
        if name not in known:
            problems.add(here, "unknown_parameter", allowed=tuple(known), given=name)
            continue
        found = parameter_kind(known[name]).read(value, here, problems)
        if found is not INVALID and known[name].type == "range" and found[0] > found[1]:
            problems.add(here, "order")


def check_against_registry(experiment: Experiment, registry: Registry, problems: Problems) -> None:
    """Parameters and twins of the systems that exist; systems still to come are left alone (see
    `requires`).
    """
    check_parameters(experiment.parameters, experiment.system, "parameters", registry, problems)
    for i, node in enumerate(experiment.topology.nodes):
        for j, process in enumerate(node.processes):
            path = f"topology.nodes[{i}].processes[{j}].parameters"
            check_parameters(process.parameters, process.system, path, registry, problems)
    for i, line in enumerate(experiment.faults):
        check_set_parameter(experiment, line, f"faults[{i}]", registry, problems)
    if experiment.twin is not None and experiment.system in registry:
        twins = tuple(sorted(registry[experiment.system].twins))
        if experiment.twin not in twins:
            problems.add("twin", "choice", allowed=twins, given=experiment.twin)


def check_set_parameter(
    experiment: Experiment, line: FaultLine, path: str, registry: Registry, problems: Problems
) -> None:
    """A line that sets a parameter names one of a system of this experiment, with a value it takes."""
    systems = [name for name in experiment.systems() if name in registry]
    if line.do != "set_parameter" or len(systems) != len(experiment.systems()):
        return
    name = line.arguments["name"]
    known = {p.name: s for s in reversed(systems) for p in registry[s].descriptor.parameters}
    if name not in known:
        problems.add(f"{path}.name", "unknown_parameter", allowed=tuple(known), given=name)
    else:
        check_parameters({name: line.arguments["value"]}, known[name], f"{path}.value", registry, problems)
