"""Every broken twin is caught by the check that is named for it, and differs in nothing where nothing goes wrong."""

from __future__ import annotations

import pytest

from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.raft.descriptor import DESCRIPTOR
from simulations.engine.systems.raft.properties import CHECKS
from simulations.engine.systems.raft.twins import TWINS
from simulations.engine.world import World
from tests.systems.nemesis import experiment
from tests.systems.raft.campaign import MIX, linearizable, run
from tests.systems.raft.stages import STAGES, play

SEEDS = 200


def verdict(seed: int, twin: str | None, check: str) -> str:
    """What one check says of one seed."""
    world, verdicts = run(seed, twin)
    return linearizable(world) if check == "linearizable" else verdicts[check].verdict


@pytest.mark.parametrize(
    ("twin", "check"),
    [(twin.name, check) for twin in DESCRIPTOR.twins for check in twin.caught_by if twin.name not in STAGES],
)
def test_a_twin_is_caught_and_the_correct_system_is_not(twin: str, check: str) -> None:
    caught = next((seed for seed in range(1, SEEDS + 1) if verdict(seed, twin, check) == "violated"), None)
    assert caught is not None, f"{twin}: {check} stayed silent on {SEEDS} seeds"
    assert verdict(caught, None, check) != "violated", f"seed {caught}: {check} accuses the correct system"


@pytest.mark.parametrize(
    ("twin", "check"),
    [(twin.name, check) for twin in DESCRIPTOR.twins for check in twin.caught_by if twin.name in STAGES],
)
def test_a_twin_is_caught_on_its_stage_and_the_correct_system_is_not(twin: str, check: str) -> None:
    assert play(twin, twin)[check].verdict == "violated"
    assert "violated" not in {found.verdict for found in play(twin, None).values()}


@pytest.mark.parametrize("twin", [None, *TWINS])
def test_a_twin_passes_a_run_without_faults(twin: str | None) -> None:
    recipe = experiment(3, "raft", {}, servers=5, twin=twin, stop_s=4.0, disk_ms=1, mix=MIX, faults=False)
    world = World(
        parse(recipe, SYSTEMS), systems=SYSTEMS, checks={name: made() for name, made in CHECKS.items()}
    )
    world.run_until(4_000_000)
    verdicts = world.observer.verdicts()
    assert {name: found.verdict for name, found in verdicts.items()} == dict.fromkeys(verdicts, "holds")
    assert linearizable(world) == "holds"


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_overrides_the_one_rule_it_names(twin: object) -> None:
    name, rule = twin.name, twin.rule  # type: ignore[attr-defined]
    (made,) = TWINS[name].values()
    own = [attribute for attribute in vars(made) if not attribute.startswith("__")]
    assert own == [rule]
