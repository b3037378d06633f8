"""Latency distributions as plain data: how they are written in an experiment and kept in memory.

A number is a constant; anything else is one tagged form, in the unit of the field that carries it (ms or
s):

    5    {uniform: [low, high]}    {normal: [mean, sd]}    {lognormal: [median, sigma]}    {exponential: mean}
    {pareto: [minimum, alpha]}    {mixture: [[weight, distribution], ...]}    {empirical: [values]}

This module holds no random numbers: drawing from a Distribution belongs to the network. Draws below zero
count as zero and are rounded to whole microseconds there.
"""

from __future__ import annotations

from typing import Any

import msgspec

# kind -> names of its values, in order. mixture and empirical take any number of values instead.
DISTRIBUTION_VALUES: dict[str, tuple[str, ...]] = {
    "constant": ("value",),
    "uniform": ("low", "high"),
    "normal": ("mean", "sd"),
    "lognormal": ("median", "sigma"),
    "exponential": ("mean",),
    "pareto": ("minimum", "alpha"),
    "mixture": (),
    "empirical": (),
}
DISTRIBUTION_KINDS = tuple(DISTRIBUTION_VALUES)


class Distribution(msgspec.Struct, frozen=True):
    """One distribution: `kind` (see DISTRIBUTION_VALUES) and its values.

    values: floats in the order of DISTRIBUTION_VALUES; for `empirical` the observed values; for `mixture`
    pairs `(weight, Distribution)`, weights > 0 and not necessarily summing to 1.
    """

    kind: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Bytes do not tell what the parts of a mixture are: one that comes from a checkpoint is made whole again."""
        if self.kind == "mixture":
            parts = tuple((weight, msgspec.convert(part, Distribution)) for weight, part in self.values)
            msgspec.structs.force_setattr(self, "values", parts)


def constant(value: float) -> Distribution:
    """The distribution that always gives `value`."""
    return Distribution("constant", (value,))


def to_plain(distribution: Distribution) -> Any:
    """The form written in an experiment (a number, or a dict with one key)."""
    kind, values = distribution.kind, distribution.values
    if kind == "constant":
        return values[0]
    if kind == "exponential":
        return {kind: values[0]}
    if kind == "mixture":
        return {kind: [[weight, to_plain(part)] for weight, part in values]}
    return {kind: list(values)}
