"""Zab's properties and ZooKeeper's promises, observed from outside.

JRS: Junqueira, Reed, Serafini, DSN 2011, section 3 (integrity, total order, agreement, primary orders, primary
integrity); the names with capitals are those of the TLA+ specifications of Zab (apache/zookeeper and Disalg-ICS-NJU).
A history's prefix is compared by its hash: equal hashes at a position are equal prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.chunks import Chunks
from simulations.engine.process import Process, Request
from simulations.engine.systems.zookeeper.messages import COUNTER_BITS, Txn, zxid_text
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.systems.zookeeper.recipes import RECIPES
from simulations.engine.systems.zookeeper.state import BROADCAST, LEADING, LOOKING, SYNCHRONIZATION
from simulations.engine.systems.zookeeper.tree import READS, SYNCS

ROLE, ZAB_STATE, EPOCH, DELIVERED, LOG = range(5)
"""Places in what a server lets checks watch."""

COUNTERS = (1 << COUNTER_BITS) - 1
REMEMBERED = 4096
"""How much a check remembers at least of what only matters for a while, so that forks stay cheap."""


def is_leader(process: Any) -> bool:
    """Whether a server is an established leader."""
    return bool(process.role == LEADING and process.zab_state == BROADCAST)


def epoch(process: Any) -> int:
    return int(process.epoch)


def operation_of(txn: Txn) -> int:
    """The client operation that a transaction carries out; 0 when it is none."""
    return txn.command.operation if isinstance(txn.command, Request) else 0


def forget_old(found: dict[int, int]) -> None:
    """Drop the older half when there is more than twice as much as must be remembered."""
    if len(found) > 2 * REMEMBERED:
        for key in list(found)[:REMEMBERED]:
            del found[key]


class Delivery(Check):
    """Base: looks at each transaction that a server delivers."""

    watches: ClassVar[tuple[int, ...] | None] = (DELIVERED,)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        start, last, log = before[DELIVERED] + 1, after[DELIVERED], process.log
        if start < log.first <= last + 1:
            self.jumped(at_us, event, process_index, process)
        for index in range(max(start, log.first), last + 1):
            self.judged += 1
            self.delivers(at_us, event, process_index, process, index)

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        """One transaction."""

    def jumped(self, at_us: int, event: int, who: int, process: Any) -> None:
        """A snapshot replaced what came before the log's first entry."""


class PrefixConsistency(Delivery):
    """PrefixConsistency, and with it total order and agreement (JRS 3): what servers delivered agrees, position by
    position. ``known``: hash of the prefix that ends at each position, as the first to deliver it had it."""

    name: ClassVar[str] = "prefix_consistency"
    message: ClassVar[str] = "zookeeper.prefixes_differ"
    known: Chunks[int] = msgspec.field(default_factory=Chunks)

    def counts(self, process: Any) -> bool:
        return True

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        if not self.counts(process):
            return
        found = process.log.hash_at(index)
        if index == len(self.known) + 1:
            self.known.append(found)
        elif index <= len(self.known) and self.known[index - 1] != found:
            zxid = zxid_text(process.log[index].zxid)
            self.violate(at_us, event, self.message, process=process.id, zxid=zxid)

    def jumped(self, at_us: int, event: int, who: int, process: Any) -> None:
        index = process.log.first - 1
        if 0 < index <= len(self.known) and self.known[index - 1] != process.log.base:
            self.violate(
                at_us, event, self.message, process=process.id, zxid=zxid_text(process.snapshot_zxid)
            )


class NoSplitBrain(PrefixConsistency):
    """No two leaders committed different transactions at the same position."""

    name: ClassVar[str] = "no_split_brain"
    message: ClassVar[str] = "zookeeper.split_brain"

    def counts(self, process: Any) -> bool:
        return bool(process.role == LEADING)


class LeaderLogCompleteness(PrefixConsistency):
    """LeaderLogCompleteness: a leader that is established holds everything that any server delivered before."""

    name: ClassVar[str] = "leader_log_completeness"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, ZAB_STATE, DELIVERED)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ROLE] == LEADING and after[ZAB_STATE] == BROADCAST != before[ZAB_STATE]:
            self.judged += 1
            if not self.is_complete(process):
                self.violate(
                    at_us, event, "zookeeper.leader_incomplete", leader=process.id, epoch=process.epoch
                )
        super().changed(at_us, event, process_index, before, after, process)

    def is_complete(self, leader: Any) -> bool:
        """Whether its history has all that was delivered (what a snapshot stands for is not looked at)."""
        last, log = len(self.known), leader.log
        if last < log.first:
            return bool(last <= log.last)
        return bool(last <= log.last and log.hash_at(last) == self.known[last - 1])

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        if index == len(self.known) + 1:
            self.known.append(process.log.hash_at(index))

    def jumped(self, at_us: int, event: int, who: int, process: Any) -> None:
        """Nothing to compare: ``prefix_consistency`` does."""


