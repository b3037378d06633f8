"""What must hold of primary-replica, seen from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.failover import PRIMARY
from simulations.engine.process import Process
from simulations.engine.systems.primary_replica.devices import SharedDisk
from simulations.engine.systems.primary_replica.process import PrimaryReplica

ROLE, EPOCH, VERSION, STATE, ACCEPTED, LINKED = range(6)
"""Positions of the watched attributes."""

Watched = tuple[Any, ...]


class NoSplitBrain(Check):
    """Only the primary of the highest epoch acknowledges writes: once it did, no other primary does.

    ``epoch``, ``holder``: of the last acknowledgement by a primary that outranks all before it. Two primaries of one
    epoch are two brains as well.
    """

    name: ClassVar[str] = "no_split_brain"
    watches: ClassVar[tuple[int, ...] | None] = (ACCEPTED,)
    epoch: int = 0
    holder: int = -1

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if after[ACCEPTED] <= before[ACCEPTED] or not isinstance(process, PrimaryReplica):
            return
        self.judged += 1
        if after[EPOCH] > self.epoch:
            self.epoch, self.holder = after[EPOCH], process_index
        elif process_index != self.holder:
            values = {"process": process.id, "epoch": after[EPOCH], "highest": self.epoch}
            self.violate(at_us, event, "primary_replica.split_brain", **values)


class OneHistoryPerEpoch(Check):
    """Whoever holds an entry of an epoch at a position holds the same log up to there as the replicas that had it
    before. (What a primary had only in memory when it crashed was never shipped, and does not count.) ``seen``:
    (position, epoch) as one number -> hash of that prefix."""

    name: ClassVar[str] = "one_history_per_epoch"
    watches: ClassVar[tuple[int, ...] | None] = (VERSION,)
    seen: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        log = getattr(process, "log", None)
        if not isinstance(process, PrimaryReplica) or log is None or not log.last:
            return
        self.judged += 1
        key = log[log.last].epoch << 40 | log.last
        known = self.seen.get(key)
        if known is None:
            if after[ROLE] != PRIMARY:
                self.seen[key] = log.hash
        elif known != log.hash:
            values = {"process": process.id, "position": log.last, "epoch": log[log.last].epoch}
            self.violate(at_us, event, "primary_replica.two_histories", **values)


def is_leader(process: Any) -> bool:
    """Whether it is in the leading role."""
    return bool(process.role == PRIMARY)


def epoch(process: Any) -> int:
    return int(process.epoch)


def operations(process: Any) -> tuple[set[int], set[int]]:
    """Ids of the operations in its log; what is in the log is applied."""
    return {entry.operation for entry in process.log}, set()


class PrimaryNoLostAck(NoLostAck):
    """no_lost_ack, against the primary of the highest epoch - or the shared disk, where there is one."""

    members = PrimaryReplica
    is_leader = staticmethod(is_leader)
    epoch = staticmethod(epoch)
    operations = staticmethod(operations)

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        disks = [process for process in running.values() if isinstance(process, SharedDisk)]
        if not disks:
            NoLostAck.look(self, at_us, event, running)
            return
        self.judged = len(self.acknowledged)
        self.answer = self.compare(disks[0])


CHECKS: dict[str, type[Check]] = {
    check.name: check for check in (PrimaryNoLostAck, NoSplitBrain, OneHistoryPerEpoch)
}
