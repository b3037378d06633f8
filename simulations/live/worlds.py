"""Worlds kept warm: marks from which any moment of a recipe can be reached quickly.

A *mark* is a world that nobody changes any more; whoever needs it takes a fork. Marks are found by content
(which commands had taken effect), so that every run and branch that shares a beginning shares its marks.
"""

from __future__ import annotations

import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from simulations.engine import experiment as format
from simulations.engine.experiment import Experiment
from simulations.engine.trace import PASSING
from simulations.engine.world import World
from simulations.live import store
from simulations.live.detail import FULL
from simulations.live.recipe import Recipe

RECIPES_MAX = 48
MARKS_MAX = 120
REPLAY_EVENTS = 2_000
"""Events between two marks of a replay."""
LATE_US, LATE_WEIGHT = 66_000_000, 10
"""Within the last virtual minute, and where one must begin to reach its border, marks may lie so much closer together
than before."""
MARK_EVENTS = 50
"""A replay of so many events is not done twice: its end is marked."""
CHECKPOINT_EVENTS = 20_000
"""Events between two checkpoints that other workers can start from."""


@lru_cache(maxsize=64)
def experiment_of(plain: str) -> Experiment:
    """The parsed experiment of a recipe (never changed)."""
    return format.parse(json.loads(plain))


@dataclass(frozen=True)
class Mark:
    """A world at `at_us` with the first `done` commands in effect; a further command may come at `free_us`
    or later.
    """

    at_us: int
    free_us: int
    done: int
    prefix: str
    world: World


@dataclass
class Shelf:
    """The marks of one recipe."""

    marks: list[Mark]
    checkpoint_events: int = 0


class Pool:
    """The warm worlds of one worker process, the least recently used recipe going first."""

    def __init__(self, recipes: int = RECIPES_MAX, marks: int = MARKS_MAX) -> None:
        self.recipes, self.marks = recipes, marks
        self.shelves: OrderedDict[str, Shelf] = OrderedDict()

    def shelf(self, recipe: Recipe) -> Shelf:
        """The marks of a recipe, now the most recently used."""
        found = self.shelves.setdefault(recipe.key, Shelf([]))
        self.shelves.move_to_end(recipe.key)
        while len(self.shelves) > self.recipes:
            self.shelves.popitem(last=False)
        return found

    def best(self, recipe: Recipe, at_us: int, done: int) -> Mark | None:
        """The latest mark from which this moment can be reached, with at most `done` commands in effect."""
        fitting = [
            mark for mark in self.shelf(recipe).marks if mark.at_us <= at_us and usable(mark, recipe, done)
        ]
        found = max(fitting, key=lambda mark: (mark.at_us, mark.done), default=None)
        if found is not None:  # last in the list: what many forks begin from outlives what each made of it
            marks = self.shelf(recipe).marks
            marks.remove(found)
            marks.append(found)
        return found

    def add(self, recipe: Recipe, world: World, done: int, at_us: int, settled: bool) -> None:
        """Keep a world that nobody will change any more. `settled`: everything at its moment has happened."""
        shelf = self.shelf(recipe)
        mark = Mark(at_us, at_us if settled else at_us + 1, done, recipe.prefix(done), world)
        shelf.marks = [
            m for m in shelf.marks if (m.at_us, m.done, m.prefix) != (mark.at_us, done, mark.prefix)
        ]
        shelf.marks.append(mark)
        if len(shelf.marks) > self.marks:
            shelf.marks = thinned(shelf.marks)


def usable(mark: Mark, recipe: Recipe, done: int) -> bool:
    """Whether the mark lies on this recipe's way, before the command after the first `done`."""
    if mark.done > done or not recipe.shares(mark.done, mark.prefix):
        return False
    following = recipe.next_us(mark.done)
    return following is None or following >= mark.free_us


