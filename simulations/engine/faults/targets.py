"""Who a fault line means: ids, places and symbolic words, resolved from outside when the line fires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.engine.context import ProcessContext
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.structs import FaultLine
from simulations.engine.hosts import DOWN, UP
from simulations.engine.streams import Stream

if TYPE_CHECKING:
    from simulations.engine.world import World


def running(world: World) -> list[str]:
    """Nodes that are up, in the order of the experiment."""
    return [name for name, host in world.kernel.hosts.items() if host.state == UP]


def leading(world: World, system: str) -> ProcessContext | None:
    """The running process in the leading role with the highest epoch, then the lowest id."""
    hooks = world.systems[system]
    best: tuple[int, ProcessContext] | None = None
    for context in world.processes_of(system):
        assert context.host is not None
        if context.host.state != UP or hooks.is_leader is None or not hooks.is_leader(context.process):
            continue
        epoch = hooks.epoch(context.process) if hooks.epoch else 0
        if best is None or epoch > best[0]:
            best = (epoch, context)
    return best[1] if best else None


def part(world: World, larger: bool) -> list[str]:
    """The larger or smaller part of the last partition; without one, of the cluster cut into a bare majority and
    the rest. Ties go by where the leader is."""
    leader = leading(world, world.experiment.system)
    place = leader.place if leader else ""
    groups = world.groups() or _bare_majority(list(world.kernel.hosts), place)
    ordered = sorted(groups, key=lambda group: (len(group), place in group))
    return list(ordered[-1] if larger else ordered[0])


def _bare_majority(nodes: list[str], leader: str) -> list[list[str]]:
    """A bare majority with the leader in it, and the others."""
    first = [leader] if leader in nodes else []
    ordered = first + [node for node in nodes if node not in first]
    size = len(nodes) // 2 + 1
    return [ordered[:size], ordered[size:]]


def resolve_word(world: World, word: str, stream: Stream) -> list[str]:
    """The nodes that one symbolic word means now; empty when there are none."""
    name, _, system = word.partition("/")
    system = system or world.experiment.system
    leader = leading(world, system) if name in ("leader", "follower", "followers") else None
    if name == "leader":
        return [leader.place] if leader else []
    if name in ("follower", "followers"):
        hosts = [c.place for c in world.processes_of(system) if c.host is not None and c.host.state == UP]
        others = list(dict.fromkeys(place for place in hosts if leader is None or place != leader.place))
        return others if name == "followers" or not others else [stream.choice(others)]
    if name == "candidate":
        found = [
            c.place for c in world.processes_of(system) if "candidate" in str(getattr(c.process, "role", ""))
        ]
        return found[:1]
    if name in ("minority", "majority"):
        return part(world, larger=name == "majority")
    if name == "random":
        nodes = running(world)
        return [stream.choice(nodes)] if nodes else []
    if name == "down":
        return [name for name, host in world.kernel.hosts.items() if host.state == DOWN]
    if name == "previous":
        return list(world.last_hit)
    return list(world.kernel.hosts)


SYMBOLS = frozenset(
    (
        "leader",
        "follower",
        "followers",
        "candidate",
        "minority",
        "majority",
        "random",
        "down",
        "previous",
        "all",
        "rest",
    )
)


def is_symbolic(target: str) -> bool:
    return target.partition("/")[0] in SYMBOLS


def hit_by(world: World, line: FaultLine, stream: Stream) -> tuple[str, ...]:
    """Whom a line means now: clients when its action is about load, else nodes and processes."""
    if ACTIONS[line.do].target != "client":
        return tuple(resolve(world, line.target, stream))
    lines = {spec.client: spec.count for spec in world.experiment.workload}
    found: list[str] = []
    for target in line.target:
        crowd = lines.get(target, 1)
        found += list(world.experiment.clients()) if target == "all" else numbered(target, crowd)
    return tuple(dict.fromkeys(found))


def numbered(client: str, count: int) -> list[str]:
    """The ids of the clients of one workload line."""
    return [client] if count == 1 else [f"{client}-{number}" for number in range(1, count + 1)]


def resolve(world: World, targets: list[str], stream: Stream) -> list[str]:
    """Node ids, process addresses or client ids for a line's targets, without repetition. Places become their nodes.
    ``rest``: every node that the other targets do not name."""
    found: list[str] = []
    for target in targets:
        if target in world.by_id or target in world.kernel.hosts:
            found.append(target)
        elif target == "rest":
            continue
        elif is_symbolic(target):
            found.extend(resolve_word(world, target, stream))
        else:
            found.extend(world.experiment.topology.nodes_in(target))
    if "rest" in targets:
        found.extend(node for node in world.kernel.hosts if node not in found)
    return list(dict.fromkeys(found))
