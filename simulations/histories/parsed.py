"""What every history format is read into, and the one error a malformed file gives."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec

from simulations.engine.checks.history import KINDS, History, Operation
from simulations.engine.checks.linearizability import Model

OPERATIONS_MAX = 1_000_000
DEPTH_MAX = 100
SURROGATE = re.compile("[\ud800-\udfff]")


class HistoryFormatError(ValueError):
    """A malformed history file: the line (counted from 1; None when it is the whole file) and why."""

    def __init__(self, line: int | None, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}" if line else reason)


def unwritable(value: Any, depth: int = 0) -> str | None:
    """Why a value cannot be written as JSON again, so that nobody could compare or show it; None when it can."""
    if isinstance(value, str):
        return (
            None if value.isascii() or not SURROGATE.search(value) else "half a character (a lone surrogate)"
        )
    if isinstance(value, float):
        return None if math.isfinite(value) else "a number that is not finite"
    if not isinstance(value, list | dict):
        return None
    if depth >= DEPTH_MAX:
        return f"nested more than {DEPTH_MAX} deep"
    items = value if isinstance(value, list) else [*value, *value.values()]
    return next((why for item in items if (why := unwritable(item, depth + 1))), None)


class Fault(msgspec.Struct):
    """A fault drawn behind the operations. Times in microseconds (event positions in files without times)."""

    at_us: int
    what: str
    until_us: int | None = None


class Place(msgspec.Struct):
    """Where an operation stands in its file: lines from 1, indexes of entries from 0."""

    line: int
    index: int
    completion_line: int | None = None
    completion_index: int | None = None


class ParsedHistory(msgspec.Struct):
    """A history with the model its format implies, where each operation stands in the file, and faults."""

    history: History
    model: Model
    places: dict[int, Place] = msgspec.field(default_factory=dict)
    faults: list[Fault] = msgspec.field(default_factory=list)


class HistoryBuilder:
    """Builds a history from the entries of a file, in the file's order. Entry positions serve as times.

    A client runs one operation at a time: a second invocation before the completion is an error.
    """

    def __init__(self) -> None:
        self.history = History()
        self.places: dict[int, Place] = {}
        self.faults: list[Fault] = []
        self._running: dict[str, int] = {}
        self._index = 0

    def invoke(self, line: int, client: str, kind: str, key: str, argument: Any) -> None:
        if client in self._running:
            first = self.places[self._running[client]].line
            raise HistoryFormatError(
                line, f"process {client} invokes again before its operation of line {first} completed"
            )
        if kind not in KINDS:
            raise HistoryFormatError(line, f"operation {kind!r} is not one of {', '.join(KINDS)}")
        self._require_writable(line, key, argument)
        number = len(self.history.operations)
        if number >= OPERATIONS_MAX:
            raise HistoryFormatError(line, f"more than {OPERATIONS_MAX} operations")
        self.history.invoke(Operation(number, client, key, kind, argument, self._index))
        self.places[number] = Place(line, self._index)
        self._running[client] = number
        self._index += 1

    def running(self, line: int, client: str, kind: str) -> Operation:
        """The operation that a completion belongs to. Raises HistoryFormatError when there is none of this
        kind.
        """
        number = self._running.get(client)
        if number is None:
            raise HistoryFormatError(line, f"process {client} completes an operation it never invoked")
        operation = self.history.operations[number]
        if operation.kind != kind:
            started = self.places[number].line
            raise HistoryFormatError(
                line, f"process {client} completes a {kind}, but line {started} invoked a {operation.kind}"
            )
        return operation

    def complete(self, line: int, operation: Operation, outcome: Any, result: Any = None) -> None:
        self._require_writable(line, result)
        del self._running[operation.client]
        self.history.complete(operation.id, self._index, outcome, result)
        place = self.places[operation.id]
        place.completion_line, place.completion_index = line, self._index
        self._index += 1

    def fault(self, line: int, what: str) -> None:
        """An entry that is not a client's, such as a nemesis: drawn behind the operations."""
        self._require_writable(line, what)
        self.faults.append(Fault(self._index, what))
        self._index += 1

    def _require_writable(self, line: int, *values: Any) -> None:
        for value in values:
            why = unwritable(value)
            if why is not None:
                raise HistoryFormatError(line, f"value: {why}")

    def parsed(self, model: Model) -> ParsedHistory:
        return ParsedHistory(self.history, model, self.places, self.faults)
