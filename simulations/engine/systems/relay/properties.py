"""What must hold of masters behind a relay, and how long replication stood still; seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check
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

    def restarted(self, at_us: int, process_index: int) -> None:
        """What was not on disk is gone, and comes again."""
        self.read.pop(process_index, None)
        for place in [place for place in self.numbers if place.startswith(f"{process_index} ")]:
            del self.numbers[place]


class RelayNoLostAck(NoLostAck):
    """Every acknowledged write is at every running master, or on its way there: some master still keeps it to send.
    Nobody leads, so a loss is dated by the look that found it.
    """

    watches: ClassVar[tuple[int, ...] | None] = ()

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        masters = [process for process in running.values() if isinstance(process, Master)]
        self.judged = len(self.acknowledged)
        self.lost, self.lost_at, self.lost_ids = 0, (), ()
        self.answer = (UNKNOWN, "", {}, None, None)
        if not masters or not self.judged:
            return
        held = [{entry.operation for entry in master.log} for master in masters]
        everywhere = set.intersection(*held)
        kept = {entry.operation for master in masters for entry in master.unconfirmed.values()}
        missing = [item for item in self.acknowledged if item[0] not in everywhere and item[0] not in kept]
        self.lost, self.lost_at = len(missing), tuple(item[2] for item in missing)
        self.lost_ids = tuple(item[0] for item in missing)
        self.answer = (HOLDS, "", {}, None, None)
        if missing:
            values = {"lost": len(missing), "first": missing[0][0]}
            self.answer = (VIOLATED, "relay.lost", values, at_us, event)


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
