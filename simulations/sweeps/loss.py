"""When was it lost? The future of one run, drawn anew from many moments with many seeds.

The run is gone through once, with a fork kept at every point. From each point the rest is replayed with other seeds:
commands and the fault script stay as they were, chance does not. The share of futures in which the check ends violated
is the probability, at that moment, that it would; where it steps up, it was lost. (The committor along a path: E and
Vanden-Eijnden, "Towards a theory of transition paths", J. Stat. Phys. 123, 2006.)
"""

from __future__ import annotations

import math
from collections import OrderedDict
from itertools import pairwise
from typing import Any

import msgspec

from simulations.engine.checks.base import VIOLATED
from simulations.engine.experiment import Experiment
from simulations.engine.futures import other_future
from simulations.engine.world import ENGINE_ERRORS, World
from simulations.sweeps.asked import Asked, ask, lamps_for
from simulations.sweeps.parts import FAILED, Part
from simulations.sweeps.plan import Loss, Plan
from simulations.sweeps.running import (
    EVENTS_PER_RUN_MAX,
    SLICE_EVENTS,
    TOO_LONG,
    Beat,
    Sample,
    Stopped,
    read,
    to_the_end,
)

POINTS, SEEDS = 40, 50
METRIC = "lost_acknowledged"
AT = "at_us"
"""The value of a part that tells the moment of each run's point."""
PATHS_KEPT = 2
LOOKS = 100
Z = 1.959964
"""95 per cent of a normal distribution lie within so many standard deviations."""


# -- the run that is given ---------------------------------------------------------------------------------------


class Path:
    """A run gone through once: ``worlds[i]`` is the world at ``times_us[i]``, after everything of that moment."""

    def __init__(self, experiment: Experiment, loss: Loss, points: int) -> None:
        self.experiment, self.loss, self.points = experiment, loss, points
        self.asked = asked_of(experiment, loss.check)
        self.times_us: list[int] = []
        self.worlds: list[World] = []
        self.problem = ""

    def world(self, point: int, beat: Beat | None) -> World:
        """The world at a point (never to be changed): the run is gone through when that is first asked. ValueError
        when that ends in an error of the engine; Stopped when ``beat`` says so."""
        if not self.worlds and not self.problem:
            try:
                self._go_through(beat)
            except ENGINE_ERRORS as error:  # once is enough: every future would meet it again
                self.problem = f"{type(error).__name__}: {error}"[:300]
        if self.problem:
            raise ValueError(self.problem)
        return self.worlds[point]

    def _go_through(self, beat: Beat | None) -> None:
        times = moments(self._last_us(beat), self.points)
        worlds, walker = [], self._begin()
        for at_us in times:
            walk(walker, at_us, beat)
            worlds.append(walker.fork())
        self.times_us, self.worlds = times, worlds

    def _begin(self) -> World:
        world = World(self.experiment, self.loss.seed, checks=lamps_for(self.experiment, self.asked))
        for at_us, seq, do in self.loss.commands:
            world.command(at_us, do, seq)
        return world

    def _last_us(self, beat: Beat | None) -> int:
        """Since when the check is violated for good, else the last moment that counts. A violation that sticks knows
        its moment; for a state that is judged as it stands, it is looked LOOKS times."""
        line = self.asked.checks.get(self.loss.check)
        name = "no_lost_ack" if line is None else line.check
        world, since_us = self._begin(), None
        for at_us in moments(self.loss.until_us, LOOKS + 1)[1:]:
            walk(world, at_us, beat)
            found = world.verdicts().get(name or "")
            if found is None or found.verdict != VIOLATED:
                since_us = None
            elif since_us is None:
                since_us = at_us if found.at_us is None else min(at_us, found.at_us)
        return self.loss.until_us if since_us is None else since_us


def asked_of(experiment: Experiment, check: str) -> Asked:
    """What a future is asked. NotThere names the checks that there are."""
    return ask(experiment, [METRIC], []) if check == METRIC else ask(experiment, [], [check])


