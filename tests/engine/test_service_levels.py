"""Nines, error budget and cost: numbers that follow from what clients got and what the nodes cost."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.checks.service_levels import nines_of
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World


def world(faults: list[dict[str, Any]]) -> World:
    """Two echo servers for 36 s, one priced 10 an hour and one 20; 10 operations a second at the first."""
    plain = {
        "format": 1, "id": "levels", "title": {"en": "Levels", "zh": "水平"}, "system": "echo",
        "topology": {"nodes": [{"id": "a", "price": 10}, {"id": "b", "price": 20}]},
        "workload": [
            {"client": "c", "at": "a", "to": "a", "stay": True, "operation": "get", "rate": 10, "retries": 0,
             "timeout_ms": 500}
        ],
        "faults": faults, "stop_s": 36,
    }  # fmt: skip
    made = World(parse(plain, SYSTEMS))
    made.run_until(36_000_000)
    return made


@pytest.mark.parametrize(("share", "found"), [(0.9, 1), (0.99, 2), (0.999, 3), (1.0, 9), (0.0, 0)])
def test_nines(share: float, found: float) -> None:
    assert nines_of(share) == pytest.approx(found)


def test_a_tenth_of_the_time_down_is_one_nine_and_a_hundred_times_the_budget_of_three() -> None:
    found = world([{"at_s": 10, "do": "kill", "target": "a", "for_s": 3.6}])
    assert harness.metric(found, "availability") == pytest.approx(0.9, abs=0.01)
    assert harness.metric(found, "nines") == pytest.approx(1, abs=0.05)
    assert harness.metric(found, "error_budget_used") == pytest.approx(100, abs=10)


def test_without_faults_no_budget_is_used() -> None:
    found = world([])
    assert harness.metric(found, "error_budget_used") == 0
    assert harness.metric(found, "nines") == 9


def test_machines_cost_their_price_an_hour_also_when_they_are_down() -> None:
    found = world([{"at_s": 10, "do": "kill", "target": "a"}])
    assert harness.metric(found, "cost") == pytest.approx(30 * 0.01)
    assert harness.metric(found, "cost", Scope(from_us=18_000_000)) == pytest.approx(15 * 0.01)