class PrimaryIntegrity(LeaderLogCompleteness):
    """PrimaryIntegrity (JRS 3): before a primary broadcasts anything, it has delivered every transaction of earlier
    epochs that any server delivered."""

    name: ClassVar[str] = "primary_integrity"

    def is_complete(self, leader: Any) -> bool:
        return bool(leader.delivered >= len(self.known))


class Integrity(Delivery):
    """Integrity (JRS 3): what is delivered in an epoch was broadcast by its primary, as it is. ``broadcast``: zxid ->
    operation; ``epochs``: those whose primary was seen."""

    name: ClassVar[str] = "integrity"
    watches: ClassVar[tuple[int, ...] | None] = (DELIVERED, LOG)
    broadcast: dict[int, int] = {}
    epochs: dict[int, bool] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[LOG] != before[LOG] and after[ROLE] == LEADING and after[ZAB_STATE] == BROADCAST:
            log, index, base = process.log, process.log.last, process.base
            while index > base and (txn := log[index]).zxid not in self.broadcast:
                self.broadcast[txn.zxid] = operation_of(txn)
                self.epochs[txn.term] = True
                index -= 1
            forget_old(self.broadcast)
        if after[DELIVERED] != before[DELIVERED]:
            super().changed(at_us, event, process_index, before, after, process)

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        txn = process.log[index]
        if txn.term not in self.epochs or txn.zxid < next(iter(self.broadcast), 0):
            return  # (nobody broadcast it in this run, or long ago)
        if self.broadcast.get(txn.zxid) != operation_of(txn):
            self.violate(
                at_us, event, "zookeeper.not_broadcast", process=process.id, zxid=zxid_text(txn.zxid)
            )


class Orders(Delivery):
    """Base: ``previous``: server -> zxid that it delivered last."""

    previous: dict[int, int] = {}

    def jumped(self, at_us: int, event: int, who: int, process: Any) -> None:
        self.previous[who] = process.snapshot_zxid

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.previous.pop(process_index, None)


class LocalPrimaryOrder(Orders):
    """LocalPrimaryOrder (JRS 3): who delivers a transaction has delivered all that its primary broadcast before it in
    the epoch (a primary counts from 1). For *every* pair: with "there are two such that" it would hold of anything.
    ``primaries``: epochs that somebody leads in this run."""

    name: ClassVar[str] = "local_primary_order"
    watches: ClassVar[tuple[int, ...] | None] = (ZAB_STATE, DELIVERED)
    primaries: dict[int, bool] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ZAB_STATE] != before[ZAB_STATE] and after[ROLE] == LEADING:
            self.primaries[after[EPOCH]] = True
        if after[DELIVERED] != before[DELIVERED]:
            super().changed(at_us, event, process_index, before, after, process)

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        zxid = process.log[index].zxid
        before = self.previous.get(who, 0)
        self.previous[who] = zxid
        begins = zxid & COUNTERS == 1 and before >> COUNTER_BITS != zxid >> COUNTER_BITS
        if before != zxid - 1 and not begins and zxid >> COUNTER_BITS in self.primaries:
            self.violate(at_us, event, "zookeeper.order_broken", process=process.id, zxid=zxid_text(zxid))


class GlobalPrimaryOrder(Orders):
    """GlobalPrimaryOrder (JRS 3): transactions of earlier epochs are delivered before those of later ones."""

    name: ClassVar[str] = "global_primary_order"

    def delivers(self, at_us: int, event: int, who: int, process: Any, index: int) -> None:
        zxid = process.log[index].zxid
        if self.previous.get(who, 0) >> COUNTER_BITS > zxid >> COUNTER_BITS:
            self.violate(at_us, event, "zookeeper.order_broken", process=process.id, zxid=zxid_text(zxid))
        self.previous[who] = zxid


class ProcessConsistency(Check):
    """ProcessConsistency: servers that delivered equally much hold equal trees. ``states``: position -> hash."""

    name: ClassVar[str] = "process_consistency"
    watches: ClassVar[tuple[int, ...] | None] = (DELIVERED,)
    states: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        index = after[DELIVERED]
        self.judged += 1
        forget_old(self.states)
        if self.states.setdefault(index, process.tree.hash) != process.tree.hash:
            self.violate(
                at_us,
                event,
                "zookeeper.trees_differ",
                process=process.id,
                zxid=zxid_text(process.state_zxid()),
            )


