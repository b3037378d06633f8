"""Which worlds a worker keeps of a long run: going back is quick near the end, and bounded anywhere."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

from simulations.live.worlds import LATE_US, MARKS_MAX, Mark, thinned

SECOND = 1_000_000
STEP_US = 1_100_000


def played(seconds: int, used_us: int | None = None) -> list[Mark]:
    """The marks left of a run that was played for so long; one of them used again and again."""
    marks: list[Mark] = []
    for at_us in range(0, seconds * SECOND, STEP_US):
        marks.append(Mark(at_us, at_us, 0, "", cast(Any, None)))
        used = next((mark for mark in marks if mark.at_us == used_us), None)
        if used is not None:
            marks.remove(used)
            marks.append(used)
        if len(marks) > MARKS_MAX:
            marks = thinned(marks)
    return marks


def gaps(marks: list[Mark], first_us: int) -> list[int]:
    times = sorted(mark.at_us for mark in marks)
    return [after - before for before, after in pairwise(times) if after > first_us]


def test_marks_lie_close_near_the_end_and_never_far_apart() -> None:
    for seconds in (240, 600, 1800):
        marks = played(seconds)
        assert len(marks) <= MARKS_MAX
        assert min(mark.at_us for mark in marks) == 0
        assert max(gaps(marks, seconds * SECOND - LATE_US)) <= 3 * STEP_US
        assert max(gaps(marks, 0)) <= max(14 * SECOND, 5 * seconds * SECOND // MARKS_MAX)


def test_what_was_used_lately_stays() -> None:
    used_us = 50 * STEP_US
    assert used_us in {mark.at_us for mark in played(900, used_us)}
