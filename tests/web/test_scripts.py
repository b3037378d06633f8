"""Another fault script for a run: a branch of its own, while everything before is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from simulations import catalogue, selectors, wire
from simulations.engine.world import World
from simulations.live.recipe import Recipe
from simulations.models import Branch, Run
from simulations.services import (
    commands,
    experiments,
    exports,
    headless,
    links,
    losses,
    runs,
    scripts,
    states,
)
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]

KILL = {"at_s": 1.0, "do": "kill", "target": "n2", "for_s": 0.5}
WRITE = {"do": "client", "client": "c1", "operation": "put", "key": "x", "value": "1"}


def play(
    run: Run, *faults: dict[str, Any], branch: int = 0, key: str = "s1", at_us: int = 0, **named: Any
) -> Branch:
    """Play a script as the owner."""
    return scripts.play(
        code=run.code,
        visitor=named.pop("visitor", kit.OWNER),
        key=key,
        branch=branch,
        at_us=at_us,
        faults=list(faults),
    )


@pytest.fixture
def run() -> Run:
    """A run of RA-01 that was watched for two seconds, with a write and a fault by hand."""
    made = kit.make_run()
    kit.pause_at(made, 500_000)
    kit.give(made, WRITE, key="write")
    kit.give(made, {"do": "kill", "target": "n1"}, key="kill")
    kit.pause_at(made, 2_000_000)
    kit.work(made.code)
    return made


def hit(recipe: Recipe, until_us: int = 2_000_000) -> list[tuple[int, str]]:
    """When and what the fault script did by a time."""
    world = World(experiments.parsed(recipe.experiment), recipe.seed, record="full")
    for command in recipe.commands:
        world.run_until(command.at_us)
        world.command(command.at_us, command.do, command.seq)
    world.run_until(until_us)
    events = world.take_chunk().plain()["events"]
    return [(event[1], event[5]["do"]) for event in events if event[2] == 4 and event[1] <= until_us]


def test_a_script_is_a_branch_from_the_start_and_the_old_one_is_kept(run: Run) -> None:
    before = kit.recipe(run, 0)
    branch = play(run, KILL, at_us=900_000)
    run.refresh_from_db()
    head = selectors.playhead_of(run)
    assert (branch.number, branch.parent, branch.fork_us) == (1, 0, 0)
    assert (head.branch, head.anchor_us) == (1, 900_000)
    assert kit.recipe(run, 0).key == before.key
    assert [command.do["do"] for command in kit.recipe(run, 0).commands] == ["client", "kill"]
    # What the person killed by hand is a line of the script now or not there; the write still happens.
    assert [command.do["do"] for command in kit.recipe(run, 1).commands] == ["client"]
    assert hit(kit.recipe(run, 1)) == [(500_000, "client"), (1_000_000, "kill"), (1_500_000, "restart")]
    shown = {line["id"]: line for line in selectors.branches_plain(run)}
    assert "faults" not in shown[0]
    assert shown[1]["faults"] == [KILL]


def test_what_is_shown_of_it_is_simulated_from_its_script(run: Run) -> None:
    branch = play(run, KILL, at_us=900_000)
    kit.move(run, play=False, speed=1.0)
    kit.work(run.code)
    frames = states.frames_between(run.code, branch.number, 900_000, None)
    events = [event for frame in frames for event in wire.decode_chunk(wire.read_frame(frame)[1])["events"]]
    assert (1_000_000, "kill") in [(event[1], event[5]["do"]) for event in events if event[2] == 4]


def test_the_same_key_is_the_same_branch(run: Run) -> None:
    assert play(run, KILL).pk == play(run, KILL).pk
    assert run.branches.count() == 2


def test_further_branches_follow_the_script_of_theirs(run: Run) -> None:
    play(run, KILL, at_us=2_000_000)
    kit.pause_at(run, 2_000_000)
    kit.give(run, {"do": "pause", "target": "n3"}, key="pause")
    kit.pause_at(run, 1_200_000)
    forked = kit.give(run, {"do": "kill", "target": "n4"}, at_us=1_200_000, key="again")
    undone = commands.undo(code=run.code, visitor=kit.OWNER, key="undo")
    for number in (forked.branch, undone.branch):
        assert experiments.parsed(kit.recipe(run, number).experiment).faults[0].do == "kill"
        assert kit.recipe(run, number).fingerprint == kit.recipe(run, 1).fingerprint
    copied = runs.fork_run(visitor=kit.GUEST, code=run.code, branch=1, at_us=1_000_000)
    assert kit.recipe(copied, 0).fingerprint == kit.recipe(run, 1).fingerprint


def test_saved_links_exports_and_questions_keep_it(run: Run, tmp_path: Any) -> None:
    branch = play(run, KILL)
    kit.move(run, play=False, speed=1.0)
    kit.work(run.code)
    link = links.save_link(visitor=kit.OWNER, code=run.code, branch=1, at_us=1_000_000, title="scripted")
    assert links.link_recipe(link).key == kit.recipe(run, 1).key
    assert links.link_recipe(link, 0).key == kit.recipe(run, 0).key
    assert links.check_reproduces(link.slug) is True
    forked = links.fork_link(visitor=kit.GUEST, link=link, at_us=1_000_000)
    assert kit.recipe(forked, 0).fingerprint == kit.recipe(run, 1).fingerprint
    path = tmp_path / "recipe.json"
    path.write_bytes(exports.export(run, branch.number, "recipe")[2])
    assert [line.do for line in headless.find(str(path)).experiment.faults] == ["kill"]
    asked = losses.start(run, branch.number, kit.OWNER, points=2, seeds=1)
    assert json.loads(asked.experiment.plain)["faults"] == [KILL]


def test_who_watches_is_refused_and_wrong_lines_are_named(run: Run) -> None:
    with pytest.raises(wire.BadInput) as refused:
        play(run, KILL, visitor=kit.GUEST)
    assert (refused.value.field, refused.value.status) == ("role", 403)
    with pytest.raises(experiments.BadExperiment) as wrong:
        play(run, KILL, {"at_s": 2, "do": "kill", "target": "n99"})
    assert wrong.value.field.startswith("faults[1]")
    with pytest.raises(wire.BadInput):
        play(run, KILL, branch=7)
    assert run.branches.count() == 1


def test_the_door_answers_with_the_branch_or_every_wrong_line() -> None:
    client = Client()
    made = client.post("/api/runs", {"experiment": "RA-01"}, content_type="application/json").json()
    body = {"key": "s1", "branch": 0, "at_us": 0, "faults": [KILL]}
    path = f"/api/runs/{made['code']}/script"
    answer = client.post(path, body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (201, {"branch": 1})
    wrong = client.post(
        path, {**body, "key": "s2", "faults": [{"do": "kill"}]}, content_type="application/json"
    )
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"].startswith("faults[0]")
    assert catalogue.load("RA-01").faults  # what ships is what it was
