"""Whatever a browser sends: a clear answer that names the field, and nothing else happens."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from simulations import limits
from simulations.models import Command, Run
from simulations.services import runs
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]

RUN = {"experiment": "RA-01"}


def send(client: Client, path: str, raw: str | bytes, kind: str = "application/json") -> Any:
    return client.post(path, raw, content_type=kind)


@pytest.mark.parametrize(
    ("raw", "status", "field"),
    [
        ("{", 400, "body"),
        ("null", 400, "body"),
        ("[]", 400, "body"),
        (b"\xff\xfe", 400, "body"),
        ('{"experiment": 5}', 400, "experiment"),
        ('{"experiment": "RA-01", "seed": -1}', 400, "seed"),
        ('{"experiment": "RA-01", "seed": 1e400}', 400, "seed"),
        ('{"experiment": "RA-01", "seed": 99999999999999999999999}', 400, "seed"),
        ('{"experiment": "RA-01", "seed": NaN}', 400, "body"),
        ('{"experiment": 1e400}', 400, "experiment"),
        ('{"": ""}', 400, "body"),
        ('{"experiment": "RA-01", "colour": 1}', 400, "colour"),
        ('{"experiment": "RA-01", "set": {"heartbeat_ms": 1e999}}', 400, "set"),
        ('{"experiment": "RA-01", "set": {"heartbeat_ms": -5}}', 400, "parameters.heartbeat_ms"),
        ('{"experiment": "RA-01", "set": {"stop_s": 1e12}}', 400, "stop_s"),
        ('{"experiment": "RA-01", "from": {"run": "abcdef"}}', 400, "experiment"),
        ("{}", 400, "experiment"),
        ('{"from": {}}', 400, "from"),
        ('{"from": {"run": "zzzzzz"}}', 404, "from.run"),
        ('{"from": {"link": "zzzzzzzz"}}', 404, "from.link"),
        ('{"experiment": "../../etc/passwd"}', 404, "experiment"),
        ('{"experiment": {"format": 1}}', 400, "id"),
        (r'{"experiment": "RA-01", "title": "a\u0000b"}', 400, "body"),
        (r'{"experiment": "\\\u0000"}', 400, "body"),
        (r'{"experiment": "\\u0000"}', 404, "experiment"),
        ('{"experiment": "RA-01", "set": {"heartbeat_ms": ' + "9" * 5_000 + "}}", 400, "set"),
        ('{"experiment": "RA-01", "title": "' + "x" * 300 + '"}', 400, "title"),
        ('{"experiment": ' + "[" * 20_000 + "]" * 20_000 + "}", 400, None),
        ('{"experiment": ' + '{"a":' * 20_000 + "1" + "}" * 20_001, 400, None),
    ],
)
def test_bad_runs_are_refused(client: Client, raw: str, status: int, field: str | None) -> None:
    answer = send(client, "/api/runs", raw)
    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert error["message"]
    assert "无法完成" not in error["message_zh"]
    assert field is None or error["field"] == field
    assert Run.objects.count() == 0


def test_other_content_types_and_methods_are_refused(client: Client) -> None:
    assert send(client, "/api/runs", json.dumps(RUN), "text/plain").status_code == 415
    answer = client.get("/api/runs")
    assert (answer.status_code, answer.json()["error"]["allowed"]) == (405, ["POST"])
    assert answer.headers["Allow"] == "POST"


def known_page() -> Client:
    """A page that has its token, and is asked for it."""
    client = Client(enforce_csrf_checks=True)
    client.get("/")
    client.defaults["HTTP_X_CSRFTOKEN"] = client.cookies["csrftoken"].value
    return client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/runs", "application/json; charset=utf-16"),
        ("/api/runs", "application/json; charset=latin-1"),
        ("/api/runs", "application/json; charset=nonsense"),
        ("/api/runs/abcdef/messages", "application/json; charset=utf-16"),
        ("/api/histories", "text/plain; charset=utf-16"),
        ("/api/runs", "application/x-www-form-urlencoded; charset=utf-16"),
    ],
)
def test_a_body_in_another_encoding_is_refused_with_what_is_allowed(path: str, kind: str) -> None:
    answer = known_page().generic("POST", path, json.dumps(RUN).encode(), kind)
    error = answer.json()["error"]
    assert (answer.status_code, error["field"], error["message"]) == (415, "Content-Type", "must be in UTF-8")
    assert (error["allowed"], error["message_zh"]) == (["charset=utf-8"], "必须使用 UTF-8 编码")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf8"'])
def test_a_body_may_say_that_it_is_in_utf8(charset: str) -> None:
    answer = known_page().generic(
        "POST", "/api/runs", json.dumps(RUN).encode(), f"application/json; charset={charset}"
    )
    assert answer.status_code == 201


def test_a_page_says_that_a_form_in_another_encoding_cannot_be_used() -> None:
    kind = "application/x-www-form-urlencoded; charset=utf-16"
    page = known_page().generic("POST", "/i18n/setlang/", b"language=en", kind)
    assert (page.status_code, "The server cannot use this request" in page.content.decode()) == (400, True)


def test_large_bodies_are_refused_before_they_are_read(client: Client) -> None:
    answer = send(client, "/api/experiments/check", b"x" * (limits.EXPERIMENT_BYTES_MAX + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_what_is_larger_than_any_form_is_told_to_be_too_long(kind: str) -> None:
    answer = send(known_page(), f"/api/runs/{kit.make_run().code}/messages", b"x" * 9_000_000, kind)
    assert (answer.status_code, answer.json()["error"]["field"]) == (413, "body")
    assert answer.json()["error"]["message_zh"] == "超过 1048576 字节"


def test_a_query_that_cannot_be_read_is_named(client: Client) -> None:
    code = kit.make_run().code
    many = "&".join(f"a{number}=1" for number in range(1_500))
    for query in (many, "title=a%00b"):
        answer = client.get(f"/api/runs/{code}/range?{query}")
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "query")


def test_an_error_of_our_own_is_an_error_of_the_api_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **named: Any) -> Any:
        raise ZeroDivisionError

    code = kit.make_run().code
    for name in ("create_run", "note_visit"):
        monkeypatch.setattr(runs, name, fails)
    client = Client(raise_request_exception=False)
    answer = send(client, "/api/runs", json.dumps(RUN))
    assert (answer.status_code, answer.json()["error"]["field"]) == (500, "server")
    page = client.get(f"/r/{code}")
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")


def test_a_cluster_beyond_the_limits_is_refused(client: Client) -> None:
    plain = client.get("/api/catalogue/RA-01").json()
    plain["topology"] = {"nodes": [{"id": f"n{i}"} for i in range(1, 103)]}
    answer = send(client, "/api/runs", json.dumps({"experiment": plain}))
    assert answer.status_code == 400
    assert answer.json()["error"]["field"].startswith("topology")


@pytest.mark.parametrize(
    "query",
    [
        "from_us=-1",
        "from_us=x",
        "from_us=1e9",
        "from_us=99999999999999999999",
        "to_us=1.5",
        "branch=7",
        "limit=0x1",
    ],
)
def test_bad_queries_name_the_parameter(client: Client, query: str) -> None:
    run = kit.make_run()
    answer = client.get(f"/api/runs/{run.code}/range?{query}")
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["field"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("do", "field"),
    [
        ({}, "do.do"),
        ({"do": "explode"}, "do.do"),
        ({"do": "kill"}, "do.target"),
        ({"do": "kill", "target": "n99"}, "do.target"),
        ({"do": "kill", "target": "n1", "with": "fire"}, "do.with"),
        ({"do": "kill", "target": "n1", "at_s": 3}, "do.at_s"),
        ({"do": "kill", "target": ["n1"] * 5_000}, "do"),
        ({"do": "loss", "from": "n1", "to": "n2", "chance": 2}, "do.chance"),
        ({"do": "loss", "from": "n1", "to": "n2", "chance": 10**400}, "do"),
        ({"do": "kill", "target": ["n1"] * 500}, "do.target"),
        ({"do": "kill", "target": "x" * 20_000}, "do"),
        ({"do": "client", "client": "c9", "operation": "put", "key": "k"}, "do.client"),
        ({"do": "client", "client": "c1", "operation": "drop", "key": "k"}, "do.operation"),
        ({"do": "client", "client": "c1", "operation": "put", "key": ""}, "do.key"),
        ({"do": "client", "client": "c1", "operation": "put", "key": "k", "more": 1}, "do.more"),
    ],
)
def test_bad_commands_name_the_field_and_are_not_logged(do: dict[str, Any], field: str) -> None:
    client = Client()
    code = send(client, "/api/runs", json.dumps(RUN)).json()["code"]
    message = {"type": "command", "key": "k", "branch": 0, "at_us": 0, "do": do}
    answer = send(client, f"/api/runs/{code}/messages", json.dumps(message))
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["field"] == field
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ({"type": "playhead", "speed": 1e9}, "speed"),
        ({"type": "playhead", "speed": 500}, "speed"),
        ({"type": "playhead", "speed": -1}, "speed"),
        ({"type": "playhead", "to_us": 10**12}, "to_us"),
        ({"type": "playhead", "branch": 9}, "branch"),
        ({"type": "until", "condition": "tea"}, "condition"),
        ({"type": "until", "condition": {"field": "term", "value": 1, "op": "~"}}, "condition.op"),
        ({"type": "hello"}, "type"),
    ],
)
def test_bad_messages_by_http_name_the_field(message: dict[str, Any], field: str) -> None:
    client = Client()
    code = send(client, "/api/runs", json.dumps(RUN)).json()["code"]
    answer = send(client, f"/api/runs/{code}/messages", json.dumps(message))
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_a_visitor_meets_a_limit_of_its_own_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.VISITOR_LIMITS, "runs", (3, 600))
    greedy, other = Client(), Client()
    codes = [send(greedy, "/api/runs", json.dumps(RUN)).status_code for _ in range(4)]
    assert codes == [201, 201, 201, 429]
    assert send(other, "/api/runs", json.dumps(RUN)).status_code == 201


def test_dropping_the_cookie_still_meets_the_ceiling_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.ADDRESS_LIMITS, "runs", (5, 600))
    answers = [send(Client(), "/api/runs", json.dumps(RUN)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    assert answers[-1].json()["error"]["field"] == "address"


def test_a_school_of_500_behind_one_address_stays_below_every_ceiling() -> None:
    heads = {"runs": 5, "links": 2, "checks": 20, "messages": 60, "grants": 2, "sockets": 10, "histories": 5}
    for purpose, (most, window_s) in limits.ADDRESS_LIMITS.items():
        per_head = heads.get(purpose, 2)
        assert most >= 500 * per_head, (purpose, window_s)


def test_a_store_that_fails_is_said_as_an_error_of_the_api(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **named: Any) -> Any:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(runs, "create_run", full)
    answer = send(client, "/api/runs", json.dumps(RUN))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["field"] == "server"
    assert answer.json()["error"]["message_zh"] == "服务器现在无法完成，请重试。"


def test_a_full_disk_keeps_nobody_from_looking(client: Client) -> None:
    run = kit.make_run()
    Run.objects.update(visited_at=timezone.now() - timedelta(days=2))
    writes: list[str] = []

    def full(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(("UPDATE", "INSERT")):
            writes.append(sql)
            raise OperationalError("database or disk is full")
        return execute(sql, *rest)

    with connection.execute_wrapper(full):
        for path in ("/r/{}", "/api/runs/{}", "/api/runs/{}/poll"):
            assert client.get(path.format(run.code)).status_code == 200
    assert len(writes) == 3


def test_a_form_without_its_token_is_refused() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = send(strict, "/api/runs", json.dumps(RUN))
    assert (answer.status_code, answer.json()["error"]["field"]) == (403, "X-CSRFToken")
    page = strict.post("/i18n/setlang/", {"language": "en"})
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "path", ["/api/", "/api/nothing", "/api/runs/UPPER", "/api/links/%00", "/api/losses/x/y"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_addresses_of_the_api_that_mean_nothing_are_told_as_its_errors(
    client: Client, path: str, method: str
) -> None:
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer.json()["error"]["field"]) == (404, "address")
