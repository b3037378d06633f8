"""Which runs a sweep consists of: seeds times the points of a grid."""

from __future__ import annotations

import itertools
import math
from typing import Any

import msgspec

RUNS_MAX = 200_000
BATCH_RUNS_MAX = 500


class Loss(msgspec.Struct, frozen=True):
    """A run that is given, for the question when something was lost: the future is drawn anew from many moments.

    ``check``: the check that must end violated, or ``lost_acknowledged``; ``until_us``: the last moment that counts
    (the violation, where it comes earlier); ``commands``: [at_us, seq, do] of what people did.
    """

    seed: int
    check: str
    until_us: int
    commands: list[tuple[int, int, dict[str, Any]]] = msgspec.field(default_factory=list)


class Plan(msgspec.Struct, frozen=True):
    """Run number n has the settings ``points[n // seeds]`` and the seed ``first_seed + n % seeds``.

    ``points``: overrides of the experiment, one record per point (a single empty one without a grid). ``metrics``,
    ``checks``: names that are asked for; both None: everything that the experiment shows. ``loss``: the points are
    moments of one run (see loss.py), and the seeds are those of its futures.
    """

    first_seed: int
    seeds: int
    points: list[dict[str, Any]] = msgspec.field(default_factory=lambda: [{}])
    metrics: list[str] | None = None
    checks: list[str] | None = None
    loss: Loss | msgspec.UnsetType = msgspec.UNSET

    @property
    def runs(self) -> int:
        return self.seeds * len(self.points)

    def point_of(self, run: int) -> int:
        """The index of a run's point."""
        return run // self.seeds

    def seed_of(self, run: int) -> int:
        return self.first_seed + run % self.seeds

    def whole_points(self) -> list[tuple[int, int]]:
        """The runs of each point as [start, stop): no batch crosses a point."""
        return [(i * self.seeds, (i + 1) * self.seeds) for i in range(len(self.points))]


def grid_size(grid: dict[str, list[Any]]) -> int:
    """How many combinations there are, without making them."""
    return math.prod(map(len, grid.values()))


def grid_points(grid: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values, the last name changing fastest; one empty point without names."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def pieces(start: int, stop: int, size: int) -> list[tuple[int, int]]:
    """[start, stop) in consecutive pieces of at most ``size`` runs."""
    return [(at, min(at + size, stop)) for at in range(start, stop, size)]


def batch_size(runs: int, seconds: float, wanted_s: float) -> int:
    """How many runs take about ``wanted_s``, from a measurement; at least one."""
    if seconds <= 0:
        return BATCH_RUNS_MAX
    return max(1, min(BATCH_RUNS_MAX, int(runs * wanted_s / seconds)))
