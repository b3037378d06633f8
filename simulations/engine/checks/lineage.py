"""No acknowledged write is lost, where writes replace each other in several places: judged by who replaced whom.

A write is kept when it is shown somewhere, or when it was replaced by a kept one that knew it. Generic over systems
whose processes keep every write in a ``Log``; a system derives its own class and says how its processes are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import BEGINNING, HOLDS, UNKNOWN, VIOLATED, Check, Moment, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.process import Note, Process

NOTES = {
    "lineage.lost": Note(
        "",
        "{lost} acknowledged {lost|write is|writes are} shown nowhere, and nobody who replaced "
        "{lost|it|them} had seen {lost|it|them}; the first is "
        "operation {first} on {key}",
        "{lost} 次已确认的写入已无处可寻，取代它们的写入也从未见过它们；首个是对 {key} 的操作 {first}",
        "check",
    ),
}


class LogReader(Check):
    """Reads every entry when it gets into a process's log. ``read_to``: process -> (entries read, their hash)."""

    log: ClassVar[str] = "log"
    read_to: dict[int, tuple[int, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        log = getattr(process, self.log, None)
        if log is None:
            return
        last, mark = self.read_to.get(process_index, (0, 0))
        if last > log.last or log.hash_at(last) != mark:  # a new life that lost some of what was read
            last = 0
        for entry in log.slice(last + 1, log.last + 1):
            self.read(at_us, process_index, entry)
        self.read_to[process_index] = (log.last, log.hash)

    def read(self, at_us: int, process_index: int, entry: Any) -> None:
        """One more entry of a process's log. A new life may read again what its disk kept."""


class NoLostWrite(LogReader):
    """``written``: name of a write -> (its operation, the names of what it replaced), these before it; ``missing``:
    lost operations as (client, key, when they were acknowledged).

    A loss is dated by when a process last ceased to show the write, or one that knowingly replaced it.
    ``showing``: process and key -> the names shown there; ``hidden``: (name, moment) of what a process ceased to show
    for nothing that had replaced it; ``anew``: processes of which everything is to be read, as they begin a life;
    ``fresh``: keys of the entries just read.
    """

    name: ClassVar[str] = "no_lost_ack"
    written: dict[str, tuple[int, tuple[str, ...]]] = {}
    acknowledged: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    missing: tuple[tuple[str, str, int], ...] = ()
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    answer: Verdict | None = None
    showing: dict[str, tuple[str, ...]] = {}
    hidden: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    anew: dict[int, bool] = {}
    fresh: list[str] = []

    @staticmethod
    def write_of(entry: Any) -> tuple[str, int, tuple[str, ...]]:
        """(name, operation, names of what it replaced) of a log entry. Given by the system."""
        raise TypeError("write_of: a system's own check says how its logs are read")

    @staticmethod
    def rows(process: Any) -> Mapping[str, tuple[str, ...]]:
        """Key -> the names of the writes that a process shows. Given by the system."""
        raise TypeError("rows: a system's own check says what its processes show")

    @staticmethod
    def row(process: Any, key: str) -> tuple[str, ...]:
        """The names that a process shows of one key. Given by the system."""
        raise TypeError("row: a system's own check says what its processes show")

    @staticmethod
    def undecided(processes: list[Any], key: str) -> bool:
        """Whether a write of this key may still lie where nobody sees it now. Given by the system."""
        raise TypeError("undecided: a system's own check says what is out of sight")

    def decided(self, processes: list[Any], key: str) -> Moment:
        """Since when it is not undecided, in systems where nobody may show a key for a while."""
        return BEGINNING

    def turned(self, before: Any, after: Any) -> bool:
        """Whether a process may show other writes although it got no entries. Given by the system."""
        return False

    # -- what is told as it happens -------------------------------------------------------------------------------

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if getattr(process, self.log, None) is None:
            return
        LogReader.changed(self, at_us, event, process_index, before, after, process)
        if self.anew.pop(process_index, False) or self.turned(before, after):
            now = self.rows(process)
            for key in dict.fromkeys([*self.shown_by(process_index), *now]):
                self.show((at_us, event), f"{process_index} {key}", now.get(key, ()))
        else:
            for key in self.fresh:
                self.show((at_us, event), f"{process_index} {key}", self.row(process, key))
        self.fresh.clear()

    def read(self, at_us: int, process_index: int, entry: Any) -> None:
        name, operation, replaced = self.write_of(entry)
        self.written[name] = (operation, replaced)
        self.fresh.append(entry.key)

    def show(self, moment: Moment, place: str, now: tuple[str, ...]) -> None:
        """A process shows these writes of a key now."""
        for name in self.showing.pop(place, ()):
            if name not in now and not any(name in self.written.get(one, (0, ()))[1] for one in now):
                self.hidden.append((name, *moment))
        if now:
            self.showing[place] = now

    def shown_by(self, process_index: int) -> list[str]:
        """The keys of which a process shows something."""
        start = f"{process_index} "
        return [place.removeprefix(start) for place in self.showing if place.startswith(start)]

    def hide(self, moment: Moment, process_index: int) -> None:
        """A process shows nothing any more."""
        for key in self.shown_by(process_index):
            self.show(moment, f"{process_index} {key}", ())

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        self.anew[process_index] = True

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.outcome == "ok" and operation.kind != "get" and operation.result is not False:
            self.acknowledged.append((operation.id, operation.client, operation.key, at_us, event))

    # -- the question ---------------------------------------------------------------------------------------------

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        processes = [running[index] for index in sorted(running)]
        kept = self.kept(processes)
        gone = [item for item in self.acknowledged if item[0] not in kept]
        open_ = [item for item in gone if self.undecided(processes, item[2])]
        gone = [item for item in gone if item not in open_] if open_ else gone
        self.judged = len(self.acknowledged)
        self.missing = tuple(item[1:4] for item in gone)
        self.lost, self.lost_at = len(gone), tuple(item[3] for item in gone)
        found = UNKNOWN if open_ or not self.judged else HOLDS
        self.answer = Verdict(self.name, found, self.judged)
        if gone:
            values = {"lost": len(gone), "first": gone[0][0], "key": gone[0][2]}
            when, what = self.since(processes, gone)
            self.answer = Verdict(self.name, VIOLATED, self.judged, what, when, "lineage.lost", values)

    def since(self, processes: list[Any], gone: list[tuple[Any, ...]]) -> Moment:
        """Since when the first of these has been lost: it was acknowledged, nobody shows it, nothing is open."""
        last: dict[str, Moment] = {}
        for name, when, what in self.hidden:
            last[name] = max((when, what), last.get(name, BEGINNING))
        seen: dict[int, Moment] = {}
        for name, (operation, replaced) in reversed(self.written.items()):
            moment = last.get(name, BEGINNING)
            seen[operation] = max(moment, seen.get(operation, BEGINNING))
            for one in replaced if moment > BEGINNING else ():
                last[one] = max(moment, last.get(one, BEGINNING))
        decided = {key: self.decided(processes, key) for _, _, key, _, _ in gone}
        return min(
            max((when, what), seen.get(operation, BEGINNING), decided[key])
            for operation, _, key, when, what in gone
        )

    def kept(self, processes: list[Any]) -> set[int]:
        """The operations of the writes that are shown, and of all that these replaced, directly or not."""
        names = [name for process in processes for row in self.rows(process).values() for name in row]
        met = dict.fromkeys(names)
        kept: set[int] = set()
        while names:
            operation, replaced = self.written.get(names.pop(), (0, ()))
            kept.add(operation)
            for name in replaced:
                if name not in met:
                    met[name] = None
                    names.append(name)
        return kept

    def verdict(self) -> Verdict:
        """What the last look found. Not sticky: what a process that is down holds may come back."""
        return self.answer or Verdict(self.name, UNKNOWN)


def lost_acknowledged(world: Any, scope: Any) -> int | None:
    """Acknowledged writes of the scope's client and key that are lost; None when nobody can tell."""
    check: Any = world.observer.checks.get(NoLostWrite.name)
    if check is None or world.verdicts()[NoLostWrite.name].verdict == UNKNOWN:
        return None
    return sum(
        scope.client in (None, client) and scope.key in (None, key) for client, key, _ in check.missing
    )
