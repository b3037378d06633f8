"""`manage.py check_history`, as people and programs call it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from simulations.engine.checks.history import Operation, history_of
from simulations.engine.checks.linearizability import Model
from simulations.histories import written

STALE = """\
INFO  jepsen.util - 0 :invoke :write 1
INFO  jepsen.util - 0 :ok :write 1
INFO  jepsen.util - 1 :invoke :read nil
INFO  jepsen.util - 1 :ok :read nil
"""


def run(path: Path, *arguments: str) -> str:
    output = io.StringIO()
    call_command("check_history", str(path), *arguments, stdout=output)
    return output.getvalue()


def answer(path: Path, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(run(path, *arguments, "--json")))


@pytest.fixture
def stale(tmp_path: Path) -> Path:
    path = tmp_path / "stale.log"
    path.write_text(STALE)
    return path


def test_a_violated_history_is_an_answer_not_an_error(stale: Path) -> None:
    result = answer(stale, "--format", "jepsen-etcd")
    assert (result["verdict"], result["operations"]) == ("violated", 2)
    assert result["first_violation"]["line"] == 4
    assert result["first_violation"]["operation"]["client"] == "1"
    assert 0 <= result["seconds"] < 5
    assert "line 4: process 1, get null on 'register' answered ok null" in run(
        stale, "--format", "jepsen-etcd"
    )


def test_a_model_and_an_initial_value_may_be_given(stale: Path) -> None:
    assert answer(stale, "--format", "jepsen-etcd", "--initial", "5")["first_violation"]["line"] == 4
    assert answer(stale, "--format", "jepsen-etcd", "--model", "register")["model"] == "register"


def test_a_malformed_file_gives_line_and_reason_to_programs_too(tmp_path: Path) -> None:
    path = tmp_path / "bad.edn"
    path.write_text(
        "[{:process 0, :type :invoke, :f :read, :value nil}\n {:process 0, :type :maybe, :f :read}]"
    )
    output = io.StringIO()
    with pytest.raises(
        CommandError, match=r"bad\.edn: line 2: :type :maybe is not one of invoke, ok, fail, info"
    ):
        call_command("check_history", str(path), "--format", "knossos-edn", "--json", stdout=output)
    assert json.loads(output.getvalue())["error"]["line"] == 2


def test_what_is_not_text_and_what_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "picture.json"
    path.write_bytes(b"{\n\xff\xfe}")
    with pytest.raises(CommandError, match="line 2: not UTF-8"):
        run(path, "--format", "json")
    with pytest.raises(CommandError, match="No such file"):
        run(tmp_path / "nothing.json", "--format", "json")
    with pytest.raises(CommandError, match="invalid choice: 'yaml'"):
        run(path, "--format", "yaml")
    path.write_text("{}")
    with pytest.raises(CommandError, match="timeout"):
        run(path, "--format", "json", "--timeout", "-1")


def test_giving_up_in_time_is_unknown(tmp_path: Path) -> None:
    rows = [Operation(n, f"c{n}", "x", "append", str(n), 0, 900 + n, "ok") for n in range(16)]
    rows.append(Operation(50, "d", "x", "put", "", 0, 990, "ok"))
    rows.append(Operation(98, "r", "x", "get", None, 991, 992, "ok", "nobody wrote this"))
    path = tmp_path / "hard.json"
    path.write_text(written(history_of(rows), Model()))
    result = answer(path, "--format", "json", "--timeout", "0.05")
    assert (result["verdict"], result["first_violation"]) == ("unknown", None)
    assert result["reason"]
