"""What the experiments of primary-replica compare differs on seeds that they do not ship with, too."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue
from simulations.engine.experiment import variant
from simulations.engine.world import World
from simulations.services.headless import compared
from tests.budget import seeds

IDS = ("MS-01", "MS-02", "MS-03", "CO-02", "CO-04")


@pytest.mark.parametrize("seed", seeds("failover_toggles"))
@pytest.mark.parametrize("id", IDS)
def test_what_a_variant_toggles_differs_on_another_seed(id: str, seed: int) -> None:
    experiment = catalogue.load(id)
    parts = {part for line in experiment.compare for part in (line.variant, line.against)}
    worlds: dict[str, World] = {}
    for part in sorted(parts):
        worlds[part] = World(variant(experiment, part) if part else experiment, 1000 + seed)
        worlds[part].run_until(round(worlds[part].experiment.stop_s * 1_000_000))
    results: list[Any] = [compared(line, worlds) for line in experiment.compare]
    wrong = [(one["name"], one["values"]) for one in results if one["verdict"] != "holds"]
    assert not wrong, f"manage.py simulate {id} --seed {1000 + seed}: {wrong}"
