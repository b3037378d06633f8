"""Further invariants of Zab's TLA+ specifications (apache/zookeeper, zookeeper-specifications). They look at disks or
at every message, so they are no lamps of each run; experiments and tests name them."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import Check
from simulations.engine.context import DELIVER
from simulations.engine.log import Log
from simulations.engine.systems.zookeeper.messages import Ack, Commit, Diff, Propose, Snap, Trunc, zxid_text
from simulations.engine.systems.zookeeper.properties import DELIVERED, LOG, ROLE, operation_of
from simulations.engine.systems.zookeeper.state import LEADING


class CommittedLogDurability(Check):
    """CommittedLogDurability: what a server delivers is on the disks of a quorum of its voters. ``known``: how much was
    judged already, by the first server to deliver it."""

    name: ClassVar[str] = "committed_log_durability"
    watches: ClassVar[tuple[int, ...] | None] = (DELIVERED,)
    known: int = 0

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        index, log = after[DELIVERED], process.log
        if index <= max(self.known, before[DELIVERED], log.first - 1) or process.alone:
            return
        self.known = index
        self.judged += 1
        voters = process.voters
        copies = sum(holds(disk, index, log.hash_at(index)) for disk in disks(process, voters))
        if copies <= len(voters) // 2:
            values = {"process": process.id, "zxid": zxid_text(log[index].zxid), "copies": copies}
            self.violate(at_us, event, "zookeeper.not_durable", servers=len(voters), **values)


def disks(process: Any, servers: tuple[str, ...]) -> list[Log]:
    """The histories on the disks of these servers: those of the world that the process is in."""
    contexts = process.context.kernel.contexts
    return [context.disk.logs.get("log", Log()) for context in contexts if context.id in servers]


def holds(log: Log, index: int, prefix: int) -> bool:
    """Whether a history holds this prefix; what a snapshot stands for had been committed."""
    return index < log.first or (index <= log.last and log.hash_at(index) == prefix)


class CommittedLogMonotonicity(Check):
    """CommittedLogMonotonicity: what a server delivered in this life stays delivered, as it is. ``prefixes``: server ->
    (position, hash of the history up to it) after the last delivery."""

    name: ClassVar[str] = "committed_log_monotonicity"
    prefixes: dict[int, tuple[int, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        log, index = process.log, after[DELIVERED]
        known = self.prefixes.get(process_index)
        if known is not None:
            self.judged += 1
            kept = known[0] < log.first or (known[0] <= log.last and log.hash_at(known[0]) == known[1])
            if index < known[0] or not kept:
                self.violate(
                    at_us, event, "zookeeper.committed_undone", process=process.id, position=known[0]
                )
        if log.first <= index <= log.last:
            self.prefixes[process_index] = (index, log.hash_at(index))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.prefixes.pop(process_index, None)


class MessagesLegal(Check):
    """ShouldNotBeTriggered: nobody acknowledges or commits what was not proposed, no two proposals have one zxid, and
    one leader speaks in an epoch. ``proposed``: zxid -> operation, as first proposed; ``highest``: epoch -> counter of
    the last transaction that its leader wrote down; ``speakers``: epoch -> who proposes in it."""

    name: ClassVar[str] = "messages_legal"
    watches: ClassVar[tuple[int, ...] | None] = (LOG,)
    wants_events: ClassVar[bool] = True
    proposed: dict[int, int] = {}
    highest: dict[int, int] = {}
    speakers: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        """What a leader proposes is in its log at once; the commit of a lone voter may overtake the proposal."""
        if after[ROLE] == LEADING and process.log.last >= process.log.first:
            last = process.log[process.log.last]
            self.highest[last.term] = max(self.highest.get(last.term, 0), last.counter)

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event: only messages of the broadcast are looked at."""
        message = event[7]
        if event[3] != DELIVER:
            return
        if isinstance(message, Propose):
            self.judged += 1
            self.hear(at_us, event, message)
        elif isinstance(message, Diff | Trunc | Snap):
            for txn in message.entries:
                self.highest[txn.term] = max(self.highest.get(txn.term, 0), txn.counter)
        elif isinstance(message, Ack | Commit):
            self.judged += 1
            if message.counter > self.highest.get(message.epoch, 0):
                self.accuse(at_us, event, message.epoch, message.counter)

    def hear(self, at_us: int, event: Any, message: Propose) -> None:
        """A proposal: the first of its zxid decides what it is, the first of its epoch who leads."""
        epoch, txn = message.epoch, message.txn
        self.highest[epoch] = max(self.highest.get(epoch, 0), txn.counter)
        same = self.proposed.setdefault(txn.zxid, operation_of(txn)) == operation_of(txn)
        if not same or self.speakers.setdefault(epoch, event[6]) != event[6]:
            self.accuse(at_us, event, epoch, txn.counter)

    def accuse(self, at_us: int, event: Any, epoch: int, counter: int) -> None:
        self.violate(at_us, event[2], "zookeeper.illegal_message", zxid=f"{epoch}.{counter}")


CHECKS: dict[str, type[Check]] = {
    check.name: check for check in (CommittedLogDurability, CommittedLogMonotonicity, MessagesLegal)
}
