"""manage.py simulate: what it prints, its exit codes, and that it agrees with live runs and saved links."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from simulations import catalogue, selectors
from simulations.services import experiments, exports, links, runs
from tests.web import kit

BASE = {
    "format": 1,
    "id": "T-1",
    "title": {"en": "Tiny", "zh": "微型"},
    "seed": 3,
    "system": "raft",
    "topology": {"preset": "one_zone_3"},
    "workload": [{"client": "c1", "at": "n1", "operation": "put", "rate": 20}],
    "stop_s": 3,
    "checks": ["one_leader_per_term"],
}


def simulate(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("simulate", *arguments, stdout=out, stderr=err)
    return int(str(ended.value.code)), out.getvalue(), err.getvalue()


def written(folder: Path, **changes: Any) -> str:
    """A file with the tiny experiment."""
    path = folder / "experiment.json"
    path.write_text(json.dumps({**BASE, **changes}), encoding="utf-8")
    return str(path)


pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_gives_one_json_object(tmp_path: Path) -> None:
    code, out, _ = simulate(written(tmp_path), "--json")
    result = json.loads(out)
    assert code == 0
    assert (result["experiment"], result["seed"], result["engine"], result["virtual_seconds"]) == (
        "T-1",
        3,
        1,
        3.0,
    )
    assert len(result["digest"]) == 32
    assert result["events"] > 100
    check = result["checks"][0]
    assert {"name", "verdict", "expected", "event", "at_us", "message"} <= set(check)
    assert (check["name"], check["verdict"], check["expected"]) == ("one_leader_per_term", "holds", "holds")
    assert result["metrics"]["acknowledged"] > 0


def test_what_is_not_as_expected_exits_with_one(tmp_path: Path) -> None:
    checks = [{"check": "one_leader_per_term", "expect": "violated"}]
    code, out, _ = simulate(written(tmp_path, checks=checks))
    assert code == 1
    assert "NOT as expected" in out


def test_seed_time_and_settings_change_the_run(tmp_path: Path) -> None:
    name = written(tmp_path)
    first = json.loads(simulate(name, "--json")[1])
    again = json.loads(simulate(name, "--json")[1])
    other = json.loads(simulate(name, "--json", "--seed", "4")[1])
    short = json.loads(simulate(name, "--json", "--until", "500ms")[1])
    slow = json.loads(simulate(name, "--json", "--set", "topology.links.default.latency_ms=40")[1])
    assert first["digest"] == again["digest"]
    assert len({run["digest"] for run in (first, other, short, slow)}) == 4
    assert short["virtual_seconds"] == 0.5


def test_the_trace_is_written_chunk_by_chunk_and_changes_nothing(tmp_path: Path) -> None:
    name, trace = written(tmp_path), tmp_path / "trace.jsonl"
    plain = json.loads(simulate(name, "--json")[1])
    traced = json.loads(simulate(name, "--json", "--trace", str(trace))[1])
    assert traced["digest"] == plain["digest"]
    chunks = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    assert sum(len([e for e in chunk["events"] if e[2] != 6]) for chunk in chunks) == plain["events"]


def test_the_base_and_every_variant_run_unless_one_is_named() -> None:
    both = json.loads(simulate("RA-01", "--json")[1])
    assert set(both["variants"]) == {variant.id for variant in catalogue.load("RA-01").variants}
    name = next(iter(both["variants"]))
    one = json.loads(simulate(f"RA-01/{name}", "--json")[1])
    assert one["digest"] == both["variants"][name]["digest"]
    assert "variants" not in one


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["RA-99"], "experiment: there is no experiment"),
        (["RA-01/nothing"], "allowed: "),
        (["RA-01/"], "allowed: retry_without_session"),
        (["RA-01", "--until", "soon"], "until: "),
        (["RA-01", "--until=-3s"], "until: "),
        (["RA-01", "--seed", "-1"], "seed: "),
        (["RA-01", "--set", "nothing"], "set: "),
        (["RA-01", "--set", "heartbeat_ms=NaN"], "set: "),
        (["RA-01", "--set", "no_such_parameter=1"], "allowed: heartbeat_ms"),
        (["RA-01", "--set", "stop_s=1e300"], "stop_s: "),
        (["RA-01", "--trace", "/nowhere/at/all"], "trace: "),
    ],
)
def test_bad_input_exits_with_two_and_names_the_field(arguments: list[str], told: str) -> None:
    code, out, err = simulate(*arguments)
    assert (code, out) == (2, "")
    assert told in err


def test_what_the_engine_can_make_nothing_of_is_bad_input_too(tmp_path: Path) -> None:
    plain = experiments.plain_of(catalogue.load("BA-02"))
    # (Right beside each other, but not in this order.)
    lines = [(1, "ttl_s", 0.7), (2, "refresh_s", 0.5)]
    plain["faults"] = [
        {"at_s": at_s, "do": "set_parameter", "name": name, "value": value} for at_s, name, value in lines
    ]
    path = tmp_path / "forgotten_between_refreshes.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    code, out, err = simulate(str(path))
    assert (code, out) == (2, "")
    assert "experiment: the engine cannot go on with it: " in err


def test_a_bad_file_names_the_path_in_it_and_what_is_allowed(tmp_path: Path) -> None:
    faults = [{"at_s": 1, "do": "explode", "target": "n1"}]
    code, _, err = simulate(written(tmp_path, faults=faults))
    assert code == 2
    assert "faults[0].do: " in err
    assert "kill" in err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"branch": 7}, "branch: there is no such branch (allowed: 0)"),
        ({"seed": -1}, "seed: is out of range"),
        ({"do": {"do": "explode"}}, "branches[0].commands[0].do.do: "),
        ({"do": {}}, "branches[0].commands[0].do.do: is missing"),
        ({"do": {"do": "kill", "target": "n99"}}, "branches[0].commands[0].do.target: "),
        (
            {"do": {"do": "client", "client": "c9", "operation": "put", "key": "a"}},
            "client: there is no such",
        ),
        ({"at_us": -1}, "branches[0].commands[0].at_us: is out of range (allowed: 0.."),
        ({"at_us": 10**15}, "branches[0].commands[0].at_us: is out of range"),
    ],
)
def test_a_recipe_whose_commands_mean_nothing_is_refused(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    command = {"seq": 1, "at_us": 5_000, "do": {"do": "heal"}}
    recipe: dict[str, Any] = {"experiment": BASE, "seed": 1, "branch": 0}
    recipe |= {name: changes.pop(name) for name in ("seed", "branch") if name in changes}
    recipe["branches"] = [{"id": 0, "commands": [command | changes]}]
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    code, out, err = simulate(str(path))
    assert (code, out) == (2, "")
    assert told in err


def test_a_command_of_a_recipe_that_fits_no_more_beside_others_is_named(tmp_path: Path) -> None:
    settings = [("ttl_s", 4), ("refresh_s", 4.5)]  # each does, alone
    commands = [
        {"seq": i, "at_us": 5_000 * i, "do": {"do": "set_parameter", "name": name, "value": value}}
        for i, (name, value) in enumerate(settings, start=1)
    ]
    recipe = {"experiment": experiments.plain_of(catalogue.load("BA-02")), "seed": 1, "branch": 0}
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**recipe, "branches": [{"id": 0, "commands": commands}]}), encoding="utf-8")
    code, out, err = simulate(str(path))
    assert (code, out) == (2, "")
    assert "branches[0].commands[1].do: the engine cannot go on with it: ttl_s: longer than refresh_s" in err


@pytest.mark.parametrize("reference", ["x" * 5000, "zzzzzzzz"])
def test_no_file_and_no_link_is_said_whatever_the_store_says(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    def missing(slug: str) -> Any:
        raise OperationalError("no such table: simulations_savedlink")

    monkeypatch.setattr(selectors, "find_link", missing)
    code, _, err = simulate(reference)
    assert code == 2
    assert "experiment: " in err
    assert "no such table" in err


def test_a_file_that_is_no_document_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("a: [", encoding="utf-8")
    code, _, err = simulate(str(path))
    assert code == 2
    assert "broken.yaml" in err


@pytest.mark.usefixtures("live_redis")
def test_a_live_run_its_link_and_its_recipe_file_have_one_digest(tmp_path: Path) -> None:
    kit.cold()
    run = runs.create_run(visitor=kit.OWNER, experiment=experiments.parse({**BASE, "stop_s": 1}))
    kit.pause_at(run, 300_000)
    kit.give(run, {"do": "kill", "target": "n2"}, key="a")
    kit.give(run, {"do": "restart", "target": "n2"}, at_us=700_000, key="b")
    kit.work(run.code)
    kit.pause_at(run, 900_000)
    kit.work(run.code)
    live = kit.tiles(run)[-1]
    assert live.t1_us == 1_000_000
    link = links.save_link(visitor=kit.OWNER, code=run.code, branch=0, at_us=900_000, title="")
    assert json.loads(simulate(link.slug, "--json")[1])["digest"] == live.hash
    file = tmp_path / "recipe.json"
    file.write_bytes(exports.export(run, 0, "recipe")[2])
    assert json.loads(simulate(str(file), "--json")[1])["digest"] == live.hash
    assert links.check_reproduces(link.slug) is True
