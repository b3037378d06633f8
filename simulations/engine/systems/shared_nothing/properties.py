"""What must hold of a shared-nothing cluster, judged from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from simulations.engine.checks.base import BEGINNING, Check, Moment
from simulations.engine.checks.lineage import LogReader, NoLostWrite
from simulations.engine.process import Process
from simulations.engine.systems.shared_nothing.holder import RESTORING, SERVING, Holder
from simulations.engine.systems.shared_nothing.messages import Entry
from simulations.engine.systems.shared_nothing.router import shard_of
from simulations.engine.systems.shared_nothing.vault import BackupStore

ROLE, PRESENT, LOG, TURNS = range(4)
"""Places in ``Router.watched``."""


class NoLostAck(NoLostWrite):
    """Every acknowledged write is in the shard that serves its key, or was replaced by one that is.

    ``serves``: server and shard -> since when it serves it.
    """

    watches: ClassVar[tuple[int, ...] | None] = (LOG, TURNS)
    log: ClassVar[str] = "writes"
    serves: dict[str, Moment] = {}

    @staticmethod
    def write_of(entry: Entry) -> tuple[str, int, tuple[str, ...]]:
        return str(entry.operation), entry.operation, (str(entry.replaced),) if entry.replaced else ()

    @staticmethod
    def rows(process: Any) -> dict[str, tuple[str, ...]]:
        if not isinstance(process, Holder):
            return {}
        return {
            key: (str(entry.operation),)
            for shard in process.in_status(SERVING)
            for key, entry in process.entries[shard].items()
        }

    @staticmethod
    def row(process: Any, key: str) -> tuple[str, ...]:
        shard = shard_of(key, process.parameters.shards)
        if not isinstance(process, Holder) or process.status.get(shard) != SERVING:
            return ()
        return (str(process.entries[shard][key].operation),)

    def turned(self, before: Any, after: Any) -> bool:
        return bool(before[TURNS] != after[TURNS])

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        NoLostWrite.changed(self, at_us, event, process_index, before, after, process)
        for shard, status in process.status.items() if self.turned(before, after) else ():
            if status == SERVING:
                self.serves.setdefault(f"{process.id} {shard}", (at_us, event))
            else:
                self.serves.pop(f"{process.id} {shard}", None)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.hide((at_us, event), process_index)

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        NoLostWrite.began(self, at_us, event, process_index, process)
        self.serves = {place: since for place, since in self.serves.items() if place.split()[0] != process.id}

    def decided(self, processes: list[Any], key: str) -> Moment:
        """Since somebody serves the shard again."""
        holders = [process for process in processes if isinstance(process, Holder)]
        shard = shard_of(key, holders[0].parameters.shards)
        found = [
            self.serves.get(f"{process.id} {shard}", BEGINNING)
            for process in holders
            if process.status.get(shard) == SERVING
        ]
        return min(found)

    @staticmethod
    def undecided(processes: list[Any], key: str) -> bool:
        """While nobody serves its shard, a write may still be on a disk."""
        holders = [process for process in processes if isinstance(process, Holder)]
        return not any(
            process.status.get(shard_of(key, process.parameters.shards)) == SERVING for process in holders
        )


class BackupRestored(LogReader):
    """After a restore a server holds every key that its backup holds, none older than there; of a restore of some keys,
    those. A restore to a point in time is not judged: that leaves out what came later.

    ``restoring``: process -> when its restore began; ``judged``: restores that ended; the archive is read at the end
    of each, as it was when the restore began. ``saved``: the archive's entries, as they came.
    """

    name: ClassVar[str] = "backup_restored"
    watches: ClassVar[tuple[int, ...] | None] = (ROLE, LOG)
    log: ClassVar[str] = "writes"
    restoring: dict[int, int] = {}
    saved: dict[str, tuple[int, int]] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if isinstance(process, BackupStore):
            LogReader.changed(self, at_us, event, process_index, before, after, process)
        elif after[ROLE] == RESTORING:
            self.restoring.setdefault(process_index, at_us)
        elif process_index in self.restoring:
            began_us = self.restoring.pop(process_index)
            if process.ordered.to_us < 0:
                self.compare(at_us, event, process, began_us)

    def read(self, at_us: int, process_index: int, entry: Entry) -> None:
        self.saved.setdefault(f"{entry.key}\n{entry.operation}", (at_us, entry.operation))

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.restoring.pop(process_index, None)

    def compare(self, at_us: int, event: int, process: Any, began_us: int) -> None:
        """A restore has ended: nothing that was saved before it began may be missing."""
        self.judged += 1
        keys = dict.fromkeys(
            name.partition("\n")[0] for name, (saved_us, _) in self.saved.items() if saved_us < began_us
        )
        shards, wanted = process.parameters.shards, process.ordered.keys
        mine = [key for key in keys if process.holders(shard_of(key, shards))[0] == process.id]
        mine = [key for key in mine if not wanted or key in wanted]
        missing = [key for key in mine if key not in process.entries[shard_of(key, shards)]]
        if missing:
            self.violate(
                at_us,
                event,
                "shared_nothing.tail_missing",
                process=process.id,
                keys=len(missing),
                first=missing[0],
            )


class ServedOnce(Check):
    """Of servers that hear each other at most one serves a shard, in the end: judged is the moment of the question, and
    no question that was asked before it."""

    name: ClassVar[str] = "one_server_per_shard"

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        found: dict[int, str] = {}
        self.judged, self.violation = 0, None
        for index in sorted(running):
            process = running[index]
            for shard in process.in_status(SERVING) if isinstance(process, Holder) else ():
                self.judged += 1
                other = found.setdefault(shard, process.id)
                if other != process.id:
                    self.violate(
                        at_us,
                        event,
                        "shared_nothing.served_twice",
                        shard=shard,
                        first=other,
                        second=process.id,
                    )


CHECKS: dict[str, type[Check]] = {check.name: check for check in (NoLostAck, BackupRestored, ServedOnce)}
