"""Raft against the literature: election times of RD sections 9.4 and 9.5, and split votes of section 9.2.

The fast part takes few seeds and wide statistical bounds (the median of n runs lies between two of their order
statistics with a known probability); with the full numbers the gates themselves are checked: medians within 5 %, the
99th percentile of the wide-area network within 10 %.
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any

import pytest

from simulations.figures.measure import elections, published, split_probability, split_rate
from simulations.sweeps.statistics import SHARES
from tests.budget import budget, suite

CORES = 2
FULL = {"lan": 1000, "wan": 10_000}
SIGMAS = 4.0


@cache
def measured(network: str, id: str) -> list[float]:
    """Sorted election times in ms; as many as the budget says."""
    runs = FULL[network] if suite() == "all" else budget("elections")
    return elections(id, runs, CORES if runs > 500 else 1)


def between(times: list[float], share: float) -> tuple[float, float]:
    """Bounds of the true quantile, wrong with a probability of about 1 in 10,000."""
    total = len(times)
    spread = SIGMAS * sqrt(total * share * (1 - share))
    low, high = int(total * share - spread), int(total * share + spread) + 1
    return times[max(0, low)], times[min(total - 1, high)]


def quantile_agrees(times: list[float], share: float, expected: float, gate: float) -> None:
    """Within the gate with the full numbers; else the gate and the statistical bounds overlap."""
    if suite() == "all":
        assert times[int(len(times) * share)] == pytest.approx(expected, rel=gate)
    else:
        low, high = between(times, share)
        assert low <= expected * (1 + gate)
        assert high >= expected * (1 - gate)


def curves(network: str, *names: str) -> list[tuple[str, dict[str, Any]]]:
    found = published()[network]["curves"]
    return [(name, found[name]) for name in names or found]


@pytest.mark.parametrize(("name", "curve"), curves("lan", "150-200", "150-300"))
def test_local_elections_take_as_long_as_measured(name: str, curve: dict[str, Any]) -> None:
    times = measured("lan", curve["experiment"])
    quantile_agrees(times, 0.5, curve["p50"], 0.05)
    quantile_agrees(times, 0.1, curve["p10"], 0.05)
    quantile_agrees(times, 0.9, curve["p90"], 0.05)


def test_narrow_timeouts_are_slower_and_far_apart() -> None:
    medians = {
        name: sorted(measured("lan", curve["experiment"]))[len(measured("lan", curve["experiment"])) // 2]
        for name, curve in curves("lan", "150-151", "150-155", "150-200")
    }
    assert medians["150-151"] > 3 * medians["150-155"]
    assert medians["150-155"] > 1.3 * medians["150-200"]


@pytest.mark.parametrize(("name", "curve"), curves("wan"))
def test_wide_area_elections_take_as_long_as_simulated(name: str, curve: dict[str, Any]) -> None:
    times = measured("wan", curve["experiment"])
    for quantile, gate in (("p50", 0.05), ("p90", 0.05), ("p99", 0.10)):
        quantile_agrees(times, SHARES[quantile], curve[quantile], gate)
    if suite() == "all":
        assert sum(times) / len(times) == pytest.approx(curve["mean"], rel=0.02)


@pytest.mark.parametrize(("name", "curve"), curves("wan_same_logs"))
def test_equal_logs_are_a_little_faster(name: str, curve: dict[str, Any]) -> None:
    times = measured("wan", curve["experiment"])
    assert sum(times) / len(times) == pytest.approx(curve["mean"], rel=0.02 if suite() == "all" else 0.15)
    assert times[len(times) // 2] < measured("wan", "EL-WAN/two_failed")[len(times) // 2]


@pytest.mark.parametrize(
    "case", published()["splits"]["cases"], ids=lambda case: "-".join(map(str, case.values()))
)
def test_votes_split_as_often_as_the_closed_form_says(case: dict[str, Any]) -> None:
    runs = budget("split_votes")
    expected = split_probability(**case)
    bound = SIGMAS * sqrt(expected * (1 - expected) / runs) + 1 / runs
    assert split_rate(**case, runs=runs) == pytest.approx(expected, abs=bound)


def test_the_closed_form_gives_the_published_values() -> None:
    for servers, failed, latency, expected in (
        (5, 1, 0.01, 0.00059), (5, 1, 0.1, 0.0523), (5, 1, 0.2, 0.1808), (5, 1, 0.3, 0.3483),
        (5, 2, 0.01, 0.0297), (5, 2, 0.1, 0.271), (5, 2, 0.2, 0.488), (5, 2, 0.3, 0.657),
    ):  # fmt: skip
        assert split_probability(servers, failed, latency) == pytest.approx(expected, abs=6e-5)
