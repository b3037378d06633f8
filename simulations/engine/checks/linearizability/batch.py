"""The checker of whole histories: every key on its own, in turns.

Keys are independent (locality: Herlihy and Wing 1990, section 3.3; partitions: A. Horn and D. Kroening,
2015). Turns are slices of steps that double, so that one hard key does not hide an easy refutation of
another.
"""

from __future__ import annotations

from simulations.engine.checks.history import History
from simulations.engine.checks.linearizability.model import Model
from simulations.engine.checks.linearizability.search import KeySearch
from simulations.engine.checks.linearizability.timeline import Timeline, timelines
from simulations.engine.checks.linearizability.verdict import (
    NOTHING_TO_JUDGE,
    OUT_OF_BUDGET,
    Answer,
    KeyVerdict,
    Point,
    Verdict,
)

BUDGET_STEPS = 1_000_000
FIRST_SLICE = 1_000
EAGER_STEPS = 20_000
AFTERMATH_STEPS = 100_000  # spent at most on finding an even earlier violation once one is found


class KeyCheck:
    """Two searches of one key: the eager one alone at first, then both in turn; the first answer counts."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.best = self._eager = KeySearch(timeline)
        self._thrifty: KeySearch | None = None

    @property
    def answer(self) -> Answer | None:
        return self.best.answer

    @property
    def steps(self) -> int:
        return self._eager.steps + (self._thrifty.steps if self._thrifty else 0)

    def advance(self, steps: int) -> int:
        """Take up to `steps` steps, but at least one; return how many were taken."""
        if self._eager.steps < EAGER_STEPS or not self.timeline.groups:
            return self._eager.advance(steps)
        if self._thrifty is None:
            self._thrifty = KeySearch(self.timeline, thrifty=True)
        used = self._eager.advance((steps + 1) // 2)
        if self._eager.answer in (None, "unknown"):
            used += self._thrifty.advance((steps + 1) // 2)
            deeper = self._thrifty.deepest > self._eager.deepest
            if deeper or self._thrifty.answer is not None or self._eager.answer is not None:
                self.best = self._thrifty
        return used


class HistorySearch:
    """A resumable check: call `advance` until `decided`, then read `verdict()` (at any time: what is known
    so far).
    """

    def __init__(self, history: History, model: Model) -> None:
        self.history = history
        self.searches = {key: KeyCheck(timeline) for key, timeline in timelines(history, model).items()}
        self._slice = FIRST_SLICE
        self._aftermath = AFTERMATH_STEPS

    @property
    def decided(self) -> bool:
        found = any(search.answer == "violated" for search in self.searches.values())
        return not self._open() or (found and self._aftermath <= 0)

    def _open(self) -> list[KeyCheck]:
        return [search for search in self.searches.values() if search.answer is None]

    def advance(self, steps: int) -> int:
        """Spend up to `steps` steps on the undecided keys in turn; return how many were spent."""
        spent = 0
        while spent < steps and not self.decided:
            for search in self._open():
                used = search.advance(min(self._slice, steps - spent))
                spent += used
                if any(other.answer == "violated" for other in self.searches.values()):
                    self._aftermath -= used
                if spent >= steps or self.decided:
                    break
            self._slice *= 2
        return spent

    def verdict(self) -> Verdict:
        keys = {key: self._key_verdict(search) for key, search in self.searches.items()}
        violated = [search for search in self.searches.values() if search.answer == "violated"]
        operations = sum(key.operations for key in keys.values())
        result = Verdict("holds", operations, keys=keys, linearization=self._points())
        end = len(self.history.order)
        if violated:
            first = min(violated, key=lambda search: search.timeline.positions[search.best.deepest])
            end = first.timeline.positions[first.best.deepest]
            result.verdict = "violated"
            result.first_violation = first.timeline.operations[first.best.deepest]
            result.violated_us = self.history.operations[result.first_violation].returned_us
        elif not operations:
            result.verdict, result.reason = "unknown", NOTHING_TO_JUDGE
        elif any(search.answer != "holds" for search in self.searches.values()):
            result.verdict, result.reason = "unknown", OUT_OF_BUDGET
        if result.verdict != "unknown":
            result.prefix = [~number for number in self.history.order[:end] if number < 0]
        return result

    def _key_verdict(self, search: KeyCheck) -> KeyVerdict:
        operations = len(search.timeline.operations)
        if search.answer == "violated":
            operation = search.timeline.operations[search.best.deepest]
            time_us = self.history.operations[operation].returned_us
            return KeyVerdict("violated", operations, operation, time_us)
        if not operations:
            return KeyVerdict("unknown", reason=NOTHING_TO_JUDGE)
        if search.answer == "holds":
            return KeyVerdict("holds", operations)
        return KeyVerdict("unknown", operations, reason=OUT_OF_BUDGET)

    def _points(self) -> list[Point]:
        points = [point for search in self.searches.values() for point in search.best.points()]
        points.sort(key=lambda point: point.before_event)
        return points


def check(history: History, model: Model, budget: int = BUDGET_STEPS) -> Verdict:
    """Is the history linearizable? Unknown when nothing was judged or `budget` search steps did not decide
    it.
    """
    search = HistorySearch(history, model)
    search.advance(budget)
    return search.verdict()
