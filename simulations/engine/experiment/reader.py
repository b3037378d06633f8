"""From plain data to an Experiment, and back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from simulations.engine.experiment.grammar import EXPERIMENT
from simulations.engine.experiment.kinds import INVALID
from simulations.engine.experiment.overrides import REPLACED, changed_plain, variant_plain
from simulations.engine.experiment.parameters import Registry, check_against_registry
from simulations.engine.experiment.problems import ExperimentError, Problem, Problems
from simulations.engine.experiment.references import check_references
from simulations.engine.experiment.script import Script
from simulations.engine.experiment.structs import Experiment, FaultLine, Variant

FORMAT = 1


def parse(data: object, registry: Registry | None = None) -> Experiment:
    """Read an experiment from plain data (of JSON or YAML), its variants included.

    registry: system name -> System; with it parameters and twins of the systems it knows are checked too.
    Raises ExperimentError with every problem found, and nothing else, whatever `data` is.
    """
    experiment = parse_one(data, registry)
    problems = Problems()
    for i, candidate in enumerate(experiment.variants):
        try:
            parse_one(plain_of_variant(experiment, candidate, registry), registry)
        except ExperimentError as error:
            note_variant(f"variants[{i}]", candidate, error.problems[0], problems)
    problems.raise_if_any()
    return experiment


def plain_of_variant(experiment: Experiment, variant: Variant, registry: Registry | None) -> dict[str, Any]:
    """The plain form of one variant as an experiment of its own, not yet validated."""
    return variant_plain(to_plain(experiment), to_plain_variant(variant), names(experiment, registry))


def note_variant(path: str, variant: Variant, problem: Problem, problems: Problems) -> None:
    """Note why a variant does not work: at its own list when that is what is wrong, else at its `set`."""
    part = problem.path.partition("[")[0]
    if part in REPLACED and getattr(variant, part) is not None:
        problems.add(f"{path}.{problem.path}", problem.code, allowed=problem.allowed, **problem.values)
    else:
        problems.add(
            f"{path}.set",
            "broken_variant",
            allowed=problem.allowed,
            given=variant.id,
            detail=str(problem),
            detail_zh=problem.in_chinese(),
        )


def parse_one(data: object, registry: Registry | None) -> Experiment:
    """Read one experiment without trying its variants."""
    problems = Problems()
    found = EXPERIMENT.read(data, "", problems)
    problems.raise_if_any()
    if found is INVALID:
        raise AssertionError("an invalid experiment without a problem")
    experiment: Experiment = found
    check_references(experiment, problems)
    if registry is not None:
        check_against_registry(experiment, registry, problems)
    problems.raise_if_any()
    return experiment


def read_command(line: object) -> FaultLine:
    """A fault line as a person gives it while a run plays: without the fields that say when.
    ExperimentError.
    """
    problems = Problems()
    given = {**line, "at_s": 0} if isinstance(line, dict) else line
    found = Script().read(given, "", problems)
    problems.raise_if_any()
    command: FaultLine = found
    return command


def to_plain(experiment: Experiment) -> dict[str, Any]:
    """The canonical form: plain data, defaults left out, keys in the order of the format."""
    plain: dict[str, Any] = EXPERIMENT.plain(experiment)
    return {"format": FORMAT, **plain}


def to_plain_variant(variant: Variant) -> dict[str, Any]:
    """The canonical form of one variant."""
    plain: dict[str, Any] = EXPERIMENT.fields["variants"].kind.plain(variant)
    return plain


def fingerprint(experiment: Experiment) -> str:
    """32 hex digits (blake2b-128 of the canonical JSON): the same for equal experiments, on every machine."""
    text = json.dumps(
        to_plain(experiment), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()


def names(experiment: Experiment, registry: Registry | None) -> frozenset[str]:
    """Every parameter name of the experiment's system that is known here."""
    found = set(experiment.parameters)
    if registry is not None and experiment.system in registry:
        found.update(parameter.name for parameter in registry[experiment.system].descriptor.parameters)
    return frozenset(found)


def with_overrides(
    experiment: Experiment, changes: dict[str, Any], registry: Registry | None = None
) -> Experiment:
    """The experiment with some settings changed; variants stay.

    A name is looked for among the experiment's knobs, then its system's parameters, then as a dotted path
    of the experiment (`topology.links.default.loss`, `faults.0.at_s`, `topology.nodes.n1.zone`; list items
    by position or id); any other single word is taken as a parameter. None removes a setting.
    ExperimentError as in `parse`.
    """
    return parse(changed_plain(to_plain(experiment), changes, names(experiment, registry)), registry)


def variants(experiment: Experiment) -> list[str]:
    """Ids of the variants, in the order of the file."""
    return [variant.id for variant in experiment.variants]


def variant(experiment: Experiment, id: str, registry: Registry | None = None) -> Experiment:
    """One variant as an experiment of its own, with the id `<experiment>/<variant>` and no variants.
    ExperimentError when there is none of this id.
    """
    for candidate in experiment.variants:
        if candidate.id == id:
            return parse_one(plain_of_variant(experiment, candidate, registry), registry)
    problems = Problems()
    problems.add("variants", "unknown_id", allowed=tuple(variants(experiment)), given=id)
    raise ExperimentError(problems.found)


def requires(experiment: Experiment) -> tuple[str, ...]:
    """Every system that the experiment or one of its variants runs, sorted: what a registry must hold to
    run it.
    """
    found = set(experiment.systems())
    for each in experiment.variants:
        found.update(variant(experiment, each.id).systems())
    return tuple(sorted(found))
