"""Numbers that only ZooKeeper has: how servers caught up, what clients were told, when sessions ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.checks.guarantees import judged_reads
from simulations.engine.chunks import Chunks
from simulations.engine.meters import SECOND, Scope, done, fits
from simulations.engine.systems.zookeeper.messages import CloseSession, CreateSession
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.systems.zookeeper.promises import registers
from simulations.engine.systems.zookeeper.properties import Delivery, is_leader
from simulations.engine.systems.zookeeper.recipes import RecipeClient
from simulations.engine.systems.zookeeper.tree import BAD_VERSION, WRITES, path_of

if TYPE_CHECKING:
    from simulations.engine.world import World


class SessionEnds(Delivery):
    """When sessions were closed, as the first server delivered it: (time, client). ``clients``: session -> client."""

    name: ClassVar[str] = "zookeeper_session_ends"
    clients: dict[int, str] = {}
    closed: dict[int, bool] = {}
    ends: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        txn = process.log[index]
        command = txn.command
        if isinstance(command, CreateSession):
            self.clients[txn.zxid] = command.client
        elif isinstance(command, CloseSession) and command.session not in self.closed:
            self.closed[command.session] = True
            self.ends.append((at_us, self.clients.get(command.session, "")))


def servers(world: World, scope: Scope) -> list[ZooKeeper]:
    """The servers that run now; of one node, if the scope names it."""
    found = [
        context.process
        for context in world.kernel.contexts
        if context.host is not None
        and context.host.state != "down"
        and scope.node in (None, context.id, context.place)
    ]
    return [process for process in found if isinstance(process, ZooKeeper)]


def leader_of(world: World) -> ZooKeeper | None:
    """The established leader of the highest epoch."""
    return max(
        (server for server in servers(world, Scope()) if is_leader(server)),
        key=lambda one: one.epoch,
        default=None,
    )


def newest(world: World) -> ZooKeeper | None:
    """Who can tell how things stand: the leader, else the server that delivered most."""
    return leader_of(world) or max(servers(world, Scope()), key=lambda one: one.delivered, default=None)


def clients(world: World, scope: Scope) -> list[RecipeClient]:
    found = [context.process for context in world.kernel.contexts if scope.client in (None, context.id)]
    return [process for process in found if isinstance(process, RecipeClient)]


def leader_at_end(world: World, scope: Scope) -> str | None:
    """Who leads at the end; "" when nobody does."""
    leader = leader_of(world)
    return leader.id if leader is not None else ""


def epoch_at_end(world: World, scope: Scope) -> int | None:
    """The highest epoch that is current at a running server."""
    return max((server.epoch for server in servers(world, scope)), default=None)


def sync_mode(world: World, scope: Scope) -> str | None:
    """How a server caught up last: DIFF, TRUNC or SNAP; "" when it never followed."""
    found = servers(world, scope)
    return found[0].sync_mode if scope.node is not None and found else None


def key_present_at_end(world: World, scope: Scope) -> int | None:
    """Whether the scope's key is in the tree at the end (1 or 0)."""
    server = newest(world)
    return None if server is None or scope.key is None else int(path_of(scope.key) in server.data)


def named_operation(world: World, scope: Scope) -> Any:
    """The history's record of the operation that the scope names; None when it was never issued."""
    for client in world.clients:
        for number, operation in enumerate(client.plan.scripted):
            if operation.id == scope.operation:
                process: Any = world.by_id[client.id].process
                id = process.scripted.get(number, (0, 0))[1]
                return world.history.operations.get(id)
    return None


def operation_outcome(world: World, scope: Scope) -> str | None:
    """How the named operation ended: ok, fail, unknown or pending."""
    found = named_operation(world, scope)
    return None if found is None else str(found.outcome)


def result_count(world: World, scope: Scope) -> int | None:
    """How many things the named operation returned."""
    found = named_operation(world, scope)
    return len(found.result) if found is not None and isinstance(found.result, list | tuple) else None