class OneLeaderPerEpoch(Check):
    """Leadership1 and Leadership2: an epoch is established by one leader. ``leaders``: epoch -> who."""

    name: ClassVar[str] = "one_leader_per_epoch"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, ZAB_STATE, EPOCH)
    leaders: dict[int, str] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ROLE] != LEADING or after[ZAB_STATE] not in (SYNCHRONIZATION, BROADCAST):
            return
        self.judged += 1
        if self.leaders.setdefault(after[EPOCH], process.id) != process.id:
            self.violate(
                at_us, event, "zookeeper.two_leaders", epoch=after[EPOCH], first=self.leaders[after[EPOCH]],
                second=process.id,
            )  # fmt: skip


class TreesIdentical(Check):
    """At the moment of the question all running servers that follow or lead hold the same tree."""

    name: ClassVar[str] = "trees_identical"
    answer: tuple[int | None, int | None, str] = (None, None, "")

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        trees: dict[str, Any] = {
            process.id: process.data
            for process in running.values()
            if isinstance(process, ZooKeeper) and process.role != LOOKING
        }
        self.judged = len(trees)
        first = next(iter(trees.values()), None)
        differs = next((id for id in sorted(trees) if trees[id] != first), "")
        self.answer = (event, at_us, differs)

    def verdict(self) -> Verdict:
        event, at_us, differs = self.answer
        if self.judged < 2:
            return Verdict(self.name, UNKNOWN, self.judged)
        if not differs:
            return Verdict(self.name, HOLDS, self.judged)
        values = {"process": differs, "zxid": ""}
        return Verdict(self.name, VIOLATED, self.judged, event, at_us, "zookeeper.trees_differ", values)


class ZooKeeperNoLostAck(NoLostAck):
    """no_lost_ack, reading ZooKeeper's leaders. ``order``: (hash, operation) of each position as first delivered: what
    a snapshot stands for."""

    members = ZooKeeper
    is_leader = staticmethod(is_leader)
    epoch = staticmethod(epoch)
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, ZAB_STATE, EPOCH, DELIVERED)
    order: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, ZooKeeper):
            return  # (other systems of the run have a check of this name too)
        super().changed(at_us, event, process_index, before, after, process)
        log = process.log
        while (index := len(self.order) + 1) <= after[DELIVERED] and index >= log.first:
            self.order.append((log.hash_at(index), operation_of(log[index])))

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        kind = operation.kind
        if kind in READS or kind in SYNCS or kind == "unlock":
            return
        if kind in RECIPES and all(done != operation.id for _, done in self.order.since(0)):
            return  # (it holds a node that an earlier operation of its client made)
        super().completed(at_us, event, operation)

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """While nobody leads, who would be elected first may hold everything that was acknowledged: nothing is lost."""
        super().look(at_us, event, running)
        servers = [
            process for process in running.values() if isinstance(process, ZooKeeper) and process.is_voter
        ]
        if self.answer[1] == "no_lost_ack.no_leader" and servers and self.judged:
            best = max(servers, key=lambda one: (one.epoch, one.last_zxid, one.id))
            applied, waiting = self.read(best)
            if all(item[0] in applied or item[0] in waiting for item in self.acknowledged):
                self.answer = (HOLDS, "zookeeper.held", {"server": best.id}, None, None)

    def read(self, leader: Any) -> tuple[set[int], set[int]]:
        """Ids of the operations that a server (applied, holds but has not applied)."""
        process = leader
        log, delivered = process.log, process.delivered
        applied: set[int] = set()
        base = log.first - 1
        if 0 < base <= len(self.order) and self.order[base - 1][0] == log.base:
            applied = {operation for _, operation in self.order.since(0)[:base]}
        applied |= {operation_of(txn) for txn in log.slice(log.first, delivered + 1)}
        return applied, {operation_of(txn) for txn in log.slice(delivered + 1, log.last + 1)} - applied


CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (
        PrefixConsistency, NoSplitBrain, LeaderLogCompleteness, PrimaryIntegrity, Integrity, LocalPrimaryOrder,
        GlobalPrimaryOrder, ProcessConsistency, OneLeaderPerEpoch, TreesIdentical, ZooKeeperNoLostAck,
    )
}  # fmt: skip
