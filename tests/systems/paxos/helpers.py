"""Paxos groups without a kernel."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import Request
from simulations.engine.systems.paxos.messages import Entry
from simulations.engine.systems.paxos.parameters import Parameters
from simulations.engine.systems.paxos.presets import preset
from simulations.engine.systems.paxos.process import Paxos
from tests.systems.recording import Group


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(1, count + 1)]


def group(
    count: int,
    made: type[Paxos] = Paxos,
    disks: dict[str, dict[str, Any]] | None = None,
    roles: dict[str, str] | None = None,
    **settings: Any,
) -> Group:
    """A started group. ``disks``: initial state by process; ``roles``: process -> proposer | acceptor | learner."""
    ids = [*(roles or names(count))]
    directory: dict[str, tuple[str, ...]] = {"paxos": tuple(ids)}
    for id in ids:
        key = f"paxos/{(roles or {}).get(id, 'server')}"
        directory[key] = (*directory.get(key, ()), id)
    made_group = Group(lambda: made(directory=directory), ids, Parameters(**settings))
    for id, values in (disks or {}).items():
        made_group.preset(id, *preset(values))
    made_group.start()
    return made_group


def single(count: int = 3, made: type[Paxos] = Paxos, **more: Any) -> Group:
    """A group that decides one value."""
    return group(count, made, mode="single", **{"retry": "none", **more})


def lead(cluster: Group, id: str) -> None:
    """Make a proposer campaign and let everything settle."""
    cluster.fire(id, "election")
    cluster.quiet()
    assert cluster.processes[id].role == "leader", cluster.contexts[id].notes


def heartbeat(cluster: Group, id: str, times: int = 1) -> None:
    for _ in range(times):
        cluster.fire(id, "heartbeat")
        cluster.quiet()


def answer(cluster: Group, id: str) -> Any:
    """The last message that a process sent."""
    return cluster.contexts[id].take()[-1][1]


def sent(cluster: Group, id: str, kind: type) -> list[Any]:
    return [message for _, message in cluster.contexts[id].take() if isinstance(message, kind)]


def entry(ballot: int, value: str | None, slot: int = 1) -> Entry:
    """A proposal; equal values are equal commands."""
    if value is None:
        return Entry(ballot, slot)
    return Entry(ballot, slot, Request(sum(value.encode()), 1, "client", 0, 0, "propose", "k0", value))


def values(process: Any) -> list[str]:
    """What a process knows to be chosen, slot by slot."""
    return ["-" if one.command is None else str(one.command.argument) for one in process.log]


def leads_alone(count: int = 3, **settings: Any) -> tuple[Group, Any]:
    """n1 leads; what it sends from now on arrives nowhere."""
    cluster = group(count, **settings)
    lead(cluster, "n1")
    cluster.isolate("n1")
    return cluster, cluster.processes["n1"]


def acknowledged(cluster: Group) -> list[int]:
    return [reply.operation for reply in cluster.replies if reply.outcome == "ok"]
