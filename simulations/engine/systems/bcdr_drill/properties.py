"""What must hold of a drill, judged from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.checks.served import ServedNoLostAck
from simulations.engine.chunks import Chunks
from simulations.engine.process import Note, Process
from simulations.engine.systems.bcdr_drill.technology import SERVING, Server

ROLE, DECISIONS, ALARMS, DECLARED, COPIED = range(5)
"""Places in ``Member.watched``."""

NOTES = {
    "bcdr_drill.out_of_order": Note(
        "NIST SP 800-34, section 3.2",
        "{function} was restored before {first}, which matters more",
        "{function} 先于更重要的 {first} 恢复",
        "check",
    ),
    "bcdr_drill.copy_missing": Note(
        "NIST SP 800-34, section 3.4",
        "the standby of {function} had acknowledged {copied} {copied|piece|pieces} of work and serves with {held}",
        "{function} 的备用端曾确认收到 {copied} 项工作，接管时只有 {held} 项",
        "check",
    ),
}


def is_standby(process: Any) -> bool:
    return isinstance(process, Server) and process.kind == "standby"


class DrillNoLostAck(ServedNoLostAck):
    """no_lost_ack over business functions: what any process that serves a function holds is not lost."""

    members: ClassVar[type[Process]] = Server
    watches: ClassVar[tuple[int, ...] | None] = (ROLE,)
    keys: dict[int, str] = {}

    @staticmethod
    def serves(process: Any) -> str | None:
        """A function."""
        return process.function if process.role == SERVING else None

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        NoLostAck.completed(self, at_us, event, operation)
        if operation.outcome == "ok" and operation.kind != "get":
            self.keys[operation.id] = operation.key

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Functions that nobody serves now cannot be judged."""
        serving = [
            process
            for _, process in sorted(running.items())
            if isinstance(process, Server) and process.role == SERVING
        ]
        held = {call.operation for server in serving for call in server.calls}
        functions = {server.function for server in serving}
        judged = [item for item in self.acknowledged if self.keys.get(item[0]) in functions]
        missing = [item for item in judged if item[0] not in held]
        self.judged = len(judged)
        self.lost, self.lost_at = len(missing), tuple(item[2] for item in missing)
        if missing:
            values = {"leader": serving[0].id, "epoch": 1, "lost": self.lost, "first": missing[0][0]}
            since = {function: self.served_since(function) for function in functions}
            when, what = min(max((at, what), since[self.keys[id]]) for id, what, at in missing)
            self.answer = (VIOLATED, "no_lost_ack.lost", values, when, what)
        else:
            self.answer = (HOLDS if judged else UNKNOWN, "", {}, None, None)


class FunctionsRestoredInOrder(Check):
    """Standbys come up in the order of priority. ``restored``: functions, as they came; ``order``: as they matter."""

    name: ClassVar[str] = "functions_restored_in_order"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE,)
    restored: list[str] = []
    order: tuple[str, ...] = ()

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not is_standby(process) or after[ROLE] != SERVING:
            return
        self.order = process.parameters.order
        self.judged += 1
        ahead = [one for one in self.order if one not in self.restored]
        if process.function in self.order and ahead and ahead[0] != process.function:
            self.violate(at_us, event, "bcdr_drill.out_of_order", function=process.function, first=ahead[0])
        self.restored.append(process.function)

    def verdict(self) -> Verdict:
        """Holds when every function is back; before that nobody knows."""
        if self.violation is not None:
            return self.violation
        complete = bool(self.order) and set(self.order) <= set(self.restored)
        return Verdict(self.name, HOLDS if complete else UNKNOWN, self.judged)


class CopiedWorkSurvives(Check):
    """Work that a standby acknowledged is there when it takes over. ``copied``: function -> the most acknowledged."""

    name: ClassVar[str] = "copied_work_survives"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, COPIED)
    copied: dict[str, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, Server):
            return
        function = process.function
        if not is_standby(process):
            self.copied[function] = max(self.copied.get(function, 0), process.copied)
        elif after[ROLE] == SERVING and before[ROLE] != SERVING:
            self.judged += 1
            held, copied = process.calls.last, self.copied.get(function, 0)
            if held < copied:
                self.violate(
                    at_us, event, "bcdr_drill.copy_missing", function=function, copied=copied, held=held
                )


class Decisions(Check):
    """Every decision, alarm and start as it happened: tuples (time, process index, what, which)."""

    name: ClassVar[str] = "bcdr_drill_decisions"
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, DECISIONS, ALARMS, DECLARED)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if after[ALARMS] > before[ALARMS]:
            self.found.append((at_us, process_index, "alarm", ""))
        for decision in process.decided[before[DECISIONS] : after[DECISIONS]]:
            self.found.append((at_us, process_index, "decision", decision))
        if after[DECLARED] > before[DECLARED]:
            self.found.append((at_us, process_index, "declared", ""))
        if is_standby(process) and after[ROLE] == SERVING and before[ROLE] != SERVING:
            self.found.append((at_us, process_index, "restored", process.function))


CHECKS: dict[str, type[Check]] = {
    check.name: check for check in (DrillNoLostAck, FunctionsRestoredInOrder, CopiedWorkSurvives)
}
