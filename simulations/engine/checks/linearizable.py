"""The linearizability of the clients' history as a check that runs along.

While a run goes on a key that has too many possible explanations is given up; at its end such keys are judged once
more, with a larger budget, on the whole history.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check, Verdict
from simulations.engine.checks.history import History, Operation
from simulations.engine.checks.linearizability import LiveLinearizability, check
from simulations.engine.checks.linearizability import Verdict as Found
from simulations.engine.checks.linearizability.verdict import combined
from simulations.engine.chunks import Chunks
from simulations.engine.ledger import Ledger
from simulations.engine.process import Note

FINAL_STEPS = 300_000
"""About a second on one core."""

NOTES = {
    "linearizable.impossible": Note(
        "Herlihy and Wing 1990",
        "operation {operation} has an answer that no order of the operations explains",
        "没有任何操作顺序能解释操作 {operation} 得到的应答",
        "check",
    ),
    "linearizable.gave_up": Note("", "gave up: {reason}", "放弃判断：{reason}", "check"),
}


class Linearizable(Check):
    """Per key, while the run goes on; see ``LiveLinearizability``. ``decided``: the event that ended it.

    ``late``: (operation, event) of each completion of a key that was given up; ``settled``: what a second look at the
    end said of the history up to now.
    """

    name: ClassVar[str] = "linearizable"
    live: LiveLinearizability = msgspec.field(default_factory=LiveLinearizability)
    decided: int | None = None
    late: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    settled: Verdict | None = None

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        self.live.invoke(operation)
        self.settled = None

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        self.live.complete(operation)
        self.settled = None
        if self.live.keys[operation.key].reason is not None:
            self.late.append((operation.id, event))
        if self.decided is None and self.live.first_violation is not None:
            self.decided = event

    def verdict(self) -> Verdict:
        return self.told(self.live.verdict, self.decided)

    def final(self, ledger: Ledger) -> Verdict:
        """Keys that were given up are judged again; a violation found so may come before the one that was seen."""
        given_up = {name for name, key in self.live.keys.items() if key.reason is not None}
        if not given_up:
            return self.verdict()
        if self.settled is None:
            self.settled = self.second_look(part_of(ledger.history(), given_up))
        return self.settled

    def second_look(self, history: History) -> Verdict:
        """The live verdicts of the other keys, and new ones of the keys of this history."""
        live, again = self.live.verdict, check(history, self.live.model, FINAL_STEPS)
        first = min(
            (found for found in (live, again) if found.violated_us is not None), key=when, default=live
        )
        keys = combined({**live.keys, **again.keys}, first.first_violation, first.violated_us)
        found = Found(keys.verdict, keys.operations, keys.first_violation, keys.violated_us, keys.reason)
        events = dict(self.late) if first is again else {}
        return self.told(found, events.get(found.first_violation, self.decided))

    def told(self, found: Found, event: int | None) -> Verdict:
        """A verdict on a history as one on a run."""
        message: str = ""
        values: dict[str, Any] = {}
        if found.verdict == "violated":
            message, values = "linearizable.impossible", {"operation": found.first_violation}
        elif found.verdict == "unknown" and found.operations:
            message, values = "linearizable.gave_up", {"reason": found.reason}
        return Verdict(self.name, found.verdict, found.operations, event, found.violated_us, message, values)


def when(found: Found) -> int:
    return found.violated_us or 0


def part_of(history: History, keys: set[str]) -> History:
    """The operations on these keys."""
    operations = {id: operation for id, operation in history.operations.items() if operation.key in keys}
    return History(operations, [number for number in history.order if max(number, ~number) in operations])
