"""manage.py sweep: what it prints, and how it ends."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from simulations.services import sweep_orders, sweeps_headless
from simulations.sweeps import pool
from simulations.sweeps.result import summary
from simulations.wire import BadInput

ROOT = Path(__file__).resolve().parents[2]


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_shape_of_a_result() -> None:
    done = manage("sweep", "RA-01", "--seeds", "3:5", "--workers", "1", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert found["runs"] == 3
    assert found["runs_per_second"] > 0
    assert {"holds": 3, "violated": 0, "unknown": 0}.items() <= found["checks"]["no_lost_ack"].items()
    assert found["checks"]["no_lost_ack"]["first_violation"] is None
    metric = found["metrics"]["longest_gap_ms"]
    assert {"n", "mean", "min", "p10", "p50", "p90", "p99", "p999", "max"} <= set(metric)


def test_a_first_violation_is_replayed_by_its_command() -> None:
    done = manage("sweep", "RA-05/count_old_terms", "--seeds", "8:9", "--workers", "1", "--json")
    first = json.loads(done.stdout)["checks"]["no_lost_ack"]["first_violation"]
    assert first["seed"] == 8
    words = shlex.split(first["command"])
    assert words[0] == "manage.py"
    again = json.loads(manage(*words[1:], "--json").stdout)
    verdicts = {check["name"]: check["verdict"] for check in again["checks"]}
    assert verdicts["no_lost_ack"] == "violated"


def test_processes_give_the_numbers_of_one() -> None:
    order = sweep_orders.order(
        "EL-LAN", (1, 90), grid={"ineligible": [0, 2]}, settings={"disk_ms": 4}, metrics=["election_ms"]
    )
    parts = [pool.run_here(order.plain, order.plan, count) for count in (1, 2)]
    one, two = (summary(order.subject, order.plan, found) for found in parts)
    assert one == two
    assert one["runs"] == 180


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["NO-99", "--seeds", "1:2"], "there is no experiment 'NO-99'"),
        (["RA-01", "--seeds", "2:1"], "seeds: '2:1' ends before it begins"),
        (["RA-01", "--seeds", "x"], "seeds: 'x' is not a range"),
        (["RA-01", "--seeds", "1:2", "--workers", "many"], "workers: 'many' is neither a word nor a number"),
        (["RA-01", "--seeds", "1:2", "--metric", "speed"], "metric: there is no 'speed'"),
        (["RA-01", "--seeds", "1:2", "--grid", "heartbeat_ms"], "grid: 'heartbeat_ms' is not name=value"),
        (["RA-01", "--seeds", "1:2", "--set", "heartbeat_ms=fast"], "parameters.heartbeat_ms"),
        (["RA-01", "--seeds", "1:300000"], "seeds: 300000 runs are too many"),
        (["RA-03"], "seeds: must be given"),
    ],
)
def test_bad_input_is_one_clear_error(arguments: list[str], part: str) -> None:
    said = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("sweep", *arguments, stderr=said)
    assert ended.value.code == 2
    assert part in said.getvalue()


@pytest.mark.parametrize(("bound", "fine"), [(1, True), (1000, False)])
def test_what_an_experiment_expects_of_many_seeds_is_judged(tmp_path: Path, bound: float, fine: bool) -> None:
    from simulations import catalogue
    from simulations.engine.experiment import to_plain

    plain = to_plain(catalogue.load("EL-LAN"))
    line = {"seeds": 5, "metric": "election_ms", "statistic": "p50", "at_least": bound}
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps({**plain, "variants": [], "expect_sweep": [line]}))
    done = manage("sweep", str(file), "--workers", "1", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["as_expected"] is fine
    assert done.returncode == (0 if fine else 1)
    assert found["expectations"][0]["value"] == found["metrics"]["election_ms"]["p50"]


def test_grids_take_lists_and_words() -> None:
    read = sweep_orders.read_grid
    assert read(["a=1,2", "b=[150,300],[50,100]", "c=x,y"]) == {
        "a": [1, 2],
        "b": [[150, 300], [50, 100]],
        "c": ["x", "y"],
    }
    assert read(["a=[1,2]"]) == {"a": [1, 2]}
    with pytest.raises(BadInput, match="grid"):
        read(["a="])


def test_words_for_workers() -> None:
    assert sweeps_headless.workers("celery") == "celery"
    assert sweeps_headless.workers("local") == pool.cores()
    assert sweeps_headless.workers("3") == 3
    with pytest.raises(BadInput, match="workers"):
        sweeps_headless.workers("0")
