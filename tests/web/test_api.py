"""The JSON API and the pages, through Django's client, with a real Valkey and no worker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from simulations import catalogue, limits, wire
from simulations.models import Grant, Run, SavedLink
from simulations.services import links
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


def post(client: Client, path: str, data: Any) -> Any:
    return client.post(path, json.dumps(data), content_type="application/json")


def new_run(client: Client, **fields: Any) -> str:
    answer = post(client, "/api/runs", {"experiment": "RA-01", **fields})
    assert answer.status_code == 201, answer.content
    return str(answer.json()["code"])


def test_every_page_answers_and_gives_a_visitor_id() -> None:
    for path in ("/", "/gallery", "/build", "/concepts", "/mine"):
        answer = Client().get(path)
        assert answer.status_code == 200, path
        assert answer.cookies["visitor"]["httponly"]
    assert Client().get("/r/zzzzzz").status_code == 404
    assert Client().get("/e/zzzzzzzz").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/gallery", "/compare", "/sweeps", "/api/systems", "/api/mine", "/api/sweeps"]
)
def test_head_is_answered_as_get_without_a_body(client: Client, path: str) -> None:
    answer, full = client.head(path), client.get(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == full.headers["Content-Type"]


def test_head_is_refused_where_get_is(client: Client) -> None:
    assert client.head("/api/runs/zzzzzz").status_code == client.get("/api/runs/zzzzzz").status_code == 404
    assert client.head("/api/runs").headers["Allow"] == "POST"
    assert client.post("/api/mine").headers["Allow"] == "GET, HEAD"


def test_systems_tell_everything_the_page_is_drawn_from(client: Client) -> None:
    found = client.get("/api/systems").json()
    assert {"raft", "echo"} <= set(found["systems"])
    assert found["systems"]["raft"]["title"]["zh"]
    assert found["faults"]["kill"]["title"]["zh"]
    assert "schema" in found["faults"]["loss"]["arguments"]["chance"]


def test_the_catalogue_lists_every_experiment(client: Client) -> None:
    cards = client.get("/api/catalogue").json()
    assert [card["id"] for card in cards] == list(catalogue.ids())
    raft = next(card for card in cards if card["id"] == "RA-01")
    assert raft["available"]
    assert raft["nodes"] == 5
    assert client.get("/api/catalogue/RA-01").json()["id"] == "RA-01"
    variant = raft["variants"][0]["id"]
    assert client.get(f"/api/catalogue/RA-01/{variant}").json()["id"] == f"RA-01/{variant}"
    assert client.get("/api/catalogue/RA-99").status_code == 404


def test_an_experiment_is_checked_with_every_problem_named(client: Client) -> None:
    plain = client.get("/api/catalogue/RA-01").json()
    good = post(client, "/api/experiments/check", {"experiment": plain}).json()
    assert good["experiment"] == plain
    bad = post(client, "/api/experiments/check", {"experiment": {**plain, "stop_s": -1, "color": "red"}})
    assert bad.status_code == 400
    assert {"stop_s", "color"} <= {problem["field"] for problem in bad.json()["errors"]}
    assert all(problem["message_zh"] for problem in bad.json()["errors"])


def test_a_run_opens_at_its_own_speed_and_belongs_to_who_made_it(client: Client) -> None:
    code = new_run(client)
    state = client.get(f"/api/runs/{code}").json()
    assert (state["role"], state["playhead"]["speed"]) == ("owner", 0.1)
    assert state["experiment"]["id"] == "RA-01"
    assert state["systems"] == ["raft"]
    assert Client().get(f"/api/runs/{code}").json()["role"] == "viewer"
    page = client.get(f"/r/{code}")
    assert "Leader crash" in page.content.decode()


def test_seed_and_settings_make_another_run(client: Client) -> None:
    code = new_run(client, seed=7, set={"heartbeat_ms": 40})
    state = client.get(f"/api/runs/{code}").json()
    assert state["seed"] == 7
    assert state["experiment"]["parameters"]["heartbeat_ms"] == 40


def test_one_fork_belongs_to_the_visitor_who_forked(client: Client) -> None:
    code = new_run(client)
    guest = Client()
    answer = post(guest, "/api/runs", {"from": {"run": code}})
    assert answer.status_code == 201
    fork = answer.json()["code"]
    assert guest.get(f"/api/runs/{fork}").json()["role"] == "owner"
    assert client.get(f"/api/runs/{fork}").json()["role"] == "viewer"
    assert [run["code"] for run in guest.get("/api/mine").json()["runs"]] == [fork]


def test_my_runs_have_their_titles_in_both_languages(client: Client) -> None:
    code = new_run(client)
    title = client.get(f"/api/runs/{code}").json()["experiment"]["title"]
    assert {"en", "zh"} <= set(title)
    [mine] = client.get("/api/mine").json()["runs"]
    assert mine["title"] == title


def test_somebody_elses_run_cannot_be_driven_shared_or_preloaded(client: Client) -> None:
    code = new_run(client)
    guest = Client()
    move = post(guest, f"/api/runs/{code}/messages", {"type": "playhead", "play": False})
    assert (move.status_code, move.json()["error"]["field"]) == (403, "role")
    until = post(guest, f"/api/runs/{code}/messages", {"type": "until", "condition": "election"})
    assert until.status_code == 403
    assert post(guest, f"/api/runs/{code}/share", {"open_control": True}).status_code == 403
    assert post(guest, f"/api/runs/{code}/preload", {}).status_code == 403
    assert post(guest, "/api/grants", {"run": code, "role": "controller"}).status_code == 403


def test_a_forged_visitor_cookie_is_nobody(client: Client) -> None:
    code = new_run(client)
    owner = Run.objects.get(code=code).owner
    thief = Client()
    thief.cookies["visitor"] = f"{owner}:forged"
    assert thief.get(f"/api/runs/{code}").json()["role"] == "viewer"


def test_a_token_is_exchanged_once_and_leaves_a_clean_address(client: Client) -> None:
    code = new_run(client)
    grant = post(client, "/api/grants", {"run": code, "role": "controller"}).json()
    assert grant["token"] not in Grant.objects.get(pk=grant["id"]).token_hash
    guest = Client()
    assert guest.head(grant["url"]).status_code == 405  # a look at the address does not use it up
    answer = guest.get(grant["url"])
    assert (answer.status_code, answer["Location"]) == (302, f"/r/{code}")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert guest.get(f"/api/runs/{code}").json()["role"] == "controller"
    assert Client().get(grant["url"]).status_code == 404
    assert client.delete(f"/api/grants/{grant['id']}").status_code == 200
    assert guest.get(f"/api/runs/{code}").json()["role"] == "viewer"


def test_the_pen_for_all_and_back(client: Client) -> None:
    code = new_run(client)
    guest = Client()
    post(client, f"/api/runs/{code}/share", {"open_control": True})
    assert guest.get(f"/api/runs/{code}").json()["role"] == "controller"
    post(client, f"/api/runs/{code}/share", {"open_control": False})
    assert guest.get(f"/api/runs/{code}").json()["role"] == "viewer"


# Ranges, exports, links ----------------------------------------------------


def test_a_range_is_immutable_when_complete_and_never_beyond_what_was_sent(client: Client) -> None:
    run = kit.make_run()
    kit.pause_at(run, 600_000)
    kit.work(run.code)
    answer = client.get(f"/api/runs/{run.code}/range?from_us=600000&to_us=700000")
    frames = [wire.read_frame(item)[0] for item in wire.split_frames(answer.content)]
    assert frames[0].t0_us <= 600_000
    assert frames[-1].t1_us >= 700_000
    assert "immutable" in answer["Cache-Control"]
    again = client.get(
        f"/api/runs/{run.code}/range?from_us=600000&to_us=700000", headers={"If-None-Match": answer["ETag"]}
    )
    assert again.status_code == 304
    beyond = client.get(f"/api/runs/{run.code}/range?from_us=10000000&to_us=11000000")
    assert (beyond.content, beyond["X-Complete"]) == (b"", "0")
    assert int(beyond["X-Head-Us"]) < 1_000_000


def test_exports_are_files(client: Client) -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    kit.work(run.code)
    for format in ("experiment", "recipe", "trace", "history", "porcupine", "shiviz"):
        answer = client.get(f"/api/runs/{run.code}/export?format={format}")
        assert answer.status_code == 200, format
        assert "attachment" in answer["Content-Disposition"]
        assert answer.content
    assert client.get(f"/api/runs/{run.code}/export?format=exe").json()["error"]["allowed"]


def test_a_link_keeps_the_recipe_and_the_trace_and_outlives_its_run(client: Client, live_redis: Any) -> None:
    code = new_run(client)
    run = Run.objects.get(code=code)
    post(client, f"/api/runs/{code}/messages", {"type": "playhead", "play": False, "to_us": 100_000})
    kill = {"do": "kill", "target": "n2"}
    message = {"type": "command", "key": "k", "branch": 0, "at_us": 100_000, "do": kill}
    assert post(client, f"/api/runs/{code}/messages", message).json()["messages"][0]["type"] == "accepted"
    kit.work(code)
    saved = post(client, "/api/links", {"run": code, "branch": 0, "at_us": 100_000, "title": "<b>Look</b>"})
    slug = saved.json()["slug"]
    run.delete()
    live_redis.flushdb()
    state = client.get(f"/api/links/{slug}").json()
    assert (state["at_us"], state["branch"], state["role"], state["mine"]) == (100_000, 0, "viewer", True)
    assert state["branches"][0]["commands"][0]["do"] == kill
    assert state["trace"]["to_us"] > 100_000
    frames = client.get(f"/api/links/{slug}/range?from_us=0").content
    headers = [wire.read_frame(item)[0] for item in wire.split_frames(frames)]
    assert headers[-1].t1_us == state["trace"]["to_us"]
    page = client.get(f"/e/{slug}").content.decode()
    assert "&lt;b&gt;Look&lt;/b&gt;" in page
    assert "<b>Look</b>" not in page
    assert links.check_reproduces(slug) is True
    assert client.get(f"/api/links/{slug}").json()["reproduces"] is True
    fork = post(Client(), "/api/runs", {"from": {"link": slug}}).json()["code"]
    assert client.get(f"/api/runs/{fork}").json()["branches"][0]["commands"][0]["do"] == kill


def test_a_link_whose_digest_is_another_says_so(client: Client) -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    kit.work(run.code)
    link = links.save_link(visitor=kit.OWNER, code=run.code, branch=0, at_us=0, title="")
    SavedLink.objects.filter(pk=link.pk).update(digest="0" * 32)
    assert links.check_reproduces(link.slug) is False
    assert client.get(f"/api/links/{link.slug}").json()["reproduces"] is False


def test_a_long_trace_keeps_its_last_part(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    kit.work(run.code)
    whole = len(links.recorded(run, run.branches.get(), kit.recipe(run))[0])
    monkeypatch.setattr(limits, "LINK_TRACE_BYTES_MAX", whole // 2)
    link = links.save_link(visitor=kit.OWNER, code=run.code, branch=0, at_us=0, title="")
    trace = client.get(f"/api/links/{link.slug}").json()["trace"]
    assert 0 < trace["from_us"] < trace["to_us"]
    assert not trace["complete"]
