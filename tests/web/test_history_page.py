"""The history page's server side: send a file, a worker judges it, ask for the answer."""

from __future__ import annotations

import ast
import gzip
import inspect
import json
import re
from json import decoder, scanner
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

import simulations.histories as package
from simulations import catalogue, limits, tasks
from simulations.engine.checks.history import Operation, history_of
from simulations.engine.checks.linearizability import Model, check
from simulations.engine.world import World
from simulations.histories import written
from simulations.histories.detect import detected
from simulations.histories.from_run import faults_of, history_file
from simulations.histories.parsed import Fault
from simulations.histories.reasons import PHRASES, in_chinese
from simulations.services import dispatch, histories
from simulations.services.histories import Question, judgement
from tests.chinese import calls, spoken, unfilled, wrong_in
from tests.engine.random_histories import random_history
from tests.stack import wait_until
from tests.web import kit

STALE = """\
INFO  jepsen.util - 0 :invoke :write 1
INFO  jepsen.util - 0 :ok :write 1
INFO  jepsen.util - :nemesis :info :start "partition"
INFO  jepsen.util - 1 :invoke :read nil
INFO  jepsen.util - 1 :ok :read nil
INFO  jepsen.util - :nemesis :info :stop nil
"""
HELD = "[{:process 0 :type :invoke :f :write :value 3}\n {:process 0 :type :ok :f :write :value 3}]"
KEYED = '{:process 0, :type :invoke, :f :append, :key "0", :value "x"}\n'
MALFORMED = "INFO  jepsen.util - 0 :invoke :write 1\nINFO  jepsen.util - 0 :invoke :write 2\n"


def send(client: Client, text: str | bytes, **query: str) -> Any:
    return client.post(f"/api/histories?{urlencode(query)}", text, content_type="text/plain")


def judged(client: Client, text: str, **query: str) -> Any:
    """The answer, with this process as the worker."""
    answer = send(client, text, **query)
    assert answer.status_code == 202, answer.content
    id = answer.json()["id"]
    assert client.get(f"/api/histories/{id}").json() == {"state": "waiting"}
    tasks.check_history(id)
    return client.get(f"/api/histories/{id}").json()


