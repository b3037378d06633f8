"""A process's disk: named cells and named logs, writes that take time and can be lost, torn or only pretended.

Writes are numbered and complete in order; one flush covers every write that waits when it starts (group commit). What
was issued but not durable is gone after a crash.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import msgspec

from simulations.engine.log import Log
from simulations.engine.streams import Stream

Write = tuple[Any, ...]

JOURNAL = 16
"""Durable writes that may wait in the journal: many at once cost less; too many, and a large cluster's leave the
processor's cache."""


def apply(cells: dict[str, Any], logs: dict[str, Log], write: Write) -> None:
    """Carry out one write (see process.put, append, truncate_from, drop_before, reset_log)."""
    kind, name, value = write
    if kind == "put":
        cells[name] = value
        return
    log = logs.get(name)
    if log is None:
        log = logs[name] = Log()
    if kind == "append":
        log.extend(value)
    elif kind == "truncate_from":
        log.truncate_from(write[2])
    elif kind == "drop_before":
        if write[2] > log.last + 1:  # a snapshot replaced everything
            log.reset(write[2], 0)
        else:
            log.drop_before(write[2])
    elif kind == "reset":
        log.reset(*write[2])
    else:
        raise ValueError(f"unknown disk write {kind!r}")


class Disk(msgspec.Struct):
    """The disk of one process. ``waiting``: (number, writes) not yet durable; ``flushing``: the last number of the
    flush under way, 0 when there is none; ``pretended``: writes that a lying disk reported but did not make durable;
    ``interrupted``: what a crash caught in the middle of a flush; ``journal``: what is durable, as it waited, but not
    yet in its place in the cells and logs. Whoever reads ``cells`` or ``logs`` finds everything there."""

    placed_cells: dict[str, Any] = msgspec.field(default_factory=dict, name="cells")
    placed_logs: dict[str, Log] = msgspec.field(default_factory=dict, name="logs")
    waiting: list[tuple[int, tuple[Write, ...]]] = msgspec.field(default_factory=list)
    flushing: int = 0
    lying: bool = False
    failed: bool = False
    pretended: tuple[Write, ...] = ()
    interrupted: tuple[Write, ...] = ()
    journal: list[tuple[int, tuple[Write, ...]]] = msgspec.field(default_factory=list)

    @property
    def cells(self) -> dict[str, Any]:
        if self.journal:
            self.tidy()
        return self.placed_cells

    @property
    def logs(self) -> dict[str, Log]:
        if self.journal:
            self.tidy()
        return self.placed_logs

    def tidy(self) -> None:
        """Put everything in the journal in its place; appends to one log that follow each other at once."""
        log, entries = "", []
        for write in chain.from_iterable([writes for _, writes in self.journal]):
            kind, name, value = write
            if kind == "append" and name == log:
                entries.extend(value)
                continue
            if log:
                apply(self.placed_cells, self.placed_logs, ("append", log, entries))
            if kind == "append":
                log, entries = name, list(value)
            else:
                log = ""
                apply(self.placed_cells, self.placed_logs, write)
        if log:
            apply(self.placed_cells, self.placed_logs, ("append", log, entries))
        self.journal.clear()

    def store(self, writes: tuple[Write, ...]) -> None:
        """Make writes durable (or pretend to)."""
        self._take([(0, writes)])

    def complete(self, number: int) -> None:
        """The flush that covers the writes up to ``number`` is done."""
        waiting, journal = self.waiting, self.journal
        self.flushing = 0
        if self.lying or not waiting or waiting[-1][0] != number:
            done = sum(written <= number for written, _ in waiting)
            self._take(waiting[:done])
            del waiting[:done]
            return
        journal += waiting  # (the usual case: all that waited; what ``_take`` does)
        waiting.clear()
        if len(journal) >= JOURNAL:
            self.tidy()

    def _take(self, written: list[tuple[int, tuple[Write, ...]]]) -> None:
        if self.lying:
            self.pretended += tuple([write for _, writes in written for write in writes])
            return
        self.journal += written
        if len(self.journal) >= JOURNAL:
            self.tidy()

    def crash(self) -> None:
        """Power is gone: what was not durable is lost; the flush under way is remembered for a torn restart."""
        caught = [writes for number, writes in self.waiting if number <= self.flushing]
        self.interrupted, self.pretended = tuple(chain.from_iterable(caught)), ()
        self.waiting.clear()
        self.flushing = 0

    def wipe(self) -> None:
        """A new, empty disk."""
        self.placed_cells, self.placed_logs = {}, {}
        self.journal.clear()
        self.interrupted = ()

    def tear(self, stream: Stream) -> None:
        """The interrupted flush reached the disk in part: some first writes, of the next one some first entries."""
        keep = stream.integer(0, len(self.interrupted))
        for write in self.interrupted[:keep]:
            apply(self.cells, self.logs, write)
        if keep < len(self.interrupted) and self.interrupted[keep][0] == "append":
            kind, name, entries = self.interrupted[keep]
            apply(self.cells, self.logs, (kind, name, entries[: stream.integer(0, len(entries))]))
        self.interrupted = ()

    def lose_last(self, name: str, count: int) -> None:
        """The last ``count`` entries of a log are gone although they were reported durable."""
        log = self.logs.get(name)
        if log is not None:
            log.truncate_from(log.last + 1 - count)

    def fork(self) -> Disk:
        return Disk(
            self.placed_cells.copy(), {name: log.fork() for name, log in self.placed_logs.items()},
            self.waiting.copy(), self.flushing, self.lying, self.failed, self.pretended, self.interrupted,
            self.journal.copy(),
        )  # fmt: skip


class Image:
    """What a process gets at its start: its own copy of what is durable."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def cell(self, name: str, default: Any = None) -> Any:
        return self._disk.cells.get(name, default)

    def log(self, name: str) -> Log:
        log = self._disk.logs.get(name)
        return log.fork() if log is not None else Log()
