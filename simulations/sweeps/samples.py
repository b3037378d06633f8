"""Metrics that are made of many values in each run: their counts travel, so that the runs of a sweep are put together
as if they were one long run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from simulations.engine import harness
from simulations.engine.meters import Scope
from simulations.engine.world import World

DIGITS = ".3g"
"""Values are counted to three digits: no quantile moves by more than half a per cent."""


def value_of(world: World, name: str, scope: Scope) -> Any:
    """A run's value of a metric; of one with samples {"counts": {value: how often}, "at": quantile or None}."""
    for system in harness.systems_of(world.experiment):
        samples = world.systems[system].samples.get(name)
        if samples is not None and scope.key is None:
            counts = Counter(format(value, DIGITS) for value in samples.of(world, scope))
            return {"counts": dict(sorted(counts.items())), "at": samples.at}
    return harness.metric(world, name, scope)


def is_counted(value: Any) -> bool:
    return isinstance(value, dict) and "counts" in value


def pooled(values: Iterable[dict[str, Any]]) -> tuple[list[tuple[float, int]], float | None]:
    """The samples of all runs as (value, how often), sorted, and which quantile of them is meant."""
    total: Counter[float] = Counter()
    at = None
    for one in values:
        at = one["at"]
        for text, count in one["counts"].items():
            total[float(text)] += count
    return sorted(total.items()), at


def quantile(pairs: list[tuple[float, int]], share: float) -> float | None:
    """The value at a nearest rank."""
    rank = max(1, math.ceil(share * sum(count for _, count in pairs)))
    for value, count in pairs:
        rank -= count
        if rank <= 0:
            return value
    return None


def describe(values: list[dict[str, Any]], shares: dict[str, float]) -> dict[str, Any]:
    """{n, mean, min, percentiles, max} of the samples of all runs; of a metric that is one quantile of them, that
    quantile throughout, with n samples behind it."""
    pairs, at = pooled(values)
    n = sum(count for _, count in pairs)
    if at is not None:
        one = quantile(pairs, at)
        return {"n": n, "mean": one, "min": one, **dict.fromkeys(shares, one), "max": one}
    mean = math.fsum(value * count for value, count in pairs) / n if n else None
    found = {name: quantile(pairs, share) for name, share in shares.items()}
    ends = (pairs[0][0], pairs[-1][0]) if pairs else (None, None)
    return {
        "n": n,
        "mean": round(mean, 6) if mean is not None else None,
        "min": ends[0],
        **found,
        "max": ends[1],
    }
