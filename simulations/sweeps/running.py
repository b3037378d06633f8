"""One run of a sweep: from an experiment and a seed to verdicts and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from simulations.engine import harness
from simulations.engine.experiment import Experiment
from simulations.engine.world import ENGINE_ERRORS, World
from simulations.sweeps.asked import Asked, all_decided, lamps_for
from simulations.sweeps.parts import FAILED, LETTERS
from simulations.sweeps.samples import value_of

EVENTS_PER_RUN_MAX = 4_000_000
SLICE_EVENTS = 20_000
TOO_LONG = f"more than {EVENTS_PER_RUN_MAX} events"
STEPS = 200
"""How often a run that may end early is looked at."""

Beat = Callable[[], bool]
"""Called between runs and every few thousand events; False stops the work."""


class Stopped(Exception):
    """Whoever wanted the result does not want it any more."""


class Sample(msgspec.Struct):
    """What one run said: check -> letter, metric -> value; ``failed``: why there is nothing."""

    verdicts: dict[str, str]
    values: dict[str, Any]
    failed: str = ""


def run_once(experiment: Experiment, seed: int, asked: Asked, beat: Beat | None = None) -> Sample:
    """Simulate one seed and judge it. An error of the engine is a failed run, the same on every worker. Stopped when
    ``beat`` says so."""
    try:
        world = World(experiment, seed, checks=lamps_for(experiment, asked))
        if not to_the_end(world, asked, beat):
            return failed_run(asked, TOO_LONG)
        return read(world, asked)
    except ENGINE_ERRORS as error:
        return failed_run(asked, f"{type(error).__name__}: {error}"[:300])


def failed_run(asked: Asked, why: str) -> Sample:
    return Sample(dict.fromkeys(asked.checks, FAILED), dict.fromkeys(asked.metrics), why)


def to_the_end(world: World, asked: Asked, beat: Beat | None) -> bool:
    """Move to the end, or to where everything asked is decided; False at the limit on events. Stopped when ``beat``
    says so."""
    stop_us = round(world.experiment.stop_s * 1_000_000)
    # A run whose every answer is decided gives the same answers however long it goes on.
    step_us = max(1, stop_us // STEPS) if asked.narrow else stop_us
    while world.now_us < stop_us:
        at_us = min(stop_us, world.now_us + step_us)
        while world.run_until(at_us, SLICE_EVENTS) == "budget":
            if world.events > EVENTS_PER_RUN_MAX:
                return False
            if beat is not None and not beat():
                raise Stopped
        if asked.narrow and all_decided(world, asked):
            break
    return True


def read(world: World, asked: Asked) -> Sample:
    """The answers of a world."""
    verdicts = world.verdicts() if asked.checks else {}
    found = {}
    for name, line in asked.checks.items():
        if line.check is not None:
            outcome = harness.judge_check(world, line, verdicts)
        else:
            outcome = harness.judge_metric(world, line)
        found[name] = LETTERS[outcome.verdict]
    values = {name: value_of(world, *which) for name, which in asked.metrics.items()}
    return Sample(found, values)
