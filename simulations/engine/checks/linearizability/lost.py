"""Operations that may still be placed, and those of them whose outcome nobody will ever learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from simulations.engine.checks.linearizability.model import SWAP, WRITE


class Placeable(msgspec.Struct, frozen=True, array_like=True):
    """A pending or lost operation that may be placed. `loss`: how many were lost before it (-1: still
    pending).
    """

    bit: int
    code: int
    value: Any
    expected: Any
    loss: int = -1


class Lost(msgspec.Struct, array_like=True):
    """Operations with unknown outcomes, oldest first: writes by value, swaps by what they expect, and
    appends.
    """

    slots: int = 0
    writes: dict[Any, tuple[Placeable, ...]] = msgspec.field(default_factory=dict)
    swaps: dict[Any, tuple[Placeable, ...]] = msgspec.field(default_factory=dict)
    appends: tuple[Placeable, ...] = ()

    def fork(self) -> Lost:
        return Lost(self.slots, self.writes.copy(), self.swaps.copy(), self.appends)

    def all(self) -> Iterator[Placeable]:
        for entries in (*self.writes.values(), *self.swaps.values(), self.appends):
            yield from entries

    def add(self, entry: Placeable) -> None:
        self.slots |= entry.bit
        if entry.code == WRITE:
            self.writes[entry.value] = (*self.writes.get(entry.value, ()), entry)
        elif entry.code == SWAP:
            self.swaps[entry.expected] = (*self.swaps.get(entry.expected, ()), entry)
        else:
            self.appends = (*self.appends, entry)

    def remove(self, slots: int) -> None:
        self.slots &= ~slots
        self.writes = _without(self.writes, slots)
        self.swaps = _without(self.swaps, slots)
        self.appends = tuple(entry for entry in self.appends if not entry.bit & slots)


def _without(groups: dict[Any, tuple[Placeable, ...]], slots: int) -> dict[Any, tuple[Placeable, ...]]:
    left = {
        name: tuple(entry for entry in entries if not entry.bit & slots) for name, entries in groups.items()
    }
    return {name: entries for name, entries in left.items() if entries}


def newest(entries: tuple[Placeable, ...], mask: int) -> Iterator[Placeable]:
    """Those that are not placed, the newest only of identical ones."""
    values: list[Any] = []
    for entry in reversed(entries):
        if not entry.bit & mask and entry.value not in values:
            values.append(entry.value)
            yield entry
