"""What a world remembers of faults: those in force, and where each line of the script stands. Plain data."""

from __future__ import annotations

from typing import Any

import msgspec


class Fault(msgspec.Struct):
    """One fault in force. ``hit``: the ids it hit; ``undo``: the action that ends it, "" when nothing does."""

    id: int
    do: str
    hit: tuple[str, ...]
    since_us: int
    until_us: int | None = None
    undo: str = ""
    memory: dict[str, Any] = {}


class Trigger(msgspec.Struct):
    """Where a ``when`` stands: matches seen, and for ``view`` the processes where the field had the value before."""

    seen: int = 0
    done: bool = False
    inside: list[int] = []


class ScriptState(msgspec.Struct):
    """``fired``: times each line fired; ``waiting``: line -> until when its symbolic target may stay unresolved."""

    fired: dict[int, int] = {}
    waiting: dict[int, int] = {}
    triggers: dict[int, Trigger] = {}


class PastFault(msgspec.Struct, frozen=True):
    """When a fault began, and when it ended (None: it is in force)."""

    id: int
    do: str
    hit: tuple[str, ...]
    since_us: int
    ended_us: int | None = None


class FaultState(msgspec.Struct):
    """All of it. ``numbered``: ids given so far; ``hit``: what the last line hit; ``past``: every fault that lasted,
    in order."""

    numbered: int = 0
    active: dict[int, Fault] = {}
    script: ScriptState = msgspec.field(default_factory=ScriptState)
    hit: tuple[str, ...] = ()
    groups: list[list[str]] = []
    past: list[PastFault] = []

    def keep_books(self, now_us: int) -> None:
        """Note which faults began or ended in the command just executed."""
        known = {fault.id for fault in self.past}
        for place, fault in enumerate(self.past):
            if fault.ended_us is None and fault.id not in self.active:
                self.past[place] = msgspec.structs.replace(fault, ended_us=now_us)
        for id, active in self.active.items():
            if id not in known:
                self.past.append(PastFault(id, active.do, active.hit, active.since_us))
