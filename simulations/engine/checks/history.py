"""Client histories: what clients asked, when, and what they were told.

A history is what every client-side check reads: operations with an invocation, and a completion that may
never come. The order of the *events* (invocations and completions) decides which operation precedes
which; times are for people. Two operations are concurrent unless one completed before the other was
invoked.

Source: Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects" (1990), section 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

Outcome = Literal["ok", "fail", "unknown", "pending"]
KINDS = ("get", "put", "append", "cas", "delete", "lock", "unlock")


class Operation(msgspec.Struct, frozen=True):
    """One client operation. Never changed in place: a completion makes a new one, so that forks may share it.

    `kind` is one of KINDS; `argument` is the value of put and append, [expected, new] of cas, else None.
    `outcome`: ok (it happened, `result` is the answer), fail (refused; what that says about the state is
    part of the model), unknown (timed out: it may take effect at any later time or never), pending (no
    completion yet). `process` is the server that answered; `session` names the client session for
    session guarantees (None: the client).
    """

    id: int
    client: str
    key: str
    kind: str
    argument: Any = None
    invoked_us: int = 0
    returned_us: int | None = None
    outcome: Outcome = "pending"
    result: Any = None
    process: str | None = None
    session: str | None = None

    def completed(
        self, returned_us: int, outcome: Outcome, result: Any = None, process: str | None = None
    ) -> Operation:
        """The same operation with its completion; `process` keeps its value when None is given."""
        return Operation(
            self.id,
            self.client,
            self.key,
            self.kind,
            self.argument,
            self.invoked_us,
            returned_us,
            outcome,
            result,
            self.process if process is None else process,
            self.session,
        )


class History(msgspec.Struct):
    """Operations by id, and the real-time order of their events.

    `order` holds one number per event: the operation's id for its invocation, the complement ~id for its
    completion.
    """

    operations: dict[int, Operation] = msgspec.field(default_factory=dict)
    order: list[int] = msgspec.field(default_factory=list)

    def invoke(self, operation: Operation) -> None:
        """Record an invocation. Raises ValueError when the id is negative or was used before."""
        if operation.id < 0 or operation.id in self.operations:
            raise ValueError(f"operation id {operation.id}: ids are unique and not negative")
        self.operations[operation.id] = operation
        self.order.append(operation.id)

    def complete(
        self, id: int, time_us: int, outcome: Outcome, result: Any = None, process: str | None = None
    ) -> Operation:
        """Record a completion and return the completed operation. Raises ValueError when it was not
        pending.
        """
        operation = self.operations.get(id)
        if operation is None or operation.outcome != "pending":
            raise ValueError(f"operation id {id}: completed, but it is not pending")
        done = operation.completed(time_us, outcome, result, process)
        self.operations[id] = done
        self.order.append(~id)
        return done

    def events(self) -> Iterator[tuple[bool, Operation]]:
        """Every event in order, as (is it the completion, the operation as it stood at the end)."""
        for number in self.order:
            yield (number < 0, self.operations[~number if number < 0 else number])

    def prefix(self, events: int) -> History:
        """What was known after the first `events` events: later completions are still pending."""
        result = History(order=self.order[:events])
        for number in result.order:
            if number >= 0:
                result.operations[number] = pending(self.operations[number])
            else:
                result.operations[~number] = self.operations[~number]
        return result

    def fork(self) -> History:
        return History(dict(self.operations), list(self.order))


def pending(operation: Operation) -> Operation:
    """The operation as it looked before its completion."""
    return msgspec.structs.replace(operation, returned_us=None, outcome="pending", result=None)


def history_of(operations: Iterable[Operation]) -> History:
    """A history ordered by times alone. At equal times invocations come first: ties are concurrent."""
    by_id = {operation.id: operation for operation in operations}
    events = [(op.invoked_us, 0, op.id) for op in by_id.values()]
    events += [(op.returned_us, 1, op.id) for op in by_id.values() if op.returned_us is not None]
    order = [~id if returned else id for _, returned, id in sorted(events)]
    return History(by_id, order)
