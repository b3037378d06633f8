"""Exactly once: what a replicated state machine remembers of its clients' sessions (RD section 6.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

SESSION_WINDOW = 128
"""A session's newest requests whose results are remembered; about older ones nobody can tell."""


class Numbered(Protocol):
    """A request, or a log entry that stands for one."""

    @property
    def session(self) -> int: ...

    @property
    def sequence(self) -> int: ...


class Number(NamedTuple):
    """A request as a snapshot names it."""

    session: int
    sequence: int


class Sessions(msgspec.Struct):
    """``heads``: session -> its highest number executed. Within the window below it everything was executed but for
    the ``holes`` (session -> (first, last) of the numbers skipped, in order), and answered with None but for the
    ``results`` (session and number in one int). A checkpoint copies flat dicts, and most are empty: writes return
    nothing, and clients ask in order.
    """

    heads: dict[int, int] = msgspec.field(default_factory=dict)
    results: dict[int, Any] = msgspec.field(default_factory=dict)
    holes: dict[int, tuple[tuple[int, int], ...]] = msgspec.field(default_factory=dict)

    def executed(self, session: int, sequence: int) -> bool:
        """Whether the request with this number was, as far as the window tells."""
        head = self.heads.get(session, 0)
        if not max(head - SESSION_WINDOW, 0) < sequence <= head:
            return False
        return not any(first <= sequence <= last for first, last in self.holes.get(session, ()))

    def seen(self, request: Numbered) -> tuple[Any] | None:
        """The remembered result, in a tuple; None when the request was not executed, as far as is known."""
        session, sequence = request.session, request.sequence
        return (self.results.get((session << 32) + sequence),) if self.executed(session, sequence) else None

    def is_forgotten(self, request: Numbered) -> bool:
        """Whether the number is so old that nobody can tell if it was executed."""
        return request.sequence <= self.heads.get(request.session, 0) - SESSION_WINDOW

    def remember(self, request: Numbered, result: Any) -> None:
        """Keep the result for retries, and forget those out of the session's window."""
        session, sequence = request.session, request.sequence
        head = self.heads.get(session, 0)
        if sequence == head + 1 and session not in self.holes:  # (the usual case: one goes out of the window)
            self.heads[session] = sequence
            if self.results:
                self.results.pop((session << 32) + sequence - SESSION_WINDOW, None)
        elif sequence > head:
            self.heads[session] = sequence
            self._move_window(session, head, sequence)
        elif sequence > head - SESSION_WINDOW:
            self._fill(session, sequence)
        else:
            return
        if result is not None:
            self.results[(session << 32) + sequence] = result

    def _move_window(self, session: int, old: int, new: int) -> None:
        """The head moved from one number to a higher one: those skipped are a hole, those left behind forgotten."""
        base, behind = session << 32, new - SESSION_WINDOW
        for sequence in range(max(0, old - SESSION_WINDOW) + 1, min(old, behind) + 1):
            self.results.pop(base + sequence, None)
        holes = self.holes.pop(session, ())
        gone = 0
        while gone < len(holes) and holes[gone][1] <= behind:
            gone += 1
        left = holes[gone:] if new == old + 1 else (*holes[gone:], (old + 1, new - 1))
        if left:
            self.holes[session] = left

    def _fill(self, session: int, sequence: int) -> None:
        """A number that had been skipped was executed late."""
        parts = [
            part
            for first, last in self.holes.pop(session, ())
            for part in (
                ((first, sequence - 1), (sequence + 1, last))
                if first <= sequence <= last
                else ((first, last),)
            )
            if part[0] <= part[1]
        ]
        if parts:
            self.holes[session] = tuple(parts)

    # -- as rows of a snapshot ----------------------------------------------------------------------------------

    def rows(self) -> Iterator[tuple[str, int, Any]]:
        """(head, session, number) of each session, then (result, session and number, result) of each request
        remembered, in order."""
        heads = sorted(self.heads.items())
        for session, head in heads:
            yield ("head", session, head)
        for session, head in heads:
            for sequence in range(max(0, head - SESSION_WINDOW) + 1, head + 1):
                if self.executed(session, sequence):
                    place = (session << 32) + sequence
                    yield ("result", place, self.results.get(place))

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[Any, ...]]) -> Sessions:
        """The sessions whose ``rows`` are among these. What nobody remembers any more was skipped."""
        made = cls()
        for kind, place, value in rows:
            if kind == "result":
                made.remember(Number(place >> 32, place & 0xFFFFFFFF), value)
        return made

    def fork(self) -> Sessions:
        return Sessions(self.heads.copy(), self.results.copy(), self.holes.copy())
