"""Sites drawn for the tests: other counts, names and times than the catalogue's."""

from __future__ import annotations

from typing import Any

from simulations.engine import harness
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.process import Reply, Request
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.disaster_recovery import preset
from simulations.engine.systems.disaster_recovery.messages import Entry, Heads
from simulations.engine.systems.disaster_recovery.parameters import Parameters
from simulations.engine.systems.disaster_recovery.process import Site
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes
from tests.systems.recording import started

SYSTEM = "disaster_recovery"
LOST_S = 10.0
SECOND = 1_000_000
QUICK = {
    "detect_s": 1, "provision_s": 3, "start_s": 2, "scale_up_s": 0.5, "validate_s": 0.5, "data_mb": 100,
    "restore_mb_s": 50, "backup_every_s": 4, "settle_s": 1, "heartbeat_ms": 200,
}  # fmt: skip
REPLICATING = ("pilot_light", "warm_standby", "active_active")


def process(role: str) -> list[dict[str, Any]]:
    return [{"system": SYSTEM, "role": role}]


def sites(tier: str, servers: int = 2, **changes: Any) -> dict[str, Any]:
    """A home site in the north, a recovery site and a store in the south; home is lost at 10 s, its disks with it."""
    parameters = {**QUICK, "tier": tier, **changes.pop("parameters", {})}
    nodes: list[dict[str, Any]] = [
        {"id": f"north{n}", "zone": "n", "price": 2} for n in range(1, servers + 1)
    ]
    nodes += [
        {"id": "south", "zone": "s", "price": 2, "processes": process("recovery_site")},
        {"id": "store", "zone": "s", "price": 0, "processes": process("backup_store")},
    ]
    return {
        "format": 1, "id": "sites", "title": {"en": "Sites", "zh": "站点"}, "seed": 5, "system": SYSTEM,
        "parameters": parameters,
        "topology": {
            "regions": [{"id": "top", "zones": [{"id": "n"}]}, {"id": "bottom", "zones": [{"id": "s"}]}],
            "nodes": nodes,
            "links": {"default": {"latency_ms": 2}, "between": [{"from": "top", "to": "bottom", "latency_ms": 30}]},
        },
        "workload": [
            {"client": "c", "at": "south", "rate": 20, "keys": 40, "timeout_ms": 300, "in_flight": 5},
            {"client": "d", "at": "bottom", "rate": 10, "keys": 5, "timeout_ms": 300, "in_flight": 5, "to": "any"},
        ],
        "faults": [{"at_s": LOST_S, "do": "region_outage", "target": "top", "cause": "fire", "disk": "lost"}],
        "stop_s": 25, "checks": [{"metric": "cost", "at_least": 0}], **changes,
    }  # fmt: skip


def restored_at(at_s: float) -> dict[str, Any]:
    return {"at_s": at_s, "do": "restore_place", "target": "top"}


def play(plain: dict[str, Any]) -> World:
    """Run it to its end; notes are kept."""
    world = World(parse(plain, SYSTEMS))
    keep_notes(world)
    world.run_until(round(plain["stop_s"] * 1_000_000))
    return world


def metric(world: World, name: str, scope: Scope | None = None) -> Any:
    return harness.metric(world, name, scope or Scope())


def verdict(world: World, check: str) -> str:
    return world.verdicts()[check].verdict


def site(world: World, id: str) -> Any:
    return world.by_id[id].process


# -- one process without a world -------------------------------------------------------------------------------------

DIRECTORY = {
    "disaster_recovery/server": ("n1", "n2", "n3"),
    "disaster_recovery/recovery_site": ("s1", "s2"),
    "disaster_recovery/backup_store": ("store",),
}


def alone(
    made: type[Any],
    id: str,
    before: Any = None,
    formatted: bool = True,
    directory: dict[str, tuple[str, ...]] | None = None,
    leader: bool | None = None,
    **parameters: Any,
) -> Any:
    """A process of three servers, two recovery sites and a store; ``before``: the one whose disk it has; ``leader``:
    whether the experiment says that it leads first."""
    process = made(id=id, directory={**DIRECTORY, **(directory or {})}, parameters=Parameters(**parameters))
    fresh, _ = preset({} if leader is None else {"leader": leader})
    return started(process, before, fresh if formatted and before is None else None)


def entries(*numbers: int, origin: str = "n1#1") -> tuple[Entry, ...]:
    """Writes of different keys, a millisecond apart."""
    return tuple(Entry(origin, n, 1, n * 1000, "put", f"k{n}", n, (), n) for n in numbers)


def ask(site: Any, operation: int, kind: str = "put", argument: Any = "v", attempt: int = 1) -> None:
    key = f"k{operation}"
    site.on_request(Request(operation, attempt, "client", 1, operation, kind, key, argument))


def answered(site: Any) -> list[int]:
    """Operations that were acknowledged since the last look."""
    sent = site.context.take()
    return [
        message.operation for _, message in sent if isinstance(message, Reply) and message.outcome == "ok"
    ]


def held(site: Any, *numbers: int) -> Heads:
    return tuple((site.origin, number) for number in numbers)


def primary(id: str = "n1", **parameters: Any) -> Any:
    """A site that leads, in its first epoch or because somebody promoted it."""
    site = alone(Site, id, **parameters)
    if site.role != "primary" and parameters.get("tier") != "active_active":
        site.on_operator("promote", {})
    site.context.take()
    return site


def at(site: Any, now_us: int) -> Any:
    site.context.now = now_us
    return site
