"""One key's part of a finished history, prepared for the search.

The completions of required operations are *barriers*: before a barrier passes, its operation must have
been placed. Every operation that is open owns a *slot* (one bit of a mask), freed when its barrier
passes, so masks stay as small as the concurrency. Values become small numbers. Unfinished operations
never own a barrier; identical ones form a *group*.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from simulations.engine.checks.history import History
from simulations.engine.checks.linearizability.model import READ, REFUSED, SWAP, WRITE, Model, Step
from simulations.engine.state_machine import frozen

Write = tuple[int, int, int, int]  # (slot bit, step code, value number, expected value number or -1)
NOTHING: dict[int, int] = {}


class Group:
    """Unfinished operations with one and the same step, in order of invocation; any of them will do."""

    __slots__ = ("code", "expected", "members", "value")

    def __init__(self, code: int, value: int, expected: int) -> None:
        self.code, self.value, self.expected = code, value, expected
        self.members: list[tuple[int, int]] = []  # (barriers passed when it was invoked, slot bit)


class Timeline:
    """Barriers of one key, as parallel lists, and what is open at each.

    At barrier b: `operations[b]` its operation id, `positions[b]` its place in the history's order,
    `bits[b]` its slot; `reads[b]` maps a value to the mask of open reads of it, `refused[b]` an expected
    value to the mask of open refused operations, `writes[b]` the open writes. `owner` tells whose slot a
    bit was.
    """

    def __init__(self, initial: Any) -> None:
        self.operations: list[int] = []
        self.positions: list[int] = []
        self.bits: list[int] = []
        self.reads: list[dict[int, int]] = []
        self.refused: list[dict[int, int]] = []
        self.writes: list[tuple[Write, ...]] = []
        self.wanted: list[int] = []  # the value number a barrier's read wants, or -1
        self.needed: list[int] = []  # the same, and what a barrier's swap expects
        self.opened: list[int] = []  # barriers passed when a barrier's operation was invoked
        self.makers: dict[
            int, int
        ] = {}  # how many writes and swaps, the initial state included, make a value
        self.made_from: dict[int, int] = {}  # barriers passed when its first maker began
        self.groups: list[Group] = []
        self.values: list[Any] = []
        self.numbers: dict[Any, int] = {}
        self.owners: dict[int, tuple[list[int], list[int]]] = {}  # slot bit -> (first barriers, operations)
        self.initial = self.number(initial)
        self.makers[self.initial] = 1
        self.made_from[self.initial] = 0
        self.codes = 0  # bit set of the step codes that occur
        self._open_reads: dict[int, int] = {}
        self._open_refused: dict[int, int] = {}
        self._open_writes: dict[int, Write] = {}
        self._open: dict[int, tuple[int, int, int, int, int]] = {}
        self._free: list[int] = []
        self._slots = 0
        self._groups: dict[tuple[int, int, int], Group] = {}

    def number(self, value: Any) -> int:
        """The small number of a value, given out at first use."""
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = len(self.values)
            self.values.append(value)
        return number

    def owner(self, bit: int, barrier: int) -> int:
        """The operation that owned a slot when `barrier` was the next to pass."""
        since, operations = self.owners[bit]
        return operations[bisect_right(since, barrier) - 1]

    def invoke(self, operation: int, step: Step) -> None:
        code = step.code
        value = -1 if code == REFUSED else self.number(step.value)
        expected = self.number(step.expected) if code in (SWAP, REFUSED) else -1
        self.codes |= 1 << code
        if code in (WRITE, SWAP):
            self.makers[value] = self.makers.get(value, 0) + 1
            self.made_from.setdefault(value, len(self.operations))
        bit = self._take_slot(operation, step.required)
        if not step.required:
            self._join_group(code, value, expected, bit)
            return
        self._open[operation] = (bit, code, value, expected, len(self.operations))
        if code == READ:
            self._open_reads[value] = self._open_reads.get(value, 0) | bit
        elif code == REFUSED:
            self._open_refused[expected] = self._open_refused.get(expected, 0) | bit
        else:
            self._open_writes[bit] = (bit, code, value, expected)

    def _take_slot(self, operation: int, required: bool) -> int:
        """A free slot; for an unfinished operation always a new one, so that a bit means one or the other
        for good.
        """
        if self._free and required:
            bit = self._free.pop()
        else:
            bit = 1 << self._slots
            self._slots += 1
            self.owners[bit] = ([], [])
        since, operations = self.owners[bit]
        since.append(len(self.operations))
        operations.append(operation)
        return bit

    def _join_group(self, code: int, value: int, expected: int, bit: int) -> None:
        group = self._groups.get((code, value, expected))
        if group is None:
            group = self._groups[(code, value, expected)] = Group(code, value, expected)
            self.groups.append(group)
        group.members.append((len(self.operations), bit))

    def complete(self, operation: int, position: int) -> None:
        """Add the barrier of a required operation."""
        bit, code, value, expected, opened = self._open.pop(operation)
        self.operations.append(operation)
        self.positions.append(position)
        self.bits.append(bit)
        self.reads.append(self._open_reads.copy() if self._open_reads else NOTHING)
        self.refused.append(self._open_refused.copy() if self._open_refused else NOTHING)
        self.writes.append(tuple(self._open_writes.values()))
        self.wanted.append(value if code == READ else -1)
        self.needed.append(value if code == READ else expected if code == SWAP else -1)
        self.opened.append(opened)
        self._free.append(bit)
        if code == READ:
            _drop(self._open_reads, value, bit)
        elif code == REFUSED:
            _drop(self._open_refused, expected, bit)
        else:
            del self._open_writes[bit]


def _drop(masks: dict[int, int], key: int, bit: int) -> None:
    masks[key] ^= bit
    if not masks[key]:
        del masks[key]


def timelines(history: History, model: Model) -> dict[str, Timeline]:
    """The timeline of every key, in order of first use."""
    initial = frozen(model.initial)
    result: dict[str, Timeline] = {}
    barrier_of: dict[int, Timeline] = {}
    operations = history.operations
    for position, number in enumerate(history.order):
        if number < 0:
            timeline = barrier_of.get(~number)
            if timeline is not None:
                timeline.complete(~number, position)
            continue
        operation = operations[number]
        timeline = result.get(operation.key)
        if timeline is None:
            timeline = result[operation.key] = Timeline(initial)
        step = model.final_step(operation)
        if step is not None:
            timeline.invoke(number, step)
            if step.required:
                barrier_of[number] = timeline
    return result
