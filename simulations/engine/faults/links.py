"""Faults of the network: cuts, partitions, holds, and links that change."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, product
from typing import TYPE_CHECKING, Any

import msgspec

from simulations.engine.context import DELIVER, REQUEST, latency
from simulations.engine.distributions import Distribution
from simulations.engine.faults import shapes
from simulations.engine.faults.targets import leading, resolve
from simulations.engine.network import LinkChange, Span, Wall, among
from simulations.engine.process import Request

if TYPE_CHECKING:
    from simulations.engine.faults.state import Fault
    from simulations.engine.world import World

Arguments = dict[str, Any]
Pair = tuple[str, str]


def ends(world: World, fault: Fault, targets: list[str] | None) -> tuple[str, ...]:
    """The ends that a line's ``from`` or ``to`` means; empty when it was left out (all)."""
    if not targets:
        return ()
    found = resolve(world, targets, world.fault_stream(fault))
    return tuple(dict.fromkeys([*found, *places_within(world, found)]))


def places_within(world: World, nodes: list[str]) -> list[str]:
    """Zones and regions with a client, all of whose nodes are listed: their clients go with them."""
    topology = world.experiment.topology
    places = dict.fromkeys(client.at for client in world.clients if client.at not in world.kernel.hosts)
    return [
        place for place in places if set(topology.nodes_in(place)) <= set(nodes) and topology.nodes_in(place)
    ]


def all_ends(world: World) -> tuple[str, ...]:
    places = [client.at for client in world.clients]
    return tuple(dict.fromkeys([*world.kernel.hosts, *places]))


def pairs_of(world: World, fault: Fault, arguments: Arguments) -> list[Pair]:
    """The directed pairs of ends that a line with from, to and one_way means."""
    here = ends(world, fault, arguments.get("from")) or all_ends(world)
    there = ends(world, fault, arguments.get("to")) or all_ends(world)
    pairs = [(a, b) for a in here for b in there if a != b]
    if not arguments.get("one_way"):
        pairs += [(b, a) for a, b in pairs]
    return list(dict.fromkeys(pairs))


def add(table: dict[Pair, tuple[int, ...]], pairs: list[Pair], fault: int) -> None:
    for pair in pairs:
        table[pair] = (*table.get(pair, ()), fault)


def cut(world: World, fault: Fault, arguments: Arguments) -> None:
    pairs = pairs_of(world, fault, arguments)
    put_wall(world, fault, pairs, (), "one_way" if arguments.get("one_way") else "cut")


def put_wall(
    world: World, fault: Fault, pairs: list[Pair], groups: tuple[tuple[str, ...], ...], shape: str
) -> None:
    network = world.kernel.network
    add(network.cuts, pairs, fault.id)
    network.walls.append(Wall(fault.id, shape, fault.since_us, groups, () if groups else tuple(pairs)))
    if groups:
        world.faults.groups = [list(group) for group in groups]
    world.links_changed()


def partition(world: World, fault: Fault, arguments: Arguments) -> None:
    shape = arguments.get("shape", "groups")
    if "groups" in arguments:
        groups = named_groups(world, fault, arguments["groups"])
    else:
        nodes = list(world.kernel.hosts)
        found = shaped(world, fault, shape, arguments, nodes)
        if found and isinstance(found[0], tuple):
            put_wall(world, fault, [pair for pair in found if isinstance(pair, tuple)], (), shape)
            return
        groups = [[*group, *places_within(world, list(group))] for group in found]
    parts = tuple(tuple(group) for group in groups)
    put_wall(world, fault, shapes.between_groups(groups), parts, shape)


def named_groups(world: World, fault: Fault, groups: list[list[str]]) -> list[list[str]]:
    """The groups of a partition; ``rest`` is every node that no other group names."""
    named = [[target for target in group if target != "rest"] for group in groups]
    found = [list(ends(world, fault, group)) if group else [] for group in named]
    taken = {end for group in found for end in group}
    left = [node for node in world.kernel.hosts if node not in taken]
    for group, wanted in zip(found, groups, strict=True):
        if "rest" in wanted:
            group += [*left, *places_within(world, left)]
    return found


def shaped(world: World, fault: Fault, shape: str, arguments: Arguments, nodes: list[str]) -> Any:
    """Groups of nodes, or directed pairs, of a named shape."""
    if shape in ("isolate_leader", "isolate", "bridge"):
        node = chosen(world, fault, shape, arguments.get("node"), nodes)
        return shapes.bridge(nodes, node) if shape == "bridge" else shapes.isolate(nodes, node)
    return {
        "halves": shapes.halves,
        "minority": shapes.minority,
        "ring": shapes.ring,
        "one_way": shapes.one_way,
    }[shape](nodes)


