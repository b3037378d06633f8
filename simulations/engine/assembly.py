"""From an experiment to the parts of a world: addresses, processes, clients, links. Pure construction, no time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from simulations.engine.experiment.structs import Disk as DiskSpec
from simulations.engine.experiment.structs import Experiment, WorkloadSpec
from simulations.engine.process import Process, System
from simulations.engine.topology import NodeSpec, ProcessSpec, Topology
from simulations.engine.workload import Plan


class Member(msgspec.Struct, frozen=True):
    """One process of the experiment: its address, node, system and what the topology says of it."""

    address: str
    node: str
    system: str
    role: str
    parameters: dict[str, Any]


class ClientMember(msgspec.Struct, frozen=True):
    """One client: its id, where it is attached, its plan, and the system whose processes it asks."""

    id: str
    at: str
    plan: Plan
    system: str


def members_of(node: NodeSpec, system: str) -> list[Member]:
    """The processes of one node; without any listed, one of the experiment's system."""
    specs = node.processes or ([] if node.bare else [ProcessSpec(system)])
    return [
        Member(
            node.id if not spec.id else f"{node.id}/{spec.id}",
            node.id,
            spec.system,
            spec.role,
            spec.parameters,
        )
        for spec in specs
    ]


def all_members(experiment: Experiment) -> list[Member]:
    """Every process, in the order of the file."""
    return [member for node in experiment.topology.nodes for member in members_of(node, experiment.system)]


def directory_of(members: list[Member]) -> dict[str, tuple[str, ...]]:
    """System -> addresses of its processes; system/role -> those to whom the topology gives that role ("server" when
    it gives none)."""
    directory: dict[str, list[str]] = {}
    for member in members:
        directory.setdefault(member.system, []).append(member.address)
        directory.setdefault(f"{member.system}/{member.role or 'server'}", []).append(member.address)
    return {name: tuple(addresses) for name, addresses in directory.items()}


def parameters_of(experiment: Experiment, member: Member, systems: Mapping[str, System]) -> Any:
    """The parameters of one process. msgspec.ValidationError names a wrong one."""
    return msgspec.convert(given_parameters(experiment, member), systems[member.system].parameters)


def given_parameters(experiment: Experiment, member: Member) -> dict[str, Any]:
    """What is given for one process: the experiment's when it runs its system, then its own."""
    shared = experiment.parameters if member.system == experiment.system else {}
    return {**shared, **member.parameters}


def process_class(experiment: Experiment, member: Member, systems: Mapping[str, System]) -> type[Process]:
    """The class that plays a member's role; a twin replaces those it overrides."""
    system = systems[member.system]
    kind = member.role if member.role in system.processes else "server"
    if experiment.twin and member.system == experiment.system:
        return system.twins[experiment.twin].get(kind, system.processes[kind])
    return system.processes[kind]


def initial_values(experiment: Experiment, address: str) -> dict[str, Any]:
    """The durable state that the experiment presets for a process; "leader": True for the first leader."""
    initial = experiment.initial
    values = {**initial.shared, **initial.nodes.get(address, {})}
    if initial.leader is not None:
        values["leader"] = initial.leader == address
        if initial.term is not None:
            values.setdefault("term", initial.term)
    return values


def clients_of(experiment: Experiment, directory: dict[str, tuple[str, ...]]) -> list[ClientMember]:
    """Every client: those of the workload, then those that only scripted operations name."""
    plans: dict[str, tuple[str, WorkloadSpec, bool, str]] = {}
    for spec in experiment.workload:
        for number in range(1, spec.count + 1):
            id = spec.client if spec.count == 1 else f"{spec.client}-{number}"
            plans[id] = (spec.at, spec, True, spec.system)
    for operation in experiment.operations:
        if operation.client not in plans:
            manual = WorkloadSpec(operation.client, operation.at)
            plans[operation.client] = (operation.at, manual, False, operation.system)
    made = []
    for number, (id, (at, spec, automatic, system)) in enumerate(plans.items(), 1):
        servers = directory.get(system or experiment.system, ())
        near = at if at in servers else ""
        scripted = tuple(operation for operation in experiment.operations if operation.client == id)
        plan = Plan(spec, scripted, automatic, servers, near, number)
        made.append(ClientMember(id, at, plan, system or experiment.system))
    return made


def disk_spec(experiment: Experiment, node: str) -> DiskSpec:
    return experiment.storage.nodes.get(node, experiment.storage.default)


def link_places(
    topology: Topology, source: str, target: str, source_is_client: bool, target_is_client: bool
) -> Any:
    """What the topology says of one direction between two places (nodes, or the place of a client)."""
    if source_is_client:
        return topology.client_link(source, target)
    if target_is_client:
        return topology.client_link(target, source)
    return topology.link(source, target)
