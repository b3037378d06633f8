"""What clients asked and were told, as seen from outside the system: the history that checks judge."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.checks.history import History, Operation, Outcome
from simulations.engine.chunks import Chunks


class Ledger(msgspec.Struct):
    """Operations of one world. ``open``: those without a completion; ``done``: completed ones in order of completion;
    ``order``: one number per event, the id for an invocation and ~id for a completion."""

    issued: int = 0
    open: dict[int, Operation] = msgspec.field(default_factory=dict)
    done: Chunks[Operation] = msgspec.field(default_factory=Chunks)
    order: Chunks[int] = msgspec.field(default_factory=Chunks)

    def invoke(self, client: str, kind: str, key: str, argument: Any, at_us: int) -> Operation:
        """Record an invocation; ids count from 1."""
        self.issued += 1
        operation = Operation(self.issued, client, key, kind, argument, at_us)
        self.open[operation.id] = operation
        self.order.append(operation.id)
        return operation

    def complete(self, id: int, at_us: int, outcome: Outcome, result: Any, process: str | None) -> Operation:
        """Record a completion. KeyError when the operation is not open."""
        operation = self.open.pop(id).completed(at_us, outcome, result, process)
        self.done.append(operation)
        self.order.append(~id)
        return operation

    def operation(self, id: int) -> Operation | None:
        """An operation that is open or among the last completed; None when it is older."""
        if id in self.open:
            return self.open[id]
        recent = self.done.since(max(0, len(self.done) - 256))
        return next((operation for operation in reversed(recent) if operation.id == id), None)

    def history(self) -> History:
        """The whole history in the form that batch checkers read."""
        operations = {operation.id: operation for operation in self.done}
        operations.update(self.open)
        return History(operations, list(self.order))

    def fork(self) -> Ledger:
        return Ledger(self.issued, self.open.copy(), self.done.fork(), self.order.fork())