def chosen(world: World, fault: Fault, shape: str, node: str | None, nodes: list[str]) -> str:
    """The node to isolate, or the bridge: the one named, else the leader, else the first."""
    found = resolve(world, [node], world.fault_stream(fault)) if node else []
    if found:
        return found[0]
    leader = leading(world, world.experiment.system) if shape != "bridge" else None
    return leader.place if leader else nodes[len(nodes) // 2 if shape == "bridge" else 0]


def only_links(world: World, fault: Fault, arguments: Arguments) -> None:
    kept = {(a, b) for a, b in arguments["links"]} | {(b, a) for a, b in arguments["links"]}
    nodes = list(world.kernel.hosts)
    pairs = [(a, b) for a in nodes for b in nodes if a != b and (a, b) not in kept]
    put_wall(world, fault, pairs, (), "only_links")


def heal(world: World, fault: Fault, arguments: Arguments) -> None:
    """End cuts and partitions: all, or on the links that match."""
    network = world.kernel.network
    if not (arguments.get("from") or arguments.get("to")):
        network.cuts.clear()
        network.walls.clear()
        world.faults.groups = []
    else:
        for pair in pairs_of(world, fault, arguments):
            network.cuts.pop(pair, None)
        mend_walls(world)
    if arguments.get("links_too"):
        reset_links(world, fault, arguments)
        release(world, fault, arguments)
    world.forget_faults(
        ("cut", "partition", "only_links"), {id for ids in network.cuts.values() for id in ids}
    )
    world.links_changed()


def mend_walls(world: World) -> None:
    """Walls as what is left of them."""
    network = world.kernel.network
    left = []
    for wall in network.walls:
        pairs = tuple(pair for pair, ids in network.cuts.items() if wall.id in ids)
        if pairs:
            left.append(Wall(wall.id, wall.shape, wall.since_us, (), pairs))
    network.walls[:] = left
    world.faults.groups = []


def end_cut(world: World, fault: Fault) -> None:
    """One cut or partition is over (its for_s ran out)."""
    network = world.kernel.network
    for table in (network.cuts, network.holds):
        for pair, ids in list(table.items()):
            rest = tuple(id for id in ids if id != fault.id)
            if rest:
                table[pair] = rest
            else:
                del table[pair]
    network.walls[:] = [wall for wall in network.walls if wall.id != fault.id]
    if not network.walls:
        world.faults.groups = []
    world.links_changed()
    let_go(world)


def hold(world: World, fault: Fault, arguments: Arguments) -> None:
    add(world.kernel.network.holds, pairs_of(world, fault, arguments), fault.id)
    world.links_changed()


def release(world: World, fault: Fault, arguments: Arguments) -> None:
    """Held messages go on, in order."""
    holds = world.kernel.network.holds
    if not (arguments.get("from") or arguments.get("to")):
        holds.clear()
    for pair in pairs_of(world, fault, arguments):
        holds.pop(pair, None)
    world.forget_faults(("hold",), {id for ids in holds.values() for id in ids})
    world.links_changed()
    let_go(world)


def let_go(world: World) -> None:
    """Send on what was held on links that are free again; none overtakes another of its link."""
    kernel = world.kernel
    held, kernel.network.held = kernel.network.held, []
    last: dict[tuple[int, int], int] = {}
    for entry in held:
        number, cause, _, source, target, message = entry
        link = kernel.link_between(source, target)
        if link.held:
            kernel.network.held.append(entry)
            continue
        kernel.leave = kernel.now
        arrive = max(kernel.now + latency(kernel, link, message, False), last.get((source, target), 0))
        last[(source, target)] = arrive
        kind = REQUEST if type(message) is Request else DELIVER
        kernel.schedule((arrive, 0, number, kind, target, cause, source, message))
        if kernel.sends is not None:
            kernel.sends.append((number, cause, kernel.now, arrive, source, target, 0, message))


def change(world: World, fault: Fault, arguments: Arguments) -> None:
    """delay, jitter, loss, duplicate, reorder, bandwidth: later departures on these links."""
    made = LinkChange(
        fault.id, ends(world, fault, arguments.get("from")), ends(world, fault, arguments.get("to")),
        bool(arguments.get("one_way")),
    )  # fmt: skip
    do = fault.do
    made.latency = arguments.get("latency_ms")
    made.extra = arguments.get("extra_ms") if do == "delay" else None
    if do == "jitter":
        made.extra = Distribution("normal", (0, arguments["sd_ms"]))
    elif do in ("loss", "duplicate", "reorder"):
        setattr(made, do, float(arguments["chance"]))
    elif do == "bandwidth":
        made.bandwidth_mbit = float(arguments["bandwidth_mbit"])
    world.kernel.network.changes.append(made)
    world.links_changed()


def reset_links(world: World, fault: Fault, arguments: Arguments) -> None:
    """Links are as in the experiment: all, or those between the ends given."""
    network = world.kernel.network
    here, there = ends(world, fault, arguments.get("from")), ends(world, fault, arguments.get("to"))
    if not (here or there):
        network.changes.clear()
    mended = Span(here, there, bool(arguments.get("one_way")))
    changes = [
        msgspec.structs.replace(one, spared=(*one.spared, mended)) if touches(world, one, mended) else one
        for one in network.changes
    ]
    network.changes[:] = [one for one in changes if reaches_any(world, one)]
    world.forget_faults(
        ("delay", "jitter", "loss", "duplicate", "reorder", "bandwidth"),
        {one.fault for one in network.changes},
    )
    world.links_changed()


def touches(world: World, change: LinkChange, mended: Span) -> bool:
    """Whether a change is in force on a link of the span."""
    return any(mended.joins(here, there) for here, there in reached(world, change))


def reaches_any(world: World, change: LinkChange) -> bool:
    """Whether anything is left of a change of which links were mended."""
    return not change.spared or any(True for _ in reached(world, change))


def reached(world: World, change: LinkChange) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The directed pairs of ends, each by its names, on which a change is in force."""
    every = world.named_ends()
    here = [names for names in every if among(change.from_, names)]
    there = [names for names in every if among(change.to, names)]
    back = () if change.one_way else product(there, here)
    return ((a, b) for a, b in chain(product(here, there), back) if a != b and change.covers(a, b))


def end_change(world: World, fault: Fault) -> None:
    network = world.kernel.network
    network.changes[:] = [one for one in network.changes if one.fault != fault.id]
    world.links_changed()
