"""One experiment in several forms: equal conditions, one set of commands, and nothing else that differs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from simulations import catalogue, selectors
from simulations.engine.world import World
from simulations.live import worlds
from simulations.models import Run
from simulations.services import comparisons
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


def post(client: Client, **fields: Any) -> Any:
    return client.post("/api/comparisons", json.dumps(fields), content_type="application/json")


def made(answer: Any) -> list[Run]:
    assert answer.status_code == 201, answer.content
    return [Run.objects.get(code=code) for code in answer.json()["runs"]]


def world_of(run: Run, until_us: int) -> World:
    """The run simulated from its recipe alone."""
    recipe = kit.recipe(run)
    world = World(worlds.experiment_of(recipe.experiment), recipe.seed)
    for command in recipe.commands:
        world.run_until(command.at_us)
        world.command(command.at_us, command.do, command.seq)
    world.run_until(until_us)
    return world


def arrivals(world: World) -> list[tuple[int, str, str, str | None, int]]:
    """What the clients asked for, and when."""
    found = world.history.operations.values()
    return sorted((one.id, one.client, one.kind, one.key, one.invoked_us) for one in found)


@pytest.mark.parametrize("kill_us", [200_000, 1_200_000])
def test_three_systems_get_the_same_operations_and_the_same_faults(client: Client, kill_us: int) -> None:
    """However long a system is without a leader, and whomever its clients ask then: the operations stay the same."""
    sides = [{}, {"system": "paxos"}, {"system": "zookeeper"}]
    runs = made(post(client, experiment="RA-03", sides=sides, seed=7))
    assert {run.seed for run in runs} == {7}
    assert not selectors.playhead_of(runs[0]).playing
    for run in runs:
        run.open_control = True
        run.save(update_fields=["open_control"])
        answer = kit.give(run, {"do": "kill", "target": "leader"}, at_us=kill_us, key="all")
        assert answer.type == "accepted", answer
    raft, *others = [world_of(run, 8_000_000) for run in runs]
    asked = arrivals(raft)
    assert len(asked) > 300
    assert all(arrivals(other) == asked for other in others)
    assert all(other.verdicts()["no_lost_ack"].verdict == "holds" for other in (raft, *others))
    commands = [[(one.at_us, one.do) for one in kit.recipe(run).commands] for run in runs]
    assert commands[1] == commands[2] == commands[0]


def test_a_variant_and_a_parameter_can_be_compared_with_the_base(client: Client) -> None:
    runs = made(
        post(
            client, experiment="RA-12", sides=[{}, {"variant": "slow_clock"}, {"set": {"heartbeat_ms": 100}}]
        )
    )
    assert len({run.experiment_id for run in runs}) == 3
    assert len({run.seed for run in runs}) == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"experiment": "RA-03", "sides": [{}]}, "sides"),
        ({"experiment": "RA-03", "sides": [{}, {}, {}, {}]}, "sides"),
        ({"experiment": "RA-03", "sides": [{}, {"system": "raftt"}]}, "sides[1].system"),
        ({"experiment": "RA-03", "sides": [{}, {"variant": "nothing"}]}, "sides[1]"),
        ({"experiment": "RA-03", "sides": [{}, {"set": {"heartbeat_ms": "fast"}}]}, "sides[1]"),
        ({"experiment": "RA-03", "sides": [{}, {"set": {"stop_s": 3}}]}, "sides[1]"),
        ({"experiment": "XX-99", "sides": [{}, {}]}, "sides[0]"),
        ({"experiment": "RA-03", "sides": [{"speed": 1}, {}]}, "sides[0].speed"),
    ],
)
def test_what_cannot_be_compared_is_named(client: Client, fields: dict[str, Any], field: str) -> None:
    answer = post(client, **fields)
    assert answer.status_code in (400, 404), answer.content
    assert answer.json()["error"]["field"].startswith(field), answer.json()
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("experiment", "side", "sentence"),
    [
        ("RA-03", {"variant": "nine_in_three"}, "节点与第一方不同，无法对比"),
        ("PX-03", {"variant": "hundred_multi"}, "客户端与第一方不同，无法对比"),
        ("RA-03", {"set": {"stop_s": 3}}, "结束时间与第一方不同，无法对比"),
    ],
)
def test_what_differs_is_said_in_chinese(
    client: Client, experiment: str, side: dict[str, Any], sentence: str
) -> None:
    error = post(client, experiment=experiment, sides=[{}, side]).json()["error"]
    assert (error["field"], error["message_zh"]) == ("sides[1]", sentence)


def test_an_experiment_tells_what_it_can_be_compared_with(client: Client) -> None:
    found = client.get("/api/comparisons/RA-12/forms").json()
    assert "slow_clock" in found["variants"]
    assert {"raft", "paxos"} <= set(found["systems"])
    assert client.get("/compare").status_code == 200


@pytest.mark.parametrize("id", catalogue.ids())
def test_every_experiment_can_be_asked(id: str) -> None:
    found = comparisons.forms(catalogue.load(id))
    assert catalogue.load(id).system in found["systems"]


def test_variants_with_other_nodes_or_clients_are_not_offered(client: Client) -> None:
    for experiment, other in (("RA-03", "nine_in_three"), ("PX-03", "hundred_multi")):
        assert other not in client.get(f"/api/comparisons/{experiment}/forms").json()["variants"]
