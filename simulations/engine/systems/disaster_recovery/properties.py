"""What must hold, judged from outside: on what clients were told and on what changed in the processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check
from simulations.engine.checks.history import Operation
from simulations.engine.checks.no_lost_ack import NoLostAck
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
        "{lost} writes that {before} acknowledged are not at {after}, which took over in a planned failback",
        "计划内回切后，{after} 缺少 {before} 已确认的 {lost} 次写入",
        "check",
    ),
    "disaster_recovery.backup_not_there": Note(
        "GitLab 2017",
        "backups of {claimed} writes were reported kept, the restore brought back {restored}",
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


class DisasterNoLostAck(NoLostAck):
    """no_lost_ack over one primary or several active sites: what any of them holds is not lost."""

    members: ClassVar[type[Process]] = Site
    watches: ClassVar[tuple[int, ...] | None] = ()

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.kind != "delete_all":
            NoLostAck.completed(self, at_us, event, operation)

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
            self.answer = (VIOLATED, "no_lost_ack.lost", values, at_us, event)
        else:
            self.answer = (HOLDS if self.judged else UNKNOWN, "", {}, None, None)


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
