"""Numbers about many runs, exact whatever the order in which they came: sums are rounded once, percentiles are values
that occurred (nearest rank)."""

from __future__ import annotations

import math
from typing import Any

from simulations.engine.meters import percentile
from simulations.sweeps import samples

SHARES = {"p10": 0.1, "p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
CURVE_POINTS = 200


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def describe(values: list[Any]) -> dict[str, Any]:
    """{n, mean, min, p10, p50, p90, p99, p999, max} of the numbers, ``none``: runs without one; for texts {n, none,
    values: {text: runs}}. Of metrics with samples the samples of all runs; of those with a number per key also each
    key's own description."""
    given = [value for value in values if value is not None]
    none = len(values) - len(given)
    if given and all(map(samples.is_counted, given)):
        return {**samples.describe(given, SHARES), "none": none}
    if given and all(isinstance(value, dict) for value in given):
        every = dict.fromkeys(key for one in given for key in one)
        keys = {str(key): describe([one.get(key) for one in given]) for key in every}
        means = {key: one.get("mean") for key, one in keys.items()}
        return {"n": len(given), "none": none, "values": means, **keys}
    if given and not all(map(is_number, given)):
        counts: dict[str, int] = {}
        for value in map(str, given):
            counts[value] = counts.get(value, 0) + 1
        return {"n": len(given), "none": none, "values": dict(sorted(counts.items()))}
    numbers = sorted(given)
    return {
        "n": len(numbers),
        "mean": rounded(mean(numbers)),
        "min": rounded(numbers[0] if numbers else None),
        **{name: rounded(percentile(numbers, share)) for name, share in SHARES.items()},
        "max": rounded(numbers[-1] if numbers else None),
        "none": none,
    }


def mean(values: list[float]) -> float | None:
    """The mean of the exact sum."""
    return math.fsum(values) / len(values) if values else None


def rounded(value: float | None) -> float | None:
    """As results show numbers: six digits after the point."""
    return round(value, 6) if isinstance(value, float) else value


def curve(values: list[Any], points: int = CURVE_POINTS) -> list[list[float]]:
    """The cumulative distribution as [value, share of runs with at most this value], at most about ``points`` steps.
    Texts have none, and samples neither."""
    numbers = sorted(value for value in values if is_number(value))
    if not numbers:
        return []
    total = len(numbers)
    ranks = sorted({max(1, -(-total * step // points)) for step in range(points + 1)})
    found: dict[float, float] = {}
    for rank in ranks:
        found[numbers[rank - 1]] = round(rank / total, 6)
    return [[value, share] for value, share in found.items()]
