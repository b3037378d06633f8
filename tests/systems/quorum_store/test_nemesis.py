"""Random faults of every kind: what is promised holds on every seed, whatever happens."""

from __future__ import annotations

import pytest

from tests.budget import seeds
from tests.systems.quorum_store.drawn import under_nemesis, verdict


@pytest.mark.parametrize("seed", seeds("quorum_nemesis"))
def test_the_linearizable_mode_is_linearizable_and_loses_nothing(seed: int) -> None:
    world = under_nemesis(seed, {"n": 3, "mode": "linearizable", "anti_entropy_s": 0.5}, servers=3 + seed % 3)
    assert verdict(world, "linearizable") in ("holds", "unknown"), f"seed {seed}"
    assert verdict(world, "no_lost_ack") == "holds", f"seed {seed}"
    assert sum(total["ok"] for total in world.totals().values()) > 20, f"seed {seed}"


@pytest.mark.parametrize("seed", seeds("quorum_nemesis"))
def test_the_linearizable_mode_survives_faults_of_disks_clocks_and_messages_too(seed: int) -> None:
    world = under_nemesis(seed, {"mode": "linearizable"}, profile="everything")
    assert verdict(world, "linearizable") in ("holds", "unknown"), f"seed {seed}"
    assert verdict(world, "no_lost_ack") == "holds", f"seed {seed}"


@pytest.mark.parametrize("seed", seeds("quorum_nemesis"))
def test_an_eventual_store_converges_when_it_is_calm(seed: int) -> None:
    parameters = {"n": 5, "r": 1, "w": 1, "sloppy": True, "anti_entropy_s": 0.3}
    world = under_nemesis(seed, parameters, servers=5)
    assert verdict(world, "replicas_equal") == "holds", f"seed {seed}"


@pytest.mark.parametrize("seed", seeds("quorum_nemesis"))
def test_siblings_converge_too_and_true_clocks_lose_nothing(seed: int) -> None:
    parameters = {"n": 3, "conflicts": "siblings", "anti_entropy_s": 0.3}
    world = under_nemesis(seed, parameters, profile="true_clocks")
    assert verdict(world, "replicas_equal") == "holds", f"seed {seed}"
    assert verdict(world, "no_lost_ack") == "holds", f"seed {seed}"
