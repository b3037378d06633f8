"""Exactly once: what a replicated state machine remembers of its clients' sessions (RD section 6.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import msgspec

SESSION_WINDOW = 128
"""A session's newest requests whose results are remembered; about older ones nobody can tell."""


class Numbered(Protocol):
    """A request, or a log entry that stands for one."""

    @property
    def session(self) -> int: ...

    @property
    def sequence(self) -> int: ...


class Sessions(msgspec.Struct):
    """``heads``: session -> its highest number executed. Within the window below it everything was executed but for
    the ``holes``, and answered with None but for the ``results``. Session and number in one int, so that a checkpoint
    copies flat dicts (a set's order would not survive); most are empty, since writes return nothing and clients ask
    in order.
    """

    heads: dict[int, int] = msgspec.field(default_factory=dict)
    results: dict[int, Any] = msgspec.field(default_factory=dict)
    holes: dict[int, None] = msgspec.field(default_factory=dict)

    def seen(self, request: Numbered) -> tuple[Any] | None:
        """The remembered result, in a tuple; None when the request was not executed, as far as is known."""
        session, sequence = request.session, request.sequence
        place, head = (session << 32) + sequence, self.heads.get(session, 0)
        if not max(head - SESSION_WINDOW, 0) < sequence <= head or place in self.holes:
            return None
        return (self.results.get(place),)

    def is_forgotten(self, request: Numbered) -> bool:
        """Whether the number is so old that nobody can tell if it was executed."""
        return request.sequence <= self.heads.get(request.session, 0) - SESSION_WINDOW

    def remember(self, request: Numbered, result: Any) -> None:
        """Keep the result for retries, and forget those out of the session's window."""
        session, sequence = request.session, request.sequence
        place = (session << 32) + sequence
        head = self.heads.get(session, 0)
        if sequence == head + 1:  # (the usual case: one goes out of the window)
            self.heads[session] = sequence
            if self.results:
                self.results.pop(place - SESSION_WINDOW, None)
            if self.holes:
                self.holes.pop(place - SESSION_WINDOW, None)
        elif sequence > head:
            self._move_window(session, head, sequence)
        elif sequence > head - SESSION_WINDOW:
            self.holes.pop(place, None)
        else:
            return
        if result is not None:
            self.results[place] = result

    def _move_window(self, session: int, old: int, new: int) -> None:
        """The head moves from one number to a higher one: those skipped are holes, and those left behind forgotten."""
        self.heads[session] = new
        base, behind = session << 32, new - SESSION_WINDOW
        for sequence in range(max(0, old - SESSION_WINDOW) + 1, min(old, behind) + 1):
            self.results.pop(base + sequence, None)
            self.holes.pop(base + sequence, None)
        self.holes |= dict.fromkeys(range(base + max(old, behind, 0) + 1, base + new))

    # -- as rows of a snapshot ----------------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[str, int, Any]]:
        """(head, session, number) of each session, then (result, session and number, result) of each request
        remembered, in order."""
        heads = sorted(self.heads.items())
        for session, head in heads:
            yield ("head", session, head)
        for session, head in heads:
            base = session << 32
            for place in range(base + max(0, head - SESSION_WINDOW) + 1, base + head + 1):
                if place not in self.holes:
                    yield ("result", place, self.results.get(place))

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[Any, ...]]) -> Sessions:
        """The sessions whose ``rows`` are among these."""
        found: dict[str, dict[int, Any]] = {"head": {}, "result": {}}
        for kind, key, value in rows:
            if kind in found:
                found[kind][key] = value
        heads, results = found["head"], found["result"]
        holes = dict.fromkeys(
            place
            for session, head in heads.items()
            for place in range((session << 32) + max(0, head - SESSION_WINDOW) + 1, (session << 32) + head)
            if place not in results
        )
        return cls(heads, {place: value for place, value in results.items() if value is not None}, holes)

    def fork(self) -> Sessions:
        return Sessions(self.heads.copy(), self.results.copy(), self.holes.copy())
