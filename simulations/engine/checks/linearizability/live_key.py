"""One key while a run is live: all configurations that explain what clients were told so far.

A configuration is (state, mask of placed operations, mask of *sights*). Results are not known before the
completion, so a pending read collects, in each configuration, the states it has been able to see since
its invocation: one bit per (read, state). A pending compare-and-set likewise collects one bit: its guard
has been false at some moment. Operations are placed only when a completion needs it (just-in-time
linearization: Lowe 2017, section 4).

Operations with an unknown outcome stay *lost*: they may take effect at any later time, or never. Trying
all of them at every step would double the configurations with each one, so a lost write is placed only
when something needs it: now, or afterwards in a *gap*, the moment just before an overwriting write,
where it leaves no trace but in what reads saw. The last gap serves all reads that were pending at any
gap, so one bit per (read, losses so far) remembers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from simulations.engine.checks.history import Operation
from simulations.engine.checks.linearizability.lost import Lost, Placeable, newest
from simulations.engine.checks.linearizability.model import (
    APPEND,
    READ,
    REFUSED,
    SWAP,
    WRITE,
    Model,
    Step,
)
from simulations.engine.checks.linearizability.verdict import (
    NOTHING_TO_JUDGE,
    TOO_MANY_CONFIGURATIONS,
    TOO_MANY_UNFINISHED,
    KeyVerdict,
)
from simulations.engine.state_machine import frozen, frozen_text

CONFIGURATIONS_MAX = 10_000
UNFINISHED_MAX = 10_000
SIGHTS_MAX = 10_000
PRUNE_FROM = 16
PRUNE_COMPARISONS = 64

Configuration = tuple[Any, int, int]


class Watcher(msgspec.Struct, array_like=True):
    """The sight bits of one pending read (by state), or of one pending compare-and-set (`refused`), and its
    gaps.
    """

    expected: Any = None
    refused: int = 0
    states: dict[Any, int] = msgspec.field(default_factory=dict)
    gaps: dict[int, int] = msgspec.field(default_factory=dict)
    all: int = 0

    def fork(self) -> Watcher:
        return Watcher(self.expected, self.refused, self.states.copy(), self.gaps.copy(), self.all)


class Goal(msgspec.Struct):
    """What a completion demands of every configuration."""

    id: int
    code: int
    value: Any
    expected: Any
    bit: int


class GaveUp(Exception):
    """More configurations than CONFIGURATIONS_MAX, or another bound was passed."""


class KeyState(msgspec.Struct):
    """Everything remembered about one key; plain data. `pending` and `watchers` are by operation id."""

    model: Model
    configurations: list[Configuration]
    pending: dict[int, Placeable] = msgspec.field(default_factory=dict)
    watchers: dict[int, Watcher] = msgspec.field(default_factory=dict)
    lost: Lost = msgspec.field(default_factory=Lost)
    losses: int = 0
    slots: int = 0
    sights: int = 0
    operations: int = 0
    first_violation: int | None = None
    violated_us: int | None = None
    reason: str | None = None

    @property
    def stopped(self) -> bool:
        return self.first_violation is not None or self.reason is not None

    def fork(self) -> KeyState:
        return KeyState(
            self.model,
            self.configurations,
            self.pending.copy(),
            {id: watcher.fork() for id, watcher in self.watchers.items()} if self.watchers else {},
            self.lost.fork(),
            self.losses,
            self.slots,
            self.sights,
            self.operations,
            self.first_violation,
            self.violated_us,
            self.reason,
        )

    def verdict(self) -> KeyVerdict:
        if self.first_violation is not None:
            return KeyVerdict("violated", self.operations, self.first_violation, self.violated_us)
        if self.reason is not None:
            return KeyVerdict("unknown", self.operations, reason=self.reason)
        if not self.operations:
            return KeyVerdict("unknown", reason=NOTHING_TO_JUDGE)
        return KeyVerdict("holds", self.operations)

    # --- events ---

    def invoke(self, operation: Operation) -> None:
        if self.stopped:
            return
        try:
            self._invoked(operation)
        except GaveUp as bound:
            self._give_up(bound)

    def _invoked(self, operation: Operation) -> None:
        step = self.model.effect(operation)
        if step is not None:
            bit = ~self.slots & (self.slots + 1)
            self.slots |= bit
            self.pending[operation.id] = Placeable(bit, step.code, step.value, step.expected)
            if step.code != SWAP:
                return
            watcher = Watcher(step.expected)
            watcher.refused = self._new_sight(watcher)
        else:
            watcher = Watcher()
        self.watchers[operation.id] = watcher
        self.configurations = [
            (state, mask, seen | self._sight(watcher, state)) for state, mask, seen in self.configurations
        ]

    def complete(self, operation: Operation) -> None:
        if self.stopped:
            return
        try:
            if operation.outcome == "unknown":
                self._lose(operation.id)
            else:
                self._completed(operation)
        except GaveUp as bound:
            self._give_up(bound)

    def _completed(self, operation: Operation) -> None:
        step = self.model.observation(operation)
        if step is not None:
            self.operations += 1
            self._explain(operation.id, step)
        elif operation.outcome == "fail":
            self._undo(operation.id)
        self._release(operation.id)
        if not self.configurations:
            self.first_violation, self.violated_us = operation.id, operation.returned_us
            self._forget_everything()
        elif self.lost.slots:
            self._tidy()

    def _give_up(self, bound: GaveUp) -> None:
        self.reason = str(bound)
        self._forget_everything()

    def _forget_everything(self) -> None:
        self.configurations, self.lost = [], Lost()
        self.pending, self.watchers = {}, {}

    def _undo(self, id: int) -> None:
        """The operation did not happen: configurations in which it took effect are wrong."""
        entry = self.pending.get(id)
        if entry is not None:
            self.configurations = [item for item in self.configurations if not item[1] & entry.bit]

    def _lose(self, id: int) -> None:
        """The outcome will never be known."""
        entry = self.pending.pop(id, None)
        self._release(id)
        if entry is None:
            return
        if self.lost.slots.bit_count() >= UNFINISHED_MAX:
            raise GaveUp(TOO_MANY_UNFINISHED)
        self.lost.add(Placeable(entry.bit, entry.code, entry.value, entry.expected, self.losses))
        self.losses += 1
        self._tidy()

    def _release(self, id: int) -> None:
        """Free the slot and the sights of an operation."""
        entry, watcher = self.pending.pop(id, None), self.watchers.pop(id, None)
        slot = entry.bit if entry else 0
        sights = watcher.all if watcher else 0
        self.slots &= ~slot
        self.sights &= ~sights
        if len(self.configurations) == 1:
            ((state, mask, seen),) = self.configurations
            self.configurations = [(state, mask & ~slot, seen & ~sights)]
        else:
            cleared = [(state, mask & ~slot, seen & ~sights) for state, mask, seen in self.configurations]
            self.configurations = list(dict.fromkeys(cleared))

    # --- sights ---

    def _new_sight(self, watcher: Watcher) -> int:
        bit = ~self.sights & (self.sights + 1)
        if bit.bit_length() > SIGHTS_MAX:
            raise GaveUp(TOO_MANY_UNFINISHED)
        self.sights |= bit
        watcher.all |= bit
        return bit

    def _sight(self, watcher: Watcher, state: Any) -> int:
        """The bit that says: while this was pending, the state was `state` (the guard was false)."""
        if watcher.refused:
            return watcher.refused if state != watcher.expected else 0
        bit = watcher.states.get(state)
        if bit is None:
            bit = watcher.states[state] = self._new_sight(watcher)
        return bit

    def _gap(self) -> int:
        """The bits that say: just now was a gap in which everything lost so far could have been seen."""
        bits = 0
        if self.lost.slots:
            for watcher in self.watchers.values():
                bit = watcher.gaps.get(self.losses)
                if bit is None:
                    bit = watcher.gaps[self.losses] = self._new_sight(watcher)
                bits |= bit
        return bits

    # --- explaining a completion ---

    def _explain(self, id: int, step: Step) -> None:
        """Keep the configurations that explain the completion, and replace the others by ways that lead to
        it.
        """
        entry, watcher = self.pending.get(id), self.watchers.get(id)
        bit = entry.bit if entry else 0
        explained: dict[Configuration, None] = {}
        missing: list[Configuration] = []
        if step.code in (READ, REFUSED):
            assert watcher is not None
            wanted = watcher.refused if step.code == REFUSED else watcher.states.get(step.value, 0)
            for item in self.configurations:
                if item[1] & bit:
                    continue  # it took effect here, but was refused
                if item[2] & wanted:
                    explained[item] = None
                else:
                    missing.append(item)
        else:
            for item in self.configurations:
                if item[1] & bit:
                    explained[item] = None
                else:
                    missing.append(item)
        if missing:
            goal = Goal(id, step.code, step.value, step.expected, bit)
            for item in missing:
                for other in self._seen_in_gap(item, goal):
                    explained[other] = None
            self._reach(missing, goal, explained)
        self.configurations = list(explained)

    def _reach(self, missing: list[Configuration], goal: Goal, explained: dict[Configuration, None]) -> None:
        """Place pending and lost operations, breadth first, until the goal is met; stop there."""
        pending = list(self.pending.values())
        if goal.code == REFUSED:
            pending = [entry for entry in pending if entry.bit != goal.bit]
        if not pending and not self.lost.slots:
            return
        visited = dict.fromkeys(missing)
        queue = list(missing)
        code, bit, value = goal.code, goal.bit, goal.value
        sights: dict[Any, int] = {}
        for item in queue:  # grows while it is read
            for child in self._ways_on(item, goal, pending, sights):
                if code == READ:
                    met = child[0] == value
                elif code == REFUSED:
                    met = child[0] != goal.expected
                else:
                    met = bool(child[1] & bit)
                if met:
                    explained[child] = None
                elif child not in visited:
                    visited[child] = None
                    queue.append(child)
            if len(visited) + len(explained) > CONFIGURATIONS_MAX:
                raise GaveUp(TOO_MANY_CONFIGURATIONS)

    def _ways_on(
        self, item: Configuration, goal: Goal, pending: list[Placeable], sights: dict[Any, int]
    ) -> Iterator[Configuration]:
        state, mask, seen = item
        usable: Iterable[Placeable] = (entry for entry in pending if not entry.bit & mask)
        if self.lost.slots:
            usable = [*usable, *self._useful_losses(item, goal, pending)]
        for entry in usable:
            code = entry.code
            if code == WRITE:
                after = entry.value
            elif code == APPEND:
                after = frozen(frozen_text(state) + entry.value)
            elif state == entry.expected:
                after = entry.value
            else:
                continue
            if not self.watchers:
                yield after, mask | entry.bit, seen
                continue
            visible = sights.get(after)
            if visible is None:
                visible = 0
                for watcher in self.watchers.values():
                    visible |= self._sight(watcher, after)
                sights[after] = visible
            if code == WRITE:
                visible |= self._gap()
            yield after, mask | entry.bit, seen | visible

    def _useful_losses(
        self, item: Configuration, goal: Goal, pending: list[Placeable]
    ) -> Iterator[Placeable]:
        """Lost operations that something may need right after them. Of identical ones the newest is taken."""
        state, mask, _ = item
        lost = self.lost
        appends = any(not entry.bit & mask for entry in lost.appends)
        wanted = {goal.value: None} if goal.code == READ else {}
        for entry in pending:
            if not entry.bit & mask:
                appends = appends or entry.code == APPEND
                if entry.code == SWAP:
                    wanted[entry.expected] = None
        for expected, entries in lost.swaps.items():
            if any(not entry.bit & mask for entry in entries):
                wanted[expected] = None
        yield from newest(lost.appends, mask)
        anything = appends or goal.code == REFUSED
        for value in lost.writes if anything else wanted:
            yield from newest(lost.writes.get(value, ()), mask)
        anything = anything or any(id != goal.id for id in self.watchers)
        for entry in newest(lost.swaps.get(state, ()), mask):
            if anything or entry.value in wanted:
                yield entry

    def _seen_in_gap(self, item: Configuration, goal: Goal) -> Iterator[Configuration]:
        """Ways in which a lost write, placed in the last gap, is what a read saw or what made a guard
        false.
        """
        if goal.code not in (READ, REFUSED):
            return
        state, mask, seen = item
        gaps = self.watchers[goal.id].gaps
        before = max((losses for losses, bit in gaps.items() if bit & seen), default=0)
        for value in self.lost.writes if goal.code == REFUSED else (goal.value,):
            if goal.code == REFUSED and value == goal.expected:
                continue
            early = tuple(entry for entry in self.lost.writes.get(value, ()) if entry.loss < before)
            for entry in newest(early, mask):
                yield state, mask | entry.bit, seen | self._visible_in_gap(entry.value, seen)

    def _visible_in_gap(self, value: Any, seen: int) -> int:
        bits = 0
        for watcher in self.watchers.values():
            if any(bit & seen for bit in watcher.gaps.values()):
                bits |= self._sight(watcher, value)
        return bits

    # --- fewer configurations, the same explanations ---

    def _tidy(self) -> None:
        """Forget losses that took effect everywhere, and configurations that others make superfluous."""
        everywhere = -1
        for _, mask, _ in self.configurations:
            everywhere &= mask
        gone = everywhere & self.lost.slots
        if gone:
            self.lost.remove(gone)
            self.slots &= ~gone
            self.configurations = [(state, mask & ~gone, seen) for state, mask, seen in self.configurations]
        if len(self.configurations) > PRUNE_FROM:
            self._prune()

    def _prune(self) -> None:
        """A configuration is superfluous when another with the same state used fewer losses and saw no
        less.
        """
        lost = self.lost.slots
        if not self.watchers:
            self._name_alike()
        kept: dict[tuple[Any, int], list[tuple[int, int]]] = {}
        for state, mask, seen in sorted(self.configurations, key=lambda item: (item[1] & lost).bit_count()):
            rivals = kept.setdefault((state, mask & ~lost), [])
            used = mask & lost
            if not any(other & ~used == 0 and seen & ~saw == 0 for other, saw in rivals[:PRUNE_COMPARISONS]):
                rivals.append((used, seen))
        self.configurations = [
            (state, rest | used, seen) for (state, rest), rivals in kept.items() for used, seen in rivals
        ]

    def _name_alike(self) -> None:
        """Identical losses are interchangeable (once nothing pending can look back): count them as the
        oldest ones.
        """
        alike: dict[tuple[int, Any, Any], list[int]] = {}
        for entry in self.lost.all():
            alike.setdefault((entry.code, entry.value, entry.expected), []).append(entry.bit)
        for bits in alike.values():
            if len(bits) > 1:
                self.configurations = [
                    (state, _oldest(mask, bits), seen) for state, mask, seen in self.configurations
                ]
        self.configurations = list(dict.fromkeys(self.configurations))


def _oldest(mask: int, bits: list[int]) -> int:
    """The mask with as many of `bits` as before, the first ones."""
    used = sum(1 for bit in bits if bit & mask)
    for at, bit in enumerate(bits):
        mask = mask | bit if at < used else mask & ~bit
    return mask


def new_key(model: Model) -> KeyState:
    return KeyState(model, [(frozen(model.initial), 0, 0)])
