"""Which figures there are: name -> how it is measured and drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from simulations.engine.meters import percentile
from simulations.figures.draw import Curve, Figure, cumulative
from simulations.figures.measure import elections, published, split_probability, split_rate
from simulations.sweeps.statistics import SHARES


class Row(msgspec.Struct, frozen=True):
    """One number beside what was published. ``statistic``: p10 .. p99, mean or share."""

    curve: str
    statistic: str
    published: float
    measured: float

    @property
    def difference(self) -> float:
        """Relative to what was published."""
        return self.measured / self.published - 1


Drawn = tuple[Figure, list[Row]]


def election_curves(
    network: str, names: list[str], runs: int, processes: int, axis: list[float], title: str
) -> Drawn:
    """Cumulative election times over the published percentiles."""
    rows: list[Row] = []
    curves: list[Curve] = []
    for name in names:
        table: dict[str, Any] = published()[network]["curves"][name]
        times = elections(table["experiment"], runs, processes)
        marks = [
            (table[key], share) for key, share in SHARES.items() if key in table and table[key] <= axis[-1]
        ]
        curves.append(Curve(name, cumulative(times, axis[-1]), marks))
        rows += [Row(name, key, table[key], value_of(times, key)) for key in table if key != "experiment"]
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    return Figure(title, "time without a leader in ms", "share of elections", axis, ticks, curves), rows


def value_of(times: list[float], statistic: str) -> float:
    """A statistic of sorted values."""
    if statistic == "mean":
        return sum(times) / len(times)
    found = percentile(times, SHARES[statistic])
    assert found is not None
    return found


def split_curves(runs: int, processes: int) -> Drawn:
    """How often votes split: the closed form as lines, measured rates as marks."""
    rows: list[Row] = []
    marks: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for case in published()["splits"]["cases"]:
        servers, failed, latency = case["servers"], case["failed"], case["latency"]
        rate = split_rate(servers, failed, latency, runs, processes)
        marks.setdefault((servers, failed), []).append((latency, rate))
        name = f"{servers} servers, {failed} failed, latency {latency:g}"
        rows.append(Row(name, "share", split_probability(servers, failed, latency), rate))
    curves = [
        Curve(
            f"{servers} servers, {failed} down",
            [(step / 100, split_probability(servers, failed, step / 100)) for step in range(31)],
            found,
        )
        for (servers, failed), found in marks.items()
    ]
    axis = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    x_title, y_title = "one-way latency over the range of the timeouts", "share of first rounds"
    meaning = ("line: closed form", "mark: measured here")
    return Figure("Split votes, by the latency", x_title, y_title, axis, ticks, curves, meaning), rows


FIGURES: dict[str, tuple[int, Callable[[int, int], Drawn]]] = {
    "elections-lan": (1000, lambda runs, processes: election_curves(
        "lan", ["150-155", "150-200", "150-300"], runs, processes, [0.0, 200.0, 400.0, 600.0, 800.0, 1000.0],
        "Elections on a local network, by the range of the timeouts in ms")),
    "elections-lan-scale": (1000, lambda runs, processes: election_curves(
        "lan", ["12-24", "50-100", "150-300"], runs, processes, [0.0, 100.0, 200.0, 300.0, 400.0],
        "Elections on a local network, timeouts scaled")),
    "elections-wan": (10_000, lambda runs, processes: election_curves(
        "wan", ["none failed", "one failed", "two failed"], runs, processes, [200.0, 600.0, 1000.0, 1400.0, 1800.0],
        "Elections over 30 to 40 ms, five servers with different logs")),
    "split-votes": (5000, split_curves),
}  # fmt: skip
"""Name -> (runs of each curve as published, the figure of so many runs on so many processes)."""
