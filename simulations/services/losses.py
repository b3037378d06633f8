"""When was it lost? The question of a run, answered by the sweep workers: a sweep whose points are moments of the run.

It is stored, cut, leased and revived like every sweep. Its `reference` names the run and the branch.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations import selectors
from simulations.models import Branch, Run, Sweep
from simulations.services import experiments, sweep_queue, sweeps
from simulations.services.reports import seen_us
from simulations.services.sweep_orders import Order
from simulations.sweeps.asked import NotThere
from simulations.sweeps.loss import METRIC, POINTS, SEEDS, asked_of
from simulations.sweeps.plan import Loss, Plan
from simulations.sweeps.result import Subject
from simulations.wire import ENGINE, BadInput

CHECK = "no_lost_ack"
RUNS_MAX = 20_000


def start(
    run: Run,
    branch_number: int,
    visitor: str,
    *,
    check: str = CHECK,
    points: int = POINTS,
    seeds: int = SEEDS,
) -> Sweep:
    """Ask, up to what the branch has shown; an equal question that is asked or answered already is the same one.
    BadInput names a branch or check that is not there, and too many futures."""
    if points * seeds > RUNS_MAX:
        raise BadInput("seeds", "are too many futures together with the points", [f"1..{RUNS_MAX} futures"])
    branch = _branch(run, branch_number)
    experiment = experiments.parsed(selectors.experiment_of(run, branch).plain)
    experiments.require_available(experiment)
    try:
        asked_of(experiment, check)
    except NotThere as error:
        raise BadInput("check", f"there is no {error.name!r}", [*error.allowed, METRIC]) from error
    loss = Loss(run.seed, check, seen_us(run, branch), commands_of(branch))
    plan = Plan(run.seed + 1, seeds, [{}] * points, loss=loss)
    known = _latest(run, branch, plan=msgspec.to_builtins(plan))
    subject = Subject(reference(run, branch))
    return known or sweeps.start(Order(experiment, plan, subject), visitor)


def commands_of(branch: Branch) -> list[tuple[int, int, dict[str, Any]]]:
    """What people did on a branch, as a plan keeps it."""
    return [(command.at_us, command.seq, command.do) for command in selectors.commands_of(branch)]


def reference(run: Run, branch: Branch) -> str:
    return f"run {run.code} branch {branch.number}"


def _branch(run: Run, number: int) -> Branch:
    branch = selectors.branch_of(run, number)
    if branch is None:
        raise BadInput("branch", "there is no such branch", status=404)
    return branch


def _latest(run: Run, branch: Branch, **wanted: Any) -> Sweep | None:
    """The newest answer or work in progress of this engine for a branch."""
    rows = Sweep.objects.filter(
        reference=reference(run, branch), plan__has_key="loss", engine=ENGINE, **wanted
    )
    return rows.select_related("experiment").exclude(state="cancelled").order_by("-pk").first()


def of_run(run: Run, branch_number: int) -> Sweep | None:
    """The newest answer for what the branch is now; None when nobody asked, or something was done to it since."""
    branch = _branch(run, branch_number)
    row = _latest(run, branch)
    if row is None:
        return None
    loss = sweeps.plan_of(row).loss
    return row if isinstance(loss, Loss) and loss.commands == commands_of(branch) else None


def find(code: str) -> Sweep:
    """The question of a code. BadInput (404) when there is none."""
    row = Sweep.objects.select_related("experiment").filter(code=code, plan__has_key="loss").first()
    if row is None:
        raise BadInput("loss", "there is no such question", status=404)
    return row


def state(row: Sweep, visitor: str = "") -> dict[str, Any]:
    """LossState as the page reads it."""
    sweep_queue.revive(row)
    sweeps.finish_if_done(row)
    row.refresh_from_db()
    plan = sweeps.plan_of(row)
    return {
        "code": row.code,
        "state": row.state,
        "yours": row.owner == visitor,
        "points": len(plan.points),
        "seeds": plan.seeds,
        "runs": row.runs,
        "done": sweeps.done_runs(row),
        "quarantined": len(sweeps.quarantined(row)),
        "result": sweeps.shown(row),
    }
