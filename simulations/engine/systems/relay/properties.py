"""What must hold of masters behind a relay, and how long replication stood still; seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import BEGINNING, HOLDS, UNKNOWN, VIOLATED, Check, Moment
from simulations.engine.checks.history import Operation
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.chunks import Chunks
from simulations.engine.meters import Scope
from simulations.engine.process import Process
from simulations.engine.systems.relay.master import Master

if TYPE_CHECKING:
    from simulations.engine.world import World

ROLE, EPOCH, VERSION, STATE, FOREIGN = range(5)
"""Positions of a master's watched attributes."""


class AppliedOnce(Check):
    """Every master applies each write of each origin once, in the order of its numbers. ``read``: process -> entries
    read; ``numbers``: process and origin -> the last number."""

    name: ClassVar[str] = "applied_once"
    watches: ClassVar[tuple[int, ...] | None] = (VERSION,)
    read: dict[int, int] = {}
    numbers: dict[str, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if not isinstance(process, Master):
            return
        for entry in process.log.slice(self.read.get(process_index, 0) + 1, process.log.last + 1):
            self.judged += 1
            place = f"{process_index} {entry.origin}"
            expected = self.numbers.get(place, 0) + 1
            if entry.number != expected:
                values = {"process": process.id, "origin": entry.origin, "number": entry.number}
                self.violate(at_us, event, "relay.not_once", expected=expected, **values)
            self.numbers[place] = entry.number
        self.read[process_index] = process.log.last

    def restarted(self, at_us: int, event: int, process_index: int) -> None:
        """What was not on disk is gone, and comes again."""
        self.read.pop(process_index, None)
        for place in [place for place in self.numbers if place.startswith(f"{process_index} ")]:
            del self.numbers[place]


class RelayNoLostAck(NoLostAck):
    """Every acknowledged write is at every running master, or on its way there: some master still keeps it to send.

    Nobody leads. A write is lost since the master that answered crashed, or since one that lacks it began its life.
    (That a master no longer keeps a write is not told as it happens: this counts as of the acknowledgement.)
    ``lives``: master -> when its life began; ``crashes``: master -> when it died.
    """

    watches: ClassVar[tuple[int, ...] | None] = ()
    names: dict[int, str] = {}
    lives: dict[str, Moment] = {}
    crashes: dict[str, Moment] = {}

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        self.names[process_index] = process.id
        self.lives[process.id] = (at_us, event)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.crashes[self.names[process_index]] = (at_us, event)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.outcome == "ok" and operation.kind != "get" and operation.result is not False:
            self.acknowledged.append((operation.id, event, at_us, operation.process or ""))

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        masters = [process for process in running.values() if isinstance(process, Master)]
        self.judged = len(self.acknowledged)
        self.lost, self.lost_at, self.lost_ids = 0, (), ()
        self.answer = (UNKNOWN, "", {}, None, None)
        if not masters or not self.judged:
            return
        held = {master.id: {entry.operation for entry in master.log} for master in masters}
        everywhere = set.intersection(*held.values())
        kept = {entry.operation for master in masters for entry in master.unconfirmed.values()}
        missing = [item for item in self.acknowledged if item[0] not in everywhere and item[0] not in kept]
        self.lost, self.lost_at = len(missing), tuple(item[2] for item in missing)
        self.lost_ids = tuple(item[0] for item in missing)
        self.answer = (HOLDS, "", {}, None, None)
        if missing:
            values = {"lost": len(missing), "first": missing[0][0]}
            when, what = min(self.since(item, held) for item in missing)
            self.answer = (VIOLATED, "relay.lost", values, when, what)

    def since(self, item: tuple[Any, ...], held: dict[str, set[int]]) -> Moment:
        """Since when one of these masters lacks an acknowledged write, and who answered does not keep it."""
        id, event, at_us, process = item
        lacking = min(self.lives[master] for master, operations in held.items() if id not in operations)
        return max((at_us, event), lacking, self.crashes.get(process, BEGINNING))


class Arrivals(Check):
    """When a master applied writes of another: (time, process)."""

    name: ClassVar[str] = "relay_arrivals"
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if isinstance(process, Master) and after[FOREIGN] > before[FOREIGN]:
            self.found.append((at_us, process_index))


def replication_gap_ms(world: World, scope: Scope) -> float | None:
    """The longest span in which nothing of another master arrived, over all masters, the edges of the scope counted."""
    meter = world.observer.checks.get(Arrivals.name)
    if not isinstance(meter, Arrivals):
        return None
    times: dict[int, list[int]] = {}
    for at_us, process in meter.found:
        context = world.kernel.contexts[process]
        if scope.covers(at_us) and scope.node in (None, context.id, context.place):
            times.setdefault(process, [scope.from_us]).append(at_us)
    spans = [
        later - earlier
        for moments in times.values()
        for earlier, later in pairwise([*moments, scope.end(world)])
    ]
    return max(spans, default=scope.end(world) - scope.from_us) / 1000


CHECKS: dict[str, type[Check]] = {check.name: check for check in (AppliedOnce, RelayNoLostAck)}
METERS = {Arrivals.name: Arrivals}
METRICS: dict[str, Callable[[Any, Any], Any]] = {"replication_gap_ms": replication_gap_ms}
