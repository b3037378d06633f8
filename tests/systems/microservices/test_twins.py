"""Each twin is caught by its check where the honest one holds, and behaves like it while nothing is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.microservices import DESCRIPTOR
from simulations.engine.systems.microservices.twins import TWINS
from tests.systems.microservices.kit import client, metric, node, recipe, run, verdict

FAILS = {"at_s": 1, "do": "set_parameter", "target": "back", "name": "fail_share", "value": 1}
WORKS = {"at_s": 4, "do": "set_parameter", "target": "back", "name": "fail_share", "value": 0}
BREAKER = {"window_s": 2, "minimum_requests": 5, "error_share": 0.5, "sleep_s": 1}


def pair(**parameters: Any) -> dict[str, Any]:
    """A service that calls another, which fails from 1 s to 4 s."""
    nodes = [node("front", "service", calls=["back"], **parameters), node("back", "service")]
    return recipe(nodes, [client("front", rate=30)], [FAILS, WORKS], 8)


def crowd() -> dict[str, Any]:
    """Twice the requests that an instance can serve."""
    return recipe([node("till", capacity=50, shedding="priority")], [client("till", rate=100)], stop_s=8)


def dashboard() -> dict[str, Any]:
    """A deep health check of an instance that fails everything from 1 s on."""
    nodes = [node("lb", "balancer", health="deep", unhealthy_after=100), node("back")]
    return recipe(nodes, [client("lb", rate=30)], [FAILS], 8)


CASES: dict[str, dict[str, Any]] = {
    "retries_without_budget": pair(attempts=4, retry_budget=0.1),
    "never_closes": pair(breaker=BREAKER),
    "sheds_the_important": crowd(),
    "lies_deep": dashboard(),
}
CAUGHT_BY = {twin.name: twin.caught_by for twin in DESCRIPTOR.twins}


def test_every_twin_is_described_and_has_its_case() -> None:
    assert set(TWINS) == set(CAUGHT_BY) == set(CASES)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_twin_is_caught_and_the_honest_one_is_not(name: str) -> None:
    for check in CAUGHT_BY[name]:
        assert verdict(run({**CASES[name], "twin": name}), check) == "violated"
        assert verdict(run(CASES[name]), check) == "holds"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_twin_differs_in_nothing_while_nothing_is_wrong(name: str) -> None:
    calm = {**CASES[name], "faults": [], "stop_s": 3}
    calm["workload"] = [{**one, "rate": 20} for one in calm["workload"]]
    assert run({**calm, "twin": name}).digest() == run(calm).digest()


def test_a_breaker_that_never_closes_shows_in_the_metric() -> None:
    honest, twin = run(CASES["never_closes"]), run({**CASES["never_closes"], "twin": "never_closes"})
    assert metric(honest, "breaker_closed_s") == pytest.approx(4.5, abs=0.6)
    assert metric(twin, "breaker_closed_s") is None
    assert metric(twin, "success_share", from_s=6) < 0.1  # (only its trials go through)


def test_retries_without_a_budget_show_in_the_load() -> None:
    case = CASES["retries_without_budget"]
    honest, twin = run(case), run({**case, "twin": "retries_without_budget"})
    loads = [metric(world, "leaf_calls_per_user_call", from_s=2, to_s=4) for world in (honest, twin)]
    assert loads[0] < 1.3
    assert loads[1] == pytest.approx(4, abs=0.1)


def test_every_way_of_a_rollout_has_words() -> None:
    ways = next(parameter.choices for parameter in DESCRIPTOR.parameters if parameter.name == "deploy")
    assert set(DESCRIPTOR.notes["microservices.rollout_begins"].words) == set(ways)
