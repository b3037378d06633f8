"""The kinds of values that are distributions: latencies, and times that are drawn."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.distributions import DISTRIBUTION_VALUES, Distribution, to_plain
from simulations.engine.experiment import limits
from simulations.engine.experiment.kinds import INVALID, Json, ListOf, Number, Schema
from simulations.engine.experiment.problems import Problems, child


class Spread(msgspec.Struct, frozen=True):
    """A latency distribution (or of times): a number or one tagged form; every value within the limits."""

    minimum: float = 0
    maximum: float = limits.LATENCY_MS_MAX
    unit: str = "ms"

    def read(self, value: object, path: str, problems: Problems, depth: int = 2) -> Any:
        if not isinstance(value, dict):
            found = Number(self.minimum, self.maximum).read(value, path, problems)
            return INVALID if found is INVALID else Distribution("constant", (found,))
        kinds = tuple(kind for kind in DISTRIBUTION_VALUES if kind != "constant")
        if len(value) != 1 or next(iter(value)) not in kinds:
            if len(value) == 1:
                problems.add(path, "choice", allowed=kinds, given=next(iter(value)))
            else:
                problems.add(path, "one_kind", allowed=kinds)
            return INVALID
        kind, values = next(iter(value.items()))
        inner = child(path, kind)
        if kind == "mixture":
            return self._mixture(values, inner, problems, depth)
        if kind == "exponential":
            values = [values] if not isinstance(values, list) else values
        return self._values(kind, values, inner, problems)

    def _values(self, kind: str, values: object, path: str, problems: Problems) -> Any:
        names = DISTRIBUTION_VALUES[kind]
        longest = len(names) or limits.EMPIRICAL_MAX
        found = ListOf(Number(self.minimum, self.maximum), longest, len(names) or 1).read(
            values, path, problems
        )
        if found is INVALID:
            return INVALID
        if kind == "uniform" and found[0] > found[1]:
            problems.add(path, "order")
            return INVALID
        if kind in ("lognormal", "exponential", "pareto") and min(found) <= 0:
            problems.add(path, "not_positive", given=min(found))
            return INVALID
        return Distribution(kind, tuple(found))

    def _mixture(self, values: object, path: str, problems: Problems, depth: int) -> Any:
        if depth == 0:
            problems.add(path, "too_deep", limit=2)
            return INVALID
        pairs = ListOf(Json(), limits.MIXTURE_MAX, 1).read(values, path, problems)
        if pairs is INVALID:
            return INVALID
        parts = []
        for i, pair in enumerate(pairs):
            here = child(path, i)
            if not isinstance(pair, list) or len(pair) != 2:
                problems.add(here, "type", expected="a pair [weight, distribution]", given=pair)
                return INVALID
            weight = Number(1e-9, 1e9).read(pair[0], child(here, 0), problems)
            part = self.read(pair[1], child(here, 1), problems, depth - 1)
            if weight is INVALID or part is INVALID:
                return INVALID
            parts.append((weight, part))
        return Distribution("mixture", tuple(parts))

    def plain(self, value: Any) -> Any:
        return to_plain(value)

    def schema(self) -> Schema:
        return {"$ref": "#/$defs/distribution", "x-unit": self.unit}


class NumberOrSpread(msgspec.Struct, frozen=True):
    """A plain number, kept as a number, or a distribution (a time that is drawn)."""

    maximum: float = limits.STOP_S_MAX
    unit: str = "s"

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if isinstance(value, dict):
            return Spread(0, self.maximum, self.unit).read(value, path, problems)
        return Number(0, self.maximum, self.unit).read(value, path, problems)

    def plain(self, value: Any) -> Any:
        return to_plain(value) if isinstance(value, Distribution) else value

    def schema(self) -> Schema:
        return {"$ref": "#/$defs/distribution", "x-unit": self.unit}
