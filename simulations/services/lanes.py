"""A lane: one branch of one run while a worker works on it - its rows, its recipe, its tiles."""

from __future__ import annotations

import time
from collections import OrderedDict

import msgspec
import redis

from simulations import selectors, wire
from simulations.live import lease, store, tiles
from simulations.live.detail import AGGREGATE, FULL, level_for
from simulations.live.lease import Lease
from simulations.live.playhead import Playhead, chunk_us, next_border_us, short_chunk_us
from simulations.live.recipe import Recipe
from simulations.live.store import Stored, Tile
from simulations.live.tiles import Cover
from simulations.live.valkey import client
from simulations.live.worlds import Slice
from simulations.models import Branch, Run
from simulations.services import runs

RECIPES_KEPT = 256
POLL_S = 0.005
"""How often a simulation looks whether its commands have changed."""


class Opening(msgspec.Struct, frozen=True):
    """What Valkey says of a run when a turn begins, in one round trip."""

    changed: int
    held: Lease | None
    viewers: int


def look(code: str) -> Opening:
    """Read it; whoever needs more may ask again from now on."""
    with client().pipeline(transaction=False) as pipe:
        pipe.delete(f"asked:{code}")
        pipe.get(lease.changed_key(code))
        pipe.get(f"lease:{code}")
        pipe.hget(f"live:{code}", "viewers")
        lease.note_turn(pipe, code)
        _, changed, held, viewers, _ = pipe.execute()
    return Opening(int(changed or 0), lease.read(held), int(viewers or 0))


def own(run: Run, shard: int, held: Lease | None) -> Lease | None:
    """The lease of this run for our shard: kept, or taken when free with a new token on the row.

    The lease comes first: of two shards that find none, the one that is late must not touch the other's token.
    """
    if held is None:
        taken = Lease(shard, run.fence + 1)
        return taken if lease.take(run.code, taken) and runs.raise_fence(run) else None
    # An older token of our own shard lapses by itself.
    return held if held.shard == shard and held.fence == run.fence else None


def changed_now(code: str) -> int:
    """The number that rises with every command and move of the playhead."""
    return int(client().get(lease.changed_key(code)) or 0)


class Watch:
    """Tells cheaply and not too often whether the number has changed."""

    def __init__(self, code: str, number: int) -> None:
        self.code, self.number = code, number
        self.looked = time.perf_counter()
        self.stale = False

    def changed(self) -> bool:
        """Look now."""
        try:
            self.stale = self.stale or changed_now(self.code) != self.number
        except redis.RedisError:
            return self.stale
        return self.stale

    def poll(self) -> bool:
        """Look when the last look is a while ago: asked by the engine every few hundred events."""
        now = time.perf_counter()
        if not self.stale and now - self.looked >= POLL_S:
            self.looked = now
            self.changed()
        return self.stale


