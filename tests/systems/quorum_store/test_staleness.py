"""Probabilistically bounded staleness: the running store against the model of the paper, and against its tables.

Bailis et al., VLDB 2012. The gates: latencies within 3%, the share of fresh reads within one point, t at 99.9% within
10%; a quantile that few samples decide may also lie anywhere in its own confidence interval (three sigmas).
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulations import catalogue
from simulations.engine.experiment import to_plain, with_overrides
from simulations.engine.meters import Scope, percentile
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.quorum_store.meters import SAMPLES, Freshness, Timed, quantile
from simulations.engine.world import World
from simulations.sweeps.asked import ask
from simulations.sweeps.samples import value_of
from simulations.sweeps.statistics import describe
from tests.budget import budget

HERE = Path(__file__).resolve().parents[2] / "data" / "pbs.json"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "pbs.json"
FIGURES: dict[str, Any] = json.loads(HERE.read_text())
PUBLISHED = json.loads((SHARED if SHARED.exists() else HERE).read_text())["published_N3_p99.9"]
CASES = [("LNKD-SSD", "R1W1"), ("LNKD-DISK", "R1W1"), ("LNKD-DISK", "R2W1"), ("LNKD-SSD", "R1W2")]
CASES += [(name, case) for name in PUBLISHED for case in PUBLISHED[name] if (name, case) not in CASES]
RATE = 400
"""Writes a second: they do not disturb each other, so many may be under way."""


def experiment(delays: str, case: str, writes: int) -> Any:
    base = catalogue.load("PBS")
    changes: dict[str, Any] = {
        "r": int(case[1]), "w": int(case[3]), "probe_ms": [0, 10], "stop_s": writes / RATE,
        "workload.c1.rate": RATE, "workload.c1.keys": 10_000,
    }  # fmt: skip
    if delays == "LNKD-DISK":
        disk = next(one for one in to_plain(base)["variants"] if one["id"] == "disk")
        changes["delays_ms"] = disk["set"]["delays_ms"]
    return with_overrides(base, changes, SYSTEMS)


def agrees(values: list[float], share: float, reference: float, gate: float) -> bool:
    """Whether the sample's quantile is the reference, give or take the gate and three sigmas."""
    sigma = sqrt(share * (1 - share) / len(values))
    low = quantile(values, max(share - 3 * sigma, 0))
    high = quantile(values, min(share + 3 * sigma, 1))
    assert low is not None
    assert high is not None
    if share + 3 * sigma > 1 - 1 / len(values):  # (The sample's highest value bounds nothing.)
        high = float("inf")
    return low * (1 - gate) <= reference + 0.001 and reference - 0.001 <= high * (1 + gate)


@pytest.mark.parametrize(("delays", "case"), CASES[: budget("quorum_cases")])
def test_latencies_and_freshness_are_those_of_the_model(delays: str, case: str) -> None:
    world = World(experiment(delays, case, budget("quorum_probes")))
    world.run_until(round(world.experiment.stop_s * 1_000_000))
    meter = world.observer.checks[Freshness.name]
    assert isinstance(meter, Freshness)
    timed: list[Timed] = list(meter.timed)
    reads = [one for one in timed if one.at_ms >= 0]
    expected = FIGURES["unbiased"][delays][case]
    latency = {
        "Lr": [one.latency_ms for one in reads],
        "Lw": [one.latency_ms for one in timed if one.at_ms < 0],
    }
    for name, values in latency.items():
        for share, figure in ((0.5, f"{name}_p50"), (0.99, f"{name}_p99"), (0.999, name)):
            assert agrees(values, share, expected[figure], 0.03), f"{figure}: {quantile(values, share)}"
    for at_ms, figure in ((0, "fresh_0"), (10, "fresh_10")):
        fresh = [one.fresh for one in reads if one.at_ms == at_ms]
        share = sum(fresh) / len(fresh)
        sigma = sqrt(expected[figure] * (1 - expected[figure]) / len(fresh))
        assert abs(share - expected[figure]) < 0.01 + 3 * sigma, f"{figure}: {share}"
    own = [one.threshold_ms for one in reads if one.at_ms == 0]
    assert agrees(own, 0.999, expected["t"], 0.1), f"t: {quantile(own, 0.999)}"


