"""No third outcome: once the pair is apart, it stops answering or it stops being linearizable."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.checks.linearizable import Linearizable
from simulations.engine.systems.cap_pair.process import ALONE, BLOCKED

ENOUGH = 20
"""Answers after the choice before a linearizable history counts as a third way: a few may be right by luck."""


class CapDichotomy(Linearizable):
    """Of the requests made after both nodes chose, and while both are apart: none is answered, or the history is not
    linearizable. ``apart``: nodes that chose and have not met again; ``judging``: operations asked meanwhile."""

    name: ClassVar[str] = "cap_dichotomy"
    apart: dict[int, bool] = {}
    nodes: dict[int, bool] = {}
    judging: dict[int, bool] = {}
    chosen: int = 0
    answered: int = 0

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        self.nodes[process_index] = True
        if after[0] in (BLOCKED, ALONE):
            self.apart[process_index] = True
            self.chosen += before[0] != after[0]
        else:
            self.apart.pop(process_index, None)

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        Linearizable.invoked(self, at_us, event, operation)
        if len(self.apart) >= 2:
            self.judging[operation.id] = True
            self.judged += 1

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        Linearizable.completed(self, at_us, event, operation)
        if self.judging.pop(operation.id, False) and operation.outcome == "ok":
            self.answered += 1

    def verdict(self) -> Verdict:
        found = self.live.verdict
        if not self.judged:
            return Verdict(self.name, UNKNOWN, 0)
        if found.verdict == VIOLATED or not self.answered:
            return Verdict(self.name, HOLDS, self.judged)
        if self.answered < ENOUGH or found.verdict == UNKNOWN:
            return Verdict(self.name, UNKNOWN, self.judged)
        values = {"answered": self.answered}
        return Verdict(self.name, VIOLATED, self.judged, None, None, "cap_pair.third_way", values)


CHECKS: dict[str, type[Check]] = {CapDichotomy.name: CapDichotomy}
