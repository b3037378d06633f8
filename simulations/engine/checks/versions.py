"""Which write a value came from, and which write is certainly older: what clients alone can know.

A write is certainly older than another when it completed before the other was invoked. Values are
expected to be written once: a read of a value that the key had twice (of a deleted key, say) is not
judged. Appends are not followed: their client does not know the value they made.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.state_machine import frozen

REMEMBERED = 1_024  # completed writes remembered per key


class Write(msgspec.Struct, frozen=True, array_like=True):
    """A write of one value: places of its events in the order of all events (`returned` None: may still
    take effect).

    `repeated`: the key had or may have had this value before.
    """

    id: int
    value: Any
    invoked: int
    returned: int | None = None
    returned_us: int = 0
    repeated: bool = False


class KeyVersions(msgspec.Struct):
    """The writes of one key: by value, open ones by id (their invocation), and the last completed ones in
    order.

    `forgotten`: where the newest completion lies that is no longer remembered (-1: none).
    """

    writes: dict[Any, Write] = msgspec.field(default_factory=dict)
    open: dict[int, int] = msgspec.field(default_factory=dict)
    completed: list[Write] = msgspec.field(default_factory=list)
    forgotten: int = -1
    appended: bool = False

    def fork(self) -> KeyVersions:
        return KeyVersions(
            self.writes.copy(), self.open.copy(), self.completed.copy(), self.forgotten, self.appended
        )

    def invoke(self, operation: Operation, place: int, initial: Any) -> None:
        if operation.kind == "append":
            self.appended = True
            return
        value = written_value(operation, initial)
        repeated = value in self.writes or value == frozen(initial)
        self.writes[value] = Write(operation.id, value, place, repeated=repeated)
        self.open[operation.id] = place

    def complete(self, operation: Operation, place: int, initial: Any) -> Write | None:
        """Returns the write that is now known to have happened, None when it is not."""
        invoked = self.open.pop(operation.id, None)
        if invoked is None or operation.outcome == "unknown":
            return None
        value = written_value(operation, initial)
        named = self.writes[value]
        exact = named.id == operation.id and not named.repeated
        if operation.outcome != "ok" or operation.result is False:
            if exact:
                del self.writes[value]
            return None
        done = Write(operation.id, value, invoked, place, operation.returned_us or 0, not exact)
        if exact:
            self.writes[value] = done
        self.completed.append(done)
        if len(self.completed) >= 2 * REMEMBERED:
            self._forget()
        return done

    def _forget(self) -> None:
        gone, self.completed = self.completed[:REMEMBERED], self.completed[REMEMBERED:]
        for write in gone:
            if self.writes.get(write.value) == write:
                del self.writes[write.value]
        self.forgotten = gone[-1].returned or 0

    def origin(self, value: Any, initial: Any) -> Write | None:
        """The write a value came from; for the initial value one before everything; None when nobody wrote
        it.

        A value that is not remembered counts as written when the newest forgotten one was.
        """
        write = self.writes.get(value)
        if write is not None:
            return write
        if value == initial:
            return Write(-1, value, -1, -1)
        if self.forgotten >= 0:
            return Write(-1, value, -1, self.forgotten)
        return None


def written_value(operation: Operation, initial: Any) -> Any:
    """The value the operation would leave behind: for put, cas and delete."""
    if operation.kind == "cas":
        return frozen(operation.argument[1])
    return frozen(initial if operation.kind == "delete" else operation.argument)


def certainly_older(write: Write, than: Write) -> bool:
    """Did `write` complete before `than` was invoked?"""
    return write.returned is not None and write.returned < than.invoked
