"""Random faults while members come and go: one owner, nothing lost, every move ends. And each twin is caught."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.sharding.descriptor import DESCRIPTOR
from simulations.engine.systems.sharding.twins import TWINS
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.sharding.helpers import recipe, run, stormy, verdicts

STORE_TWINS = sorted(set(TWINS) - {"no_stabilization"})
CAUGHT_BY = {twin.name: twin.caught_by for twin in DESCRIPTOR.twins}


def replay(seed: int) -> str:
    return f"replay: run(stormy({seed}))"


def keeper(world: World) -> Any:
    return next(
        context.process for context in world.kernel.contexts if getattr(context.process, "keeps", False)
    )


@pytest.mark.parametrize("seed", seeds("sharding_nemesis"))
def test_one_owner_and_no_lost_write_under_random_faults(seed: int) -> None:
    world = run(stormy(seed))
    found = verdicts(world)
    assert (found["one_owner_per_shard"], found["no_lost_ack"]) == ("holds", "holds"), replay(seed)
    assert found["linearizable"] != "violated", replay(seed)
    assert keeper(world).moves == {}, replay(seed)
    assert keeper(world).wanted_members in ((), keeper(world).members), replay(seed)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_saved_and_forked_in_the_middle_of_moves_goes_on_the_same(seed: int) -> None:
    experiment = parse(stormy(seed), SYSTEMS)
    whole, cut = World(experiment), World(experiment)
    whole.run_until(6_000_000)
    for at_us in range(400_000, 6_000_001, 400_000):
        cut.run_until(at_us)
        cut = World.load(experiment, cut.save()) if at_us % 800_000 else cut.fork()
    assert (cut.digest(), verdicts(cut)) == (whole.digest(), verdicts(whole)), replay(seed)


JOIN = {"at_s": 2, "do": "configure", "add": "dog"}
DEAF = {"at_s": 2.3, "do": "cut", "from": "ant", "to": "bee", "one_way": True, "for_s": 1}
STORIES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    # bee, where a client is, hears of no new owner for a second: not that cat has given a shard away.
    "no_epoch_check": ([{**DEAF, "at_s": 1.99}, JOIN], {}),
    "never_freezes": ([{**DEAF, "at_s": 2.004}, JOIN], {}),
    # Clients write on while the copy takes its time.
    "skips_writes": ([JOIN], {"copy_mb_s": 0.002}),
    # The owner freezes, crashes and is back before its word reaches the keeper.
    "forgets_freeze": (
        [
            {"at_s": 1.9, "do": "delay_message", "match": {"message": "Copied", "from": "bee"}, "extra_ms": 350,
             "for_s": 0.3},
            JOIN,
            {"at_s": 2.2, "do": "kill", "target": "bee", "for_s": 0.05},
            DEAF,
        ],
        {},
    ),
}  # fmt: skip
"""Twin -> the faults and parameters under which it fails and the correct system does not."""


@pytest.mark.parametrize("twin", STORE_TWINS)
def test_each_twin_is_caught_by_its_check(twin: str) -> None:
    faults, parameters = STORIES[twin]
    right, wrong = (
        verdicts(run(recipe(seed=2, faults=faults, parameters=parameters, value_bytes=400, twin=name)))
        for name in (None, twin)
    )
    assert right["one_owner_per_shard"] == right["no_lost_ack"] == right["linearizable"] == "holds"
    assert {wrong[name] for name in CAUGHT_BY[twin]} == {"violated"}


@pytest.mark.parametrize("twin", STORE_TWINS)
def test_without_moves_and_faults_no_twin_differs(twin: str) -> None:
    plain, twisted = run(recipe(stop_s=2)), run(recipe(stop_s=2, twin=twin))
    assert plain.digest() == twisted.digest()
    assert verdicts(twisted)["one_owner_per_shard"] == verdicts(twisted)["no_lost_ack"] == "holds"


def test_every_twin_names_a_rule_that_it_overrides() -> None:
    assert {twin.name for twin in DESCRIPTOR.twins} == set(TWINS)
    for twin in DESCRIPTOR.twins:
        assert all(twin.rule in vars(kind) for kind in TWINS[twin.name].values())
