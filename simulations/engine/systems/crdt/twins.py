"""Mergeable types, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import Process
from simulations.engine.systems.crdt.process import Crdt
from simulations.engine.systems.crdt.types import LWW_SET, OR_SET, REGISTER, Tagged


class OneTotal(Crdt):
    """The counter is one total, and of two totals the larger one is kept: what both sides counted alone is lost."""

    __slots__ = ()

    def counted_as(self) -> str:
        return "total"


class TagsByElement(Crdt):
    """An addition is named by its element: one removal takes all additions, earlier, concurrent and later."""

    __slots__ = ()

    def tag(self, element: str) -> str:
        return element


class RemovesWithoutTombstone(Crdt):
    """A removal that arrives is not joined: the addition that is still here brings the element back."""

    __slots__ = ()

    def join(self, kind: str, old: Any, new: Any) -> Any:
        if kind == OR_SET:
            return Tagged(old.element, old.alive or new.alive)
        return super().join(kind, old, new)


class KeepsOlder(Crdt):
    """Of two values of a register the older one is kept."""

    __slots__ = ()

    def join(self, kind: str, old: Any, new: Any) -> Any:
        if kind in (REGISTER, LWW_SET):
            return min(old, new, key=lambda part: (part.stamp, part.replica))
        return super().join(kind, old, new)


TWINS: dict[str, dict[str, type[Process]]] = {
    "counter_by_totals": {"server": OneTotal},
    "tag_is_element": {"server": TagsByElement},
    "no_tombstones": {"server": RemovesWithoutTombstone},
    "keeps_older": {"server": KeepsOlder},
}
