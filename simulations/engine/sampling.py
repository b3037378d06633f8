"""Draws from latency distributions, the same on every machine with IEEE doubles.

Library logarithms and exponentials may differ in the last bit between platforms, so the few that are needed are built
here from + - * / and sqrt, which IEEE 754 rounds exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from math import frexp, ldexp, sqrt

from simulations.engine.distributions import Distribution
from simulations.engine.streams import Stream

LN2 = 0.6931471805599453
TINY = 2.0**-54

# Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988), PPND16.
_CENTRE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def log(x: float) -> float:
    """Natural logarithm of a positive number, by the series of the inverse hyperbolic tangent."""
    mantissa, exponent = frexp(x)
    if mantissa < 0.7071067811865476:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    total = 0.0
    for divisor in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        total = total * square + 1.0 / divisor
    return 2.0 * s * total + exponent * LN2


def exp(x: float) -> float:
    """e to the power x, for |x| below 700, by reduction to |x| <= ln(2)/2 and the Taylor series."""
    whole = int(x / LN2 + (0.5 if x >= 0 else -0.5))
    rest = x - whole * LN2
    total = 1.0
    for divisor in range(16, 0, -1):
        total = 1.0 + total * rest / divisor
    return ldexp(total, whole)


def _ratio(tables: tuple[tuple[float, ...], tuple[float, ...]], x: float) -> float:
    above = below = 0.0
    for a, b in zip(*tables, strict=True):
        above, below = above * x + a, below * x + b
    return above / below


def normal_quantile(p: float) -> float:
    """The standard normal quantile of p in (0, 1)."""
    q = p - 0.5
    if -0.425 <= q <= 0.425:
        return q * _ratio(_CENTRE, 0.180625 - q * q)
    r = sqrt(-log(p if q < 0 else 1.0 - p))
    value = _ratio(_MIDDLE, r - 1.6) if r <= 5.0 else _ratio(_TAIL, r - 5.0)
    return -value if q < 0 else value


def draw(distribution: Distribution, stream: Stream) -> float:
    """One value, in the distribution's own unit; may be negative for ``normal``."""
    kind, values = distribution.kind, distribution.values
    if kind == "constant":
        return float(values[0])
    u = stream.random()
    if kind == "uniform":
        return float(values[0] + u * (values[1] - values[0]))
    if kind == "normal":
        return float(values[0] + values[1] * normal_quantile(u or TINY))
    if kind == "lognormal":
        return float(values[0] * exp(values[1] * normal_quantile(u or TINY)))
    if kind == "exponential":
        return float(-values[0] * log(1.0 - u))
    if kind == "pareto":
        return float(values[0] * exp(-log(1.0 - u) / values[1]))
    if kind == "empirical":
        return float(values[int(u * len(values))])
    if kind == "mixture":
        return _draw_mixture(values, u, stream)
    raise ValueError(f"unknown distribution {kind!r}")


def _draw_mixture(parts: tuple[tuple[float, Distribution], ...], u: float, stream: Stream) -> float:
    rest = u * sum(weight for weight, _ in parts)
    for weight, part in parts:
        rest -= weight
        if rest < 0:
            return draw(part, stream)
    return draw(parts[-1][1], stream)


def sampler(distribution: Distribution, unit_us: int = 1000) -> Callable[[Stream], int]:
    """A function that draws whole microseconds, never below zero. ``unit_us``: microseconds per unit of the values."""
    kind, values = distribution.kind, distribution.values
    if kind == "constant":
        fixed = max(0, round(values[0] * unit_us))
        return lambda stream: fixed
    if kind == "uniform":
        low, span = uniform_bounds(distribution, unit_us)
        return lambda stream: low + int(stream.random() * span)
    return lambda stream: max(0, round(draw(distribution, stream) * unit_us))


def uniform_bounds(distribution: Distribution, unit_us: int = 1000) -> tuple[int, int]:
    """(low, span) in microseconds of a uniform or constant distribution: a draw is low + int(u * span)."""
    low = max(0, round(distribution.values[0] * unit_us))
    high = max(low, round(distribution.values[-1] * unit_us))
    return low, high - low + 1
