"""No acknowledged write is lost, where writes replace each other in several places: judged by who replaced whom.

A write is kept when it is shown somewhere, or when it was replaced by a kept one that knew it. Generic over systems
whose processes keep every write in a ``Log``; a system derives its own class and says how its processes are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.process import Note, Process

NOTES = {
    "lineage.lost": Note(
        "",
        "{lost} acknowledged writes are shown nowhere, and nobody who replaced them had seen them; the first is "
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
    """``written``: name of a write -> (its operation, the names of what it replaced); ``missing``: lost operations as
    (client, key, when they were acknowledged)."""

    name: ClassVar[str] = "no_lost_ack"
    written: dict[str, tuple[int, tuple[str, ...]]] = {}
    acknowledged: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    missing: tuple[tuple[str, str, int], ...] = ()
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    answer: Verdict | None = None

    @staticmethod
    def write_of(entry: Any) -> tuple[str, int, tuple[str, ...]]:
        """(name, operation, names of what it replaced) of a log entry. Given by the system."""
        raise TypeError("write_of: a system's own check says how its logs are read")

    @staticmethod
    def shown(processes: list[Any]) -> Iterable[str]:
        """The names of the writes that these running processes show. Given by the system."""
        raise TypeError("shown: a system's own check says what its processes show")

    @staticmethod
    def undecided(processes: list[Any], key: str) -> bool:
        """Whether a write of this key may still lie where nobody sees it now. Given by the system."""
        raise TypeError("undecided: a system's own check says what is out of sight")

    def read(self, at_us: int, process_index: int, entry: Any) -> None:
        name, operation, replaced = self.write_of(entry)
        self.written[name] = (operation, replaced)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.outcome == "ok" and operation.kind != "get" and operation.result is not False:
            self.acknowledged.append((operation.id, operation.client, operation.key, at_us))

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        processes = [running[index] for index in sorted(running)]
        kept = self.kept(processes)
        gone = [item for item in self.acknowledged if item[0] not in kept]
        open_ = [item for item in gone if self.undecided(processes, item[2])]
        gone = [item for item in gone if item not in open_] if open_ else gone
        self.judged = len(self.acknowledged)
        self.missing = tuple(item[1:] for item in gone)
        self.lost, self.lost_at = len(gone), tuple(item[3] for item in gone)
        found = UNKNOWN if open_ or not self.judged else HOLDS
        self.answer = Verdict(self.name, found, self.judged)
        if gone:
            values = {"lost": len(gone), "first": gone[0][0], "key": gone[0][2]}
            self.answer = Verdict(self.name, VIOLATED, self.judged, event, at_us, "lineage.lost", values)

    def kept(self, processes: list[Any]) -> set[int]:
        """The operations of the writes that are shown, and of all that these replaced, directly or not."""
        names = list(self.shown(processes))
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
