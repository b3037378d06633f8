"""Runs: made, forked, visited, cleared away."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import redis
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from simulations import limits, selectors
from simulations.engine.experiment import Experiment
from simulations.live.playhead import Playhead, server_ms
from simulations.live.recipe import LoggedCommand
from simulations.live.valkey import client
from simulations.models import Branch, Command, Run
from simulations.models import Experiment as ExperimentRow
from simulations.services import dispatch, experiments
from simulations.services.positions import shown_us
from simulations.wire import ENGINE, BadInput

# No look-alikes: a code is read aloud and typed from a projector.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_LENGTH = 6
CLEAR_EVERY_S = 24 * 3600
CLEAR_BATCH = 100


def new_code(length: int = CODE_LENGTH) -> str:
    """A random code of our alphabet."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def create_run(
    *,
    visitor: str,
    experiment: Experiment,
    seed: int | None = None,
    title: str = "",
    origin: Any = None,
    playing: bool = True,
) -> Run:
    """A run that plays from its beginning, at the experiment's own speed; or waits there."""
    row = experiments.save(experiment)
    play = experiment.play
    start_us = int(play.start_s * 1_000_000)
    head = Playhead(
        playing=playing,
        speed=min(max(play.speed, limits.SPEED_MIN), limits.SPEED_MAX),
        anchor_us=start_us,
        anchor_ms=server_ms(),
    )
    return insert_run(
        visitor=visitor,
        experiment=row,
        seed=experiment.seed if seed is None else seed,
        playhead=head,
        stop_us=int(experiment.stop_s * 1_000_000),
        title=title,
        origin=origin,
        commands=[],
        played_us=start_us,
    )


def fork_run(*, visitor: str, code: str, branch: int | None = None, at_us: int | None = None) -> Run:
    """A private run with everything that had happened on the branch by this time (default: what is shown
    now).
    """
    source = selectors.find_run(code)
    if source is None:
        raise BadInput("from.run", "there is no such run", status=404)
    shown = selectors.playhead_of(source)
    branch = shown.branch if branch is None else branch
    line = selectors.branch_of(source, branch)
    if line is None:
        raise BadInput("from.branch", "there is no such branch", status=404)
    at_us = min(shown_us(source, shown, server_ms()) if at_us is None else at_us, source.stop_us)
    kept = [command for command in selectors.commands_of(line) if command.at_us <= at_us]
    head = Playhead(playing=shown.playing, speed=shown.speed, anchor_us=at_us, anchor_ms=server_ms())
    return insert_run(
        visitor=visitor,
        experiment=selectors.experiment_of(source, line),
        seed=source.seed,
        playhead=head,
        stop_us=source.stop_us,
        title=source.title,
        origin={"run": code, "branch": branch, "at_us": at_us},
        commands=kept,
        played_us=at_us,
    )


def insert_run(
    *,
    visitor: str,
    experiment: ExperimentRow,
    seed: int,
    playhead: Playhead,
    stop_us: int,
    title: str,
    origin: Any,
    commands: list[LoggedCommand],
    played_us: int,
) -> Run:
    """A new run with one branch that begins with these commands, under a code nobody has."""
    for _ in range(8):
        try:
            with transaction.atomic():
                run = Run.objects.create(
                    code=new_code(),
                    experiment=experiment,
                    seed=seed,
                    engine=ENGINE,
                    title=title[: limits.TITLE_MAX],
                    owner=visitor,
                    playhead=msgspec.to_builtins(playhead),
                    stop_us=stop_us,
                    origin=origin,
                )
                branch = Branch.objects.create(run=run, number=0, played_us=played_us)
                copy_commands(commands, run, branch)
                transaction.on_commit(clear_daily)
                return run
        except IntegrityError:
            continue  # the code is taken
    raise BadInput("run", "no free code was found, try again", status=503)


def copy_commands(commands: list[LoggedCommand], run: Run, branch: Branch) -> None:
    """The branch begins with these commands; their numbers stay, because they are part of the recipe."""
    rows = [
        Command(run=run, branch=branch, seq=item.seq, at_us=item.at_us, do=item.do, by=item.by)
        for item in commands
    ]
    Command.objects.bulk_create(rows, batch_size=500)


def note_visit(run: Run) -> None:
    """Somebody looked: the run is kept for another while. Written at most once an hour; a database that takes nothing
    now keeps nobody from looking.
    """
    now = timezone.now()
    with suppress(DatabaseError):
        Run.objects.filter(pk=run.pk, visited_at__lt=now - timedelta(hours=1)).update(visited_at=now)


def clear_daily() -> None:
    """Have old runs removed, once a day: whoever makes a run asks, so what grows is also cleared."""
    try:
        due = client().set("cleared", b"1", nx=True, ex=CLEAR_EVERY_S)
    except redis.RedisError:
        return  # the next run asks again
    if due:
        dispatch.send_slow(dispatch.CLEAR, [])


def remove_old_runs() -> int:
    """Delete runs that nobody visited for RUN_KEPT_DAYS, pinned ones excepted; how many. Saved links do not
    depend on them. A few at a time, so that nobody waits long for the database.
    """
    old = timezone.now() - timedelta(days=limits.RUN_KEPT_DAYS)
    removed = 0
    while True:
        doomed = Run.objects.filter(visited_at__lt=old, pinned=False).values_list("pk", flat=True)[
            :CLEAR_BATCH
        ]
        ids = list(doomed)
        if not ids:
            return removed
        # Asked again with the same conditions: somebody may have come back meanwhile.
        gone = Run.objects.filter(pk__in=ids, visited_at__lt=old, pinned=False).delete()[1]
        removed += gone.get("simulations.Run", 0)


def raise_fence(run: Run) -> bool:
    """The next fencing token: whoever holds an older one may not publish any more. False when somebody else has
    raised it since the run was read.
    """
    return Run.objects.filter(pk=run.pk, fence=run.fence).update(fence=run.fence + 1) == 1
