"""Saved links: the recipe with all branches, and the recorded trace of the branch that was shown."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from simulations import limits, selectors, wire
from simulations.live import store
from simulations.live.playhead import Playhead, server_ms
from simulations.live.recipe import LoggedCommand, Recipe
from simulations.live.tiles import cover_at, end_of, true_tiles
from simulations.live.valkey import answers
from simulations.live.worlds import POOL, Slice, world_at
from simulations.models import Branch, LinkTrace, Run, SavedLink
from simulations.services import dispatch, experiments, lanes, ranges, runs
from simulations.wire import ENGINE, BadInput

SLUG_LENGTH = 10
REPRODUCE_S = 50.0


def save_link(*, visitor: str, code: str, branch: int, at_us: int, title: str) -> SavedLink:
    """Keep this moment for ever."""
    run = selectors.find_run(code)
    line = selectors.branch_of(run, branch) if run else None
    if run is None or line is None:
        raise BadInput("run", "there is no such run or branch", status=404)
    if not answers():
        raise BadInput("link", "could not be kept: the store does not answer", status=503)
    recipe = selectors.recipe_of(run, line)
    # A branch shares its beginning with its parent, and perhaps nobody ever opened the run: have what is missing
    # simulated before it is recorded.
    ranges.all_frames(run, line, FRAMES_MAX)
    ranges.begin(run, line, at_us)
    frames, from_us, to_us, digest = recorded(run, line, recipe)
    for _ in range(8):
        try:
            with transaction.atomic():
                link = _insert(run, visitor, branch, min(at_us, run.stop_us), title, digest, to_us)
                LinkTrace.objects.create(
                    link=link, frames=frames, from_us=from_us, to_us=to_us, complete=from_us == 0
                )
        except IntegrityError:
            continue
        if digest:
            dispatch.send_slow(dispatch.REPRODUCE, [link.slug])
        return link
    raise BadInput("link", "no free address was found, try again", status=503)


def _insert(
    run: Run, visitor: str, branch: int, at_us: int, title: str, digest: str, digest_us: int
) -> SavedLink:
    return SavedLink.objects.create(
        slug=runs.new_code(SLUG_LENGTH),
        title=title.strip()[: limits.TITLE_MAX] or run.title or run.experiment.name,
        experiment=run.experiment,
        run_code=run.code,
        seed=run.seed,
        engine=run.engine,
        recipe={"branches": selectors.branches_plain(run)},
        branch=branch,
        at_us=at_us,
        stop_us=run.stop_us,
        owner=visitor,
        digest=digest,
        digest_us=digest_us,
    )


FRAMES_MAX = 4_000
"""Frames that a recording is filled up to; beyond, its last part is kept."""


def recorded(run: Run, line: Branch, recipe: Recipe) -> tuple[bytes, int, int, str]:
    """The trace of a branch as far as it is simulated: (range, from, to, digest at to); at most 8 MB, the
    last part.
    """
    tiles = true_tiles(store.load_tiles(run.code, line.number), recipe)
    position = tiles[-1].t0_us if tiles else 0
    first = cover_at(tiles, 0, recipe)
    cover = first if first is not None else cover_at(tiles, position, recipe)
    if cover is None:
        return b"", 0, 0, ""
    inside = [(i, tile) for i, tile in enumerate(tiles) if cover.from_us <= tile.t0_us < cover.to_us]
    found: list[bytes] = []
    size, to_us, digest, from_us = 0, 0, "", cover.to_us
    for (index, tile), stored in zip(
        reversed(inside), reversed(store.load_chunks([tile.key for _, tile in inside])), strict=True
    ):
        if stored is None:
            if found:
                break
            continue
        frame = lanes.frame_of(run.code, line.number, line.revision, index, stored)
        if size + len(frame) + 4 > limits.LINK_TRACE_BYTES_MAX:
            break
        if not found:
            to_us = end_of(tiles, index, recipe)[0]
            digest = tile.hash if to_us == tile.t1_us else ""
        found.append(frame)
        size, from_us = size + len(frame) + 4, tile.t0_us
    return wire.join_frames(reversed(found)), from_us, to_us, digest


def link_recipe(link: SavedLink, branch: int | None = None) -> Recipe:
    """The recipe of one branch of a saved link."""
    number = link.branch if branch is None else branch
    experiment = link.experiment
    for line in link.recipe["branches"]:
        if line["id"] == number and "faults" in line:
            experiment = experiments.save(experiments.with_script(experiment, line["faults"]))
    commands = [
        LoggedCommand(item["seq"], item["at_us"], item["do"], item.get("by", ""), "")
        for line in link.recipe["branches"]
        if line["id"] == number
        for item in line["commands"]
    ]
    return selectors.make_recipe(experiment, link.seed, link.engine, commands)


def check_reproduces(slug: str) -> bool | None:
    """Run the recipe on today's engine and compare digests; None when it takes too long or nothing was
    recorded.
    """
    link = selectors.find_link(slug)
    if link is None or not link.digest:
        return None
    recipe = link_recipe(link)
    world = world_at(POOL, recipe, link.digest_us, recipe.due(link.digest_us), Slice(REPRODUCE_S))
    if world is None:
        return None
    same = world.digest() == link.digest
    SavedLink.objects.filter(pk=link.pk).update(reproduces=same, checked_engine=ENGINE)
    return same


def link_state(link: SavedLink, visitor: str) -> dict[str, Any]:
    """LinkState of docs/protocol.md."""
    trace = LinkTrace.objects.filter(link=link).defer("frames").first()
    if link.digest and link.checked_engine != ENGINE:
        dispatch.send_slow(dispatch.REPRODUCE, [link.slug])
    head = Playhead(branch=link.branch, playing=False, anchor_us=link.at_us, anchor_ms=server_ms())
    return {
        "slug": link.slug,
        "title": link.title,
        "experiment": wire.raw_json(link.experiment.plain),
        "seed": link.seed,
        "engine": link.engine,
        "engine_now": ENGINE,
        "reproduces": link.reproduces if link.checked_engine == ENGINE else None,
        "branches": link.recipe["branches"],
        "branch": link.branch,
        "at_us": link.at_us,
        "stop_us": link.stop_us,
        "role": "viewer",
        "you": visitor,
        "mine": link.owner == visitor,
        "playhead": wire.to_plain(head),
        "trace": {
            "from_us": trace.from_us if trace else 0,
            "to_us": trace.to_us if trace else 0,
            "complete": trace.complete if trace else False,
        },
        "created": link.created_at.isoformat(),
        "server_ms": server_ms(),
    }


def link_frames(link: SavedLink, from_us: int, to_us: int | None) -> bytes:
    """The recorded frames that cover a span, as a range."""
    trace = LinkTrace.objects.filter(link=link).first()
    if trace is None:
        return b""
    data = bytes(trace.frames)
    if from_us <= trace.from_us and (to_us is None or to_us >= trace.to_us):
        return data
    wanted = []
    for frame in wire.split_frames(data):
        header, _ = wire.read_frame(frame)
        if header.t1_us >= from_us and (to_us is None or header.t0_us <= to_us):
            wanted.append(frame)
    return wire.join_frames(wanted)


def fork_link(*, visitor: str, link: SavedLink, branch: int | None = None, at_us: int | None = None) -> Run:
    """A run of one's own with the link's recipe up to a moment, on today's engine."""
    recipe = link_recipe(link, branch)
    moment = link.at_us if at_us is None else min(at_us, link.stop_us)
    kept = [command for command in recipe.commands if command.at_us <= moment]
    return runs.insert_run(
        visitor=visitor,
        experiment=experiments.save(experiments.parsed(recipe.experiment)),
        seed=link.seed,
        playhead=Playhead(playing=False, anchor_us=moment, anchor_ms=server_ms()),
        stop_us=link.stop_us,
        title=link.title,
        origin={"link": link.slug, "at_us": moment, "engine": link.engine},
        commands=sorted(kept, key=lambda command: command.seq),
        played_us=moment,
    )
