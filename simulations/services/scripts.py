"""Another fault script for a run: a branch that follows it from the start; the one it came from is kept."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import transaction

from simulations import limits, selectors
from simulations.live.playhead import server_ms
from simulations.models import Branch, Run
from simulations.services import experiments, runs
from simulations.services.commands import announce, locked
from simulations.services.positions import shown_us
from simulations.wire import BadInput


def play(
    *,
    code: str,
    visitor: str,
    key: str,
    branch: int,
    at_us: int,
    faults: list[dict[str, Any]],
    now_ms: int | None = None,
) -> Branch:
    """Have the run follow `faults` instead of what a branch follows, seen from `at_us` on, for drivers only.

    What people did is expected among the lines; client operations stay commands. The same key again is the
    same branch. BadExperiment names the lines that are wrong.
    """
    now_ms = server_ms() if now_ms is None else now_ms
    with transaction.atomic():
        run = locked(code)
        again = run.branches.filter(key=key).first()
        if again is not None:
            return again
        if selectors.role_of(run, visitor) == "viewer":
            raise BadInput("role", "only the owner and controllers change the script", status=403)
        source = selectors.branch_of(run, branch)
        if source is None:
            raise BadInput("branch", "there is no such branch", status=404)
        if run.branches.count() >= limits.BRANCHES_PER_RUN_MAX:
            raise BadInput("branch", "this run has as many branches as it can hold", status=409)
        return _begin(run, source, key, at_us, faults, now_ms)


def _begin(
    run: Run, source: Branch, key: str, at_us: int, faults: list[dict[str, Any]], now_ms: int
) -> Branch:
    experiment = experiments.with_script(selectors.experiment_of(run, source), faults)
    experiments.require_available(experiment)
    head = selectors.playhead_of(run)
    if head.branch == source.number:
        source.played_us = max(source.played_us, shown_us(run, head, now_ms))
        source.save(update_fields=["played_us"])
    at_us = min(at_us, source.played_us)  # nobody sees what was not shown yet
    # It begins at 0: another script may number its lines, and so draw their chances, anew from the start.
    branch = Branch.objects.create(
        run=run,
        number=run.branches.count(),
        parent=source.number,
        revision=1,
        played_us=at_us,
        key=key,
        experiment=experiments.save(experiment),
    )
    operations = [command for command in selectors.commands_of(source) if command.do["do"] == "client"]
    runs.copy_commands(operations, run, branch)
    head = head.moved(now_ms, run.stop_us, branch=branch.number, anchor_us=at_us)
    run.playhead = msgspec.to_builtins(head)
    run.save(update_fields=["playhead"])
    announce(run, head, branch.revision, [], branches_changed=True)
    return branch
