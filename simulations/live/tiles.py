"""Making the chunks of a recipe, and telling what of a branch is covered by which chunk."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from simulations import limits, wire
from simulations.engine.experiment.details import in_chinese
from simulations.engine.world import ENGINE_ERRORS, World
from simulations.live import store
from simulations.live.detail import AGGREGATE, FULL
from simulations.live.recipe import LoggedCommand, Recipe
from simulations.live.store import Stored, Tile
from simulations.live.worlds import POOL, Slice, keep_checkpoint, world_at

TILE_EVENTS = {FULL: 3_000, AGGREGATE: 10_000}
"""Events after which a chunk ends early, so that frames stay small and commands never wait long."""
BODY_BYTES_MAX = wire.FRAME_BYTES_MAX - 1024
"""What a frame leaves for its body."""


class Refused(Exception):
    """A command makes no sense at its time."""

    def __init__(self, command: LoggedCommand, reason: str, text: dict[str, str]) -> None:
        super().__init__(reason)
        self.command, self.reason, self.text = command, reason, text


class Exhausted(Exception):
    """The run reached the limit on events, or time stands still in it. ``text``: what viewers are told."""

    text = {
        "en": "This run has reached the limit of what it may compute. Reset it, or make it smaller.",
        "zh": "该运行已达到计算量上限。请重置，或缩小规模。",
    }


class Broken(Exhausted):
    """The engine can make nothing of what the experiment or a command says: every worker would meet it again."""

    def __init__(self, error: Exception) -> None:
        super().__init__(repr(error))
        why = str(error)[:200]
        self.text = {
            "en": f"The engine cannot go on with this run ({why}). Undo the last command, reset the run, or change it.",
            "zh": f"引擎无法继续该运行（{in_chinese(why)}）。请撤销上一条命令、重置运行，或修改它。",
        }


@dataclass(frozen=True)
class Cover:
    """A stretch of a branch without a hole: [from, to], `done` commands in effect at its end."""

    from_us: int
    to_us: int
    done: int


def true_tiles(tiles: list[Tile], recipe: Recipe) -> list[Tile]:
    """The tiles that still tell the truth about this line of commands, at least at their beginning."""
    return [tile for tile in tiles if _tells_truth(tile, recipe)]


def _tells_truth(tile: Tile, recipe: Recipe) -> bool:
    if recipe.shares(tile.done, tile.prefix):
        following = recipe.next_us(tile.done)
        return following is None or following > tile.t0_us
    return False


def end_of(tiles: list[Tile], index: int, recipe: Recipe) -> tuple[int, int]:
    """Until when a tile may be shown, and the commands in effect there: cut by a later command or the next
    tile.
    """
    tile = tiles[index]
    following = recipe.next_us(tile.done)
    end = tile.t1_us if following is None else min(tile.t1_us, following)
    if index + 1 < len(tiles):
        end = min(end, tiles[index + 1].t0_us)
    return end, tile.done


def at_level(tiles: list[Tile], level: str) -> list[Tile]:
    """The tiles that are good enough: an aggregate does for an aggregate alone."""
    return tiles if level == AGGREGATE else [tile for tile in tiles if tile.level == FULL]


def cover_at(tiles: list[Tile], at_us: int, recipe: Recipe) -> Cover | None:
    """The stretch around a moment, None when nothing covers it. `tiles` are true ones in order."""
    index = bisect_right([tile.t0_us for tile in tiles], at_us) - 1
    if index < 0:
        return None
    end, done = end_of(tiles, index, recipe)
    if end < at_us:
        return None
    start = tiles[index].t0_us
    while index + 1 < len(tiles) and tiles[index + 1].t0_us == end:
        index += 1
        end, done = end_of(tiles, index, recipe)
    return Cover(start, end, done)


def get_tile(
    recipe: Recipe,
    t0_us: int,
    border_us: int,
    done: int,
    slice: Slice,
    *,
    level: str = FULL,
    check: Callable[[LoggedCommand], bool] | None = None,
) -> Stored | None:
    """The chunk that begins at t0 and aims at the border: from the cache, else simulated (the caller keeps
    it).
    None: the slice ran out.

    `check(command)` says whether to ask the world if the command makes sense (Refused when it does not).
    Exhausted when a limit is met.
    """
    key = store.chunk_key(recipe, done, t0_us, border_us, level)
    fresh = recipe.next_us(done) == t0_us  # a command just given: nobody can have this chunk yet
    found = None if fresh else store.load_chunk(key)
    if found is not None:
        return found
    made = _make(recipe, t0_us, border_us, done, slice, level, check)
    while made is not None and len(made.body) > BODY_BYTES_MAX:
        half_us = (made.world.now_us - t0_us) // 2
        if half_us == 0:  # more happens in one instant than a frame can hold
            raise Exhausted
        made = _make(recipe, t0_us, t0_us + half_us, done, slice, level, check)
    return None if made is None else Stored(_settle(recipe, t0_us, key, level, made), made.body)


@dataclass(frozen=True)
class Made:
    """What was simulated for a chunk: the world at its end, how it began, the encoded chunk."""

    world: World
    previous_hash: str
    began: int
    done: int
    body: bytes


@contextmanager
def _broken_when_the_engine_fails() -> Iterator[None]:
    try:
        yield
    except ENGINE_ERRORS as error:
        raise Broken(error) from error


@_broken_when_the_engine_fails()
def _make(
    recipe: Recipe,
    t0_us: int,
    border_us: int,
    done: int,
    slice: Slice,
    level: str,
    check: Callable[[LoggedCommand], bool] | None,
) -> Made | None:
    """Simulate from t0 towards the border; None when the slice ran out. Broken when the engine fails."""
    world = world_at(POOL, recipe, t0_us, done, slice)
    if world is None:
        return None
    if level != FULL:
        world.record(level)
    previous, began = world.digest(), world.events
    reached = _run(world, recipe, border_us, done, slice, level, check)
    if reached is None:
        return None
    done_after, t1_us = reached
    if t1_us <= t0_us and border_us > t0_us:
        raise Exhausted
    return Made(world, previous, began, done_after, wire.encode_chunk(world.take_chunk()))


def _settle(recipe: Recipe, t0_us: int, key: str, level: str, made: Made) -> Tile:
    """Keep the world for what follows, and say what the chunk covers."""
    world, done = made.world, made.done
    tile = Tile(
        t0_us,
        world.now_us,
        key,
        made.previous_hash,
        world.digest(),
        done,
        recipe.prefix(done),
        level,
        world.events - made.began,
        len(made.body),
    )
    if level != FULL:
        world.record(FULL)  # every mark can go on at full detail
    keep_checkpoint(POOL, recipe, world, done, tile.t1_us)
    POOL.add(recipe, world, done, tile.t1_us, settled=True)
    return tile


def _run(
    world: World,
    recipe: Recipe,
    border_us: int,
    done: int,
    slice: Slice,
    level: str,
    check: Callable[[LoggedCommand], bool] | None,
) -> tuple[int, int] | None:
    """Run to the border, giving commands at their times: (commands in effect, time reached), None when
    interrupted.
    """
    last_event = world.events + TILE_EVENTS[level]
    for command in recipe.commands[done : recipe.due(border_us)]:
        outcome = _run_to(world, command.at_us, last_event, slice)
        if outcome != "reached":
            return None if outcome == "interrupted" else (done, world.now_us)
        refusal = world.refusal(command.do) if check is not None and check(command) else None
        if refusal is not None:
            raise Refused(command, refusal.reason, {"en": refusal.text.en, "zh": refusal.text.zh})
        world.command(command.at_us, command.do, command.seq)
        done += 1
        if _run_to(world, command.at_us, last_event + TILE_EVENTS[level], slice) == "interrupted":
            return None
    outcome = _run_to(world, border_us, last_event, slice)
    return None if outcome == "interrupted" else (done, world.now_us)


def _run_to(world: World, at_us: int, last_event: int, slice: Slice) -> str:
    """Run to a time; at the last event finish its instant. reached | budget | interrupted."""
    if world.events > limits.EVENTS_PER_RUN_MAX:
        raise Exhausted
    outcome = world.run_until(at_us, budget=max(1, last_event - world.events), interrupted=slice.interrupted)
    if outcome == "budget" and world.run_until(world.now_us, budget=TILE_EVENTS[FULL]) == "budget":
        raise Exhausted
    return outcome
