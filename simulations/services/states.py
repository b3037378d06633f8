"""What a page is told about a run: its state, its frames, why it waits."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import redis
from django.db import transaction

from simulations import limits, selectors, wire
from simulations.live import lease, store
from simulations.live.lease import Live, Machine
from simulations.live.playhead import Playhead, server_ms
from simulations.live.tiles import cover_at, true_tiles
from simulations.live.valkey import client
from simulations.models import Branch, Run
from simulations.services import dispatch, experiments, lanes, playheads

NOTED_EVERY_S = 5
"""When everything ends at once, a run that plays goes on from at most so long before."""
PRELOAD_KEPT_S = 3600
"""How long `advance.preload` lets its progress be known."""

WAITING = {
    "server": (
        "The server's memory does not answer. The run goes on when it is back.",
        "服务器缓存无响应，恢复后运行将继续。",
    ),
    "worker": (
        "Waiting for a worker. Nothing is lost; the run goes on when one is back.",
        "正在等待工作进程。数据没有丢失，恢复后运行将继续。",
    ),
    "version": (
        "The workers run another version than this page's server. The run goes on when both are restarted.",
        "工作进程与页面服务器的版本不同，两者重启后运行将继续。",
    ),
    "queue": ("Many runs share this machine. This one waits for its turn.", "许多运行共享本机，正在排队。"),
    "simulation": (
        "This moment is still being simulated. The run goes on by itself.",
        "这一时刻仍在模拟中，运行会自动继续。",
    ),
}


def waiting_for(code: str, machine: Machine) -> dict[str, Any]:
    """What a run that gets no frames waits for: {for, text, runs}, `runs` being those that share the machine.

    That a worker's heart beats says nothing of the process in it that simulates: turns do.
    """
    others = len(machine.lately - {code})
    if not machine.reachable:
        cause = "server"
    elif machine.strangers:
        cause = "version"
    elif machine.workers and others:
        cause = "queue"
    else:
        cause = "simulation" if machine.workers and machine.lately else "worker"
    en, zh = WAITING[cause]
    return {"for": cause, "text": {"en": en, "zh": zh}, "runs": others + 1}


def public_limits() -> dict[str, Any]:
    """The limits a page should know."""
    return {
        "speed": [limits.SPEED_MIN, limits.SPEED_MAX],
        "commands": limits.COMMANDS_PER_BRANCH_MAX,
        "branches": limits.BRANCHES_PER_RUN_MAX,
        "message_bytes": limits.MESSAGE_BYTES_MAX,
        "trace_bytes": limits.LINK_TRACE_BYTES_MAX,
    }


def shared_state(code: str) -> bytes:
    """The part of RunState that does not depend on who asks, as JSON. BadInput when the run is gone."""
    run = selectors.find_run(code)
    if run is None:
        raise wire.BadInput("run", "there is no such run", status=404)
    return msgspec.json.encode(shared_fields(run))


def shared_fields(run: Run) -> dict[str, Any]:
    """See `shared_state`."""
    experiment = experiments.parsed(run.experiment.plain)
    head = selectors.playhead_of(run)
    return {
        "code": run.code,
        "title": run.title or run.experiment.name,
        "experiment": msgspec.Raw(run.experiment.plain.encode()),
        "systems": list(experiment.systems()),
        "seed": run.seed,
        "engine": run.engine,
        "branches": selectors.branches_plain(run),
        "playhead": msgspec.to_builtins(head),
        "head_us": known_head_us(run, head.branch),
        "stop_us": run.stop_us,
        "open_control": run.open_control,
        "pinned": run.pinned,
        "origin": run.origin,
        "shared_with": shared_with(run),
        "limits": public_limits(),
    }


def shared_with(run: Run) -> list[dict[str, Any]]:
    """The grants in force, without anything secret."""
    return [
        {"id": grant.pk, "role": grant.role, "taken": bool(grant.holder)}
        for grant in selectors.valid_grants(run).order_by("pk")[:200]
    ]


def run_state(run: Run, visitor: str, viewers: int = 0) -> dict[str, Any]:
    """RunState of docs/protocol.md."""
    own = {
        "role": selectors.role_of(run, visitor),
        "you": visitor,
        "viewers": viewers,
        "server_ms": server_ms(),
    }
    return {**shared_fields(run), **own}


def join_state(shared: bytes, role: str, visitor: str, viewers: int) -> str:
    """The welcome of one viewer, from the shared part."""
    own = msgspec.json.encode(
        {"type": "welcome", "role": role, "you": visitor, "viewers": viewers, "server_ms": server_ms()}
    )
    return (own[:-1] + b"," + shared[1:]).decode()


def visitor_role(code: str, visitor: str) -> str | None:
    """What a visitor may do, None when there is no such run."""
    run = Run.objects.filter(code=code).first()
    return None if run is None else selectors.role_of(run, visitor)


def known_head_us(run: Run, branch: int) -> int:
    """How far the branch is simulated, as far as Valkey knows."""
    tiles = store.load_tiles(run.code, branch)
    return tiles[-1].t1_us if tiles else 0


def playhead_message(head: Playhead) -> dict[str, Any]:
    """The fields of a playhead message."""
    return {"playhead": msgspec.to_builtins(head), "server_ms": server_ms()}


def revive(code: str, known: Live | None = None) -> Live | None:
    """What the row says of a run that Valkey has forgotten; Valkey is reminded, and what was preloaded is
    computed again.

    `known`: what a web process knew of it. Its viewers stopped where frames ended, and so does the playhead.
    """
    run = selectors.find_run(code)
    if run is None:
        return None
    if known is not None and known.playhead.playing:
        playheads.hold(run_id=run.pk, sequence=known.playhead.sequence, at_us=known.shown_us(server_ms()))
        run.refresh_from_db(fields=["playhead"])
    head = selectors.playhead_of(run)
    branch = selectors.branch_of(run, head.branch)
    revision = branch.revision if branch else 0
    with suppress(redis.RedisError):
        lease.note_change(code, head, revision, run.stop_us)
        if run.pinned:
            preload(code)
    return Live(head, run.stop_us, revision)


def newer(code: str, known: Live) -> tuple[Live, list[dict[str, Any]]] | None:
    """What the row says, with all branches, if it is newer than what is known: a change of which Valkey was not told
    while it did not answer. It is told now.
    """
    run = selectors.find_run(code)
    if run is None:
        return None
    head = selectors.playhead_of(run)
    branch = selectors.branch_of(run, head.branch)
    revision = branch.revision if branch else 0
    longer = head.branch == known.playhead.branch and revision > known.revision
    if head.sequence <= known.playhead.sequence and not longer:
        return None
    with suppress(redis.RedisError):
        lease.note_change(code, head, revision, run.stop_us)
    live = msgspec.structs.replace(known, playhead=head, revision=revision)
    return live, selectors.branches_plain(run)


def preload(code: str) -> None:
    """Begin to compute the shared branch to its end and to pin it."""
    client().set(f"preload:{code}", "0", ex=PRELOAD_KEPT_S)
    dispatch.send(dispatch.PRELOAD, [code, 0], dispatch.shard_for(code), expires_s=600)


def note_shown(code: str, live: Live) -> None:
    """Remember how far the shared playhead went: Valkey may forget, and web processes may end."""
    at_us = live.shown_us(server_ms())
    lines = Branch.objects.filter(run__code=code, number=live.playhead.branch)
    lines.filter(played_us__lt=at_us).update(played_us=at_us)


def note_all_shown(playing: dict[str, Live]) -> None:
    """The same for all runs of a web process, in one transaction."""
    with transaction.atomic():
        for code, live in playing.items():
            note_shown(code, live)


def frames_between(
    code: str, branch_number: int, from_us: int, to_us: int | None, refined: bool = False
) -> list[bytes]:
    """Stored frames without a hole from the one that covers `from_us` on; [] when that one is not there.

    `refined`: at full detail, also where viewers were sent an aggregate.
    """
    run = selectors.find_run(code)
    branch = selectors.branch_of(run, branch_number) if run else None
    if run is None or branch is None:
        return []
    recipe = selectors.recipe_of(run, branch)
    load = store.load_full_tiles if refined else store.load_tiles
    tiles = true_tiles(load(code, branch_number), recipe)
    cover = cover_at(tiles, from_us, recipe)
    if cover is None:
        return []
    end = cover.to_us if to_us is None else min(cover.to_us, to_us)
    first = max(i for i, tile in enumerate(tiles) if tile.t0_us <= from_us)
    wanted: list[tuple[int, store.Tile]] = []
    for index in range(first, min(len(tiles), first + limits.RANGE_FRAMES_MAX)):
        if tiles[index].t0_us >= end and wanted:
            break
        wanted.append((index, tiles[index]))
        # A chunk from before a command goes with what holds from the command on.
        end = max(end, tiles[index].t1_us)
    found = []
    for (index, _), stored in zip(wanted, store.load_chunks([tile.key for _, tile in wanted]), strict=True):
        if stored is None:
            break
        found.append(lanes.frame_of(code, branch_number, branch.revision, index, stored))
    return found