@pytest.mark.usefixtures("live_redis")
@pytest.mark.django_db
class TestTheDoors:
    def test_a_violation_is_drawn_with_its_prefix_and_the_fault_behind(self, client: Client) -> None:
        found = judged(client, STALE)
        assert (found["format"], found["result"]["verdict"]) == ("jepsen-etcd", "violated")
        assert found["result"]["first_violation"]["line"] == 5
        picture = found["drawing"]
        assert (picture["clients"], picture["events"], picture["prefix"]) == (["0", "1"], 4, 3)
        assert [(band["start"], band["end"]) for band in picture["faults"]] == [(1.5, 3.5)]
        assert [bar[12] for bar in picture["bars"]] == [False, True]

    def test_a_browser_gets_it_compressed(self, client: Client) -> None:
        id = send(client, HELD).json()["id"]
        histories.work(id)
        answer = client.get(f"/api/histories/{id}", headers={"Accept-Encoding": "gzip, br"})
        assert answer["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(answer.content))["result"]["verdict"] == "holds"

    def test_malformed_files_name_the_line_in_both_languages(self, client: Client) -> None:
        error = judged(client, MALFORMED)["error"]
        assert error["line"] == 2
        assert "invokes again before its operation of line 1" in error["reason"]
        assert "第 1 行" in error["reason_zh"]

    def test_bytes_that_are_no_text_name_the_line(self, client: Client) -> None:
        id = send(client, b"INFO jepsen.util - 0 :invoke :read nil\n\xff\n").json()["id"]
        histories.work(id)
        assert client.get(f"/api/histories/{id}").json()["error"]["line"] == 2

    def test_model_and_initial_value_change_the_question(self, client: Client) -> None:
        assert judged(client, HELD.replace(":write", ":read"), initial="3")["result"]["verdict"] == "holds"
        other = judged(client, HELD.replace(":write", ":read"), initial="4")
        assert other["result"]["verdict"] == "violated"
        assert judged(client, HELD, model="register")["result"]["model"] == "register"

    @pytest.mark.parametrize(
        ("query", "field"),
        [({"format": "csv"}, "format"), ({"model": "queue"}, "model"), ({"initial": "x" * 300}, "initial")],
    )
    def test_a_bad_option_is_named_with_what_is_allowed(
        self, client: Client, query: dict[str, str], field: str
    ) -> None:
        answer = send(client, HELD, **query)
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)

    def test_too_large_empty_and_other_bodies_are_refused(self, client: Client) -> None:
        assert send(client, "x" * (limits.HISTORY_BYTES_MAX + 1)).status_code == 413
        assert send(client, "  \n").json()["error"]["field"] == "body"
        assert client.post("/api/histories", {}, content_type="application/json").status_code == 415
        assert client.get("/api/histories").status_code == 405

    def test_a_body_beyond_the_limit_of_other_doors_is_taken(self, client: Client) -> None:
        assert judged(client, HELD + "\n" * 2_000_000)["result"]["verdict"] == "holds"

    def test_nobody_knows_an_id_that_was_never_sent(self, client: Client) -> None:
        assert client.get(f"/api/histories/{'0' * 24}").status_code == 404

    def test_doing_it_twice_does_no_harm(self, client: Client) -> None:
        id = send(client, HELD).json()["id"]
        histories.work(id)
        first = histories.found(id)
        histories.work(id)
        assert histories.found(id) == first
        assert send(client, HELD).json()["id"] == id
        assert client.get(f"/api/histories/{id}").json()["result"]["verdict"] == "holds"

    def test_a_hard_history_waits_behind_those_that_were_sent_meanwhile(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queued: list[str] = []
        monkeypatch.setattr(dispatch, "send_slow", lambda _, arguments: queued.extend(arguments))
        monkeypatch.setattr(histories, "FIRST_S", 0.05)
        monkeypatch.setattr(histories, "CHECK_S", 0.2)
        hard = send(client, hard_history()).json()["id"]
        easy = send(client, HELD).json()["id"]
        order = []
        while queued:
            order.append(queued.pop(0))
            histories.work(order[-1])
        assert order == [hard, easy, hard]
        result = client.get(f"/api/histories/{hard}").json()["result"]
        assert result["verdict"] == "unknown"
        assert result["seconds"] >= 0.2
        assert client.get(f"/api/histories/{easy}").json()["result"]["verdict"] == "holds"

    def test_reading_that_takes_too_long_is_said(self, client: Client) -> None:
        id = send(client, HELD).json()["id"]
        histories.give_up(id)
        assert "took longer" in client.get(f"/api/histories/{id}").json()["error"]["reason"]

    def test_the_page_is_served(self, client: Client) -> None:
        assert 'data-page="history"' in client.get("/history").content.decode()


@pytest.mark.usefixtures("live_redis", "workers")
@pytest.mark.django_db(transaction=True)
def test_a_worker_answers(client: Client) -> None:
    id = send(client, STALE).json()["id"]
    path = f"/api/histories/{id}"
    wait_until(lambda: client.get(path).status_code == 200, "the worker's answer")
    assert client.get(path).json()["result"]["verdict"] == "violated"


def hard_history() -> str:
    """Many appends at once, and a read of what they could never make: every order would have to be tried."""
    rows = [Operation(n, f"c{n}", "x", "append", str(n), 0, 900 + n, "ok") for n in range(16)]
    rows.append(Operation(50, "d", "x", "put", "", 0, 990, "ok"))
    rows.append(Operation(98, "r", "x", "get", None, 991, 992, "ok", "nobody wrote this"))
    return written(history_of(rows), Model())


def test_a_search_that_gives_up_says_unknown_and_claims_no_prefix() -> None:
    found = judgement(hard_history().encode(), Question(), timeout_s=0.05)
    assert (found["result"]["verdict"], found["result"]["reason"]) == ("unknown", "search budget used up")
    assert found["drawing"].prefix is None


def test_more_operations_than_a_page_draws_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HISTORY_OPERATIONS_MAX", 0)
    error = judgement(HELD.encode(), Question())["error"]
    assert "check_history" in error["reason"]
    assert "本页" in error["reason_zh"]


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (STALE, "jepsen-etcd"),
        ("12:00 INFO  other - x\n" + STALE, "jepsen-etcd"),
        (HELD, "knossos-edn"),
        ("; a comment\n" + HELD, "knossos-edn"),
        (KEYED, "porcupine-kv"),
        ("({:process 0 :type :invoke :f :read :key 1})", "porcupine-kv"),
        ('\ufeff {"format": 1, "operations": []}', "json"),
        ("hello", None),
        ("", None),
    ],
)
def test_the_format_is_told_from_the_beginning(text: str, format: str | None) -> None:
    assert detected(text) == format


def test_a_text_of_no_format_asks_to_choose() -> None:
    error = judgement(b"hello", Question())["error"]
    assert error["reason_zh"] == "format：无法从开头判断；请选择一种"


def test_random_histories_survive_the_way_through_the_page() -> None:
    for seed in range(30):
        history, model = random_history(seed)
        found = judgement(written(history, model).encode(), Question())
        assert found["result"]["verdict"] == check(history, model).verdict
        assert len(found["drawing"].bars) == len(history.operations)
        impossible = [bar for bar in found["drawing"].bars if bar.impossible]
        explained = impossible[0].end if impossible else len(history.order)
        assert found["drawing"].prefix == (None if found["result"]["verdict"] == "unknown" else explained)


# Chinese ---------------------------------------------------------


