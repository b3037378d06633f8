"""Searches for the smallest failing case, on the sweep workers: a slice of work a task, with progress.

What was tried is kept in the row, so that a killed worker loses one slice and the next one goes on.
"""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import F

from simulations.engine.experiment import Experiment
from simulations.live.recipe import LoggedCommand
from simulations.models import Run, Shrink
from simulations.refusals import in_chinese
from simulations.services import dispatch, experiments, runs
from simulations.services.sweep_orders import with_commands
from simulations.shrink.search import Case, NotFailing, OutOfTime, Search, read_case
from simulations.sweeps.asked import NotThere, ask
from simulations.wire import BadInput

TASK = "sweep.shrink"
SLICE_S = 1.0
RUNNING_PER_VISITOR_MAX = 3
TESTS_MAX = 1_000


def start(
    *,
    visitor: str,
    experiment: Experiment,
    seed: int,
    check: str,
    commands: list[LoggedCommand] | None = None,
) -> Shrink:
    """Begin a search; what people did to the run counts as script lines. BadInput names a check that is not there."""
    scripted = with_commands(experiment, commands or [])
    experiments.require_available(scripted)
    try:
        ask(scripted, [], [check])
    except NotThere as error:
        raise BadInput("check", f"there is no {error.name!r}", error.allowed) from error
    if Shrink.objects.filter(owner=visitor, state="running").count() >= RUNNING_PER_VISITOR_MAX:
        raise BadInput(
            "shrink", f"{RUNNING_PER_VISITOR_MAX} of yours are running: wait or cancel one", status=429
        )
    row = _insert(visitor, scripted, seed, check)
    _go_on(row)
    return row


def _insert(visitor: str, experiment: Experiment, seed: int, check: str) -> Shrink:
    saved = experiments.save(experiment)
    for _ in range(8):
        try:
            with transaction.atomic():
                return Shrink.objects.create(
                    code=runs.new_code(), experiment=saved, seed=seed, check_name=check, owner=visitor
                )
        except IntegrityError:
            continue  # the code is taken
    raise BadInput("shrink", "no free code was found, try again", status=503)


def _go_on(row: Shrink) -> None:
    dispatch.send_slow(TASK, [row.pk, row.generation])


def work(shrink_id: int, generation: int) -> None:
    """One slice of a search; the next one is queued behind whatever else waits."""
    row = Shrink.objects.select_related("experiment").filter(pk=shrink_id).first()
    if row is None or row.state != "running" or row.generation != generation:
        return
    memo: dict[str, int] = dict(row.memo)
    search = Search(
        experiments.parsed(row.experiment.plain), row.seed, row.check_name, memo, SLICE_S, tests_max=TESTS_MAX
    )
    try:
        case = search.run()
    except OutOfTime:
        _keep(row, memo=memo, progress=_progress(search))
        _go_on(row)
    except NotFailing as error:
        _keep(row, memo=memo, state="failed", error=str(error)[:300])
    else:
        _keep(row, memo=memo, state="done", progress=_progress(search), result=_open(row, case))


def _keep(row: Shrink, **fields: Any) -> None:
    """Store, unless somebody cancelled or began anew meanwhile."""
    Shrink.objects.filter(pk=row.pk, state="running", generation=row.generation).update(**fields)


def _progress(search: Search) -> dict[str, Any]:
    """{tests, tests_max, left, of, stage}: how many were tried, how many faults are left of how many."""
    return {
        "tests": len(search.memo),
        "tests_max": search.tests_max,
        "left": len(search.kept) if search.units else search.from_faults,
        "of": search.from_faults,
        "stage": search.stage,
    }


def _open(row: Shrink, case: Case) -> dict[str, Any]:
    """The case with a run that shows it."""
    run: Run = runs.create_run(visitor=row.owner, experiment=read_case(case.experiment), seed=case.seed)
    return {**msgspec.to_builtins(case), "run": run.code}


def find(code: str) -> Shrink:
    """The search of a code. BadInput (404) when there is none."""
    row = Shrink.objects.select_related("experiment").filter(code=code).first()
    if row is None:
        raise BadInput("shrink", "there is no such search", status=404)
    return row


def cancel(row: Shrink, visitor: str) -> Shrink:
    """Stop after the present slice."""
    if row.owner != visitor:
        raise BadInput("shrink", "only who started it may do that", status=403)
    Shrink.objects.filter(pk=row.pk, state="running").update(
        state="cancelled", generation=F("generation") + 1
    )
    row.refresh_from_db()
    return row


def state(row: Shrink, visitor: str = "") -> dict[str, Any]:
    """ShrinkState as the page reads it."""
    return {
        "code": row.code,
        "state": row.state,
        "yours": row.owner == visitor,
        "seed": row.seed,
        "check": row.check_name,
        "progress": row.progress,
        "error": row.error,
        "error_zh": in_chinese(row.error) if row.error else "",
        "result": row.result,
    }
