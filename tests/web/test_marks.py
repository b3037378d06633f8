"""Which worlds a worker keeps of a long run: going back is quick near the end, and bounded anywhere."""

from __future__ import annotations

import gc
import json
import weakref
from itertools import pairwise
from typing import Any, cast

from simulations import catalogue
from simulations.engine.experiment import to_plain
from simulations.engine.world import World
from simulations.live.recipe import Recipe
from simulations.live.worlds import MARKS_MAX, Mark, Pool, thinned

SECOND = 1_000_000
STEP_US = 1_100_000
MINUTE_US = 60 * SECOND


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
        assert max(gaps(marks, seconds * SECOND - MINUTE_US)) <= 3 * STEP_US
        assert max(gaps(marks, 0)) <= max(14 * SECOND, 5 * seconds * SECOND // MARKS_MAX)


def test_the_border_of_the_last_minute_is_never_far_from_a_mark() -> None:
    for seconds in range(70, 700, 13):
        newest_us = (seconds * SECOND - 1) // STEP_US * STEP_US
        assert max(gaps(played(seconds), newest_us - MINUTE_US)) <= 3 * STEP_US, seconds


def test_what_was_used_lately_stays() -> None:
    used_us = 50 * STEP_US
    assert used_us in {mark.at_us for mark in played(900, used_us)}


def test_a_mark_that_is_dropped_is_freed_at_once() -> None:
    experiment = catalogue.load("RA-01")
    plain = json.dumps(to_plain(experiment))
    pool, world = Pool(recipes=2, marks=6), World(experiment, 7, record="full")
    made = []
    gc.collect()
    gc.disable()
    try:
        for seed in range(3):
            recipe = Recipe(plain, f"r{seed}", seed, 1, [])
            for _ in range(12):
                world.run_until(world.now_us + 50_000)
                mark = world.fork()
                made.append(weakref.ref(mark))
                pool.add(recipe, mark, 0, mark.now_us, settled=False)
                del mark
        kept = [mark.world for shelf in pool.shelves.values() for mark in shelf.marks]
        assert len(kept) == len([one for one in made if one() is not None]) < len(made)
    finally:
        gc.enable()
