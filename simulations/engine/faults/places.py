"""The loss of a zone, a region or a rack's switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulations.engine.experiment.vocabulary import DISASTERS
from simulations.engine.faults import links, nodes, shapes
from simulations.engine.hosts import DOWN, UP

if TYPE_CHECKING:
    from simulations.engine.faults.state import Fault
    from simulations.engine.world import World

Arguments = dict[str, Any]


def inside(world: World, place: str) -> tuple[str, ...]:
    """The nodes of a place, and it and its zones as ends of clients."""
    found = world.experiment.topology.nodes_in(place)
    return tuple(dict.fromkeys([*found, *links.places_within(world, found), place]))


def cut_off(world: World, fault: Fault, place: str) -> None:
    here = list(inside(world, place))
    there = [end for end in links.all_ends(world) if end not in here]
    links.put_wall(world, fault, shapes.between_groups([here, there]), (tuple(here), tuple(there)), fault.do)


def outage(world: World, fault: Fault, arguments: Arguments) -> None:
    """Every node of the place stops, its disks may be lost, and nothing gets in or out. With a warning, that comes
    first and the loss follows after ``warning_s``. What a line leaves out is as its cause has it."""
    arguments = {**meant_by(arguments.get("cause")), **arguments}
    if arguments.get("warning_s") and not fault.memory.get("warned"):
        fault.memory["warned"] = True
        warn(world, arguments)
        world.again_in(fault, round(arguments["warning_s"] * 1_000_000), {**arguments, "warning_s": 0})
        return
    for place in fault.hit:
        stopped = []
        for name in world.experiment.topology.nodes_in(place):
            host = world.kernel.hosts[name]
            if host.state != DOWN:
                nodes.stop(world, host)
                stopped.append(name)
            host.outage = fault.id
            if arguments.get("disk") == "lost":
                for context in nodes.on_node(world, host):
                    context.disk.wipe()
        fault.memory[place] = stopped
        cut_off(world, fault, place)


def meant_by(cause: str | None) -> Arguments:
    """What a cause means where a line does not say: its warning time and what stays of the disks."""
    disaster = DISASTERS.get(cause or "")
    return {"warning_s": disaster.warning_s, "disk": disaster.disk} if disaster else {}


def warn(world: World, arguments: Arguments) -> None:
    """The announcement reaches people: systems that know what to do with it are told, as by an operator."""
    told = {"cause": arguments.get("cause", ""), "warning_s": arguments["warning_s"]}
    for context in world.kernel.contexts:
        if context.host is not None and context.host.state == UP:
            system = world.systems[world.members[context.index].system]
            if "warning" in system.operations:
                world.operate(context, "warning", told)


def switch_outage(world: World, fault: Fault, arguments: Arguments) -> None:
    """The nodes of the rack go on, alone: each is cut off from everything outside the rack and from the others."""
    for place in fault.hit:
        inner = world.experiment.topology.nodes_in(place)
        cut_off(world, fault, place)
        pairs = shapes.between_groups([[node] for node in inner])
        links.add(world.kernel.network.cuts, pairs, fault.id)
    world.links_changed()


def restore_place(world: World, fault: Fault, arguments: Arguments) -> None:
    """Network and nodes of the place return; nodes that were down before it was lost stay down."""
    for place in fault.hit:
        for lost in [
            one for one in world.faults.active.values() if place in one.hit and one.undo == "restore_place"
        ]:
            end_outage(world, lost)
            world.faults.active.pop(lost.id, None)


def end_outage(world: World, fault: Fault) -> None:
    links.end_cut(world, fault)
    for place in fault.hit:
        for name in fault.memory.get(place, ()):
            host = world.kernel.hosts[name]
            host.outage = 0
            if host.state == DOWN:
                nodes.start(world, host)
