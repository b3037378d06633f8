"""The API of sweeps and of the smallest failing case, with a worker's turns taken in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from simulations import selectors
from simulations.models import Shrink, Sweep
from simulations.services import dispatch, shrinks, sweep_queue, sweep_work
from tests.web.kit import give, make_run, pause_at, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live_redis", "no_broker")]


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is queued: the tests take the worker's turns themselves."""
    monkeypatch.setattr(sweep_queue, "send", lambda *_: True)
    monkeypatch.setattr(dispatch, "send_slow", lambda *_: True)


def post(client: Client, path: str, body: Any) -> tuple[int, Any]:
    answer = client.post(path, json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


def get(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def begin(client: Client, **named: Any) -> str:
    """A sweep of the broken commit rule; its code."""
    body = {"experiment": "RA-05/count_old_terms", "first_seed": 1, "seeds": 4, **named}
    status, made = post(client, "/api/sweeps", body)
    assert status == 201, made
    return str(made["code"])


def turns(code: str) -> None:
    """Do every batch that waits."""
    sweep = Sweep.objects.get(code=code)
    while (batch := sweep.batches.filter(state="waiting").first()) is not None:
        sweep_work.work(sweep.pk, batch.start, sweep.generation)


def test_a_sweep_from_start_to_an_open_run(client: Client) -> None:
    code = begin(client, grid={"heartbeat_ms": [50, 60]})
    before = get(client, f"/api/sweeps/{code}")
    assert (before["state"], before["done"], before["runs"], before["yours"]) == ("running", 0, 8, True)
    turns(code)
    after = get(client, f"/api/sweeps/{code}")
    assert (after["state"], after["done"]) == ("done", 8)
    assert after["result"]["checks"]["no_lost_ack"]["violated"] > 0
    assert after["result"]["metrics"]["messages"]["curve"]
    assert len(after["result"]["points"]) == 2
    failures = get(client, f"/api/sweeps/{code}/failures?check=no_lost_ack")["failures"]
    status, made = post(
        client, f"/api/sweeps/{code}/open", {"seed": failures[0]["seed"], "set": failures[0]["set"]}
    )
    assert status == 201
    run = selectors.find_run(made["code"])
    assert run is not None
    assert run.seed == failures[0]["seed"]
    assert (
        json.loads(run.experiment.plain)["parameters"]["heartbeat_ms"] == failures[0]["set"]["heartbeat_ms"]
    )
    assert [one["code"] for one in get(client, "/api/sweeps")["sweeps"]] == [code]


def test_only_who_started_it_cancels_and_resumes(client: Client) -> None:
    code = begin(client)
    other = Client()
    for what in ("cancel", "resume"):
        status, answer = post(other, f"/api/sweeps/{code}/{what}", {})
        assert (status, answer["error"]["field"]) == (403, "sweep")
    assert get(other, f"/api/sweeps/{code}")["yours"] is False
    assert post(client, f"/api/sweeps/{code}/cancel", {})[1]["state"] == "cancelled"
    assert post(client, f"/api/sweeps/{code}/resume", {})[1]["state"] == "running"
    turns(code)
    assert get(client, f"/api/sweeps/{code}")["done"] == 4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"experiment": "NO-99"}, "experiment"),
        ({"seeds": 0}, "seeds"),
        ({"seeds": 20_001}, "seeds"),
        ({"seeds": 20_000, "grid": {"heartbeat_ms": [1, 2]}}, "seeds"),
        ({"run": "abcdef"}, "experiment"),
        ({"metrics": ["speed"]}, "metric"),
        ({"grid": {"heartbeat_ms": ["fast"]}}, "parameters.heartbeat_ms"),
        ({"grid": {"heartbeat_ms": []}}, "grid.heartbeat_ms"),
        ({"grid": {f"k{number}": list(range(100)) for number in range(8)}}, "seeds"),  # (10^16: only counted)
        ({"more": 1}, "more"),
    ],
)
def test_bad_input_names_the_field(client: Client, change: dict[str, Any], field: str) -> None:
    body = {"experiment": "EL-LAN", "first_seed": 1, "seeds": 4, **change}
    status, answer = post(client, "/api/sweeps", body)
    assert status in (400, 404)
    assert field in answer["error"]["field"]


