"""No acknowledged operation is lost, where several processes may serve the same beside each other.

What any of them holds is not lost, so a loss is dated by who serves: since nobody has who holds the operation.
"""

from __future__ import annotations

from typing import Any

from simulations.engine.checks.base import BEGINNING, Moment
from simulations.engine.checks.no_lost_ack import NoLostAck


class ServedNoLostAck(NoLostAck):
    """``terms``: process -> (what it serves, since when); ``ended``: what -> when somebody last ceased to serve it."""

    terms: dict[int, tuple[Any, int, int]] = {}
    ended: dict[Any, Moment] = {}

    @staticmethod
    def serves(process: Any) -> Any:
        """What a process serves now; None: nothing. Given by the system."""
        raise TypeError("serves: a system's own check says how its processes are read")

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        served = self.serves(process) if isinstance(process, self.members) else None
        known = self.terms.get(process_index, (None, 0, 0))[0]
        if known == served:
            return
        self.cease(process_index, (at_us, event))
        if served is not None:
            self.terms[process_index] = (served, at_us, event)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.cease(process_index, (at_us, event))

    def cease(self, process_index: int, moment: Moment) -> None:
        known = self.terms.pop(process_index, None)
        if known is not None:
            self.ended[known[0]] = moment

    def served_since(self, served: Any) -> Moment:
        """Since when those who serve it now have done so without anybody else."""
        begun = [(at_us, event) for what, at_us, event in self.terms.values() if what == served]
        return max(min(begun, default=BEGINNING), self.ended.get(served, BEGINNING))
