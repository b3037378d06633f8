"""Ranges: one answer with the frames that cover a span. What nobody has any more is computed again, within
seconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import redis

from simulations import limits, selectors, wire
from simulations.engine.experiment import Experiment
from simulations.live import store
from simulations.live.playhead import chunk_us, next_border_us, server_ms
from simulations.live.recipe import Recipe
from simulations.live.tiles import cover_at, true_tiles
from simulations.live.valkey import client
from simulations.models import Branch, Run, SavedLink
from simulations.services import dispatch, experiments, states
from simulations.services.positions import shown_us

WAIT_S = 6.0
LOOK_S = 0.03
ASK_AGAIN_S = 2.0
FILL_US_MAX = 600_000_000
AHEAD_US = 60_000_000
"""How far beyond what was shown a link may have a run simulated."""
CARD_WALL_S = 60
"""How much of an experiment a card may show, in seconds on the wall at its own speed."""


@dataclass(frozen=True)
class Range:
    """`complete`: covers all that was asked for and will never change. `head_us`: what the server has by
    now.
    """

    data: bytes
    head_us: int
    complete: bool
    etag: str


def _range(frames: list[bytes], head_us: int, complete: bool) -> Range:
    kept: list[bytes] = []
    size = 0
    for frame in frames:
        size += len(frame) + 4
        if kept and size > limits.RANGE_BYTES_MAX:
            complete = False
            break
        kept.append(frame)
    data = wire.join_frames(kept)
    return Range(data, head_us, complete and bool(kept), f'"{blake2b(data, digest_size=12).hexdigest()}"')


def run_range(
    run: Run, branch_number: int, from_us: int, to_us: int | None, limit: int, refined: bool = False
) -> Range:
    """Frames of a branch. Nothing beyond what was shown or sent ahead of the playhead is given.

    `refined`: at full detail, computed again where viewers were sent an aggregate.
    """
    branch = selectors.branch_of(run, branch_number)
    if branch is None:
        raise wire.BadInput("branch", "there is no such branch", status=404)
    known_us = known_until(run, branch)
    wanted_us = min(known_us if to_us is None else to_us, known_us)
    if from_us > wanted_us:
        return _range([], known_us, False)
    frames = _frames(run.code, branch_number, from_us, wanted_us, limit, refined)
    reached = wire.read_frame(frames[-1])[0].t1_us if frames else -1
    return _range(frames, known_us, reached >= wanted_us and to_us is not None and wanted_us == to_us)


def known_until(run: Run, branch: Branch) -> int:
    """Up to where viewers may know a branch: what was shown, and what was sent ahead of the playhead."""
    recipe = selectors.recipe_of(run, branch)
    head = selectors.playhead_of(run)
    here = shown_us(run, head, server_ms()) if head.branch == branch.number else 0
    tiles = true_tiles(store.load_tiles(run.code, branch.number), recipe)
    cover = cover_at(tiles, min(here, run.stop_us), recipe)
    return max(branch.played_us, here, cover.to_us if cover else 0)


def all_frames(run: Run, branch: Branch, frames_max: int) -> list[bytes]:
    """Every frame of a branch that viewers may know, up to a number; shorter when no worker computes the rest."""
    known_us, reached = known_until(run, branch), 0
    found: list[bytes] = []
    while reached < known_us and len(found) < frames_max:
        piece = _frames(run.code, branch.number, reached, known_us, limits.RANGE_FRAMES_MAX)
        if not piece or wire.read_frame(piece[-1])[0].t1_us <= reached:
            break
        found += piece
        reached = wire.read_frame(piece[-1])[0].t1_us
    return found[:frames_max]


def begin(run: Run, branch: Branch, at_us: int) -> None:
    """Have the beginning of a branch simulated that nobody has seen, up to a moment but no more than AHEAD_US; waits a
    few seconds at most."""
    known_us = known_until(run, branch)
    until_us = min(at_us, known_us + AHEAD_US, run.stop_us)
    if until_us > known_us or not known_us:
        _frames(run.code, branch.number, known_us, until_us, limits.RANGE_FRAMES_MAX)


def _frames(
    code: str, branch: int, from_us: int, to_us: int, limit: int, refined: bool = False
) -> list[bytes]:
    """Frames of the span; asks a worker for what is missing and waits a few seconds for it."""
    to_us = min(to_us, from_us + FILL_US_MAX)
    deadline, asked = time.monotonic() + WAIT_S, 0.0
    while True:
        frames = states.frames_between(code, branch, from_us, to_us, refined)[:limit]
        reached = wire.read_frame(frames[-1])[0].t1_us if frames else from_us
        now = time.monotonic()
        if (frames and reached >= to_us) or len(frames) >= limit or now > deadline:
            return frames
        if now - asked > ASK_AGAIN_S:
            asked = now
            request = {"code": code, "branch": branch, "from_us": reached, "to_us": to_us, "refined": refined}
            if not dispatch.send(dispatch.FILL, [request], dispatch.shard_for(code), expires_s=WAIT_S):
                return frames  # nobody was asked, so nothing will come
        time.sleep(LOOK_S)


# Experiments that nobody has touched ---------------------------------------------------------


def catalogue_range(experiment: Experiment, from_us: int, to_us: int | None) -> Range:
    """Frames of an experiment as it ships: from the cache, filled by a worker at the first time."""
    experiments.require_available(experiment)
    row = experiments.save(experiment)
    recipe = selectors.make_recipe(row, experiment.seed, wire.ENGINE, [])
    speed = min(max(experiment.play.speed, limits.SPEED_MIN), limits.SPEED_MAX)
    stop_us = int(experiment.stop_s * 1_000_000)
    last_us = min(stop_us, int((experiment.play.start_s + CARD_WALL_S * speed) * 1_000_000))
    to_us = last_us if to_us is None else min(to_us, last_us)
    frames = _card_frames(row.fingerprint, recipe, speed, from_us, to_us, stop_us)
    reached = wire.read_frame(frames[-1])[0].t1_us if frames else from_us
    return _range(frames, reached, reached >= to_us)


def _card_frames(
    name: str, recipe: Recipe, speed: float, from_us: int, to_us: int, stop_us: int
) -> list[bytes]:
    deadline, asked = time.monotonic() + WAIT_S, 0.0
    while True:
        frames = _cached(recipe, speed, from_us, to_us, stop_us)
        reached = wire.read_frame(frames[-1])[0].t1_us if frames else from_us
        now = time.monotonic()
        if (frames and reached >= to_us) or now > deadline or from_us >= to_us:
            return frames
        if now - asked > ASK_AGAIN_S:
            asked = now
            request: dict[str, Any] = {"card": name, "seed": recipe.seed, "speed": speed, "to_us": to_us}
            if client().set(f"asked:card:{recipe.key}", b"1", nx=True, px=int(ASK_AGAIN_S * 1000)):
                dispatch.send(dispatch.FILL, [request], dispatch.shard_for(recipe.key), expires_s=WAIT_S)
        time.sleep(LOOK_S)


def _cached(recipe: Recipe, speed: float, from_us: int, to_us: int, stop_us: int) -> list[bytes]:
    """Cached frames from the chunk that covers `from_us`, as long as there is no hole."""
    step = chunk_us(speed)
    at_us = from_us // step * step
    found: list[bytes] = []
    while at_us < to_us and len(found) < limits.RANGE_FRAMES_MAX:
        border = min(next_border_us(at_us, step), stop_us)
        try:
            stored = store.load_chunk(store.chunk_key(recipe, 0, at_us, border, "full"))
        except redis.RedisError:
            return found
        if stored is None:
            return found
        tile = stored.tile
        header = wire.FrameHeader(
            "", 0, 0, len(found), tile.t0_us, tile.t1_us, tile.previous_hash, tile.hash, tile.level
        )
        found.append(wire.frame(header, stored.body))
        at_us = tile.t1_us
    return found


def recorded(data: bytes, link: SavedLink) -> Range:
    """Frames of a saved link: they never change."""
    return Range(data, link.digest_us, bool(data), f'"{blake2b(data, digest_size=12).hexdigest()}"')