def test_too_many_at_once_are_refused(client: Client) -> None:
    codes = [begin(client) for _ in range(3)]
    body = {"experiment": "EL-LAN", "first_seed": 1, "seeds": 4}
    assert post(client, "/api/sweeps", body)[0] == 429
    turns(codes[0])
    assert post(client, "/api/sweeps", body)[0] == 201


def test_what_a_sweep_can_vary_and_ask(client: Client) -> None:
    found = get(client, "/api/sweeps/choices?experiment=EL-LAN")
    assert {"one_way_ms", "disk_ms", "ineligible"} <= set(found["knobs"])
    assert found["words"]["ineligible"]["en"] == "Servers whose logs cannot win"
    assert found["words"]["heartbeat_ms"]["zh"] == "心跳间隔"
    assert "election_ms" in found["metrics"]
    assert "one_leader_per_term" in found["checks"]


def test_a_run_with_a_command_is_swept_and_named_by_a_link(client: Client) -> None:
    run = make_run()
    pause_at(run, 1_000_000)
    work(run.code)
    give(run, {"do": "kill", "target": ["n2"]})
    status, made = post(client, "/api/sweeps", {"run": run.code, "first_seed": 1, "seeds": 1})
    assert status == 201, made
    state = get(client, f"/api/sweeps/{made['code']}")
    assert selectors.find_link(state["reference"]) is not None
    plain = json.loads(Sweep.objects.get(code=made["code"]).experiment.plain)
    assert plain["faults"][-1] == {"do": "kill", "target": "n2", "at_s": 1}


def test_the_smallest_case_opens_as_a_run(client: Client) -> None:
    code = begin(client)
    status, made = post(client, "/api/shrinks", {"sweep": code, "seed": 2, "check": "no_lost_ack"})
    assert (status, made["state"]) == (201, "running")
    row = Shrink.objects.get(code=made["code"])
    for _ in range(200):
        shrinks.work(row.pk, row.generation)
        row.refresh_from_db()
        if row.state != "running":
            break
    found = get(client, f"/api/shrinks/{row.code}")
    assert found["state"] == "done"
    result = found["result"]
    assert result["minimal"]
    assert 0 < result["faults"] < result["from_faults"]
    run = selectors.find_run(result["run"])
    assert run is not None
    assert run.seed == 2
    assert len(json.loads(run.experiment.plain)["faults"]) == result["faults"]


def test_a_check_that_holds_cannot_be_shrunk(client: Client) -> None:
    code = begin(client)
    status, answer = post(client, "/api/shrinks", {"sweep": code, "seed": 2, "check": "nothing"})
    assert (status, answer["error"]["field"]) == (400, "check")
    _, made = post(client, "/api/shrinks", {"sweep": code, "seed": 2, "check": "one_leader_per_term"})
    row = Shrink.objects.get(code=made["code"])
    shrinks.work(row.pk, row.generation)
    found = get(client, f"/api/shrinks/{row.code}")
    assert found["state"] == "failed"
    assert "not violated" in found["error"]
    assert found["error_zh"] == "用种子 2 运行时没有违反 one_leader_per_term"


def test_a_cancelled_search_stops(client: Client) -> None:
    code = begin(client)
    _, made = post(client, "/api/shrinks", {"sweep": code, "seed": 2, "check": "no_lost_ack"})
    assert post(client, f"/api/shrinks/{made['code']}/cancel", {})[1]["state"] == "cancelled"
    row = Shrink.objects.get(code=made["code"])
    shrinks.work(row.pk, 1)
    row.refresh_from_db()
    assert (row.state, row.memo) == ("cancelled", {})


def test_the_pages_answer(client: Client) -> None:
    code = begin(client)
    assert client.get("/sweeps").status_code == 200
    assert "Count copies of earlier terms" in client.get(f"/sweeps/{code}").content.decode()
    assert client.get("/sweeps/zzzzzz").status_code == 404
