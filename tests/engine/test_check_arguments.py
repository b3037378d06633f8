"""What an experiment gives to a check reaches it, and what it cannot take is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulations import catalogue
from simulations.engine import harness, requirements
from simulations.engine.experiment import variant
from simulations.engine.experiment.structs import Check, Experiment
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World


def stale(*checks: Check) -> Experiment:
    """A run in which clients read old values for a while, with these expectations."""
    experiment = variant(catalogue.load("RA-12"), "slow_clock")
    return msgspec.structs.replace(experiment, checks=list(checks), stop_s=4.2)


def fresh(**arguments: Any) -> Check:
    return Check(check="fresh_reads", arguments=arguments)


def verdict(check: Check) -> str:
    """What the check says of that run."""
    experiment = stale(check)
    assert requirements.lacking(experiment, SYSTEMS) == []
    world = World(experiment)
    world.run_until(round(experiment.stop_s * 1_000_000))
    return world.verdicts()["fresh_reads"].verdict


def test_how_old_a_read_may_be_is_the_experiments_choice() -> None:
    world = World(stale(fresh()))
    world.run_until(round(world.experiment.stop_s * 1_000_000))
    oldest_ms = harness.metric(world, "staleness_ms_max")
    assert oldest_ms > 10
    assert world.verdicts()["fresh_reads"].verdict == "violated"
    assert verdict(fresh(age_ms_max=oldest_ms)) == "holds"
    assert verdict(fresh(age_ms_max=oldest_ms - 1)) == "violated"
    assert verdict(fresh(versions_max=100_000)) == "holds"
    assert verdict(fresh(versions_max=0)) == "violated"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (fresh(versions=1), ["fresh_reads", "versions", "versions_max, age_ms_max"]),
        (fresh(age_ms_max="long"), ["fresh_reads", "age_ms_max"]),
        (fresh(versions_max=-1), ["fresh_reads", "versions_max"]),
        (Check(check="linearizable", arguments={"speed": 1}), ["linearizable", "speed", "none"]),
        (Check(metric="stale_reads", arguments={"k": 1}), ["stale_reads", "takes none"]),
    ],
)
def test_arguments_that_a_check_cannot_take_are_named(line: Check, words: list[str]) -> None:
    (problem,) = requirements.lacking(stale(line), SYSTEMS)
    for word in words:
        assert word in problem


def test_one_check_is_not_asked_in_two_ways() -> None:
    (problem,) = requirements.lacking(stale(fresh(versions_max=1), fresh(versions_max=2)), SYSTEMS)
    assert "second" in problem
