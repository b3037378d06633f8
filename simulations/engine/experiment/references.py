"""What one record says about another: ids that must exist and be unique, fields that exclude each other.

Runs after the whole file has been read, so every struct here is well formed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulations.engine.experiment import limits
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.problems import Problems, child
from simulations.engine.experiment.structs import (
    Check,
    Compare,
    Experiment,
    FaultLine,
    Operation,
    Predict,
    SweepExpectation,
    When,
)
from simulations.engine.experiment.vocabulary import SYMBOLIC_TARGETS
from simulations.engine.topology import Topology

FIRST_CHOICES = ("hint", "nearest", "any")
"""Where a client sends an operation first, besides a node: the leader it heard of, the nearest server, any
server.
"""


class Names:
    """Everything that has an id in one experiment."""

    def __init__(self, experiment: Experiment) -> None:
        topology = experiment.topology
        self.nodes = tuple(topology.node_ids())
        zones = [zone for region in topology.regions for zone in region.zones]
        racks = [rack.id for zone in zones for rack in zone.racks]
        self.groups = (*(region.id for region in topology.regions), *(zone.id for zone in zones), *racks)
        self.processes = tuple(f"{node.id}/{p.id}" for node in topology.nodes for p in node.processes if p.id)
        self.clients = tuple(experiment.clients())
        self.client_lines = tuple(
            dict.fromkeys([*(line.client for line in experiment.workload), *self.clients])
        )
        self.members = (*self.nodes, *self.processes)
        self.places = (*self.nodes, *self.groups)
        self.targets = (*self.members, *self.groups, *self.client_lines, *SYMBOLIC_TARGETS)
        self.systems = experiment.systems()

    def is_target(self, name: str) -> bool:
        """Whether a fault may name it: an id, a symbolic word, or word/system (leader/raft)."""
        word, _, system = name.partition("/")
        return name in self.targets or (word in SYMBOLIC_TARGETS and system in self.systems)


def check_references(experiment: Experiment, problems: Problems) -> None:
    """Note everything that does not fit together."""
    names = Names(experiment)
    check_topology(experiment.topology, names, problems)
    check_clients(experiment, names, problems)
    for i, line in enumerate(experiment.faults):
        check_line(line, f"faults[{i}]", names, problems)
    check_start(experiment, names, problems)
    check_expectations(experiment, names, problems)
    check_variants(experiment, problems)


def known(given: str, allowed: Iterable[str], path: str, problems: Problems) -> None:
    """Note a problem when an id is not among the allowed ones. "" is always fine."""
    choices = tuple(allowed)
    if given and given not in choices:
        problems.add(path, "unknown_id", allowed=choices, given=given)


def unique(ids: Iterable[tuple[str, str]], problems: Problems) -> None:
    """(path, id) pairs: note ids used twice."""
    seen: set[str] = set()
    for path, id in ids:
        if id in seen:
            problems.add(path, "duplicate", given=id)
        seen.add(id)


def exactly_one(record: Any, fields: tuple[str, ...], path: str, problems: Problems) -> bool:
    """Whether exactly one of the fields is given; notes it when not."""
    if sum(getattr(record, field) is not None for field in fields) == 1:
        return True
    problems.add(path, "one_of", allowed=fields, given=", ".join(fields))
    return False


# --- topology ---


def place_ids(topology: Topology) -> Iterable[tuple[str, str]]:
    """(path, id) of everything in the topology."""
    for i, region in enumerate(topology.regions):
        path = f"topology.regions[{i}]"
        yield path, region.id
        for j, zone in enumerate(region.zones):
            yield f"{path}.zones[{j}]", zone.id
            for k, rack in enumerate(zone.racks):
                yield f"{path}.zones[{j}].racks[{k}]", rack.id
    for i, node in enumerate(topology.nodes):
        yield f"topology.nodes[{i}].id", node.id


def check_topology(topology: Topology, names: Names, problems: Problems) -> None:
    """Ids are unique; every id that is used exists."""
    unique(place_ids(topology), problems)
    zones = [zone for region in topology.regions for zone in region.zones]
    for path, id in place_ids(topology):
        if id in SYMBOLIC_TARGETS:
            problems.add(path, "reserved", given=id)
    for i, node in enumerate(topology.nodes):
        path = f"topology.nodes[{i}]"
        known(node.zone, [zone.id for zone in zones], f"{path}.zone", problems)
        inside = [rack.id for zone in zones for rack in zone.racks if node.zone in ("", zone.id)]
        known(node.rack, inside, f"{path}.rack", problems)
        if node.bare and node.processes:
            problems.add(f"{path}.bare", "conflict", given="processes")
        unique(((f"{path}.processes[{j}]", p.id) for j, p in enumerate(node.processes)), problems)
    for i, rule in enumerate(topology.links.between):
        known(rule.from_, names.places, f"topology.links.between[{i}].from", problems)
        known(rule.to, names.places, f"topology.links.between[{i}].to", problems)
    for i, pair in enumerate(topology.only_links or []):
        for j, place in enumerate(pair):
            known(place, names.places, f"topology.only_links[{i}][{j}]", problems)


# --- clients ---


def check_clients(experiment: Experiment, names: Names, problems: Problems) -> None:
    """Clients are attached to places and address processes that exist."""
    unique(((f"workload[{i}].client", line.client) for i, line in enumerate(experiment.workload)), problems)
    for client in names.client_lines:
        if client in names.places or client in SYMBOLIC_TARGETS:
            problems.add("workload", "duplicate", given=client)
    if len(names.clients) > limits.CLIENTS_MAX:
        problems.add("workload", "too_long", limit=limits.CLIENTS_MAX)
    for i, line in enumerate(experiment.workload):
        path = f"workload[{i}]"
        known(line.at, names.places, f"{path}.at", problems)
        known(line.to, (*FIRST_CHOICES, *names.members), f"{path}.to", problems)
        known(line.system, names.systems, f"{path}.system", problems)
        check_span(line.start_s, line.stop_s, f"{path}.stop_s", problems)
    unique(((f"operations[{i}].id", o.id) for i, o in enumerate(experiment.operations) if o.id), problems)
    for i, operation in enumerate(experiment.operations):
        check_operation(operation, f"operations[{i}]", names, problems)


def check_operation(operation: Operation, path: str, names: Names, problems: Problems) -> None:
    """One scripted operation: its client, its server, its trigger."""
    if not operation.at:
        known(operation.client, names.clients, f"{path}.client", problems)
    known(operation.at, names.places, f"{path}.at", problems)
    known(operation.to, (*FIRST_CHOICES, *names.members), f"{path}.to", problems)
    known(operation.system, names.systems, f"{path}.system", problems)
    triggers = ("at_s", "when", "every_s")
    if all(getattr(operation, field) is None for field in triggers):
        problems.add(path, "one_of", allowed=triggers, given=", ".join(triggers))
    if operation.when is not None:
        if operation.at_s is not None or operation.every_s is not None:
            problems.add(f"{path}.when", "conflict", given="at_s, every_s")
        check_when(operation.when, f"{path}.when", names, problems)
    for field in ("until_s", "count"):
        if getattr(operation, field) is not None and operation.every_s is None:
            problems.add(f"{path}.{field}", "needs", allowed=("every_s",), given="every_s")


def check_span(start: float | None, end: float | None, path: str, problems: Problems) -> None:
    """An end must not lie before its start."""
    if start is not None and end is not None and end < start:
        problems.add(path, "too_small", limit=start, given=end)


# --- faults ---


def check_targets(targets: Iterable[str], path: str, names: Names, problems: Problems) -> None:
    """Every target is an id or a symbolic word."""
    for target in targets:
        if not names.is_target(target):
            problems.add(path, "unknown_id", allowed=names.targets, given=target)


def check_line(line: FaultLine, path: str, names: Names, problems: Problems) -> None:
    """The targets of one fault line, of the right sort."""
    sort = ACTIONS[line.do].target
    if sort == "place":
        for target in line.target:
            known(target, names.groups, f"{path}.target", problems)
    elif sort == "client":
        for target in line.target:
            known(target, (*names.client_lines, "all"), f"{path}.target", problems)
    else:
        check_targets(line.target, f"{path}.target", names, problems)
    if line.when is not None:
        check_when(line.when, f"{path}.when", names, problems)
    if isinstance(line.at_s, (int, float)):
        check_span(line.at_s, line.until_s, f"{path}.until_s", problems)
    check_arguments(line, path, names, problems)


def check_arguments(line: FaultLine, path: str, names: Names, problems: Problems) -> None:
    """Ids among the arguments of a fault line."""
    arguments = line.arguments
    for field in ("from", "to"):
        check_targets(arguments.get(field, ()), f"{path}.{field}", names, problems)
    for i, group in enumerate(arguments.get("groups", ())):
        check_targets(group, f"{path}.groups[{i}]", names, problems)
    if "node" in arguments:
        check_targets([arguments["node"]], f"{path}.node", names, problems)
    for i, pair in enumerate(arguments.get("links", ())):
        for id in pair:
            known(id, names.places, f"{path}.links[{i}]", problems)
    for field in ("add", "remove", "promote", "members"):
        for id in arguments.get(field, ()):
            known(id, names.nodes, f"{path}.{field}", problems)
    if "match" in arguments:
        check_targets(arguments["match"].from_, f"{path}.match.from", names, problems)
        check_targets(arguments["match"].to, f"{path}.match.to", names, problems)


def check_when(when: When, path: str, names: Names, problems: Problems) -> None:
    """Ids in a trigger."""
    for field, target in (("node", when.node), ("from", when.from_), ("to", when.to)):
        if target is not None:
            check_targets([target], f"{path}.{field}", names, problems)
    known(when.client or "", names.client_lines, f"{path}.client", problems)


# --- where it starts ---


def check_start(experiment: Experiment, names: Names, problems: Problems) -> None:
    """Initial states, disks and clocks belong to something."""
    known(experiment.initial.leader or "", names.members, "initial.leader", problems)
    for id in experiment.initial.nodes:
        known(id, names.members, child("initial.nodes", id), problems)
    for id in experiment.storage.nodes:
        known(id, names.nodes, child("storage.nodes", id), problems)
    for id in experiment.clocks:
        known(id, (*names.nodes, *names.clients), child("clocks", id), problems)


# --- what is expected ---

Expectation = Check | SweepExpectation | Compare | Predict


def check_scope(item: Expectation, path: str, names: Names | None, problems: Problems) -> None:
    """Exactly one of check and metric; the part of the run it speaks about exists (a variant's own parts are
    looked at when the variant itself is read: then names is None).
    """
    exactly_one(item, ("check", "metric"), path, problems)
    check_span(item.from_s, item.to_s, f"{path}.to_s", problems)
    if names is not None:
        known(item.client or "", (*names.client_lines, *names.clients), f"{path}.client", problems)
        known(item.node or "", names.members, f"{path}.node", problems)


def check_expectations(experiment: Experiment, names: Names, problems: Problems) -> None:
    """Checks, sweep expectations, comparisons and predictions of the base and of its variants."""
    check_group(experiment, "", names, problems)
    for i, variant in enumerate(experiment.variants):
        check_group(variant, f"variants[{i}].", None, problems)
    ids = [variant.id for variant in experiment.variants]
    for i, compare in enumerate(experiment.compare):
        path = f"compare[{i}]"
        check_scope(compare, path, names, problems)
        known(compare.variant, ids, f"{path}.variant", problems)
        known(compare.against, ids, f"{path}.against", problems)
        if compare.check is not None and compare.is_ not in ("equal", "different"):
            problems.add(f"{path}.is", "choice", allowed=("equal", "different"), given=compare.is_)


def check_group(owner: Any, prefix: str, names: Names | None, problems: Problems) -> None:
    """The expectations that the base and a variant have in common."""
    for i, check in enumerate(owner.checks or []):
        path = f"{prefix}checks[{i}]"
        check_scope(check, path, names, problems)
        check_bounds(check, ("at_least", "at_most", "equals"), check.metric is not None, path, problems)
    for i, sweep in enumerate(owner.expect_sweep or []):
        path = f"{prefix}expect_sweep[{i}]"
        check_scope(sweep, path, names, problems)
        check_bounds(sweep, ("at_least", "at_most"), True, path, problems)
        check_statistic(sweep, path, problems)
    for i, predict in enumerate(owner.predict or []):
        path = f"{prefix}predict[{i}]"
        check_scope(predict, path, names, problems)
        if (predict.kind == "choice") != bool(predict.choices):
            problems.add(f"{path}.choices", "without_choices")


def check_bounds(item: Any, fields: tuple[str, ...], wanted: bool, path: str, problems: Problems) -> None:
    """A number needs a bound; a named check has none. Lower bound before upper."""
    given = [field for field in fields if getattr(item, field) is not None]
    if wanted and not given:
        problems.add(path, "needs", allowed=fields, given=" / ".join(fields))
    if not wanted and given:
        problems.add(child(path, given[0]), "conflict", given="check")
    check_span(item.at_least, item.at_most, f"{path}.at_most", problems)


def check_statistic(sweep: SweepExpectation, path: str, problems: Problems) -> None:
    """Verdicts are counted, numbers are summarized."""
    counted = ("share", "count")
    allowed = (
        counted if sweep.check is not None else ("min", "mean", "max", "p10", "p50", "p90", "p99", "p999")
    )
    if sweep.statistic not in allowed:
        problems.add(f"{path}.statistic", "choice", allowed=allowed, given=sweep.statistic)


def check_variants(experiment: Experiment, problems: Problems) -> None:
    """Ids of variants are unique, and the base's id has no slash when there are variants."""
    unique(((f"variants[{i}].id", variant.id) for i, variant in enumerate(experiment.variants)), problems)
    if experiment.variants and "/" in experiment.id:
        problems.add("id", "conflict", given="variants")
    for name, knob in experiment.knobs.items():
        if bool(knob.set) == bool(knob.choices):
            problems.add(f"knobs.{name}", "one_of", allowed=("set", "choices"), given="set, choices")
