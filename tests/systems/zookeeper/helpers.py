"""Small ensembles for tests: a recipe and a world that ran it, or servers without a kernel."""

from __future__ import annotations

from typing import Any

from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.zookeeper.messages import CloseSession, Txn
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.presets import preset
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.world import World
from tests.systems.recording import Group, RecordingContext


def recipe(servers: int = 3, **changes: Any) -> dict[str, Any]:
    """Servers s1 .. sn with constant links of 10 ms, of which s1 leads from the start, unless told otherwise."""
    return {
        "format": 1,
        "id": "ensemble",
        "title": {"en": "Ensemble", "zh": "集群"},
        "system": "zookeeper",
        "seed": 1,
        "topology": {
            "nodes": [{"id": f"s{number}"} for number in range(1, servers + 1)],
            "links": {"default": {"latency_ms": 10, "ordered": True}},
        },
        "initial": {"leader": "s1", "term": 1},
        "stop_s": 8,
        **changes,
    }


def ran(plain: dict[str, Any], until_s: float | None = None) -> World:
    """A world of this recipe at its end, or at some moment."""
    world = World(parse(plain, SYSTEMS))
    world.run_until(round((plain["stop_s"] if until_s is None else until_s) * 1_000_000))
    return world


def operation(at_s: float, kind: str, key: str, client: str = "c1", **more: Any) -> dict[str, Any]:
    """A scripted operation; ``server``: the one to which the client keeps."""
    line = {"client": client, "operation": kind, "key": key, "at_s": at_s, "at": "s1", **more}
    server = line.pop("server", None)
    return {**line, "at": server, "to": server, "stay": True} if server else line


def results(world: World) -> list[Any]:
    """(outcome, result) of the operations in the order in which they began."""
    operations = world.history.operations
    return [(operations[id].outcome, operations[id].result) for id in sorted(operations)]


def server(world: World, id: str) -> ZooKeeper:
    process = world.by_id[id].process
    assert isinstance(process, ZooKeeper)
    return process


def verdict(world: World, check: str) -> str:
    return world.verdicts()[check].verdict


def names(count: int) -> list[str]:
    return [f"s{number}" for number in range(1, count + 1)]


def ensemble(count: int = 3, **more: Any) -> tuple[Group, Any]:
    """Servers of which s1 leads epoch 1; what it sends from now on arrives nowhere."""
    group = Group(ZooKeeper, names(count), Parameters())
    for id in names(count):
        group.preset(id, *preset({"leader": id == "s1", "term": 1, **more}))
    group.start()
    group.quiet()
    leader = group.processes["s1"]
    assert (leader.role, leader.zab_state, len(leader.current)) == ("leading", "BROADCAST", count)
    group.isolate("s1")
    return group, leader


def candidate(count: int = 5, **settings: Any) -> tuple[Group, Any]:
    """s1 has just begun to look for a leader; nobody else is there."""
    group = Group(ZooKeeper, names(count), Parameters(**settings))
    group.start("s1")
    group.contexts |= {id: RecordingContext(id) for id in names(count)[1:]}
    group.contexts["s1"].take()
    return group, group.processes["s1"]


def txn(epoch: int, counter: int) -> Txn:
    return Txn(epoch, counter, CloseSession(9))


def sent(group: Group, id: str, kind: type) -> list[Any]:
    return [message for _, message in group.contexts[id].take() if isinstance(message, kind)]
