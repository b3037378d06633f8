"""What an experiment asks of its systems must be there; else the place where it asks is named, and what there is."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue
from simulations.engine import requirements
from simulations.engine.experiment import ExperimentError, limits, to_plain
from simulations.engine.experiment.reader import parse, with_overrides
from simulations.engine.registry import SYSTEMS
from simulations.engine.requirements import missing, wrong_starts
from simulations.services import experiments
from simulations.services.headless import Job, simulate_all
from tests.engine.experiments import put, small

TEXT = {"en": "Other", "zh": "另一个"}

# (what to change, new value, path of the problem, a word among the allowed values)
CASES: list[tuple[str, Any, str, str]] = [
    ("system", "raftt", "system", "raft"),
    ("topology.nodes.2.processes", [{"system": "zab"}], "topology.nodes[2].processes[0].system", "zookeeper"),
    ("checks.0", "no_lost_acks", "checks[0].check", "no_lost_ack"),
    ("checks.1.metric", "gap", "checks[1].metric", "longest_gap_ms"),
    ("checks.0", {"check": "linearizable", "arguments": {"speed": 1}}, "checks[0].arguments", ""),
    ("compare.0.metric", "gap", "compare[0].metric", "longest_gap_ms"),
    ("expect_sweep.0.metric", "gap", "expect_sweep[0].metric", "longest_gap_ms"),
    ("predict.0.metric", "gap", "predict[0].metric", "longest_gap_ms"),
    ("workload.0.operation", "pop", "workload[0].operation", "append"),
    ("workload.0.mix", {"get": 1, "pop": 1}, "workload[0].mix.pop", "get"),
    ("operations.0.operation", "pop", "operations[0].operation", "cas"),
    ("operations.1.when", {"event": "note", "note": "raft.nap"}, "operations[1].when.note", "raft.elected"),
    ("faults.0", {"at_s": 1, "do": "backup", "target": "n1"}, "faults[0].do", "campaign"),
    ("faults.2.when.field", "roll", "faults[2].when.field", "role"),
    ("faults.2.when", {"event": "send", "message": "Append"}, "faults[2].when.message", "AppendEntries"),
    ("faults.3.match.message", "Append", "faults[3].match.message", "Reply"),
]


@pytest.mark.parametrize(("place", "value", "path", "allowed"), CASES, ids=[case[2] for case in CASES])
def test_what_is_not_there_is_named_with_what_there_is(
    place: str, value: Any, path: str, allowed: str
) -> None:
    (problem,) = missing(parse(put(small(), place, value)), SYSTEMS)
    assert problem.path == path
    assert not allowed or allowed in problem.allowed
    assert problem.message
    assert problem.message_zh


def test_what_is_there_is_fine() -> None:
    experiment = parse(small())
    assert (missing(experiment, SYSTEMS), wrong_starts(experiment, SYSTEMS)) == ([], [])


@pytest.mark.parametrize(
    ("initial", "path", "words"),
    [
        ({"nodes": {"n1": {"logg": []}}}, "initial.nodes.n1", "logg: not one of leader, term"),
        ({"shared": {"log": ["a"]}}, "initial.shared", "log: a list of terms"),
        ({"nodes": {"n2": {"term": "x"}}}, "initial.nodes.n2", "term: a whole number"),
        ({"nodes": {"n2": {"voted_for": 7}}}, "initial.nodes.n2", "voted_for: the id"),
        ({"nodes": {"n2": {"term": 1, "log": [2]}}}, "initial.nodes.n2", "terms never fall"),
    ],
)
def test_a_state_nobody_could_begin_from_is_named(initial: dict[str, Any], path: str, words: str) -> None:
    problem = wrong_starts(parse({**small(), "initial": initial}), SYSTEMS)[0]
    assert problem.path == path
    assert words in problem.message


def shipped(id: str, place: str, value: Any) -> dict[str, Any]:
    return put(to_plain(catalogue.load(id)), place, value)


@pytest.mark.parametrize(
    ("id", "place", "value", "path"),
    [
        ("MC-04", "parameters.breaker", {"window_s": None}, "parameters.breaker"),
        ("MC-04", "parameters.breaker", {"sleep_s": 1, "uniform": 2}, "parameters.breaker"),
        ("MC-04", "parameters.pools", {"a": "many"}, "parameters.pools"),
        ("MC-01", "topology.nodes.0.processes.0.parameters", {"calls": [1]}, "calls"),
        ("MC-01", "topology.nodes.0.processes.0.parameters", {"calls": "dep-a"}, "calls"),
        ("MC-01", "parameters.routes", {"a": "nobody"}, "parameters.routes"),
        ("DR-02", "parameters.backup_job", "sometimes", "parameters.backup_job"),
        ("DR-04", "parameters.order", ["pay", 4], "parameters.order"),
        ("ZK-08", "topology.nodes.4.processes.0.parameters", {"lock": "no path"}, "lock"),
        ("AM-02", "initial.shared", {"members": ["n1", 1e-300]}, "initial.shared"),
        ("AM-02", "initial.shared", {"members": ["n1", {"uniform": [5, 1]}]}, "initial.shared"),
        ("AM-02", "initial.shared", {"members": ["n1", "n99"]}, "initial.shared.members"),
        ("AM-02", "initial.shared", {"keys": 10**12}, "initial.shared"),
        ("RA-09", "initial.shared", {"members": ["n1", "remove"]}, "initial.shared.members"),
        ("HS-01", "initial.shared", {"members": [[0]]}, "initial.shared"),
    ],
)
def test_what_a_process_could_not_begin_with_is_named(id: str, place: str, value: Any, path: str) -> None:
    problems = wrong_starts(parse(shipped(id, place, value), SYSTEMS), SYSTEMS)
    assert problems[0].path.endswith(path)
    assert problems[0].message_zh != problems[0].message


@pytest.mark.parametrize("id", ["MS-02", "CO-04", "HS-03", "SN-01"])
def test_stores_of_pairs_say_which_operations_they_answer(id: str) -> None:
    plain = shipped(id, "workload.0.operation", "explode")
    plain["workload"][0].pop("mix", None)
    problem = missing(parse(plain, SYSTEMS), SYSTEMS)[0]
    assert (problem.path, "append" in problem.allowed) == ("workload[0].operation", True)


def test_a_parameter_made_of_parts_is_set_whole_or_refused() -> None:
    line = {"at_s": 1, "do": "set_parameter", "name": "breaker", "value": {"window_s": "long"}}
    problems = missing(parse(shipped("MC-04", "faults", [line]), SYSTEMS), SYSTEMS)
    assert [problem.path for problem in problems] == ["faults[0].value"]


@pytest.mark.parametrize(
    ("name", "value", "paths"),
    [
        ("calls", ["nowhere"], ["faults[0].value"]),
        ("routes", {"a": "nowhere", "b": "dependency"}, ["faults[0].value"]),
        ("calls", ["dependency"], []),
        ("calls", [], []),
    ],
)
def test_a_line_sends_requests_to_processes_that_are_there(name: str, value: Any, paths: list[str]) -> None:
    line = {"at_s": 1, "do": "set_parameter", "target": "caller", "name": name, "value": value}
    problems = missing(parse(shipped("MC-04", "faults", [line]), SYSTEMS), SYSTEMS)
    assert [(problem.path, "dependency" in problem.allowed) for problem in problems] == [
        (path, True) for path in paths
    ]


def test_a_parameter_that_holds_from_the_beginning_is_set_by_no_line() -> None:
    line = {"at_s": 1, "do": "set_parameter", "name": "shards", "value": 9}
    (problem,) = missing(parse(shipped("SN-01", "faults", [line]), SYSTEMS), SYSTEMS)
    assert (problem.path, problem.message) == (
        "faults[0].value",
        "shards cannot change while the system runs",
    )


@pytest.mark.parametrize(
    ("begun", "lines", "paths"),
    [
        ({}, [("ttl_s", 4.0)], []),
        ({}, [("ttl_s", 0.7)], ["faults[0].value"]),
        ({}, [("refresh_s", 4.9)], []),
        ({}, [("refresh_s", 5.5)], ["faults[0].value"]),
        ({}, [("ttl_s", 8.0), ("refresh_s", 7.0)], []),
        ({"refresh_s": 0.5, "ttl_s": 5}, [("ttl_s", 0.7)], []),
    ],
)
def test_a_line_sets_what_goes_with_the_experiments_own_values_or_with_those_of_another_line(
    begun: dict[str, float], lines: list[tuple[str, float]], paths: list[str]
) -> None:
    """BA-02 begins with refresh_s 2 and ttl_s 5; by default they are 0.1 and 0.35."""
    plain = to_plain(catalogue.load("BA-02"))
    plain["parameters"] |= begun
    plain["faults"] = [
        {"at_s": i + 1, "do": "set_parameter", "name": name, "value": value}
        for i, (name, value) in enumerate(lines)
    ]
    experiment = parse(plain, SYSTEMS)
    assert missing(experiment, SYSTEMS) == []
    assert [problem.path for problem in wrong_starts(experiment, SYSTEMS)] == paths


def test_a_line_is_checked_beside_the_values_of_the_process_it_names() -> None:
    plain = to_plain(catalogue.load("BA-02"))
    node = plain["topology"]["nodes"][0]
    node["processes"] = [{"system": plain["system"], "parameters": {"refresh_s": 0.5}}]
    other = plain["topology"]["nodes"][1]["id"]
    for target, found in ((node["id"], 0), (other, 1)):
        line = {"at_s": 1, "do": "set_parameter", "target": target, "name": "ttl_s", "value": 0.7}
        assert len(wrong_starts(parse({**plain, "faults": [line]}, SYSTEMS), SYSTEMS)) == found


def test_a_long_script_that_fits_nobody_is_tried_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = 0

    def refuse(values: Any, kind: Any) -> str:
        nonlocal tried
        tried += 1
        return "ttl_s: too short"

    monkeypatch.setattr(requirements, "unfit", refuse)
    plain = to_plain(catalogue.load("BA-02"))
    plain["faults"] = [
        {"at_s": 1, "do": "set_parameter", "name": "ttl_s", "value": 0.1 + i / 1000}
        for i in range(limits.FAULTS_MAX)
    ]
    assert wrong_starts(parse(plain, SYSTEMS), SYSTEMS)
    assert tried <= requirements.TRIES_MAX + limits.FAULTS_MAX


def test_simulate_refuses_before_it_runs_anything_also_for_a_variant() -> None:
    plain = small()
    plain["variants"] = [{"id": "other", "title": TEXT, "checks": ["no_lost_acks"]}]
    plain["compare"] = []
    experiment = parse(plain, SYSTEMS)
    with pytest.raises(experiments.BadExperiment) as caught:
        simulate_all(Job(experiment, experiment.seed))
    assert caught.value.problems[0]["field"] == "variants[0].checks[0].check"
    plain["variants"] = [{"id": "other", "title": TEXT, "set": {"initial.shared": {"logg": 1}}}]
    with pytest.raises(experiments.BadExperiment, match="logg"):
        simulate_all(Job(parse(plain, SYSTEMS), 1))


@pytest.mark.parametrize(
    ("asked", "changes", "ran"),
    [(42, {}, (42, 9)), (42, {"seed": 7}, (7, 9)), (5, {}, (5, 5)), (5, {"seed": 7}, (5, 5))],
)
def test_a_seed_comes_from_the_command_else_from_the_variant_else_from_the_experiment(
    asked: int, changes: dict[str, Any], ran: tuple[int, int]
) -> None:
    plain = {**small(), "stop_s": 1, "faults": [], "checks": [], "compare": [], "predict": []}
    plain["variants"] = [{"id": "other", "title": TEXT, "set": {"seed": 9}}]
    del plain["topology"]["nodes"][2]["processes"]
    plain["operations"], plain["expect_sweep"] = [], []
    found = simulate_all(Job(parse(plain, SYSTEMS), asked), changes=changes)
    assert (found["seed"], found["variants"]["other"]["seed"]) == ran


def test_a_path_that_leads_nowhere_is_told_what_is_there() -> None:
    for path, allowed in (("topology.nodes.n9.zone", ("n1", "n2", "n3")), ("checks.9.at_most", ("0", "1"))):
        with pytest.raises(ExperimentError) as caught:
            with_overrides(parse(small()), {path: "a"})
        assert caught.value.allowed == allowed
