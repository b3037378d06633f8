"""What must hold, judged from outside: on what clients were told and on what changed in the processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from simulations.engine.checks.base import BEGINNING, HOLDS, UNKNOWN, VIOLATED, Check, Moment
from simulations.engine.checks.history import Operation
from simulations.engine.checks.served import ServedNoLostAck
from simulations.engine.process import Note, Process
from simulations.engine.systems.disaster_recovery.leading import ACTIVE, PRIMARY, RESTORING, SERVING
from simulations.engine.systems.disaster_recovery.process import Site

ROLE, EPOCH, DELETIONS, CLAIMED, RESTORES, CONFLICTS, CAPACITY, TOOK_OVER = range(8)
"""Places in ``Site.watched``."""

STANDING = ("put", "overwritten")
"""Kinds of entries whose operations are not lost: what was overwritten later counts as written."""

NOTES = {
    "disaster_recovery.two_primaries": Note(
        "",
        "{first} and {second} both accept writes in epoch {epoch}",
        "{first} 与 {second} 在同一纪元 {epoch} 都接受写入",
        "check",
    ),
    "disaster_recovery.failback_lost": Note(
        "AWS whitepaper, failback",
        "{lost} {lost|write|writes} that {before} acknowledged {lost|is|are} not at "
        "{after}, which took over in a planned failback",
        "计划内回切后，{after} 缺少 {before} 已确认的 {lost} 次写入",
        "check",
    ),
    "disaster_recovery.backup_not_there": Note(
        "GitLab 2017",
        "backups of {claimed} {claimed|write|writes} were reported kept, the restore brought back {restored}",
        "备份任务报告已保存 {claimed} 次写入，恢复时只读出 {restored} 次",
        "check",
    ),
}


def standing(process: Site) -> set[int]:
    """Ids of the client operations whose writes stand in this copy: not deleted by a later DELETE of everything."""
    floor = max((entry.stamp for entry in process.log if entry.kind == "delete_all"), default=(0, 0, ""))
    return {entry.operation for entry in process.log if entry.kind in STANDING and entry.stamp > floor}


def serving(running: Mapping[int, Process]) -> list[Site]:
    """The sites that accept writes in the highest epoch, in the order of the experiment."""
    found = [
        process
        for _, process in sorted(running.items())
        if isinstance(process, Site) and process.role in SERVING
    ]
    highest = max((site.epoch for site in found), default=0)
    return [site for site in found if site.epoch == highest]


class DisasterNoLostAck(ServedNoLostAck):
    """no_lost_ack over one primary or several active sites: what any of them holds is not lost.

    A loss is dated by the first takeover without the operation after which nobody took over with it, or by the deletion
    (what comes back while a site serves, and is lost again, is not told). ``lacking``: operation -> when somebody took
    over alone without it; ``leader``: who did last, and when; ``deleted``: (process, moment) of each deletion.
    """

    members: ClassVar[type[Process]] = Site
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, EPOCH, DELETIONS)
    lacking: dict[int, Moment] = {}
    leader: tuple[str, int, Moment] = ("", -1, BEGINNING)
    deleted: list[tuple[int, int, int]] = []

    @staticmethod
    def serves(process: Any) -> int | None:
        """An epoch."""
        return process.epoch if process.role in SERVING else None

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        known = self.terms.get(process_index)
        ServedNoLostAck.changed(self, at_us, event, process_index, before, after, process)
        if self.terms.get(process_index) not in (None, known):
            self.take_over(process_index, process)
        if after[DELETIONS] > before[DELETIONS]:
            self.deleted.append((process_index, at_us, event))

    def take_over(self, process_index: int, process: Site) -> None:
        """Who serves alone decides what is there; who joins others adds what it holds."""
        held = standing(process)
        for id in [id for id in self.lacking if id in held]:
            del self.lacking[id]
        if max(self.terms.values()) != self.terms[process_index] or self.beside(process.epoch):
            return
        _, at_us, event = self.terms[process_index]
        for item in self.acknowledged:
            if item[0] not in held and item[0] not in self.lacking:
                self.lacking[item[0]] = self.since_when(item, (at_us, event))
        self.leader = (process.id, process_index, (at_us, event))

    def beside(self, epoch: int) -> bool:
        """Whether several serve in this epoch."""
        return len([served for served, _, _ in self.terms.values() if served == epoch]) > 1

    def since_when(self, item: tuple[Any, ...], now: Moment) -> Moment:
        """Since when an operation is lost that whoever takes over now lacks: another than the leader acknowledged it,
        the leader deleted it, or had it until now."""
        _, event, at_us, process = item
        leader, index, led = self.leader
        if (at_us, event) > led and process != leader:
            return at_us, event
        return self.deletion((at_us, event), [index]) or now

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        ok = operation.outcome == "ok" and operation.result is not False
        if ok and operation.kind not in ("get", "delete_all"):
            self.acknowledged.append((operation.id, event, at_us, operation.process or ""))

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        self.judged = len(self.acknowledged)
        self.lost, self.lost_at, self.lost_ids = 0, (), ()
        sites = serving(running)
        if not sites:
            self.answer = (UNKNOWN, "no_lost_ack.no_leader", {}, None, None)
            return
        there = set().union(*(standing(site) for site in sites))
        missing = [item for item in self.acknowledged if item[0] not in there]
        self.lost, self.lost_at = len(missing), tuple(item[2] for item in missing)
        self.lost_ids = tuple(item[0] for item in missing)
        if missing:
            values = {
                "leader": sites[0].id,
                "epoch": sites[0].epoch,
                "lost": self.lost,
                "first": missing[0][0],
            }
            when, what = self.since(running, [site.id for site in sites], sites[0].epoch, missing)
            self.answer = (VIOLATED, "no_lost_ack.lost", values, when, what)
        else:
            self.answer = (HOLDS if self.judged else UNKNOWN, "", {}, None, None)

    def since(
        self, running: Mapping[int, Process], sites: list[str], epoch: int, missing: list[tuple[Any, ...]]
    ) -> Moment:
        """Since when the first of these has been lost."""
        ended = max((moment for later, moment in self.ended.items() if later > epoch), default=BEGINNING)
        since = max(self.served_since(epoch), ended)
        held = {
            index: {entry.operation for entry in process.log}
            for index, process in running.items()
            if isinstance(process, Site) and process.id in sites
        }
        found = []
        for id, event, at_us, _ in missing:
            deleted = self.deletion((at_us, event), [index for index in held if id in held[index]])
            found.append(self.lacking.get(id) or max((at_us, event), since, deleted or BEGINNING))
        return min(found)

    def deletion(self, acknowledged: Moment, holders: list[int]) -> Moment | None:
        """When the last of these sites first deleted everything after that."""
        first: dict[int, Moment] = {}
        for index, at_us, event in self.deleted:
            if index in holders and (at_us, event) >= acknowledged:
                first.setdefault(index, (at_us, event))
        return max(first.values(), default=None)


class OnePrimaryPerEpoch(Check):
    """Two sites never accept writes in one epoch, unless all do. ``primaries``: epoch -> the first one."""

    name: ClassVar[str] = "one_primary_per_epoch"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, EPOCH)
    primaries: dict[int, tuple[int, str]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ROLE] != PRIMARY:
            return
        self.judged += 1
        epoch = after[EPOCH]
        first = self.primaries.setdefault(epoch, (process_index, process.id))
        if first[0] != process_index:
            self.violate(
                at_us,
                event,
                "disaster_recovery.two_primaries",
                epoch=epoch,
                first=first[1],
                second=process.id,
            )


class FailbackLosesNothing(Check):
    """Whoever takes over by a planned handover holds what the one before it acknowledged. ``acknowledged``: operations
    since it led; ``before``: its id; ``epoch``: the one in which it leads, so that nobody takes over from it in an
    earlier one."""

    name: ClassVar[str] = "failback_loses_nothing"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, EPOCH)
    before: str = ""
    epoch: int = 0
    acknowledged: list[int] = []

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        writes = operation.outcome == "ok" and operation.kind in ("put", "append", "delete")
        if writes and operation.process == self.before:
            self.acknowledged.append(operation.id)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ROLE] != PRIMARY or (before[ROLE] == PRIMARY and before[EPOCH] == after[EPOCH]):
            return
        if after[EPOCH] < self.epoch:
            return
        if after[TOOK_OVER] == "handover" and self.before not in ("", process.id):
            self.judged += 1
            held = {entry.operation for entry in process.log}
            lost = [one for one in self.acknowledged if one not in held]
            if lost:
                self.violate(
                    at_us, event, "disaster_recovery.failback_lost",
                    lost=len(lost), before=self.before, after=process.id,
                )  # fmt: skip
        self.before, self.epoch, self.acknowledged = process.id, after[EPOCH], []


class BackupsRestorable(Check):
    """A restore brings back at least what the backup job had reported kept when it began. ``claimed``: the most it
    did in ``epoch``, the latest in which it did (an epoch may begin with less); ``due``: process -> what it had by
    then."""

    name: ClassVar[str] = "backups_restorable"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, CLAIMED, RESTORES)
    claimed: int = 0
    epoch: int = 0
    due: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, Site):
            return
        self.claim(process)
        if after[ROLE] == RESTORING != before[ROLE]:
            self.due[process_index] = self.claimed
        if after[RESTORES] <= before[RESTORES] or process.plan[0] >= 0:
            return
        self.judged += 1
        claimed, restored = self.due.pop(process_index, self.claimed), process.log.last
        if restored < claimed:
            self.violate(
                at_us, event, "disaster_recovery.backup_not_there", claimed=claimed, restored=restored
            )

    def claim(self, process: Site) -> None:
        if process.role not in SERVING:
            return  # (What it claimed was of an earlier epoch.)
        if process.claimed and process.epoch > self.epoch:
            self.claimed, self.epoch = process.claimed, process.epoch
        elif process.epoch == self.epoch:
            self.claimed = max(self.claimed, process.claimed)


CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (DisasterNoLostAck, OnePrimaryPerEpoch, FailbackLosesNothing, BackupsRestorable)
}
__all__ = ["ACTIVE", "CHECKS", "NOTES", "serving", "standing"]