def thinned(marks: list[Mark]) -> list[Mark]:
    """Two thirds of the marks, in the same order: all that were made or used lately, and of the others those that
    would be missed most. What is missed is the way from the mark before to the one after, and that more near the end,
    where people go back most.
    """
    newest = max(mark.at_us for mark in marks)
    lately = {id(mark) for mark in marks[len(marks) * 2 // 3 :]}
    kept = sorted(marks, key=lambda mark: mark.at_us)

    def missed(place: int) -> float:
        mark = kept[place]
        if id(mark) in lately:
            return math.inf
        weight = LATE_WEIGHT if newest - mark.at_us <= LATE_US else 1
        return (kept[place + 1].at_us - kept[place - 1].at_us) * weight

    for _ in range(len(marks) // 3):
        place = min(range(1, len(kept) - 1), key=missed)
        if missed(place) == math.inf:
            break
        del kept[place]
    left = {id(mark) for mark in kept}
    return [mark for mark in marks if id(mark) in left]


class Slice:
    """A share of CPU time; `over()` when it is used up."""

    def __init__(self, seconds: float, interrupted: Callable[[], bool] | None = None) -> None:
        self.ends = time.perf_counter() + seconds
        self.interrupted = interrupted

    def over(self) -> bool:
        """Whether somebody else should have a turn."""
        return time.perf_counter() > self.ends


def world_at(pool: Pool, recipe: Recipe, at_us: int, done: int, slice: Slice) -> World | None:
    """A world of one's own at this moment with `done` commands in effect, or None when the slice ran out.

    What was reached by then is marked, so that the next slice goes on from there.
    """
    mark = pool.best(recipe, at_us, done) or _from_checkpoint(pool, recipe, at_us, done)
    if mark is None:
        world, reached = World(experiment_of(recipe.experiment), recipe.seed, record="full"), 0
    else:
        world, reached = mark.world.fork(), mark.done
        world.record(FULL)
    if mark is not None and mark.at_us == at_us and reached == done and mark.free_us <= at_us:
        return world
    for command in recipe.commands[reached:done]:
        if not replay(pool, recipe, world, command.at_us, reached, slice):
            return None
        world.command(command.at_us, command.do, command.seq)
        reached += 1
    before = world.events
    if not replay(pool, recipe, world, at_us, reached, slice):
        return None
    if world.events - before >= MARK_EVENTS:
        pool.add(recipe, world.fork(), reached, at_us, settled=True)  # others will want to begin here, too
    return world


def replay(pool: Pool, recipe: Recipe, world: World, at_us: int, done: int, slice: Slice) -> bool:
    """Move a world on without keeping what happened; False when the slice ran out, with a mark to go on
    from.
    """
    world.record(PASSING)
    while world.run_until(at_us, budget=REPLAY_EVENTS) == "budget":
        world.take_chunk()
        if slice.over():
            world.run_until(world.now_us)
            world.take_chunk()
            pool.add(recipe, world, done, world.now_us, settled=True)
            return False
        pool.add(recipe, world.fork(), done, world.now_us, settled=False)
    world.take_chunk()
    world.record(FULL)
    return True


def _from_checkpoint(pool: Pool, recipe: Recipe, at_us: int, done: int) -> Mark | None:
    """A mark made from what another worker left in Valkey."""
    found = store.load_checkpoint(recipe, at_us, 0)
    if found is None or found[0] > done:
        return None
    count, time_us, data = found
    state, flight = msgspec.msgpack.decode(data, type=tuple[bytes, list[tuple[Any, ...]]])
    world = World.load(experiment_of(recipe.experiment), state, record="full")
    world.recorder.flight = {send[0]: send for send in flight}
    pool.add(recipe, world, count, time_us, settled=True)
    return pool.best(recipe, at_us, done)


def keep_checkpoint(pool: Pool, recipe: Recipe, world: World, done: int, at_us: int) -> None:
    """Leave a checkpoint for other workers now and then."""
    shelf = pool.shelf(recipe)
    if world.events - shelf.checkpoint_events >= CHECKPOINT_EVENTS or world.events < shelf.checkpoint_events:
        shelf.checkpoint_events = world.events
        # What is under way belongs to the trace, not to the world: keyframes show it.
        data = msgspec.msgpack.encode((world.save(), list(world.recorder.flight.values())))
        store.save_checkpoint(recipe, done, at_us, data)


POOL = Pool()
