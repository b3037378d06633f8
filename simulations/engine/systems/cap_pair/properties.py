"""No third outcome: once the pair is apart, it stops answering or it stops being linearizable."""

from __future__ import annotations

from typing import Any, ClassVar

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.checks.linearizable import Linearizable
from simulations.engine.systems.cap_pair.process import ALONE, BLOCKED

ENOUGH = 20
"""Telling answers before a linearizable history counts as a third way: a few may be right by luck."""


class CapDichotomy(Linearizable):
    """Of the requests made after both nodes chose, and while both are apart: none is answered, or the history is not
    linearizable. Who works at one node alone cannot tell: telling is a read whose key the other node wrote last.

    ``apart``: nodes that chose and have not met again; ``judging``: operations asked meanwhile -> who had written their
    key last; ``writers``: key -> who wrote it last since both are apart."""

    name: ClassVar[str] = "cap_dichotomy"
    apart: dict[int, bool] = {}
    nodes: dict[int, bool] = {}
    judging: dict[int, str] = {}
    writers: dict[str, str] = {}
    chosen: int = 0
    answered: int = 0
    telling: int = 0

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        self.nodes[process_index] = True
        if after[0] in (BLOCKED, ALONE):
            self.apart[process_index] = True
            self.chosen += before[0] != after[0]
        else:
            self.apart.pop(process_index, None)
            self.writers.clear()

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        Linearizable.invoked(self, at_us, event, operation)
        if len(self.apart) >= 2:
            self.judging[operation.id] = self.writers.get(operation.key, "")
            self.judged += 1

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        Linearizable.completed(self, at_us, event, operation)
        writer = self.judging.pop(operation.id, None)
        if writer is None or operation.outcome != "ok":
            return
        self.answered += 1
        if operation.kind != "get":
            self.writers[operation.key] = operation.process or ""
        elif writer not in ("", operation.process):
            self.telling += 1

    def verdict(self) -> Verdict:
        found = self.live.verdict
        if not self.judged:
            return Verdict(self.name, UNKNOWN, 0)
        if found.verdict == VIOLATED or not self.answered:
            return Verdict(self.name, HOLDS, self.judged)
        if self.telling < ENOUGH or found.verdict == UNKNOWN:
            return Verdict(self.name, UNKNOWN, self.judged)
        values = {"answered": self.telling}
        return Verdict(self.name, VIOLATED, self.judged, None, None, "cap_pair.third_way", values)


CHECKS: dict[str, type[Check]] = {CapDichotomy.name: CapDichotomy}