class Lane:
    """What a worker knows of a branch. Rows are read once; `watch` tells when they are no longer true."""

    def __init__(self, run: Run, head: Playhead, branch: int, changed: int, refined: bool = False) -> None:
        row = selectors.branch_of(run, branch)
        if row is None:
            raise wire.BadInput("branch", "there is no such branch", status=404)
        self.run, self.head, self.branch, self.row = run, head, branch, row
        self.recipe = recipe_of(run, row)
        self.watch = Watch(run.code, changed)
        known = (store.load_full_tiles if refined else store.load_tiles)(run.code, branch)
        self.tiles = tiles.true_tiles(known, self.recipe)
        store.drop_tiles(run.code, branch, [tile for tile in known if tile not in self.tiles])

    @property
    def limit_us(self) -> int:
        """Nothing is simulated beyond this."""
        return self.head.limit_us(self.run.stop_us)

    def cover(self, at_us: int, level: str = AGGREGATE) -> Cover | None:
        """The stretch that is simulated around a moment, at this level or better."""
        return tiles.cover_at(tiles.at_level(self.tiles, level), at_us, self.recipe)

    def level(self, here: int) -> str:
        """What viewers should get when the playhead is here and goes on at its speed."""
        return level_for(self.tiles, self.head.ahead_us(here, self.run.stop_us), self.head.speed)

    def start_of(self, at_us: int) -> tuple[int, int]:
        """Where to begin when nothing covers a moment: (time, commands in effect)."""
        border = max(0, next_border_us(at_us, chunk_us(self.head.speed)) - chunk_us(self.head.speed))
        return border, self.recipe.before(border)

    def border(self, t0_us: int, done: int) -> int:
        """Where the chunk that begins here should end: soon after a command, else on the grid."""
        following = self.recipe.next_us(done)
        if following is not None and following <= t0_us:
            short_us = short_chunk_us(self.head.speed)
            border = next_border_us(t0_us + short_us // 2, short_us)  # too short would show nothing
            return min(border, self.limit_us)
        return min(next_border_us(t0_us, chunk_us(self.head.speed)), self.limit_us)

    def produce(
        self, t0_us: int, done: int, slice: Slice, border_us: int | None = None, level: str = FULL
    ) -> Stored | None:
        """The next chunk, from the cache or simulated. None when the slice ran out or commands changed."""
        border = self.border(t0_us, done) if border_us is None else border_us
        asking = lambda command: bool(command.key)  # noqa: E731 (copies were accepted long ago)
        return tiles.get_tile(self.recipe, t0_us, border, done, slice, level=level, check=asking)

    def keep(self, stored: Stored, pinned: bool = False, refined: bool = False) -> None:
        """The branch is covered by this chunk from now on; `refined`: for those who ask for full detail."""
        store.save_chunk(stored, pinned)
        store.add_tile(self.run.code, self.branch, stored.tile, pinned, refined)
        self.insert(stored.tile)

    def insert(self, tile: Tile) -> None:
        """The same here alone; whoever calls tells the store."""
        self.tiles = [old for old in self.tiles if not tile.t0_us <= old.t0_us < tile.t1_us]
        self.tiles.append(tile)
        self.tiles.sort(key=lambda item: item.t0_us)

    def frame(self, stored: Stored) -> bytes:
        """The chunk as a frame of this branch."""
        index = sum(1 for tile in self.tiles if tile.t0_us < stored.tile.t0_us)
        return frame_of(self.run.code, self.branch, self.row.revision, index, stored)


def frame_of(code: str, branch: int, revision: int, index: int, stored: Stored) -> bytes:
    """A stored chunk on its way to viewers of a branch."""
    tile = stored.tile
    header = wire.FrameHeader(
        code, branch, revision, index, tile.t0_us, tile.t1_us, tile.previous_hash, tile.hash, tile.level
    )
    return wire.frame(header, stored.body)


_recipes: OrderedDict[tuple[int, int], Recipe] = OrderedDict()


def recipe_of(run: Run, branch: Branch) -> Recipe:
    """The recipe of a branch; every command raises the revision, so one that is known need not be read
    again.
    """
    key = (branch.pk, branch.revision)
    if key not in _recipes:
        _recipes[key] = selectors.recipe_of(run, branch)
        while len(_recipes) > RECIPES_KEPT:
            _recipes.popitem(last=False)
    return _recipes[key]


def open_lane(
    code: str, branch: int | None = None, changed: int | None = None, refined: bool = False
) -> Lane | None:
    """The lane of a run's shared branch (or of another one); None when the run is gone.

    `refined`: with chunks at full detail alone, those made for viewers who asked among them.
    `changed` must have been read before: a change in between is then seen as one.
    """
    changed = changed_now(code) if changed is None else changed
    run = selectors.find_run(code)
    if run is None:
        return None
    head = selectors.playhead_of(run)
    return Lane(run, head, head.branch if branch is None else branch, changed, refined)


def still_ours(run: Run, held: Lease) -> bool:
    """Whether the row still carries our fencing token."""
    return Run.objects.filter(pk=run.pk, fence=held.fence).exists()
