"""When was it lost, asked of a run: on real workers, with the numbers of one process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from simulations import selectors
from simulations.models import Run, Sweep
from simulations.services import experiments, losses, runs, sweep_queue, sweep_work, sweeps
from simulations.sweeps import loss
from simulations.sweeps.batches import run_batch
from tests.engine.planted import PLANTED, STOP_US, WRITE_S, lossy_seed
from tests.stack import wait_until
from tests.web.kit import OWNER, give, pause_at


def planted_run(shown_us: int = STOP_US) -> Run:
    """A run of the planted loss that was shown up to a moment."""
    run = runs.create_run(visitor=OWNER, experiment=experiments.parse(PLANTED), seed=lossy_seed())
    pause_at(run, shown_us)
    return run


def straight(row: Sweep) -> dict[str, Any]:
    """What one process of its own says."""
    plan = sweeps.plan_of(row)
    parts = [run_batch(row.experiment.plain, plan, start, stop) for start, stop in plan.whole_points()]
    return loss.curve(plan, parts)


@pytest.mark.django_db(transaction=True)
def test_workers_find_the_step_whatever_is_done_twice(live_redis: Any, workers: list[str]) -> None:
    run = planted_run()
    row = losses.start(run, 0, OWNER, points=20, seeds=20)
    sweep_queue.send(row.pk, row.generation, [0, 0, 20])
    wait_until(lambda: losses.state(row)["state"] == "done", "the curve is there", 60)
    found = losses.state(row, OWNER)
    assert (found["done"], found["runs"], found["yours"]) == (400, 400, True)
    assert found["result"] == straight(row)
    step, spacing = found["result"]["step"], STOP_US // 19
    assert step["from_us"] - spacing <= WRITE_S * 1_000_000 <= step["to_us"] + spacing
    assert step["after"] == 1


@pytest.mark.django_db(transaction=True)
def test_pieces_whose_workers_died_are_done_again(
    live_redis: Any, workers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sweep_queue, "send", lambda *_: True)
        row = losses.start(planted_run(), 0, OWNER, points=4, seeds=10)
    for start, _ in sweeps.plan_of(row).whole_points():
        batch = sweep_work.begin(row, start)
        assert batch is not None
        sweep_queue.let_go(batch.pk)  # ... the worker dies here, and its lease lapses
    wait_until(lambda: losses.state(row)["state"] == "done", "the curve is there", 60)
    assert set(row.batches.values_list("attempts", flat=True)) == {2}
    assert losses.state(row)["result"] == straight(row)


@pytest.fixture
def by_hand(live_redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is queued: the test takes the worker's turns."""
    monkeypatch.setattr(sweep_queue, "send", lambda *_: True)


def turns(row: Sweep) -> None:
    while (batch := row.batches.filter(state="waiting").first()) is not None:
        sweep_work.work(row.pk, batch.start, row.generation)


def post(client: Client, path: str, body: Any) -> tuple[int, Any]:
    answer = client.post(path, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


@pytest.mark.django_db
@pytest.mark.usefixtures("by_hand")
def test_the_api_from_the_question_to_the_answer(client: Client) -> None:
    run = planted_run()
    path = f"/api/runs/{run.code}/loss"
    assert client.get(path).json() == {"loss": None}
    status, made = post(client, path, {"check": "no_lost_ack", "points": 4, "seeds": 3, "branch": 0})
    assert (status, made["state"], made["done"], made["runs"], made["yours"]) == (201, "running", 0, 12, True)
    assert post(client, path, {"points": 4, "seeds": 3})[1]["code"] == made["code"]
    turns(Sweep.objects.get(code=made["code"]))
    found = client.get(f"/api/losses/{made['code']}").json()
    assert (found["state"], found["done"]) == ("done", 12)
    assert [point["runs"] for point in found["result"]["points"]] == [3] * 4
    assert client.get(path).json()["loss"]["result"] == found["result"]
    # It is no sweep over seeds, and is not shown among those.
    assert client.get(f"/api/sweeps/{made['code']}").status_code == 404
    assert client.get("/api/sweeps").json()["sweeps"] == []


@pytest.mark.django_db
@pytest.mark.usefixtures("by_hand")
def test_nothing_is_told_of_what_nobody_has_seen(client: Client) -> None:
    run = planted_run(shown_us=800_000)
    _, made = post(client, f"/api/runs/{run.code}/loss", {"points": 3, "seeds": 1})
    row = Sweep.objects.get(code=made["code"])
    turns(row)
    points = losses.state(row)["result"]["points"]
    assert [point["at_us"] for point in points] == [0, 400_000, 800_000]


@pytest.mark.django_db
@pytest.mark.usefixtures("by_hand")
def test_a_command_makes_the_answer_old(client: Client) -> None:
    run = planted_run(shown_us=1_000_000)
    path = f"/api/runs/{run.code}/loss"
    _, made = post(client, path, {"points": 2, "seeds": 1})
    assert client.get(path).json()["loss"]["code"] == made["code"]
    give(run, {"do": "kill", "target": ["n2"]})
    assert client.get(path).json() == {"loss": None}
    _, again = post(client, path, {"points": 2, "seeds": 1})
    assert again["code"] != made["code"]
    branch = selectors.branch_of(run, 0)
    assert branch is not None
    kept = sweeps.plan_of(Sweep.objects.get(code=again["code"])).loss
    assert kept
    assert kept.commands == losses.commands_of(branch) != []


@pytest.mark.django_db
@pytest.mark.usefixtures("by_hand")
def test_who_asked_may_cancel() -> None:
    run, owner, guest = planted_run(), Client(), Client()
    _, made = post(owner, f"/api/runs/{run.code}/loss", {"points": 2, "seeds": 1})
    assert post(guest, f"/api/losses/{made['code']}/cancel", {})[0] == 403
    assert post(owner, f"/api/losses/{made['code']}/cancel", {})[1]["state"] == "cancelled"


@pytest.mark.django_db
@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"check": "nothing"}, "check"),
        ({"points": 1}, "points"),
        ({"seeds": 0}, "seeds"),
        ({"points": 200, "seeds": 1000}, "seeds"),
        ({"branch": 7}, "branch"),
        ({"more": 1}, "more"),
    ],
)
def test_bad_input_names_the_field(client: Client, change: dict[str, Any], field: str) -> None:
    status, answer = post(client, f"/api/runs/{planted_run().code}/loss", change)
    assert status in (400, 404)
    assert field in answer["error"]["field"]
    assert client.get("/api/losses/zzzzzz").status_code == 404
