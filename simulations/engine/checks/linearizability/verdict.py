"""The answers of the linearizability checkers."""

from __future__ import annotations

from typing import Literal

import msgspec

Answer = Literal["holds", "violated", "unknown"]


class KeyVerdict(msgspec.Struct):
    """The answer for one key. `operations` counts completed operations that had to be explained.

    `first_violation` is the id of the first operation whose completion cannot be explained any more,
    `violated_us` its time; `reason` says why an answer is unknown.
    """

    verdict: Answer
    operations: int = 0
    first_violation: int | None = None
    violated_us: int | None = None
    reason: str | None = None


class Point(msgspec.Struct, array_like=True):
    """Where an operation takes effect: just before the event at this position of the history's order."""

    operation: int
    before_event: int


class Verdict(msgspec.Struct):
    """The answer for a history.

    `prefix`: ids of the completed operations that can still all be explained, in order of completion:
    all before the first violation. `linearization`: one order that explains them (with the unfinished
    ones it needs), as points.
    """

    verdict: Answer
    operations: int
    first_violation: int | None = None
    violated_us: int | None = None
    reason: str | None = None
    prefix: list[int] = msgspec.field(default_factory=list)
    linearization: list[Point] = msgspec.field(default_factory=list)
    keys: dict[str, KeyVerdict] = msgspec.field(default_factory=dict)


NOTHING_TO_JUDGE = "nothing to judge"
OUT_OF_BUDGET = "search budget used up"
TOO_MANY_CONFIGURATIONS = "too many possible configurations"
TOO_MANY_UNFINISHED = "too many unfinished operations"


def combined(keys: dict[str, KeyVerdict], first_violation: int | None, violated_us: int | None) -> KeyVerdict:
    """The answer over all keys: violated if any is, else unknown if any gave up or nothing was judged."""
    operations = sum(key.operations for key in keys.values())
    if first_violation is not None:
        return KeyVerdict("violated", operations, first_violation, violated_us)
    gave_up = next((key.reason for key in keys.values() if key.reason not in (None, NOTHING_TO_JUDGE)), None)
    if gave_up is not None:
        return KeyVerdict("unknown", operations, reason=gave_up)
    if not operations:
        return KeyVerdict("unknown", reason=NOTHING_TO_JUDGE)
    return KeyVerdict("holds", operations)
