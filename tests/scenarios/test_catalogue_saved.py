"""A world that was saved and loaded again tells the same as one that never was: states, checks, metrics, faults."""

from __future__ import annotations

import pytest

from simulations import catalogue
from simulations.engine.world import World

UNTIL_US = 3_000_000


@pytest.mark.parametrize("id", catalogue.ids())
def test_a_loaded_world_has_the_same_results(id: str) -> None:
    experiment = catalogue.load(id)
    whole = World(experiment)
    until_us = min(UNTIL_US, round(experiment.stop_s * 1_000_000))
    whole.run_until(until_us // 2)
    loaded = World.load(experiment, whole.save())
    for world in (whole, loaded):
        world.run_until(until_us)
    assert loaded.digest() == whole.digest()
    assert loaded.results() == whole.results()
