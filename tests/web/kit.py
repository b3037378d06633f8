"""What the tests of live runs share: an experiment, a run, one turn of a worker in this process, frames."""

from __future__ import annotations

from typing import Any

from simulations import catalogue, selectors, wire
from simulations.engine.world import World
from simulations.live import store, worlds
from simulations.live.playhead import Playhead, server_ms
from simulations.live.recipe import Recipe
from simulations.models import Run
from simulations.services import advance, commands, playheads, runs, states

OWNER = "owner" * 4
GUEST = "guest" * 4


def make_run(id: str = "RA-01", **named: Any) -> Run:
    """A run of a catalogue entry that belongs to OWNER."""
    return runs.create_run(visitor=OWNER, experiment=catalogue.load(id), **named)


def work(code: str, turns: int = 400, shard: int = 0) -> int:
    """Give a run turns until nothing is left to do; how many it took."""
    for turn in range(turns):
        if not advance.advance(code, shard):
            return turn + 1
    raise AssertionError(f"{code} still wants to be advanced after {turns} turns")


def move(run: Run, **message: Any) -> Playhead:
    """Move the shared playhead as the owner."""
    return playheads.move(code=run.code, visitor=OWNER, message=wire.MovePlayhead(**message))


def pause_at(run: Run, at_us: int) -> Playhead:
    """Pause the run at a moment."""
    return move(run, play=False, to_us=at_us)


def give(
    run: Run,
    do: dict[str, Any],
    at_us: int | None = None,
    key: str = "k1",
    visitor: str = OWNER,
    now_ms: int | None = None,
) -> Any:
    """Give a command on the shared branch, at the playhead unless a time is given; ``now_ms``: the server's time."""
    run.refresh_from_db()
    head = selectors.playhead_of(run)
    at_us = head.at(server_ms(), run.stop_us) if at_us is None else at_us
    message = wire.GiveCommand(key=key, branch=head.branch, at_us=at_us, do=do)
    return commands.give_command(code=run.code, visitor=visitor, message=message, now_ms=now_ms)


def recipe(run: Run, branch: int | None = None) -> Recipe:
    """The recipe of a branch (default: the shared one)."""
    run.refresh_from_db()
    number = selectors.playhead_of(run).branch if branch is None else branch
    line = selectors.branch_of(run, number)
    assert line is not None
    return selectors.recipe_of(run, line)


def frames(run: Run, branch: int = 0, from_us: int = 0) -> list[tuple[wire.FrameHeader, dict[str, Any]]]:
    """The stored frames of a branch without a hole, decoded."""
    found = [wire.read_frame(item) for item in states.frames_between(run.code, branch, from_us, None)]
    return [(header, wire.decode_chunk(body)) for header, body in found]


def straight_digest(line: Recipe, at_us: int, done: int) -> str:
    """The digest of an uninterrupted run of the recipe, without recording anything."""
    world = World(worlds.experiment_of(line.experiment), line.seed, record="none")
    for command in line.commands[:done]:
        world.run_until(command.at_us)
        world.command(command.at_us, command.do, command.seq)
    assert world.run_until(at_us) == "reached"
    return world.digest()


def tiles(run: Run, branch: int = 0) -> list[store.Tile]:
    """What covers a branch."""
    return store.load_tiles(run.code, branch)


def cold() -> None:
    """Forget every warm world, as a fresh worker would."""
    worlds.POOL.shelves.clear()
