"""Clusters that share nothing, drawn in a test."""

from __future__ import annotations

from typing import Any

from simulations.engine.systems.shared_nothing.parameters import Parameters
from simulations.engine.systems.shared_nothing.router import NAME
from simulations.engine.systems.shared_nothing.server import Server
from simulations.engine.world import World
from tests.systems.drawn import drawn
from tests.systems.recording import Group

SERVERS = ["ada", "bell", "cray"]
CHECKS: list[Any] = [
    "no_lost_ack",
    "backup_restored",
    "one_server_per_shard",
    {"metric": "rto_s", "at_least": 0},
    {"metric": "rpo_s", "at_least": 0},
    {"metric": "directory_rebuilt_ms", "at_least": 0},
]


def group(*ids: str, **settings: Any) -> Group:
    """Servers only, without a backup store."""
    names = ids or ("p", "q")
    directory = {NAME: names, f"{NAME}/server": names}
    settings = {"shards": len(names), **settings}
    made = Group(lambda: Server(directory=directory), names, Parameters(**settings))
    made.start()
    made.quiet()
    for timer in ("look", "refresh"):
        for id in names:
            made.fire(id, timer)
            made.quiet()
    return made


def node(id: str, role: str = "") -> dict[str, Any]:
    return {"id": id, "processes": [{"system": NAME, "role": role}]} if role else {"id": id}


def cluster(
    settings: dict[str, Any],
    faults: list[dict[str, Any]],
    *,
    servers: list[str] = SERVERS,
    extra: tuple[str, ...] = (),
    rate: float = 60,
    keys: int = 300,
    **changes: Any,
) -> dict[str, Any]:
    """Servers, further nodes by their role, one client beside the first of them, 5 ms links."""
    at = "directory" if "directory" in extra else servers[0]
    plain = drawn(
        "shared_nothing", [], {"shards": len(servers), **settings}, faults=faults, checks=CHECKS,
        workload=[{"client": "app", "at": at, "to": at, "mix": {"get": 1, "put": 1}, "rate": rate, "keys": keys}],
        **changes,
    )  # fmt: skip
    plain["topology"]["nodes"] = [*map(node, servers), *(node(role, role) for role in extra)]
    return plain


def server(world: World, id: str) -> Any:
    return world.by_id[id].process
