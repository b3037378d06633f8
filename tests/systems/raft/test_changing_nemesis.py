"""Correct Raft under random faults while its membership changes and its logs are compacted."""

from __future__ import annotations

import pytest

from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.kept_notes import keep_notes, noted
from tests.systems.nemesis import CALM_S
from tests.systems.raft.campaign import linearizable
from tests.systems.raft.changing import recipe, run_recipe


@pytest.mark.parametrize("seed", seeds("raft_membership"))
def test_no_check_is_violated_and_work_goes_on_after_the_faults(seed: int) -> None:
    world, verdicts = run_recipe(recipe(seed))
    assert not {name: found for name, found in verdicts.items() if found.verdict == "violated"}
    assert linearizable(world) == "holds"
    calm_us = (world.experiment.stop_s - CALM_S) * 1_000_000
    assert any(
        operation.outcome == "ok" and operation.invoked_us > calm_us
        for operation in world.observer.ledger.done
    )


RARE = {
    "raft.change_refused_pending",
    "raft.configuration_undone",
    "raft.joins",
    "raft.learner_caught_up",
    "raft.promotion_refused",
    "raft.removed_itself",
    "raft.compacted",
    "raft.sends_snapshot",
    "raft.snapshot_installed",
}


def test_the_faults_make_the_rare_rules_decide_sometimes() -> None:
    missing = set(RARE)
    for seed in range(1, 31):
        experiment = parse(recipe(seed), SYSTEMS)
        world = World(experiment, checks={})
        keep_notes(world)
        world.run_until(round(experiment.stop_s * 1_000_000))
        missing -= noted(world)
        if not missing:
            return
    raise AssertionError(f"never happened in 30 seeds: {sorted(missing)}")


@pytest.mark.parametrize("seed", seeds("raft_membership")[:2])
def test_a_checkpoint_in_the_middle_of_it_changes_nothing(seed: int) -> None:
    experiment = parse(recipe(seed), SYSTEMS)
    through, saved = World(experiment), World(experiment)
    through.run_until(4_000_000)
    for at_us in (1_500_000, 2_500_000, 3_300_000):
        saved.run_until(at_us)
        saved = World.load(experiment, saved.save())
    saved.run_until(4_000_000)
    assert saved.digest() == through.digest()
    fork = saved.fork()
    through.run_until(5_000_000)
    fork.run_until(5_000_000)
    assert fork.digest() == through.digest()