def reasons_raised() -> set[str]:
    """Every reason in the readers' source and in that of the page, with something in the places."""
    folder = Path(package.__path__[0])
    served = calls(Path(histories.__file__).parent, "HistoryFormatError")
    texts = {
        spoken(call.args[1]) for call in [*calls(folder, "HistoryFormatError"), *served] if len(call.args) > 1
    }
    texts |= {spoken(call.args[0]) for call in calls(folder, "error", "ValueError") if call.args}
    for name in ("json_format.py", "parsed.py"):
        source = ast.parse((folder / name).read_text(encoding="utf-8"))
        texts |= {spoken(node.value) for node in ast.walk(source) if isinstance(node, ast.Return)}
    texts |= {f"not JSON: {said}" for said in said_of_json()}
    # A reason that only puts a name before another one has no words of its own; what is written is no reason.
    return {
        text
        for text in texts
        if " " in text and not re.fullmatch(r"[\w.\[\] ]+: 7|\s*7: 7|\{.*", text, re.DOTALL)
    }


def said_of_json() -> set[str]:
    """What Python's reader of JSON says."""
    texts = set()
    for source in (decoder, scanner):
        for node in ast.walk(ast.parse(inspect.getsource(source))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "JSONDecodeError":
                texts.add(spoken(node.args[0]))
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "msg":
                texts |= {spoken(part) for part in ast.walk(node.value) if isinstance(part, ast.Constant)}
    return {text for text in texts if text.startswith(("Exp", "Ext", "Ill", "Inv", "Unt"))}


def test_every_reason_has_a_chinese_sentence() -> None:
    found = reasons_raised()
    assert len(found) > 50
    assert {one: wrong for one in found if (wrong := wrong_in(in_chinese(one)))} == {}


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        (
            "[{:process 0, :type :invoke, :f :jump, :value 1}]",
            ":f 的值 :jump 不在允许的值中：read、get、write",
        ),
        ("[(}]", "第 1 行的“(”被“}”闭合"),
        ("{:process 12x}", "“12x”不是数字"),
        ("[{:process " + "9" * 41, "整数超过 40 位"),
    ],
)
def test_the_chinese_of_a_reason_has_quotation_marks_and_lists_of_its_own(text: str, chinese: str) -> None:
    said = judgement(text.encode(), Question(format="knossos-edn"))["error"]["reason_zh"]
    assert said.startswith(chinese)


def test_every_chinese_sentence_fills_its_places() -> None:
    assert unfilled(PHRASES) == []


def test_what_the_validator_says_is_translated() -> None:
    for broken in (
        '{"format": 1}',
        '{"format": "x", "operations": []}',
        '{"format": 1, "operations": 3}',
        "{",
    ):
        error = judgement(broken.encode(), Question(format="json"))["error"]
        assert error["line"] == 1
        assert not error["reason_zh"].startswith("无法读取"), error


# A run's own history ---------------------------------------------------------


def chunks_of(id: str, until_us: int, pieces: int) -> tuple[World, list[dict[str, Any]]]:
    world = World(catalogue.load(id), record="full")
    chunks = []
    for piece in range(1, pieces + 1):
        world.run_until(until_us * piece // pieces)
        chunks.append(world.take_chunk().plain())
    return world, chunks


@pytest.mark.parametrize("pieces", [1, 5])
def test_a_runs_history_is_a_file_of_ours(pieces: int) -> None:
    world, chunks = chunks_of("RA-01", 11_000_000, pieces)
    text = history_file(chunks)
    found = judgement(text.encode(), Question())
    assert found["format"] == "json"
    assert found["result"]["operations"] == len(world.history.operations)
    assert found["result"]["verdict"] == world.verdicts()["linearizable"].verdict == "holds"
    assert faults_of(chunks) == [Fault(5_000_000, "kill n1", 10_000_000)]


def test_a_fault_that_lasts_has_no_end() -> None:
    assert faults_of(chunks_of("RA-01", 7_000_000, 3)[1]) == [Fault(5_000_000, "kill n1")]


def test_reads_of_shortened_values_are_left_out() -> None:
    long = "x" * 200
    operations = [
        (1, "c", "append", "k", long + "y", 0, 5, "ok", None, "n1"),
        (2, "c", "get", "k", None, 6, 9, "ok", long, "n1"),
    ]
    chunk = {"t0_us": 0, "keyframe": {}, "operations": operations}
    kinds = [one["kind"] for one in json.loads(history_file([chunk]))["operations"]]
    assert kinds == ["append"]


@pytest.mark.usefixtures("live_redis", "workers")
@pytest.mark.django_db(transaction=True)
def test_the_export_of_a_run_is_all_that_was_shown(client: Client) -> None:
    """Even what was skipped, and nobody had computed yet."""
    run = kit.make_run()
    kit.pause_at(run, 3_000_000)
    answer = client.get(f"/api/runs/{run.code}/export?format=history")
    found = judgement(answer.content, Question())
    assert found["format"] == "json"
    assert found["result"]["operations"] >= 40
