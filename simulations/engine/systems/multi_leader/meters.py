"""Numbers about conflicts: concurrent changes, names given twice, changes that overtake what they rest on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.lineage import LogReader, lost_acknowledged
from simulations.engine.chunks import Chunks
from simulations.engine.meters import Scope
from simulations.engine.systems.multi_leader.messages import Version
from simulations.engine.systems.multi_leader.process import MultiLeader
from simulations.engine.systems.multi_leader.properties import CHANGES
from simulations.engine.systems.multi_leader.versions import knows

if TYPE_CHECKING:
    from simulations.engine.world import World


class Conflicts(LogReader):
    """``heads``: key -> the versions that none of the others knows; ``known``: (process, version) as text that were
    read; ``created``: (process, key) as text -> the creations in that log.

    ``pairs``: (time, key) of two changes that did not know each other; ``overtaken``: (time, key) of a change that came
    to a leader before one that it replaced; ``twice``: (time, key) of two creations of one row that met.
    """

    name: ClassVar[str] = "multi_leader_conflicts"
    watches: ClassVar[tuple[int, ...] | None] = CHANGES
    log: ClassVar[str] = "changes"
    heads: dict[str, tuple[Version, ...]] = {}
    known: dict[str, bool] = {}
    created: dict[str, tuple[Version, ...]] = {}
    pairs: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    overtaken: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    twice: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def read(self, at_us: int, process_index: int, entry: Version) -> None:
        if self.seen(process_index, entry.name):
            return
        if any(f"{process_index} {name}" not in self.known for name in entry.replaced):
            self.overtaken.append((at_us, entry.key))
        if not self.seen(-1, entry.name):
            heads = self.heads.get(entry.key, ())
            rest = tuple(one for one in heads if not knows(entry, one))
            for _ in rest:
                self.pairs.append((at_us, entry.key))
            self.heads[entry.key] = (*rest, entry)
        if entry.kind == "create":
            self.create(at_us, f"{process_index} {entry.key}", entry)

    def seen(self, process_index: int, name: str) -> bool:
        """Whether this was asked before; -1 stands for all leaders together."""
        place = f"{process_index} {name}"
        before = place in self.known
        self.known[place] = True
        return before

    def create(self, at_us: int, place: str, version: Version) -> None:
        """A creation got into a log: another one is there that did not know it, nor it the other."""
        others = self.created.get(place, ())
        if any(not knows(version, one) and not knows(one, version) for one in others):
            self.twice.append((at_us, version.key))
        self.created[place] = (*others, version)


def counted(name: str, distinct: bool = False) -> Callable[[Any, Any], Any]:
    """How many of these fell into the scope; ``distinct``: how many keys they concern."""

    def metric(world: World, scope: Scope) -> int:
        meter = world.observer.checks[Conflicts.name]
        found = [
            key for at_us, key in getattr(meter, name) if scope.covers(at_us) and scope.key in (None, key)
        ]
        return len(dict.fromkeys(found)) if distinct else len(found)

    return metric


def siblings_at_end(world: World, scope: Scope) -> int | None:
    """The most versions that a running leader shows of one row (of the scope's key, if it names one)."""
    counts = [
        len(shown)
        for context in world.kernel.contexts
        if isinstance(context.process, MultiLeader) and context.host and context.host.state != "down"
        for key, shown in context.process.rows.items()
        if scope.key in (None, key)
    ]
    return max(counts, default=0)


METERS = {Conflicts.name: Conflicts}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "lost_acknowledged": lost_acknowledged,
    "siblings_at_end": siblings_at_end,
    "conflicts": counted("pairs"),
    "causality_violations": counted("overtaken"),
    "duplicate_names_found_after_sync": counted("twice", distinct=True),
}
