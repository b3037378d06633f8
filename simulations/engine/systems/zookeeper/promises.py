"""What ZooKeeper promises its clients: writes are linearizable, reads only follow each client's own order; locks.

ZI, "Consistency guarantees"; ZC: ZooKeeper Recipes and Solutions.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.checks.guarantees import FreshReads, MonotonicReads, ReadYourWrites
from simulations.engine.checks.history import History, Operation
from simulations.engine.checks.linearizable import Linearizable
from simulations.engine.process import Request
from simulations.engine.systems.zookeeper.properties import Delivery, forget_old, operation_of
from simulations.engine.systems.zookeeper.recipes import RECIPES
from simulations.engine.systems.zookeeper.tree import WRITES, path_of

AS_REGISTER = {"set": "put", "create": "put", "get_watch": "get", "sync_get": "get", "get_stale": "get"}
REGISTER = ("get", "put", "append", "cas", "delete")


def as_register(operation: Operation) -> Operation | None:
    """An operation on one path as an operation on a register; None when it is about something else."""
    kind = AS_REGISTER.get(operation.kind, operation.kind)
    if kind not in REGISTER:
        return None
    return msgspec.structs.replace(operation, kind=kind, key=path_of(operation.key))


def registers(history: History) -> History:
    """A history of ZooKeeper's operations as one of registers."""
    found = {id: one for id, operation in history.operations.items() if (one := as_register(operation))}
    return History(
        found, [number for number in history.order if (~number if number < 0 else number) in found]
    )


class ZkLinearizable(Linearizable):
    """linearizable: of every operation on a path. ZooKeeper does not promise it: reads may be old."""

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().invoked(at_us, event, found)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().completed(at_us, event, found)


class ZkReadYourWrites(ReadYourWrites):
    """read_your_writes, of paths."""

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().invoked(at_us, event, found)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().completed(at_us, event, found)


class ZkMonotonicReads(MonotonicReads):
    """monotonic_reads, of paths."""

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().invoked(at_us, event, found)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().completed(at_us, event, found)


class ZkFreshReads(FreshReads):
    """fresh_reads, of paths."""

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().invoked(at_us, event, found)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if (found := as_register(operation)) is not None:
            super().completed(at_us, event, found)


class SequentialPerClient(ZkReadYourWrites):
    """A client's operations take effect in its own order: it reads nothing older than what it wrote or has read."""

    name: ClassVar[str] = "sequential_per_client"

    def guarantee(self) -> Any:
        found = self.sessions.verdict
        own, monotonic = found.read_your_writes, found.monotonic_reads
        worse = monotonic if monotonic.violations else own
        if worse.violations or not monotonic.judged:
            return worse
        return msgspec.structs.replace(monotonic, judged=own.judged + monotonic.judged)


class LinearizableWrites(Delivery):
    """Writes take effect one after the other, in the order of their zxids, which never contradicts the order in which
    clients saw them begin and end; none takes effect twice. ``place``: operation -> position in the history;
    ``newest``: the last position of a write that a client knows to be over; ``floor``: that at an invocation;
    ``recipes``: operations that may write more than once, as a lock that comes free between two attempts."""

    name: ClassVar[str] = "linearizable_writes"
    place: dict[int, int] = {}
    newest: int = 0
    floor: dict[int, int] = {}
    recipes: dict[int, int] = {}

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        self.judged -= 1
        txn = process.log[index]
        operation = operation_of(txn)
        forget_old(self.place)
        if operation <= 0 or txn.error or operation in self.recipes:
            return
        if self.place.setdefault(operation, index) != index:
            self.violate(at_us, event, "zookeeper.write_twice", operation=operation)

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.kind in WRITES:
            self.floor[operation.id] = self.newest
        elif operation.kind in RECIPES:
            self.recipes[operation.id] = 1
            forget_old(self.recipes)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        floor = self.floor.pop(operation.id, None)
        place = self.place.get(operation.id)
        if floor is None or place is None or operation.outcome != "ok":
            return
        self.judged += 1
        if place <= floor:
            self.violate(at_us, event, "zookeeper.write_out_of_order", operation=operation.id)
        self.newest = max(self.newest, place)


class FifoClientOrder(Delivery):
    """A client's writes take effect in the order in which it sent them (Hunt et al. 2010, section 2.3), on links that
    keep the order. ``last``: session -> number of its last write; ``judged_to``: how much of the history was seen."""

    name: ClassVar[str] = "fifo_client_order"
    last: dict[int, int] = {}
    judged_to: int = 0

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        command = process.log[index].command
        if index <= self.judged_to:
            self.judged -= 1
            return
        self.judged_to = index
        if not isinstance(command, Request) or not command.session or process.log[index].error:
            return
        if command.sequence < self.last.get(command.session, 0):
            self.violate(at_us, event, "zookeeper.client_out_of_order", operation=command.operation)
        self.last[command.session] = command.sequence


class MutualExclusion(Check):
    """A lock is granted to nobody while somebody else holds it. ``holders``: lock -> client."""

    name: ClassVar[str] = "mutual_exclusion"
    holders: dict[str, str] = {}

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        key = path_of(operation.key)
        if operation.kind == "unlock" and self.holders.get(key) == operation.client:
            del self.holders[key]

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.kind != "lock" or operation.outcome != "ok":
            return
        key = path_of(operation.key)
        self.judged += 1
        if key in self.holders:
            holder = self.holders[key]
            self.violate(
                at_us, event, "zookeeper.lock_shared", key=key, first=holder, second=operation.client
            )
        self.holders[key] = operation.client


class LocksInOrder(Check):
    """A lock is granted in the order in which clients queued. ``last``: lock -> number of the last grant."""

    name: ClassVar[str] = "locks_in_order"
    last: dict[str, int] = {}

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.kind != "lock" or operation.outcome != "ok" or not isinstance(operation.result, int):
            return
        key = path_of(operation.key)
        self.judged += 1
        if operation.result <= self.last.get(key, -1):
            self.violate(at_us, event, "zookeeper.lock_out_of_order", key=key, client=operation.client)
        self.last[key] = operation.result


CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (
        ZkLinearizable, ZkReadYourWrites, ZkMonotonicReads, ZkFreshReads, SequentialPerClient, LinearizableWrites,
        FifoClientOrder, MutualExclusion, LocksInOrder,
    )
}  # fmt: skip
