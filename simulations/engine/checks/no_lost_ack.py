"""Every acknowledged operation is in the state that the leader of the highest epoch applied.

Generic over replicated systems: a system derives its own class and says how its processes are read. Read from
outside, at the moment the verdict is asked for; reads (get) change nothing and cannot be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import BEGINNING, HOLDS, UNKNOWN, VIOLATED, Check, Moment, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.process import Note, Process

NOTES = {
    "no_lost_ack.lost": Note(
        "",
        "{lost} acknowledged {lost|operation is|operations are} missing at {leader}, "
        "the leader of the highest epoch ({epoch}); "
        "the first is {first}",
        "纪元最高（{epoch}）的领导者 {leader} 缺少 {lost} 个已确认的操作，首个是 {first}",
        "check",
    ),
    "no_lost_ack.no_leader": Note("", "nobody leads", "没有领导者", "check"),
    "no_lost_ack.not_applied": Note(
        "",
        "{leader} holds every acknowledged operation, but has not applied {waiting} of them yet",
        "{leader} 持有全部已确认的操作，但其中 {waiting} 个尚未应用",
        "check",
    ),
}


class NoLostAck(Check):
    """``answer``: what the last look found: (verdict, message, values, at_us, event); ``lost_at``: when the lost ones
    were acknowledged, ``lost_ids``: which they are; ``led``: epoch -> when its first leader was seen; ``lacking``: of
    what was acknowledged, operation -> since which leader all that took over were without it.

    Subclasses give ``members`` (the class of their processes), ``is_leader``, ``epoch`` and ``operations``:
    the ids applied and the ids held but not applied yet.
    """

    name: ClassVar[str] = "no_lost_ack"
    members: ClassVar[type[Process]]
    acknowledged: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    lost_ids: tuple[int, ...] = ()
    answer: tuple[str, str, dict[str, Any], int | None, int | None] = (UNKNOWN, "", {}, None, None)
    led: dict[int, Moment] = {}
    lacking: dict[int, Moment] = {}

    @staticmethod
    def is_leader(process: Any) -> bool:
        """Whether the process is in the leading role. Given by the system."""
        return bool(process.role == "leader")

    @staticmethod
    def epoch(process: Any) -> int:
        """The term, epoch or ballot that decides between two leaders. Given by the system."""
        return int(process.term)

    @staticmethod
    def operations(process: Any) -> tuple[set[int], set[int]]:
        """(ids applied, ids held but not applied yet). Given by the system."""
        raise TypeError("operations: a system's own check says how its processes are read")

    def read(self, leader: Any) -> tuple[set[int], set[int]]:
        """What ``operations`` says, to which a system's check may add what it remembers."""
        return self.operations(leader)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.outcome == "ok" and operation.kind != "get" and operation.result is not False:
            self.acknowledged.append((operation.id, event, at_us))

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        """Remember since when the leader of each epoch leads, and what it is without: a loss is dated by it, whenever
        somebody looks."""
        if not isinstance(process, self.members) or not self.is_leader(process):
            return
        epoch, moment = self.epoch(process), (at_us, event)
        if epoch not in self.led:
            self.led[epoch] = moment
            held = set().union(*self.read(process)) if self.acknowledged else set()
            lacking = [item[0] for item in self.acknowledged if item[0] not in held]
            self.lacking = {id: self.lacking.get(id, moment) for id in lacking}

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Compare what was acknowledged with what the leader of the highest epoch applied."""
        self.judged = len(self.acknowledged)
        self.lost, self.lost_at, self.lost_ids = 0, (), ()
        best: Any = None
        for index in sorted(running):
            process = running[index]
            if not isinstance(process, self.members) or not self.is_leader(process):
                continue
            if best is None or self.epoch(process) > self.epoch(best):
                best = process
        if best is None:
            self.answer = (UNKNOWN, "no_lost_ack.no_leader", {}, None, None)
            return
        self.answer = self.compare(best)

    def compare(self, leader: Any) -> tuple[str, str, dict[str, Any], int | None, int | None]:
        """The verdict against this leader. A loss is dated by its acknowledgement, or by the moment at which a leader
        took over without it that no other with it followed; several by the earliest. (Who acknowledges beside a leader
        that lacks it: from then on, and from the next takeover without it once there is one.)"""
        applied, waiting = self.read(leader)
        unapplied = [item for item in self.acknowledged if item[0] not in applied]
        missing = [item for item in unapplied if item[0] not in waiting]
        lost = [item[0] for item in missing]
        self.lost, self.lost_at = len(lost), tuple(item[2] for item in missing)
        self.lost_ids = tuple(lost)
        if lost:
            values = {"leader": leader.id, "epoch": self.epoch(leader), "lost": len(lost), "first": lost[0]}
            when, what = min(self.dated(leader, item) for item in missing)
            return (VIOLATED, "no_lost_ack.lost", values, when, what)
        if unapplied:
            values = {"leader": leader.id, "waiting": len(unapplied)}
            return (UNKNOWN, "no_lost_ack.not_applied", values, None, None)
        return (HOLDS if self.judged else UNKNOWN, "", {}, None, None)

    def dated(self, leader: Any, item: tuple[Any, ...]) -> Moment:
        """Since when what this leader is without is lost."""
        id, acknowledged, acknowledged_us = item[:3]
        took_over = self.lacking.get(id) or self.led.get(self.epoch(leader), BEGINNING)
        return max((acknowledged_us, acknowledged), took_over)

    def verdict(self) -> Verdict:
        """What the last look found. Not sticky: before the last heal nobody may be able to answer."""
        found, message, values, at_us, event = self.answer
        return Verdict(self.name, found, self.judged, event, at_us, message, values)
