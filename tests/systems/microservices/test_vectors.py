"""Breakers and failure detectors against published cases, with no network around them."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from simulations.engine.systems.microservices.breaker import (
    CLOSED,
    HALF_OPEN,
    OPEN,
    BreakerSettings,
    CircuitBreaker,
)
from simulations.engine.systems.microservices.detectors import (
    PhiDetector,
    cdf,
    phi,
    retransmit_limit,
    suspicion_ms,
)
from tests.systems.microservices.kit import vectors

BREAKER = vectors("circuit_breaker")
DETECTORS = vectors("detectors")
PHI, SUSPICION = DETECTORS["phi_accrual"], DETECTORS["suspicion_timer"]
SECOND = 1_000_000


def settings() -> BreakerSettings:
    """The configuration under which the published sequences hold."""
    given = BREAKER["config_for_vectors"]
    return BreakerSettings(
        window_s=20,
        minimum_requests=given["minCalls"],
        error_share=given["failureRate"] / 100,
        slow_share=given["slowRate"] / 100,
        slow_call_ms=given["slowCall_s"] * 1000,
        sleep_s=given["waitOpen_s"],
        half_open_calls=given["halfOpenCalls"],
        half_open_s=given["maxWaitHalfOpen_s"],
    )


SEQUENCES = [vector for vector in BREAKER["vectors"] if "calls" in vector]


@pytest.mark.parametrize("vector", SEQUENCES, ids=[vector["name"] for vector in SEQUENCES])
def test_a_published_sequence_of_calls_gives_its_states(vector: dict[str, Any]) -> None:
    breaker = CircuitBreaker(settings())
    gap = SECOND if "1 s apart" in vector["name"] else 1000
    states, rates = [], []
    for number, call in enumerate(vector["calls"]):
        assert breaker.acquire(number * gap)
        breaker.record(number * gap, call == "ok")
        states.append(breaker.state.upper())
        rates.append(breaker.failure_rate())
    assert states == vector["states"]
    assert "failureRate" not in vector or rates == vector["failureRate"]
    assert not breaker.acquire(len(states) * gap)
    assert breaker.refused == 1


@pytest.mark.parametrize("vector", [one for one in BREAKER["vectors"] if one.get("from") == "HALF_OPEN"])
def test_half_open_lets_so_many_try_and_a_released_permission_is_there_again(vector: dict[str, Any]) -> None:
    breaker = CircuitBreaker(settings())
    breaker.half_open(0)
    assert [breaker.acquire(1) for _ in vector["tryAcquire"]] == vector["tryAcquire"]
    breaker.release()
    assert [breaker.acquire(1)] == vector["after releasePermission"]


@pytest.mark.parametrize(
    ("mean", "deviation", "name"), [(0, 10, "cdf_checks_mean0_std10"), (20, 3, "cdf_mean20_std3")]
)
def test_the_logistic_approximation_meets_the_normal_distribution(
    mean: float, deviation: float, name: str
) -> None:
    for x, expected, tolerance in PHI[name]:
        assert cdf(x, mean, deviation) == pytest.approx(expected, abs=tolerance)


def test_phi_meets_the_published_values() -> None:
    for since, expected in PHI["phi_mean1000_std100"]:
        assert phi(since, 1000, 100) == pytest.approx(expected, abs=PHI["phi_tol"])
    assert phi(10, 0, 1) == pytest.approx(38, abs=1)
    assert phi(-25, 0, 1) == 0
    assert phi(1e9, 0, 1) == inf


def test_suspicion_shortens_with_every_confirmation() -> None:
    for confirmations, expected, elapsed_s, least_s, most_s, remaining_s in SUSPICION["rows"]:
        found = suspicion_ms(confirmations, expected, elapsed_s * 1000, least_s * 1000, most_s * 1000)
        assert found == round(remaining_s * 1000)
    assert suspicion_ms(0, 0, 0, 2000, 30_000) == 2000


def test_gossip_is_repeated_by_the_digits_of_the_members() -> None:
    for multiplier, members, expected in SUSPICION["retransmit_limit(mult,n)"]:
        assert retransmit_limit(multiplier, members) == expected


def test_a_phi_detector_learns_the_rhythm_and_suspects_a_silence() -> None:
    detector = PhiDetector(threshold=8, min_deviation_ms=10, first_ms=1000)
    assert detector.phi(5000) == 0
    for beat in range(20):
        detector.heartbeat(beat * 1000 + (10 if beat % 2 else 0))
    assert detector.is_available(19_000 + 1000)
    before, after = detector.phi(20_000), detector.phi(23_000)
    assert before < 1 < 8 < after
    assert not detector.is_available(23_000)


def test_a_phi_detector_bears_an_acceptable_pause() -> None:
    patient = PhiDetector(acceptable_pause_ms=3000)
    hasty = PhiDetector(acceptable_pause_ms=0)
    for beat in range(10):
        patient.heartbeat(beat * 1000)
        hasty.heartbeat(beat * 1000)
    assert (patient.is_available(11_500), hasty.is_available(11_500)) == (True, False)


# -- further rules of breakers ------------------------------------------------------------------------------------


def fed(breaker: CircuitBreaker, calls: str, at_us: int = 0, took_us: int = 0) -> str:
    """The state after calls: + went well, - failed."""
    for call in calls:
        breaker.record(at_us, call == "+", took_us)
    return breaker.state


def test_too_few_calls_are_not_judged() -> None:
    breaker = CircuitBreaker(settings())
    assert fed(breaker, "----") == CLOSED
    assert breaker.failure_rate() == -1
    assert fed(breaker, "-") == OPEN


def test_a_window_of_time_forgets() -> None:
    breaker = CircuitBreaker(settings())
    fed(breaker, "----")
    assert fed(breaker, "-", 20 * SECOND) == CLOSED
    assert fed(breaker, "----", 21 * SECOND) == OPEN


def test_a_window_of_calls_forgets_by_number_not_by_time() -> None:
    breaker = CircuitBreaker(BreakerSettings(window_calls=4, minimum_requests=4, error_share=0.75))
    assert fed(breaker, "--++-") == CLOSED
    assert fed(breaker, "--", 3600 * SECOND) == OPEN


def test_the_least_number_of_calls_is_at_most_the_window() -> None:
    assert fed(CircuitBreaker(BreakerSettings(window_calls=4, minimum_requests=100)), "----") == OPEN


def test_slow_calls_open_it_though_they_go_well() -> None:
    breaker = CircuitBreaker(settings())
    assert fed(breaker, "++", took_us=4 * SECOND) == CLOSED
    assert fed(breaker, "++", took_us=SECOND) == CLOSED
    assert fed(breaker, "+", took_us=4 * SECOND) == OPEN


def test_open_sleeps_then_trials_decide() -> None:
    breaker = CircuitBreaker(settings())
    fed(breaker, "-----")
    assert not breaker.acquire(5 * SECOND - 1)
    assert breaker.acquire(5 * SECOND)
    assert breaker.state == HALF_OPEN
    assert fed(breaker, "-+-", 5 * SECOND) == HALF_OPEN
    assert fed(breaker, "+", 5 * SECOND) == OPEN  # (half of the trials failed)
    assert breaker.acquire(10 * SECOND)
    assert fed(breaker, "++-+", 10 * SECOND) == CLOSED
    assert breaker.failure_rate() == -1


def test_trials_that_never_end_open_it_again() -> None:
    breaker = CircuitBreaker(settings())
    fed(breaker, "-----")
    assert [breaker.acquire(5 * SECOND) for _ in range(5)] == [True] * 4 + [False]
    assert not breaker.acquire(6 * SECOND)
    assert breaker.state == OPEN


@pytest.mark.parametrize(
    ("field", "value"), [("window_s", 0), ("minimum_requests", 0), ("error_share", 0), ("sleep_s", -1)]
)
def test_wrong_settings_name_the_field(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"breaker.{field}"):
        BreakerSettings(**{field: value})  # type: ignore[arg-type]
