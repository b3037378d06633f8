"""What the catalogue's experiments on membership and snapshots show does not hang on their seed."""

from __future__ import annotations

import pytest

from simulations import catalogue
from simulations.engine.harness import metric
from simulations.engine.meters import Scope
from simulations.engine.world import World
from simulations.services.headless import Job, simulate_all

SEEDS = (1000, 1001)


def run(id: str, seed: int) -> World:
    experiment = catalogue.load(id)
    world = World(experiment, seed)
    world.run_until(round(experiment.stop_s * 1_000_000))
    return world


def verdict(id: str, seed: int, check: str) -> str:
    return run(id, seed).verdicts()[check].verdict


@pytest.mark.parametrize("seed", SEEDS[:1])
def test_ra_09_a_learner_first_keeps_writes_going(seed: int) -> None:
    voter, learner = run("RA-09", seed), run("RA-09/learner", seed)
    gaps = [metric(world, "longest_gap_ms", Scope()) for world in (voter, learner)]
    assert gaps[0] > 8000
    assert gaps[1] < 600
    assert metric(learner, "role_at_end", Scope(node="n4")) == "follower"


@pytest.mark.parametrize("seed", SEEDS)
def test_ra_10_a_snapshot_and_the_tail_are_far_less_than_the_log(seed: int) -> None:
    for part in ("RA-10", "RA-10/crash_during_install"):
        world = run(part, seed)
        found = world.verdicts()
        assert {found[name].verdict for name in ("state_hashes_equal", "no_partial_snapshot")} == {"holds"}
        assert metric(world, "snapshots_installed", Scope(node="n3")) == 1
        assert metric(world, "catch_up_share_of_log", Scope(node="n3")) < 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_ra_11_only_the_direct_switch_lets_two_groups_decide(seed: int) -> None:
    assert verdict("RA-11/direct", seed, "state_machine_safety") == "violated"
    for part in ("RA-11", "RA-11/single_server"):
        assert verdict(part, seed, "state_machine_safety") == "holds"


@pytest.mark.parametrize("seed", SEEDS)
def test_ra_11_two_leaders_of_one_term_after_a_direct_switch(seed: int) -> None:
    assert verdict("RA-11/direct_same_term", seed, "one_leader_per_term") == "violated"


@pytest.mark.parametrize("seed", SEEDS)
def test_ra_11_the_guard_of_2015_decides(seed: int) -> None:
    assert verdict("RA-11/bug_2015", seed, "committed_prefixes_agree") == "violated"
    assert verdict("RA-11/bug_2015_guarded", seed, "committed_prefixes_agree") == "holds"


def test_a_violation_that_nobody_asked_for_is_told_and_judged_by_nobody() -> None:
    experiment = catalogue.load("RA-11/bug_2015")
    result = simulate_all(Job(experiment, experiment.seed, alone=True))
    (told,) = [check for check in result["checks"] if check["expected"] is None]
    assert (told["name"], told["verdict"]) == ("state_machine_safety", "violated")
    assert told["event"] is not None
    assert result["as_expected"]