def bad_version(world: World, scope: Scope) -> int:
    """Operations that were refused because the version was another."""
    return sum(1 for operation in done(world, scope) if operation.result == BAD_VERSION)


def session_expiry_ms(world: World, scope: Scope) -> float | None:
    """From the last fault before it to the end of a client's session, as the servers closed it."""
    meter = world.observer.checks[SessionEnds.name]
    assert isinstance(meter, SessionEnds)
    for at_us, client in meter.ends:
        faults = [fault.since_us for fault in world.faults.past if fault.since_us <= at_us]
        if scope.client in (None, client) and scope.covers(at_us) and faults:
            return float(at_us - faults[-1]) / 1000
    return None


def session_expired_seen_s(world: World, scope: Scope) -> float | None:
    """When a client first learned that its session had expired."""
    found = [at_us for client in clients(world, scope) for at_us in client.expired_at if scope.covers(at_us)]
    return min(found) / SECOND if found else None


def watch_events(world: World, scope: Scope) -> int:
    """Watch events that reached clients."""
    wanted = None if scope.key is None else path_of(scope.key)
    return sum(
        1
        for client in clients(world, scope)
        for at_us, path, _ in client.events
        if scope.covers(at_us) and wanted in (None, path)
    )


def missed_updates(world: World, scope: Scope) -> int | None:
    """Changes of what a client watched, after it began to watch, of which it got no event."""
    first: dict[str, int] = {}
    for operation in world.observer.ledger.done:
        if fits(operation, scope) and operation.kind in ("watch", "get_watch"):
            first.setdefault(path_of(operation.key), operation.returned_us or 0)
    if not first:
        return None
    changes = sum(
        1
        for operation in world.observer.ledger.done
        if operation.kind in WRITES
        and operation.outcome == "ok"
        and (operation.returned_us or 0) > first.get(path_of(operation.key), world.now_us)
    )
    return changes - watch_events(world, scope)


def last_value_seen(world: World, scope: Scope) -> Any:
    """The value that a client read last."""
    reads = [
        op for op in done(world, scope) if op.kind in ("get", "get_watch", "sync_get") and op.outcome == "ok"
    ]
    return reads[-1].result if reads else None


def lock_wakeups(world: World, scope: Scope) -> int:
    """Watch events that woke a client that waits for a lock."""
    return sum(client.wakeups for client in clients(world, scope))


def locks_granted(world: World, scope: Scope) -> int:
    return sum(
        1 for operation in done(world, scope) if operation.kind == "lock" and operation.outcome == "ok"
    )


class Registers(msgspec.Struct):
    """Stands for a world whose history is one of registers."""

    history: Any


def staleness_ms_max(world: World, scope: Scope) -> float | None:
    """How long a newer value had been acknowledged at most when a read returned an older one; None without reads."""
    reads, _, oldest_us = judged_reads(Registers(registers(world.history)), scope)  # type: ignore[arg-type]
    return oldest_us / 1000 if reads else None


def stale_reads(world: World, scope: Scope) -> int:
    """Reads that returned a value after a newer one had been acknowledged."""
    return judged_reads(Registers(registers(world.history)), scope)[1]  # type: ignore[arg-type]


METERS: dict[str, type[Check]] = {SessionEnds.name: SessionEnds}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "leader_at_end": leader_at_end,
    "epoch_at_end": epoch_at_end,
    "sync_mode": sync_mode,
    "key_present_at_end": key_present_at_end,
    "operation_outcome": operation_outcome,
    "result_count": result_count,
    "bad_version": bad_version,
    "session_expiry_ms": session_expiry_ms,
    "session_expired_seen_s": session_expired_seen_s,
    "watch_events": watch_events,
    "missed_updates": missed_updates,
    "last_value_seen": last_value_seen,
    "lock_wakeups": lock_wakeups,
    "locks_granted": locks_granted,
    "staleness_ms_max": staleness_ms_max,
    "stale_reads": stale_reads,
}
