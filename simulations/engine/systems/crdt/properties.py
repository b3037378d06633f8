"""What must hold of mergeable types, judged from outside: the clients' updates against what the replicas show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import (
    BEGINNING,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Check,
    Moment,
    Verdict,
)
from simulations.engine.checks.convergence import MISSING
from simulations.engine.checks.history import Operation
from simulations.engine.process import Process
from simulations.engine.systems.crdt.process import Crdt

HASH = 1
"""Place in ``Crdt.watched``."""
ADDS, REMOVES, COUNTS, ASSIGNS = ("add", "append"), ("remove",), ("increment", "decrement"), ("put",)
UPDATES = (*ADDS, *REMOVES, *COUNTS, *ASSIGNS)
TYPES = ((*ADDS, *REMOVES), ASSIGNS, COUNTS)
"""Kinds of updates by the type that they need, in the order of precedence."""


class Update(msgspec.Struct, frozen=True, array_like=True):
    """One update as its client saw it: places of its invocation and its completion (None: not told yet) in the order of
    all that clients did and heard."""

    key: str
    kind: str
    value: Any
    invoked: int
    returned: int | None = None
    sure: bool = False
    process: str = ""

    def before(self, other: Update) -> bool:
        """Whether this one was over when the other began."""
        return self.returned is not None and self.returned < other.invoked


class NoLostUpdate(Check):
    """Sets: what was added after every removal of it is there, what was removed where all additions were known is not.
    Counters: the sum of all updates. Registers: nothing certainly older than an acknowledged value.

    Judged on keys that all running replicas show alike; before that it says unknown. ``updates``: key -> its updates.

    A loss is dated by when the replicas came to show the key alike: the last change of it at any of them, the crash of
    one that showed it differently, a life that began without it; or by the last acknowledgement. ``shown``: replica ->
    marks of its keys; ``lives``: replica -> when its life began; ``turned``, ``told``: key -> the last change, the last
    acknowledgement.
    """

    name: ClassVar[str] = "no_lost_update"
    watches: ClassVar[tuple[int, ...] | None] = (HASH,)
    updates: dict[str, tuple[Update, ...]] = {}
    open: dict[int, Update] = {}
    lost: tuple[tuple[str, str], ...] = ()
    differing: int = 0
    ticks: int = 0
    since: Moment = BEGINNING
    shown: dict[int, dict[str, int]] = {}
    lives: dict[int, Moment] = {}
    turned: dict[str, Moment] = {}
    told: dict[str, Moment] = {}

    def tick(self) -> int:
        self.ticks += 1
        return self.ticks

    def invoked(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.kind in UPDATES:
            self.open[operation.id] = Update(operation.key, operation.kind, operation.argument, self.tick())

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        update = self.open.get(operation.id)
        if update is None or operation.outcome == "unknown":
            return
        del self.open[operation.id]
        if operation.outcome == "ok" and operation.result is not False:
            done = msgspec.structs.replace(
                update, returned=self.tick(), sure=True, process=operation.process or ""
            )
            self.updates[operation.key] = (*self.updates.get(operation.key, ()), done)
            self.told[operation.key] = (at_us, event)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        if isinstance(process, Crdt):
            self.turn((at_us, event), self.shown.get(process_index, {}), process.marks)
            self.shown[process_index] = process.marks.copy()

    def turn(self, moment: Moment, one: dict[str, int], other: dict[str, int]) -> None:
        """Keys that are shown differently."""
        for key in sorted({key for key, _ in one.items() ^ other.items()}):
            self.turned[key] = moment

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.lives.pop(process_index, None)
        for other in self.lives:
            self.turn((at_us, event), self.shown.get(process_index, {}), self.shown.get(other, {}))

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        if isinstance(process, Crdt):
            self.lives[process_index] = (at_us, event)

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        replicas = [running[index] for index in sorted(running)]
        states = [process.data for process in replicas if isinstance(process, Crdt)]
        self.judged = sum(len(found) for found in self.updates.values()) if states else 0
        self.differing = 0
        lost: list[tuple[str, str]] = []
        for key in sorted(self.updates) if states else ():
            value = states[0].get(key, MISSING)
            if any(state.get(key, MISSING) != value for state in states):
                self.differing += 1
                continue
            doubtful = tuple(update for update in self.open.values() if update.key == key)
            lost += [(key, what) for what in wrong(self.updates[key], doubtful, value)]
        self.lost = tuple(lost)
        if lost:
            self.since = min(self.alike_since(key, running) for key in dict.fromkeys(key for key, _ in lost))

    def alike_since(self, key: str, running: Mapping[int, Process]) -> Moment:
        """Since when all replicas show a key as they do, whatever was acknowledged of it."""
        lives = [
            self.lives[index]
            for index, process in running.items()
            if isinstance(process, Crdt) and key not in process.data
        ]
        return max(self.told[key], self.turned.get(key, BEGINNING), min(lives, default=BEGINNING))

    def verdict(self) -> Verdict:
        if self.lost:
            key, what = self.lost[0]
            values = {"key": key, "what": what, "lost": len(self.lost)}
            at_us, event = self.since
            return Verdict(self.name, VIOLATED, self.judged, event, at_us, "crdt.lost_update", values)
        return Verdict(self.name, UNKNOWN if self.differing or not self.judged else HOLDS, self.judged)


def wrong(sure: tuple[Update, ...], doubtful: tuple[Update, ...], value: Any) -> Iterator[str]:
    """What is missing in - or should be missing from - the value of one key. Where it got several types at once, the
    updates of those that gave way are lost."""
    kinds = next(kinds for kinds in TYPES if any(update.kind in kinds for update in sure))
    yield from (f"{update.kind} {update.value}" for update in sure if update.kind not in kinds)
    sure = tuple(update for update in sure if update.kind in kinds)
    if kinds is COUNTS:
        yield from wrong_count(sure, doubtful, value)
    elif kinds is ASSIGNS:
        yield from wrong_value(sure, value)
    else:
        for element in sorted({str(update.value) for update in sure}):
            of_it = [update for update in (*sure, *doubtful) if str(update.value) == element]
            there = isinstance(value, list) and element in value
            if must_be_there(of_it) and not there:
                yield f"+{element}"
            elif must_be_gone(of_it) and there:
                yield f"-{element}"


def must_be_there(updates: list[Update]) -> bool:
    """Whether some addition began after every removal was over."""
    removals = [update for update in updates if update.kind in REMOVES]
    additions = [update for update in updates if update.kind in ADDS and update.sure]
    return any(all(removal.before(addition) for removal in removals) for addition in additions)


def must_be_gone(updates: list[Update]) -> bool:
    """Whether some removal began when all additions were over, at the very replica that had made them."""
    removals = [update for update in updates if update.kind in REMOVES and update.sure]
    additions = [update for update in updates if update.kind in ADDS]
    return any(
        all(addition.before(removal) and addition.process == removal.process for addition in additions)
        for removal in removals
    )


def wrong_count(sure: tuple[Update, ...], doubtful: tuple[Update, ...], value: Any) -> Iterator[str]:
    """Whether the sum differs from all that was acknowledged by more than what nobody knows of."""
    total = sum(signed(update) for update in sure)
    maybe = [signed(update) for update in doubtful if update.kind in COUNTS]
    low = total + sum(by for by in maybe if by < 0)
    high = total + sum(by for by in maybe if by > 0)
    if not isinstance(value, int) or not low <= value <= high:
        yield f"{low}..{high}" if low != high else str(total)


def signed(update: Update) -> int:
    return int(update.value) if update.kind == "increment" else -int(update.value)


def wrong_value(sure: tuple[Update, ...], value: Any) -> Iterator[str]:
    """Acknowledged values that are certainly newer than the one that is shown."""
    shown = [update for update in sure if update.value == value]
    if shown:
        yield from (f"={update.value}" for update in sure if all(one.before(update) for one in shown))
