"""Admission, quotas, budgets and backoff: pure rules."""

from __future__ import annotations

import pytest

from simulations.engine.systems.microservices.limits import (
    BURST,
    LEVELS,
    WINDOW_US,
    Admission,
    Quota,
    RetryBudget,
    backoff_us,
    priority_of,
)
from simulations.engine.systems.microservices.parameters import Parameters

LIMIT_US = 20_000


def windows(gate: Admission, count: int, overloaded: bool, served: int = 50) -> None:
    """Windows with 100 arrivals of all priorities each."""
    for _ in range(count):
        start = gate.since_us + WINDOW_US
        for number in range(100):
            gate.arrive(start, number * LEVELS // 100, LIMIT_US, 0)
        gate.served = served
        gate.waited_us = served * LIMIT_US * 2 if overloaded else 0


def test_overload_shrinks_the_share_to_what_was_served_and_the_level_follows() -> None:
    gate = Admission()
    windows(gate, 3, overloaded=True)
    assert gate.share == 0.5
    assert gate.level == pytest.approx(LEVELS / 2, abs=2)


def test_without_overload_the_share_grows_a_little_until_all_are_let_in() -> None:
    gate = Admission(share=0.5, level=64)
    windows(gate, 3, overloaded=False)
    assert 0.5 < gate.share < 0.6
    windows(gate, 40, overloaded=False)
    assert (gate.share, gate.level) == (1.0, LEVELS)


def test_business_priorities_come_first_and_users_differ_within_them() -> None:
    first = {priority_of(operation, 1) for operation in range(500)}
    last = {priority_of(operation, 8) for operation in range(500)}
    assert max(first) < min(last)
    assert len({priority_of(operation, 0) for operation in range(2000)}) == LEVELS
    assert len(first) == LEVELS // 8


def test_a_quota_lets_its_rate_pass_and_saves_up_one_second() -> None:
    quota = Quota(5, 5, 0)
    assert [quota.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [quota.take(200_000) for _ in range(2)] == [True, False]
    assert sum(quota.take(60_000_000) for _ in range(10)) == 5


def test_a_retry_budget_is_a_share_of_first_tries_beyond_its_burst() -> None:
    budget = RetryBudget(tokens=0)
    for _ in range(100):
        budget.first_try(0.25)
    assert budget.tokens == BURST
    assert sum(budget.spend() for _ in range(50)) == BURST
    for _ in range(8):
        budget.first_try(0.25)
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_backoff_doubles_up_to_its_limit_and_jitter_spreads_it() -> None:
    assert [backoff_us(attempt, 10, 50, "none", 0.3) for attempt in (1, 2, 3, 4)] == [
        10_000,
        20_000,
        40_000,
        50_000,
    ]
    assert backoff_us(1, 10, 50, "full", 0.25) == 2500
    assert backoff_us(1, 10, 50, "equal", 0.0) == 5000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool", 0),
        ("fail_share", 1.5),
        ("queue", "random"),
        ("chain", 41),
        ("health", "kind"),
        ("pools", {"a": 0}),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Parameters(**{name: value})  # type: ignore[arg-type]
