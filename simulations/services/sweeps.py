"""Sweeps on the workers: started, watched, cancelled, resumed, finished.

The rows of batches are the truth; what Valkey holds (leases, the growing summary) is a cache of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import redis
from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from django.utils import timezone

from simulations.live.valkey import client
from simulations.models import Sweep, SweepBatch
from simulations.services import experiments, runs, sweep_queue
from simulations.services.sweep_orders import Order
from simulations.sweeps.asked import named_checks
from simulations.sweeps.loss import curve
from simulations.sweeps.parts import Part, decode
from simulations.sweeps.plan import Plan
from simulations.sweeps.result import Subject, failures, summary
from simulations.wire import ENGINE, BadInput, encode_json

RUNNING_PER_VISITOR_MAX = 3
SUMMARY_EVERY_MS = 250
SUMMARY_KEPT_S = 3_600
WAIT_S = 0.2


# -- start, cancel, resume -----------------------------------------------------------------------------------


def start(order: Order, owner: str) -> Sweep:
    """Store a sweep and queue its first batches: one for each point, which cut themselves to size."""
    if owner and Sweep.objects.filter(owner=owner, state="running").count() >= RUNNING_PER_VISITOR_MAX:
        raise BadInput(
            "sweep", f"{RUNNING_PER_VISITOR_MAX} of yours are running: cancel one or wait", status=429
        )
    sweep = _insert(order, owner)
    sweep_queue.announce(sweep)
    sweep_queue.send_waiting(sweep)
    return sweep


def _insert(order: Order, owner: str) -> Sweep:
    experiment = experiments.save(order.experiment)
    for _ in range(8):
        try:
            with transaction.atomic():
                sweep = Sweep.objects.create(
                    code=runs.new_code(),
                    experiment=experiment,
                    reference=order.subject.reference,
                    settings=order.subject.settings,
                    plan=msgspec.to_builtins(order.plan),
                    engine=ENGINE,
                    owner=owner,
                    runs=order.plan.runs,
                    started_at=timezone.now(),
                )
                pieces = order.plan.whole_points()
                rows = [SweepBatch(sweep=sweep, start=first, stop=stop) for first, stop in pieces]
                SweepBatch.objects.bulk_create(rows)
                return sweep
        except IntegrityError:
            continue  # the code is taken
    raise BadInput("sweep", "no free code was found, try again", status=503)


def find(code: str) -> Sweep:
    """The sweep of a code. BadInput (404) when there is none."""
    sweep = Sweep.objects.select_related("experiment").filter(code=code).exclude(plan__has_key="loss").first()
    if sweep is None:
        raise BadInput("sweep", "there is no such sweep", status=404)
    return sweep


def cancel(sweep: Sweep, visitor: str) -> Sweep:
    """Stop at the next look: tasks of this generation do nothing from now on. What is done stays."""
    _require_owner(sweep, visitor)
    elapsed = seconds_since_start(sweep)
    changed = Sweep.objects.filter(pk=sweep.pk, state="running").update(
        state="cancelled", generation=F("generation") + 1, elapsed_s=F("elapsed_s") + elapsed
    )
    sweep.refresh_from_db()
    sweep_queue.announce(sweep)
    if changed:
        show(sweep)
    return sweep


def resume(sweep: Sweep, visitor: str) -> Sweep:
    """Go on with what is not done, quarantined batches once more included."""
    _require_owner(sweep, visitor)
    if sweep.engine != ENGINE:
        raise BadInput("sweep", "was begun by another version of the engine: start a new one", status=409)
    sweep.batches.filter(state="quarantined").update(state="waiting", attempts=0)
    open_runs = sweep.runs > done_runs(sweep)
    if sweep.state != "running" and open_runs:
        Sweep.objects.filter(pk=sweep.pk).exclude(state="running").update(
            state="running",
            generation=F("generation") + 1,
            started_at=timezone.now(),
            done_before=done_runs(sweep),
        )
        sweep.refresh_from_db()
        sweep_queue.announce(sweep)
        sweep_queue.send_waiting(sweep)
    return sweep


def _require_owner(sweep: Sweep, visitor: str) -> None:
    if sweep.owner and sweep.owner != visitor:
        raise BadInput("sweep", "only who started it may do that", status=403)


# -- what there is so far ------------------------------------------------------------------------------------


def done_runs(sweep: Sweep) -> int:
    """Runs whose results are stored."""
    found = sweep.batches.filter(state="done").aggregate(runs=Sum(F("stop") - F("start")))["runs"]
    return int(found or 0)


def seconds_since_start(sweep: Sweep) -> float:
    return (timezone.now() - sweep.started_at).total_seconds()


def parts_of(sweep: Sweep) -> list[Part]:
    """The stored parts, in order."""
    rows = sweep.batches.filter(state="done").order_by("start").values_list("data", flat=True)
    return [decode(bytes(data)) for data in rows if data is not None]


def plan_of(sweep: Sweep) -> Plan:
    return msgspec.convert(sweep.plan, Plan)


def subject_of(sweep: Sweep) -> Subject:
    """How the sweep's experiment is named on a command line, and what it expects."""
    experiment = experiments.parsed(sweep.experiment.plain)
    expected = {name: line.expect for name, line in named_checks(experiment).items()}
    return Subject(sweep.reference, sweep.settings, expected)


