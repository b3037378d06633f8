"""A batch of a sweep: consecutive runs of one point, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache

from simulations.collecting import only_the_young_collected
from simulations.engine.experiment import Experiment, parse, with_overrides
from simulations.engine.registry import SYSTEMS
from simulations.sweeps.asked import ask
from simulations.sweeps.loss import path_of, suffix
from simulations.sweeps.parts import Part
from simulations.sweeps.plan import Loss, Plan
from simulations.sweeps.running import Beat, Sample, Stopped, run_once

Once = Callable[[int, Beat | None], Sample]
"""One run of a plan by its number."""


@lru_cache(maxsize=64)
def experiment_at(plain: str, overrides: str) -> Experiment:
    """The experiment of a canonical text with a point's settings (never change it)."""
    return with_overrides(parse(json.loads(plain), SYSTEMS), json.loads(overrides), SYSTEMS)


def sampler(experiment: Experiment, plan: Plan) -> Once:
    """How a run of the plan is done: a seed of its own, or another end of a run that is given."""
    loss = plan.loss
    if isinstance(loss, Loss):
        return lambda run, beat: suffix(
            path_of(experiment, loss, len(plan.points)), plan.point_of(run), plan.seed_of(run), beat
        )
    asked = ask(experiment, plan.metrics, plan.checks)
    return lambda run, beat: run_once(experiment, plan.seed_of(run), asked, beat)


def run_batch(
    plain: str, plan: Plan, start: int, stop: int, *, beat: Beat | None = None, limit_s: float | None = None
) -> Part:
    """Runs [start, stop) of one point, or fewer when ``limit_s`` of wall time is over: at least one. Stopped when
    ``beat`` says so."""
    experiment = experiment_at(plain, json.dumps(plan.points[plan.point_of(start)], sort_keys=True))
    once = sampler(experiment, plan)
    part = Part(start)
    letters: dict[str, list[str]] = {}
    began, cpu = time.monotonic(), time.process_time()
    with only_the_young_collected():
        for run in range(start, stop):
            if beat is not None and not beat():
                raise Stopped
            sample = once(run, beat)
            if sample.failed:
                part.failed[run] = sample.failed
            for name, letter in sample.verdicts.items():
                letters.setdefault(name, []).append(letter)
            for name, value in sample.values.items():
                part.values.setdefault(name, []).append(value)
            part.runs += 1
            if limit_s is not None and time.monotonic() - began >= limit_s:
                break
    part.verdicts = {name: "".join(found) for name, found in letters.items()}
    part.seconds = time.process_time() - cpu
    return part
