"""The worker's side of a live run: simulate a little beyond the playhead, keep it, send it; fill holes;
preload.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import redis
from django.db import OperationalError

from simulations import selectors
from simulations.live import lease, store
from simulations.live.detail import FULL
from simulations.live.lease import Lease
from simulations.live.playhead import chunk_us, next_border_us, server_ms
from simulations.live.publish import publish_frame, tell
from simulations.live.store import Stored
from simulations.live.tiles import Cover, Exhausted, Refused, get_tile
from simulations.live.valkey import client
from simulations.live.worlds import Slice
from simulations.models import Experiment
from simulations.services import commands, experiments, lanes, playheads
from simulations.services.lanes import Lane
from simulations.wire import ENGINE, BadInput, message

log = logging.getLogger(__name__)

SLICE_S = 0.05
"""CPU time of one turn; a run with many viewers gets up to three."""
STALL_MS = 250
"""A playhead this much wall time beyond what was simulated is put back to it."""

RESTED_MS = 10_000


def advance(code: str, shard: int) -> bool:
    """One turn for a run. True when more is to be done: the task goes to the back of its queue."""
    try:
        opening = lanes.look(code)
        if opening.held is not None and opening.held.shard != shard:
            return False
        lane = lanes.open_lane(code, changed=opening.changed)
        held = lanes.own(lane.run, shard, opening.held) if lane is not None else None
        if lane is None or held is None:
            return False
        return _turn(lane, held, opening.viewers)
    except Exhausted as error:
        log.warning("Run %s cannot go on: %r", code, error, exc_info=error.__cause__)
        tell(code, message("limit", text=error.text))
        return False
    except (OperationalError, redis.RedisError) as error:
        log.warning("No turn for %s: %s", code, error)  # whoever watches asks again
        return False


def _turn(lane: Lane, held: Lease, viewers: int) -> bool:
    slice = Slice(SLICE_S * (1 + min(2.0, math.log10(1 + viewers))), lane.watch.poll)
    runs = 0
    while True:
        now_ms = server_ms()
        here = _position(lane, now_ms)
        level = lane.level(here)
        cover = lane.cover(here, level) or _stalled_cover(lane, here)
        end_us, done = (cover.to_us, cover.done) if cover else lane.start_of(here)
        if cover is not None and end_us >= lane.head.ahead_us(here, lane.run.stop_us):
            _note(lane, held, end_us, runs)
            return False
        if slice.over() or lane.watch.poll():
            return True
        stored = _produce(lane, held, end_us, done, slice, level)
        if stored is None:
            return lane.watch.changed() or slice.over()
        shown = cover or lane.cover(here)  # an aggregate goes on being shown until full detail is there
        _hold(lane, shown.to_us if shown else None, here, now_ms)
        runs = _send(lane, held, stored, runs)


def _note(lane: Lane, held: Lease, end_us: int, runs: int) -> None:
    with client().pipeline(transaction=False) as pipe:
        lease.note_head(pipe, lane.run.code, lane.branch, end_us, runs)
        lease.renew(pipe, lane.run.code, held)
        pipe.execute()


def _position(lane: Lane, now_ms: int) -> int:
    """Where viewers are. When a run has rested so long that nothing of it is left, where it was seen last."""
    here = lane.head.at(now_ms, lane.run.stop_us)
    known = lane.cover(here) or _stalled_cover(lane, here)
    if known is not None or now_ms - lane.head.anchor_ms < RESTED_MS:
        return here
    return min(here, max(lane.head.anchor_us, lane.row.played_us))


def _stalled_cover(lane: Lane, here: int) -> Cover | None:
    """When the playhead has run out of what is simulated: the stretch it was in, where viewers have
    stopped.
    """
    before = lane.cover(lane.head.anchor_us)
    return before if before is not None and before.to_us < here else None


def _produce(lane: Lane, held: Lease, t0_us: int, done: int, slice: Slice, level: str) -> Stored | None:
    """The next chunk, if it is still wanted and still ours to send; None when the turn has to end."""
    try:
        stored = lane.produce(t0_us, done, slice, level=level)
    except Refused as refused:
        commands.refuse(
            run_id=lane.run.pk,
            branch_number=lane.branch,
            seq=refused.command.seq,
            reason=refused.reason,
            text=refused.text,
        )
        return None
    if stored is None or lane.watch.changed() or not lanes.still_ours(lane.run, held):
        return None
    return stored


def _send(lane: Lane, held: Lease, stored: Stored, runs: int) -> int:
    """Send the chunk to everybody, then keep it as part of the branch; how many runs share the machine."""
    lane.insert(stored.tile)
    frame = lane.frame(stored)
    publish_frame(lane.run.code, frame)
    cover = lane.cover(stored.tile.t0_us)
    with client().pipeline(transaction=False) as pipe:
        store.put_chunk(pipe, stored, pinned=lane.run.pinned)
        store.put_tile(pipe, lane.run.code, lane.branch, stored.tile, pinned=lane.run.pinned)
        lease.note_head(pipe, lane.run.code, lane.branch, cover.to_us if cover else stored.tile.t1_us, runs)
        lease.renew(pipe, lane.run.code, held)
        lease.count_active(pipe, lane.run.code)
        return int(pipe.execute()[-1])


def _hold(lane: Lane, shown_us: int | None, here: int, now_ms: int) -> None:
    """Viewers stopped where frames ended: so does the playhead, and goes on from there now.

    Before the frame is sent, so that nobody plays it by the old clock.
    """
    head = lane.head
    if not head.playing:
        return
    if shown_us is None:
        at_us = head.anchor_us if now_ms - head.anchor_ms < RESTED_MS else here
        late = now_ms - head.anchor_ms > STALL_MS
    else:
        at_us, late = shown_us, here - shown_us > STALL_MS * 1000 * head.speed
    if late and playheads.hold(run_id=lane.run.pk, sequence=head.sequence, at_us=at_us):
        # Our own change: read it instead of calling what we just did stale.
        renewed = lanes.open_lane(lane.run.code)
        if renewed is not None and renewed.branch == lane.branch:
            lane.head, lane.watch = renewed.head, renewed.watch


# Holes and preloading ---------------------------------------------------------


def fill(request: dict[str, Any]) -> dict[str, Any] | None:
    """Compute what is missing of `{code, branch, from_us, to_us, refined?}`; what is left to do, or None."""
    slice = Slice(SLICE_S)
    try:
        if "card" in request:
            return _fill_card(request, slice)
        refined = bool(request.get("refined"))
        lane = lanes.open_lane(request["code"], request["branch"], refined=refined)
        if lane is None:
            return None
        to_us = min(request["to_us"], lane.run.stop_us)
        left = _fill(lane, request["from_us"], to_us, slice, refined=refined)
    except (BadInput, Refused, Exhausted, redis.RedisError) as error:
        log.warning("A hole was not filled: %r", error)
        return None
    return None if left is None else {**request, "from_us": left}


def _fill(
    lane: Lane, from_us: int, to_us: int, slice: Slice, pinned: bool = False, refined: bool = False
) -> int | None:
    """Cover [from, to] at full detail; the time from which on something is still missing, or None."""
    _forget_evicted(lane, from_us, to_us)
    at_us = from_us
    while at_us < to_us or lane.cover(at_us) is None:
        cover = lane.cover(at_us)
        if cover is not None and cover.to_us > at_us:
            at_us = cover.to_us
            continue
        start, done = (cover.to_us, cover.done) if cover else lane.start_of(at_us)
        if slice.over():
            return start
        following = [tile.t0_us for tile in lane.tiles if tile.t0_us > start]
        border = min([lane.border(start, done), *following])
        stored = lane.produce(start, done, slice, border_us=border)
        if stored is None:
            return start
        lane.keep(stored, pinned, refined)
        at_us = max(at_us, stored.tile.t1_us)
    return None


def _fill_card(request: dict[str, Any], slice: Slice) -> dict[str, Any] | None:
    """Compute the chunks of an experiment that nobody has touched, on the grid of its own speed."""
    row = Experiment.objects.get(fingerprint=request["card"])
    recipe = selectors.make_recipe(row, request["seed"], ENGINE, [])
    stop_us = int(experiments.parsed(row.plain).stop_s * 1_000_000)
    at_us: int = request.get("at_us", 0)
    while at_us < min(request["to_us"], stop_us):
        border = min(next_border_us(at_us, chunk_us(request["speed"])), stop_us)
        stored = None if slice.over() else get_tile(recipe, at_us, border, 0, slice)
        if stored is None:
            return {**request, "at_us": at_us}
        store.save_chunk(stored)
        at_us = stored.tile.t1_us
    return None


def _forget_evicted(lane: Lane, from_us: int, to_us: int) -> None:
    """Tiles whose chunk is gone cover nothing."""
    inside = [tile for tile in lane.tiles if tile.t1_us > from_us and tile.t0_us <= to_us]
    found = client().pipeline()
    for tile in inside:
        found.exists(tile.key)
    gone = [tile for tile, there in zip(inside, found.execute(), strict=True) if not there]
    store.drop_tiles(lane.run.code, lane.branch, gone)
    lane.tiles = [tile for tile in lane.tiles if tile not in gone]


def _pin(lane: Lane) -> None:
    """What is known at full detail is kept long as well; aggregates are made anew."""
    coarse = [tile for tile in lane.tiles if tile.level != FULL]
    store.drop_tiles(lane.run.code, lane.branch, coarse)
    lane.tiles = [tile for tile in lane.tiles if tile.level == FULL]
    with client().pipeline(transaction=False) as pipe:
        for tile in lane.tiles:
            pipe.expire(tile.key, store.PINNED_KEPT_S)
        pipe.execute()


def preload(code: str, at_us: int) -> int | None:
    """Compute and pin the shared branch from here to its end; where the next slice goes on, or None at the
    end.
    """
    slice = Slice(SLICE_S)
    try:
        lane = lanes.open_lane(code)
        if lane is None:
            return None
        _pin(lane)
        left = _fill(lane, at_us, lane.limit_us, slice, pinned=True)
        cover = lane.cover(_position(lane, server_ms()))
        if cover is not None:
            lease.note_head(client(), code, lane.branch, cover.to_us, 0)
        share = 1.0 if left is None else left / max(1, lane.limit_us)
        client().set(f"preload:{code}", f"{share:.4f}", ex=3600)
    except (BadInput, Refused, Exhausted, redis.RedisError) as error:
        log.warning("Preloading %s ended: %r", code, error)
        return None
    return left