def moments(last_us: int, points: int) -> list[int]:
    """So many times from 0 to the last moment, evenly spread."""
    return [last_us * number // max(1, points - 1) for number in range(points)]


def walk(world: World, at_us: int, beat: Beat | None) -> None:
    """Move a world on. ValueError at the limit on events; Stopped when ``beat`` says so."""
    reached = False
    while not reached:
        reached = world.run_until(at_us, SLICE_EVENTS) == "reached"
        if world.events > EVENTS_PER_RUN_MAX:
            raise ValueError(TOO_LONG)
        if beat is not None and not beat():
            raise Stopped


_paths: OrderedDict[bytes, Path] = OrderedDict()


def path_of(experiment: Experiment, loss: Loss, points: int) -> Path:
    """The path of a run, kept from one batch of this process to the next."""
    key = msgspec.json.encode((experiment, loss, points))
    if key not in _paths:
        _paths[key] = Path(experiment, loss, points)
    _paths.move_to_end(key)
    while len(_paths) > PATHS_KEPT:
        _paths.popitem(last=False)
    return _paths[key]


# -- one future --------------------------------------------------------------------------------------------------


def suffix(path: Path, point: int, seed: int, beat: Beat | None = None) -> Sample:
    """The rest of the run from a point, drawn with another seed: {check: letter}, {at_us: the moment of the point}."""
    check = path.loss.check
    try:
        world = other_future(path.world(point, beat), seed)
        if not to_the_end(world, path.asked, beat):
            return Sample({check: FAILED}, {AT: path.times_us[point]}, TOO_LONG)
        return Sample({check: letter(read(world, path.asked), check)}, {AT: path.times_us[point]})
    except ENGINE_ERRORS as error:
        at_us = path.times_us[point] if path.times_us else None
        return Sample({check: FAILED}, {AT: at_us}, f"{type(error).__name__}: {error}"[:300])


def letter(sample: Sample, check: str) -> str:
    """What a future says of the check."""
    if check != METRIC:
        return sample.verdicts[check]
    value = sample.values[METRIC]
    return "u" if value is None else "v" if value > 0 else "h"


# -- the curve ---------------------------------------------------------------------------------------------------


def curve(plan: Plan, parts: list[Part]) -> dict[str, Any]:
    """{check, points: [{at_us, lost, runs, share, low, high}], step, failed} of what is there so far.

    ``low``, ``high``: Wilson's interval at 95 per cent; futures that failed do not count. ``step``: see ``step``."""
    if not isinstance(plan.loss, Loss):
        raise ValueError("this plan asks for no loss")
    check = plan.loss.check
    counts: dict[int, list[int]] = {}
    for part in parts:
        for said, at_us in zip(part.verdicts.get(check, ""), part.values.get(AT, []), strict=True):
            if said != FAILED:
                lost_and_runs = counts.setdefault(at_us, [0, 0])
                lost_and_runs[0] += said == "v"
                lost_and_runs[1] += 1
    points = [point_of(at_us, *counts[at_us]) for at_us in sorted(counts)]
    failed = sum(len(part.failed) for part in parts)
    return {"check": check, "points": points, "step": step(points), "failed": failed}


def point_of(at_us: int, lost: int, runs: int) -> dict[str, Any]:
    """One point of the curve."""
    low, high = wilson(lost, runs)
    share = round(lost / runs, 4)
    return {"at_us": at_us, "lost": lost, "runs": runs, "share": share, "low": low, "high": high}


def step(points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The steepest rise between neighbours: {from_us, to_us, before, after}; None where the curve never rises."""
    pairs = list(pairwise(points))
    if not pairs:
        return None
    left, right = max(pairs, key=lambda pair: pair[1]["share"] - pair[0]["share"])
    if right["share"] <= left["share"]:
        return None
    return {
        "from_us": left[AT], "to_us": right[AT], "before": left["share"], "after": right["share"]
    }  # fmt: skip


def wilson(hits: int, runs: int) -> tuple[float, float]:
    """The 95 per cent interval of a share (Wilson, JASA 22, 1927), rounded to four digits."""
    share, square = hits / runs, Z * Z
    centre = (share + square / (2 * runs)) / (1 + square / runs)
    half = Z / (1 + square / runs) * math.sqrt(share * (1 - share) / runs + square / (4 * runs * runs))
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)
