"""What every process of the cluster shows, whatever its part: server, directory or backup store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.log import Log
from simulations.engine.process import Process, Request
from simulations.engine.systems.shared_nothing.messages import Entry
from simulations.engine.systems.shared_nothing.parameters import Parameters


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A write that waits for its copies: where its answer goes ("": to the client), and whose copies are missing."""

    request: Request
    asker: str
    result: Any
    shard: int
    entry: Entry
    missing: tuple[str, ...]


@dataclass(slots=True)
class Member(Process):
    """``writes``: all that is on its disk, in order; ``present``: servers it hears from; ``served``: server -> the
    shards it says it serves; ``silent``: servers that let a request wait in vain and have not been heard from since;
    ``status``: what each of its shards is in, ``turns``: how often that changed; ``values``: key -> value; ``waiting``:
    operation -> a write that waits for copies; ``restored``: keys that came from a backup."""

    watched: ClassVar[tuple[str, ...]] = ("role", "present", "writes.version", "turns")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    writes: Log = field(default_factory=Log)

    # --- volatile ---
    role: str = ""
    present: int = 0
    served: dict[str, tuple[int, ...]] = field(default_factory=dict)
    silent: dict[str, bool] = field(default_factory=dict)
    status: dict[int, str] = field(default_factory=dict)
    turns: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    restored: int = 0

    @property
    def does_not_answer(self) -> list[str]:
        """The silent servers, for the page."""
        return sorted(self.silent)

    @property
    def waiting_writes(self) -> list[str]:
        """The writes that wait for copies, for the page."""
        return [f"{one.entry.label} <- {', '.join(one.missing)}" for one in self.waiting.values()]
