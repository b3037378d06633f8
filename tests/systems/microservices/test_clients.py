"""Clients that retry within a budget, after a pause, and do not count what comes too late."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.world import World
from tests.systems.microservices.kit import client, metric, node, process, recipe, run


def slow(service_ms: float, **settings: Any) -> World:
    """A server that takes so long, and a client that waits 200 ms for each of four attempts."""
    patience = {"timeout_ms": 200, "give_up_ms": 3000, "retries": 3, "rate": 10, "stop_s": 8}
    return run(
        recipe([node("till", service_ms=service_ms)], [client("till", **{**patience, **settings})], stop_s=12)
    )


def attempts_per_operation(world: World) -> float:
    return float(process(world, "till").asked / len(world.observer.ledger.done))


@pytest.mark.parametrize(("ignore", "share"), [(False, 1), (True, 0)])
def test_an_answer_that_comes_late_counts_or_not(ignore: bool, share: float) -> None:
    assert metric(slow(300, ignore_late=ignore), "success_share") == share


def test_a_budget_bounds_the_attempts_of_a_client() -> None:
    free, bound = slow(9000), slow(9000, retry_budget=0.1)
    assert attempts_per_operation(free) == pytest.approx(4, abs=0.05)
    # 79 operations earn 8 retries more than the 10 saved up.
    assert attempts_per_operation(bound) == pytest.approx(1 + 18 / 79, abs=0.05)


@pytest.mark.parametrize(("pause", "took_ms"), [(0, 800), (400, 2000), ({"uniform": [400, 400]}, 2000)])
def test_a_pause_comes_before_every_retry(pause: Any, took_ms: float) -> None:
    world = slow(9000, retry_after_ms=pause)
    ended = world.observer.ledger.done
    assert {(one.returned_us or 0) - one.invoked_us for one in ended} == {took_ms * 1000}
    assert attempts_per_operation(world) == pytest.approx(4, abs=0.05)


def test_an_answer_during_the_pause_counts() -> None:
    world = slow(300, retry_after_ms=400)
    assert metric(world, "success_share") == 1
    assert attempts_per_operation(world) == 1


def test_nobody_waits_longer_than_to_give_up() -> None:
    world = slow(9000, retry_after_ms=2900)
    assert {(one.returned_us or 0) - one.invoked_us for one in world.observer.ledger.done} == {3_000_000}


@pytest.mark.parametrize(("again", "expected"), [(True, 4), (False, 1)])
def test_who_is_refused_asks_again_unless_it_said_otherwise(again: bool, expected: float) -> None:
    nodes = [node("till", service_ms=60_000, pool=1, queue_bound=1)]
    asks = client(
        "till", retries=3, rate=10, timeout_ms=5000, give_up_ms=5000, arguments={"retry_rejected": again}
    )
    world = run(recipe(nodes, [asks], stop_s=4))
    refused = [one for one in world.observer.ledger.done if one.outcome == "fail"]
    assert len(refused) >= 30
    assert process(world, "till").shed == pytest.approx(expected * len(refused), abs=4)
