"""One experiment in several forms side by side: another system, a variant, a mechanism off - all else equal."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine import experiment as format
from simulations.engine.experiment import Experiment
from simulations.engine.registry import SYSTEMS
from simulations.engine.requirements import OPERATORS, lacking
from simulations.models import Run
from simulations.services import experiments, runs
from simulations.wire import BadInput

SIDES_MIN, SIDES_MAX = 2, 3
IN_FLIGHT_MAX = 10_000


class Side(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How one side differs: the system that runs instead, a variant of the experiment, parameters or paths."""

    system: str | None = None
    variant: str | None = None
    set: dict[str, Any] | None = None


def create(
    *, visitor: str, reference: str | dict[str, Any], sides: list[Side], seed: int | None
) -> list[Run]:
    """A paused run for each side, with the same topology, workload, seed and fault script. BadInput names the side."""
    if not SIDES_MIN <= len(sides) <= SIDES_MAX:
        raise BadInput("sides", f"{SIDES_MIN} to {SIDES_MAX} sides are compared")
    made = [side_of(reference, side, f"sides[{index}]") for index, side in enumerate(sides)]
    same_conditions(made)
    made = [unhindered(one) for one in made]
    seed = made[0].seed if seed is None else seed
    return [runs.create_run(visitor=visitor, experiment=one, seed=seed, playing=False) for one in made]


def unhindered(experiment: Experiment) -> Experiment:
    """Open workloads issue every operation in its time, however many wait: a slow side must not be asked for less."""
    plain = experiments.plain_of(experiment)
    for line in plain.get("workload", []):
        if line.get("loop", "open") == "open":
            line["in_flight"] = IN_FLIGHT_MAX
    return experiments.parse(plain)


def side_of(reference: str | dict[str, Any], side: Side, path: str) -> Experiment:
    """The experiment of one side."""
    try:
        found = base_of(reference, side.variant)
        if side.system is not None and side.system != found.system:
            found = under(found, side.system, f"{path}.system")
        found = experiments.with_overrides(found, side.set or {})
        experiments.require_available(found)
    except BadInput as error:
        raise BadInput(
            f"{path}.{error.field}" if not error.field.startswith(path) else error.field,
            error.message,
            error.allowed,
            error.status,
            error.message_zh,
        ) from error
    return found


def base_of(reference: str | dict[str, Any], variant: str | None) -> Experiment:
    """The experiment, or a variant of it."""
    if isinstance(reference, str):
        return experiments.named(f"{reference}/{variant}" if variant else reference)
    found = experiments.parse(reference)
    if not variant:
        return found
    known = [one.id for one in found.variants]
    if variant not in known:
        raise BadInput("variant", "there is no such variant", known)
    return format.variant(found, variant)


def under(experiment: Experiment, system: str, path: str) -> Experiment:
    """The same topology, workload, seed and script with another system: what only the old one knows is left out."""
    if system not in SYSTEMS:
        raise BadInput(path, "there is no such system", sorted(SYSTEMS))
    unknown = [
        line.do
        for line in experiment.faults
        if line.do in OPERATORS and line.do not in SYSTEMS[system].operations
    ]
    if unknown:
        raise BadInput(path, f"{system} does not understand {', '.join(unknown)} of the script")
    plain = experiments.plain_of(experiment)
    known = {parameter.name for parameter in SYSTEMS[system].descriptor.parameters}
    plain["parameters"] = {
        name: value for name, value in plain.get("parameters", {}).items() if name in known
    }
    plain["system"] = system
    for node in plain.get("topology", {}).get("nodes", []):
        if node.get("processes"):
            node["processes"] = [moved(process, experiment.system, system) for process in node["processes"]]
    keep_first_leader(plain, system)
    for name in ("twin", "variants", "compare", "predict", "expect_sweep", "knobs", "cite", "checks"):
        plain.pop(name, None)
    plain["checks"] = shared_checks(experiment, system)
    return experiments.parse(plain)


def moved(process: str | dict[str, Any], old: str, new: str) -> str | dict[str, Any]:
    """A process of the old system becomes one of the new, in its default role."""
    if isinstance(process, str):
        return new if process == old else process
    if process.get("system") != old:
        return process
    return {"system": new, **({"id": process["id"]} if process.get("id") else {})}


def keep_first_leader(plain: dict[str, Any], system: str) -> None:
    """Logs and values of the old system mean nothing to another; who leads first does, if it can be preset."""
    initial = plain.pop("initial", None) or {}
    if SYSTEMS[system].preset is not None and initial.get("leader"):
        plain["initial"] = {"leader": initial["leader"], "term": initial.get("term") or 1}


def shared_checks(experiment: Experiment, system: str) -> list[str]:
    """The named checks that can judge the other system as well."""
    names = dict.fromkeys(line.check for line in experiment.checks if line.check)
    usable = set(SYSTEMS[system].checks) | {"linearizable", "no_lost_ack"}
    return [name for name in names if name in usable]


def same_conditions(made: list[Experiment]) -> None:
    """BadInput unless every side has the same nodes, links, clients and stop time."""
    first = conditions(made[0])
    for index, other in enumerate(made[1:], 1):
        for otherwise, value in conditions(other).items():
            if value != first[otherwise]:
                raise BadInput(f"sides[{index}]", otherwise)


def conditions(experiment: Experiment) -> dict[str, Any]:
    """What two sides must have in common to be in step, by what is said where they differ."""
    return {
        "has other nodes than the first side": [node.id for node in experiment.topology.nodes],
        "has other clients than the first side": experiment.clients(),
        "ends at another time than the first side": experiment.stop_s,
    }


def forms(experiment: Experiment) -> dict[str, Any]:
    """What an experiment can be compared with: variants and systems that run under its conditions; and its parameters,
    of which one may be changed."""
    return {
        "variants": [one.id for one in experiment.variants if stays_in_step(experiment, one.id)],
        "systems": [name for name in SYSTEMS if fits(experiment, name)],
        "parameters": experiment.parameters,
    }


def stays_in_step(experiment: Experiment, variant: str) -> bool:
    """Whether a variant can run, and keeps the experiment's nodes, clients and stop time."""
    made = format.variant(experiment, variant)
    return conditions(made) == conditions(experiment) and not lacking(made, SYSTEMS)


def fits(experiment: Experiment, system: str) -> bool:
    """Whether the system can run under this experiment's conditions."""
    try:
        return not lacking(
            experiment if system == experiment.system else under(experiment, system, "system"), SYSTEMS
        )
    except BadInput:
        return False
