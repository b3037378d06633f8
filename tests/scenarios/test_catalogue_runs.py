"""Every experiment that ships, run and judged: base and variants as expected, and toggles that really toggle."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue, concepts
from simulations.engine import harness, meters, requirements
from simulations.engine.experiment import variant, variants
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.services.headless import Job, compared, simulate_all
from tests.budget import budget

TOGGLES = [
    "RA-03", "RA-04", "RA-05", "RA-06", "RA-07", "RA-08", "RA-13", "GF-02", "PX-01", "PX-04", "PX-05",
    "AM-01", "BA-05", "BA-06", "CAP-02",
    "ZK-02", "ZK-04", "ZK-06", "ZK-08",
    "MC-04",
]  # fmt: skip
SEEDS = range(1000, 1000 + budget("catalogue_toggles"))


def test_everything_that_ships_can_be_played() -> None:
    lacking = {id: requirements.lacking(catalogue.load(id), SYSTEMS) for id in catalogue.ids()}
    assert not {id: absent for id, absent in lacking.items() if absent}


@pytest.mark.parametrize("id", catalogue.ids())
def test_everything_is_as_expected(id: str) -> None:
    experiment = catalogue.load(id)
    result = simulate_all(Job(experiment, experiment.seed))
    wrong = [
        (name, check["name"], check["verdict"], check.get("value"))
        for name, part in [("base", result), *result.get("variants", {}).items()]
        for check in part.get("checks", [])
        if check["verdict"] != check["expected"]
    ]
    compared_lines = result.get("compare", [])
    wrong += [
        ("compare", c["name"], c["values"], "") for c in compared_lines if c["verdict"] != c["expected"]
    ]
    assert result["as_expected"], f"manage.py simulate {id}: {wrong}"
    assert concepts.judged_lines(result) == concepts.recorded()[id], f"manage.py verdicts {id}"


def run(id: str, seed: int) -> World:
    experiment = catalogue.load(id)
    world = World(experiment, seed)
    world.run_until(round(experiment.stop_s * 1_000_000))
    return world


@pytest.mark.parametrize("id", TOGGLES)
def test_what_a_variant_toggles_differs_on_other_seeds_too(id: str) -> None:
    experiment = catalogue.load(id)
    parts = [
        "",
        *(one for one in variants(experiment) if not requirements.lacking(variant(experiment, one), SYSTEMS)),
    ]
    lines = [line for line in experiment.compare if line.variant in parts and line.against in parts]
    assert lines, f"{id} toggles nothing"
    wrong: list[Any] = []
    for seed in SEEDS:
        worlds = {part: run(f"{id}/{part}" if part else id, seed) for part in parts}
        results = [compared(line, worlds) for line in lines]
        wrong += [
            (seed, result["name"], result["values"]) for result in results if result["verdict"] != "holds"
        ]
    assert not wrong, f"manage.py simulate {id} --seed {wrong[0][0]}: {wrong}"


@pytest.mark.parametrize("seed", SEEDS)
def test_ra_01_sessions_decide_how_often_x_is_applied(seed: int) -> None:
    scope = meters.Scope(operation="append_x")
    worlds = [run(f"RA-01/{part}", seed) for part in ("retry_without_session", "retry_with_session")]
    assert [harness.metric(world, "times_applied", scope) for world in worlds] == [2, 1], f"seed {seed}"
