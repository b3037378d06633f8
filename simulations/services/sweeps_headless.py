"""Sweeps without a page: run here or by the Celery workers, and judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from simulations.services import sweep_orders, sweeps
from simulations.services.sweep_orders import Order
from simulations.sweeps import pool
from simulations.sweeps.parts import Part
from simulations.sweeps.result import judged, summary
from simulations.wire import BadInput

Progress = Callable[[int, int], None]
PROCESSES_MAX = 256


def workers(text: str) -> str | int:
    """`celery`, or how many processes of this machine (`local`: one a core)."""
    if text == "celery":
        return "celery"
    if text == "local":
        return pool.cores()
    if not text.isdigit() or not 1 <= int(text) <= PROCESSES_MAX:
        raise BadInput(
            "workers", f"{text[:40]!r} is neither a word nor a number", ["celery", "local", "1..256"]
        )
    return int(text)


def run(order: Order, who: str | int, progress: Progress | None = None) -> tuple[list[Part], dict[str, Any]]:
    """Every run of an order: its parts, and the result that is printed."""
    began = time.monotonic()
    parts, extra = _parts(order, who, progress)
    seconds = time.monotonic() - began
    found = {
        "experiment": order.experiment.id,
        "seeds": [order.plan.first_seed, order.plan.first_seed + order.plan.seeds - 1],
        **summary(order.subject, order.plan, parts),
        "seconds": round(seconds, 3),
        **extra,
    }
    found["runs_per_second"] = round(found["runs"] / seconds, 1) if seconds else 0.0
    return parts, found


def _parts(order: Order, who: str | int, progress: Progress | None) -> tuple[list[Part], dict[str, Any]]:
    runs = order.plan.runs
    if who == "celery":
        return sweeps.run_and_wait(order, (lambda done: progress(done, runs)) if progress else None)
    told = (lambda done: progress(done, runs)) if progress else None
    return pool.run_here(order.plain, order.plan, int(who), told), {}


def judge(
    reference: str, settings: dict[str, Any], who: str | int, progress: Progress | None = None
) -> dict[str, Any]:
    """The sweeps that the experiment and its variants say something about:
    {runs, checks, metrics, ..., expectations, variants?, as_expected}."""
    found: dict[str, Any] = {}
    fine = True
    for name, order in sweep_orders.expected_sweeps(reference, settings):
        parts, one = run(order, who, progress)
        one["expectations"] = [judged(line, parts) for line in order.experiment.expect_sweep]
        fine = fine and all(line["verdict"] == line["expected"] for line in one["expectations"])
        fine = fine and not one["failed"]["runs"]
        if name:
            found.setdefault("variants", {})[name] = one
        else:
            found = {**one, **found}
    return {"experiment": reference, "runs": 0, "checks": {}, "metrics": {}, **found, "as_expected": fine}