def result_of(sweep: Sweep, curves: bool = True) -> dict[str, Any]:
    """The summary of what is stored now."""
    plan = plan_of(sweep)
    if plan.loss:
        return curve(plan, parts_of(sweep))
    return summary(subject_of(sweep), plan, parts_of(sweep), curves)


def note_progress(sweep: Sweep) -> None:
    """Renew the growing summary, at most four times a second and for at most a twentieth of a worker's
    time.
    """
    with suppress(redis.RedisError):
        if client().set(f"sweep:showing:{sweep.pk}", "1", nx=True, px=SUMMARY_EVERY_MS):
            took_ms = show(sweep)
            client().set(f"sweep:showing:{sweep.pk}", "1", px=max(SUMMARY_EVERY_MS, 20 * took_ms))


def show(sweep: Sweep) -> int:
    """Store the summary so far for whoever looks; how many ms that took."""
    began = time.monotonic()
    data = encode_json(result_of(sweep))
    with suppress(redis.RedisError):
        client().set(f"sweep:summary:{sweep.pk}", data, ex=SUMMARY_KEPT_S)
    return round((time.monotonic() - began) * 1000)


def finish_if_done(sweep: Sweep) -> None:
    """Store the result when no batch waits any more. Whoever is second changes nothing."""
    if sweep.batches.filter(state="waiting").exists():
        return
    result = result_of(sweep)
    elapsed = seconds_since_start(sweep)
    Sweep.objects.filter(pk=sweep.pk, state="running").update(
        state="done", result=result, elapsed_s=F("elapsed_s") + elapsed
    )


def state(sweep: Sweep, visitor: str = "") -> dict[str, Any]:
    """SweepState as the page reads it: progress, rate, time left, and the result so far."""
    sweep_queue.revive(sweep)
    done = done_runs(sweep)
    elapsed = seconds_since_start(sweep) if sweep.state == "running" else 0.0
    here = done - sweep.done_before
    rate = here / elapsed if sweep.state == "running" and elapsed > 0 and here else None
    total_s = sweep.elapsed_s + elapsed
    experiment = experiments.parsed(sweep.experiment.plain)
    return {
        "code": sweep.code,
        "reference": sweep.reference,
        "title": msgspec.to_builtins(experiment.title),
        "settings": sweep.settings,
        "words": experiments.setting_words(experiment),
        "plan": sweep.plan,
        "state": sweep.state,
        "yours": not sweep.owner or sweep.owner == visitor,
        "runs": sweep.runs,
        "done": done,
        "rate": None if rate is None else round(rate, 2),
        "seconds_left": None if rate is None else round((sweep.runs - done) / rate, 1),
        "elapsed_s": round(total_s, 2),
        "runs_per_second": round(done / total_s, 2) if total_s else 0.0,
        "quarantined": quarantined(sweep),
        "result": shown(sweep),
    }


def shown(sweep: Sweep) -> Any:
    """The final result, else the last summary, else one made now."""
    if sweep.state == "done" and sweep.result is not None:
        return sweep.result
    with suppress(redis.RedisError):
        data: Any = client().get(f"sweep:summary:{sweep.pk}")
        if data is not None:
            return msgspec.json.decode(data)
    return result_of(sweep)


def quarantined(sweep: Sweep) -> list[dict[str, int]]:
    """Seeds whose batch took its worker down three times."""
    plan = plan_of(sweep)
    rows = sweep.batches.filter(state="quarantined").order_by("start")
    return [
        {
            "point": plan.point_of(row.start),
            "from_seed": plan.seed_of(row.start),
            "to_seed": plan.seed_of(row.stop - 1),
        }
        for row in rows
    ]


def failing_runs(sweep: Sweep, check: str) -> list[dict[str, Any]]:
    """The first runs in which a check came out other than expected."""
    return failures(subject_of(sweep), plan_of(sweep), parts_of(sweep), check)


def of_visitor(visitor: str) -> list[dict[str, Any]]:
    """A browser's sweeps, newest first."""
    mine = Sweep.objects.filter(owner=visitor).exclude(plan__has_key="loss")
    rows = mine.select_related("experiment").order_by("-pk")[:100]
    return [
        {
            "code": row.code,
            "reference": row.reference,
            "title": msgspec.to_builtins(experiments.parsed(row.experiment.plain).title),
            "state": row.state,
            "runs": row.runs,
            "created_at": row.created_at.isoformat(),
        }
        for row in rows
    ]


# -- for the command line ------------------------------------------------------------------------------------


def run_and_wait(order: Order, progress: Callable[[int], None] | None) -> tuple[list[Part], dict[str, Any]]:
    """Let the workers do a sweep and wait for it: its parts, {code, quarantined}. BadInput without a
    broker.
    """
    _require_broker()
    sweep = start(order, "")
    while sweep.state == "running":
        time.sleep(WAIT_S)
        sweep_queue.revive(sweep)
        finish_if_done(sweep)
        if progress is not None:
            progress(done_runs(sweep))
        sweep.refresh_from_db()
    return parts_of(sweep), {"code": sweep.code, "quarantined": quarantined(sweep)}


def _require_broker() -> None:
    try:
        client().ping()
    except redis.RedisError as error:
        allowed = ["local", "1..256", "celery beside `make run`, or with REDIS_URL set and workers running"]
        raise BadInput("workers", "the broker does not answer", allowed) from error