@pytest.mark.parametrize("delays", PUBLISHED)
def test_the_model_is_that_of_the_published_table(delays: str) -> None:
    for case, printed in PUBLISHED[delays].items():
        found = FIGURES["unbiased"][delays][case]
        assert found["Lr"] == pytest.approx(printed["Lr"], rel=0.03)
        assert found["Lw"] == pytest.approx(printed["Lw"], rel=0.035)
        assert printed["t"] <= found["t"] * 1.001 + 0.01, "printed t is biased low"


def test_quorums_that_overlap_are_always_fresh_whatever_the_delays() -> None:
    world = World(experiment("LNKD-DISK", "R2W2", 200))
    world.run_until(round(world.experiment.stop_s * 1_000_000))
    meter = world.observer.checks[Freshness.name]
    assert isinstance(meter, Freshness)
    assert all(one.fresh for one in meter.timed)
    assert len(meter.timed) > 500


FAST = dict.fromkeys(("write", "acknowledge", "read", "respond"), 1)
BY_NAME = {"n1": {**FAST, "write": 30}, "n2": {**FAST, "write": 30}, "n3": {**FAST, "read": 20}}
PER_REPLICA: list[Any] = [
    BY_NAME,
    list(BY_NAME.values()),
    {"write": [30, 30, 1], "acknowledge": 1, "read": [1, 1, 20], "respond": 1},
]


@pytest.mark.parametrize("delays", PER_REPLICA, ids=["by name", "in order", "by message"])
def test_delays_of_single_replicas_decide_who_is_stale(delays: Any) -> None:
    """Per-replica delays: with writes to n1 and n2 slow and reads from n3 slow, an early read is always stale."""
    changes = {"delays_ms": delays, "probe_ms": [0, 10, 40], "stop_s": 10}
    world = World(with_overrides(catalogue.load("PBS"), changes, SYSTEMS))
    world.run_until(10_000_000)
    meter = world.observer.checks[Freshness.name]
    assert isinstance(meter, Freshness)
    fresh = {at: {one.fresh for one in meter.timed if one.at_ms == at} for at in (0, 10, 40)}
    assert fresh == {0: {False}, 10: {False}, 40: {True}}
    assert {round(one.threshold_ms) for one in meter.timed if one.at_ms >= 0} == {27}


def test_a_sweep_puts_the_samples_of_its_runs_together() -> None:
    """Each metric under its plain name: quantiles of all reads of all runs, not quantiles of quantiles."""
    asked = ask(with_overrides(catalogue.load("PBS"), {"stop_s": 8, "workload.c1.rate": 20}, SYSTEMS))
    found: dict[str, list[Any]] = {name: [] for name in SAMPLES}
    reads: list[float] = []
    for seed in (1, 2, 3):
        world = World(
            with_overrides(catalogue.load("PBS"), {"stop_s": 8, "workload.c1.rate": 20}, SYSTEMS), seed
        )
        world.run_until(8_000_000)
        reads += SAMPLES["read_latency_ms"].of(world, Scope())
        for name in found:
            found[name].append(value_of(world, *asked.metrics[name]))
    told = describe(found["read_latency_ms"])
    assert told["n"] == len(reads) > 2500
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999)):
        assert told[name] == pytest.approx(percentile(sorted(reads), share), rel=0.006)
    one = describe(found["t_visibility_999_ms"])
    assert one["mean"] == one["p50"] == one["max"] > 0
    assert list(asked.metrics["fresh_at_ms"]) == ["fresh_at_ms", Scope()]


def test_the_file_names_its_source() -> None:
    assert "Bailis" in FIGURES["source"]["published"]
    assert yaml.safe_load(HERE.read_text()) == FIGURES
