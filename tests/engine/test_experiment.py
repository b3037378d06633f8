"""Reading an experiment, its canonical form, overrides and variants."""

from __future__ import annotations

import pytest

from simulations.engine.distributions import Distribution
from simulations.engine.experiment import (
    ExperimentError,
    fingerprint,
    parse,
    requires,
    to_plain,
    variant,
    variants,
    with_overrides,
)
from simulations.engine.experiment.matching import fields_fit
from simulations.engine.process import Descriptor, Parameter, System, Text
from simulations.engine.topology import PRESETS
from tests.engine.experiments import put, small

NAME = Text("name", "名称")
PARAMETERS = (
    Parameter("heartbeat_ms", "float", 50, NAME, NAME, "ms", 1, 1000),
    Parameter("election_timeout_ms", "range", [150, 300], NAME, NAME, "ms", 1, 600_000),
    Parameter("pre_vote", "bool", True, NAME, NAME),
    Parameter("read_mode", "choice", "lease", NAME, NAME, choices=("lease", "read_index")),
    Parameter("max_batch", "int", 100, NAME, NAME, "", 1, 1000),
)
RAFT = System(
    Descriptor("raft", NAME, "", (), (), (), {}, PARAMETERS),
    processes={},
    messages=(),
    parameters=Parameter,
    twins={"forget_vote": {}},
)
REGISTRY = {"raft": RAFT}


def test_parts_are_read_into_structs() -> None:
    experiment = parse(small())
    assert experiment.topology.node("n1").rack == "rack1"
    assert [process.system for process in experiment.topology.node("n3").processes] == ["raft", "sentinel"]
    assert experiment.faults[0].target == ["leader"]
    assert experiment.faults[1].at_s == Distribution("uniform", (6, 7))
    assert experiment.faults[1].arguments == {"from": ["n1"], "to": ["n2", "n3"]}
    assert experiment.faults[3].arguments["match"].message == "AppendEntries"
    assert experiment.checks[0].check == "no_lost_ack"
    assert experiment.clients() == {"c1": "n1", "c2": "w"}
    assert experiment.systems() == ("raft", "sentinel")


def test_parsing_the_canonical_form_gives_the_same_experiment() -> None:
    experiment = parse(small())
    plain = to_plain(experiment)
    assert parse(plain) == experiment
    assert to_plain(parse(plain)) == plain
    assert plain["format"] == 1


def test_the_fingerprint_depends_on_meaning_only() -> None:
    first = fingerprint(parse(small()))
    same = small()
    same["stop_s"] = 20.0
    same["workload"][0]["timeout_ms"] = 200
    reordered = dict(reversed(list(same.items())))
    assert fingerprint(parse(reordered)) == first
    assert fingerprint(with_overrides(parse(small()), {"seed": 43})) != first
    assert len(first) == 32


def test_fingerprints_stay_the_same_over_versions() -> None:
    """Saved links and caches are found by it: a change here must be a new format."""
    tiny = {"format": 1, "id": "T", "title": {"en": "t", "zh": "测"}, "system": "echo", "stop_s": 1}
    experiment = parse({**tiny, "topology": {"nodes": [{"id": "n1"}]}})
    assert fingerprint(experiment) == "806cc946eb0027c272a87b6db2cf12f5"


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({"election_timeout_ms": [50, 100]}, "parameters.election_timeout_ms", [50, 100]),
        ({"topology.links.default.loss": 0.1}, "topology.links.default.loss", 0.1),
        ({"topology.links.local.latency_ms": 1}, "topology.links.local.latency_ms", 1),
        ({"faults.0.at_s": 6}, "faults.0.at_s", 6),
        ({"topology.nodes.n2.zone": "b"}, "topology.nodes.1.zone", "b"),
        ({"workload.c1.rate": 5}, "workload.0.rate", 5),
        ({"storage.default.write_ms": 30}, "storage.default.write_ms", 30),
        ({"faults.4": {"at_s": 9, "do": "heal"}}, "faults.4.do", "heal"),
        ({"stop_s": 3}, "stop_s", 3),
        ({"brand_new": 1}, "parameters.brand_new", 1),
    ],
)
def test_overrides_reach_parameters_first_then_paths(
    changes: dict[str, object], path: str, expected: object
) -> None:
    found: object = to_plain(with_overrides(parse(small()), changes))
    for part in path.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]  # type: ignore[index]
    assert found == expected


def test_a_parameter_named_like_a_field_wins() -> None:
    experiment = parse(put(small(), "parameters.seed", 1))
    changed = with_overrides(experiment, {"seed": 7})
    assert changed.parameters["seed"] == 7
    assert changed.seed == 42


def test_none_removes_a_setting() -> None:
    changed = with_overrides(
        parse(small()), {"pre_vote": None, "topology.links.between": None, "faults.3": None}
    )
    assert "pre_vote" not in changed.parameters
    assert changed.topology.links.between == []
    assert len(changed.faults) == 3


def test_overrides_leave_the_original_alone() -> None:
    experiment = parse(small())
    before = to_plain(experiment)
    with_overrides(experiment, {"pre_vote": False, "faults.0.target": "n2"})
    assert to_plain(experiment) == before


@pytest.mark.parametrize("path", ["faults.9.at_s", "workload.c9.rate", "title.en.x", "faults.0.at_s.deep.er"])
def test_a_path_to_nowhere_is_an_error_that_names_it(path: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        with_overrides(parse(small()), {path: 1})
    assert caught.value.path.split(".")[0] == path.split(".")[0]


def test_a_variant_is_an_experiment_of_its_own() -> None:
    experiment = parse(small())
    found = variant(experiment, "no_prevote")
    assert variants(experiment) == ["no_prevote"]
    assert found.id == "EX-01/no_prevote"
    assert found.parameters["pre_vote"] is False
    assert found.faults[0].target == ["n1"]
    assert [(check.check, check.expect) for check in found.checks] == [("linearizable", "violated")]
    assert found.variants == []
    assert parse(to_plain(found)) == found


def test_a_variant_without_checks_keeps_those_of_the_base() -> None:
    data = small()
    del data["variants"][0]["checks"]
    assert variant(parse(data), "no_prevote").checks == parse(data).checks


def test_an_unknown_variant_lists_the_known_ones() -> None:
    with pytest.raises(ExperimentError) as caught:
        variant(parse(small()), "nothing")
    assert caught.value.allowed == ("no_prevote",)


def test_knobs_move_what_they_name() -> None:
    data = small()
    title = {"en": "Latency", "zh": "延迟"}
    data["knobs"] = {
        "one_way_ms": {
            "value": 10,
            "title": title,
            "minimum": 0,
            "maximum": 100,
            "set": {"topology.links.default.latency_ms": {"uniform": ["$*0.8", "$*1.2"]}},
        },
        "dead": {
            "value": 0,
            "title": title,
            "choices": {"0": {"topology.nodes.n2.starts": "on"}, "1": {"topology.nodes.n2.starts": "off"}},
        },
    }
    experiment = parse(data)
    changed = with_overrides(experiment, {"one_way_ms": 20, "dead": 1})
    assert changed.topology.links.default.latency_ms == Distribution("uniform", (16, 24))
    assert changed.topology.node("n2").starts == "off"
    assert changed.knobs["one_way_ms"].value == 20
    for bad, path in (({"one_way_ms": 101}, "one_way_ms"), ({"dead": 2}, "dead")):
        with pytest.raises(ExperimentError) as caught:
            with_overrides(experiment, bad)
        assert caught.value.path == path


def test_required_systems_include_those_of_variants() -> None:
    data = small()
    data["variants"][0]["set"] = {
        "system": "paxos",
        "topology.nodes": [{"id": "n1"}, {"id": "n2"}, {"id": "n3"}],
    }
    assert requires(parse(data)) == ("paxos", "raft", "sentinel")


def test_several_problems_are_reported_together() -> None:
    data = small()
    data["seed"] = -1
    data["stop_s"] = "soon"
    data["faults"][0]["do"] = "explode"
    with pytest.raises(ExperimentError) as caught:
        parse(data)
    assert {problem.path for problem in caught.value.problems} == {"seed", "stop_s", "faults[0].do"}


def test_problems_are_said_in_both_languages() -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(put(small(), "seed", -1))
    problem = caught.value.problems[0]
    assert problem.message == "must be at least 0, not -1"
    assert problem.message_zh == "不得小于 0（给出的是 -1）"
    assert str(caught.value) == "seed: must be at least 0, not -1"


@pytest.mark.parametrize(
    ("changes", "path", "allowed"),
    [
        ({"heartbeat_ms": 0}, "parameters.heartbeat_ms", None),
        ({"heartbeat_ms": "fast"}, "parameters.heartbeat_ms", None),
        ({"max_batch": 1.5}, "parameters.max_batch", None),
        ({"pre_vote": 1}, "parameters.pre_vote", "true"),
        ({"read_mode": "guess"}, "parameters.read_mode", "lease"),
        ({"election_timeout_ms": [300, 150]}, "parameters.election_timeout_ms", None),
        ({"election_timeout_ms": 150}, "parameters.election_timeout_ms", None),
        ({"unheard_of": 1}, "parameters.unheard_of", "heartbeat_ms"),
        ({"twin": "none_such"}, "twin", "forget_vote"),
        (
            {"topology.nodes.n3.processes.0": {"system": "raft", "parameters": {"x": 1}}},
            "topology.nodes[2].processes[0].parameters.x",
            "pre_vote",
        ),
    ],
)
def test_the_registry_checks_parameters_and_twins(
    changes: dict[str, object], path: str, allowed: str | None
) -> None:
    experiment = parse(small(), REGISTRY)
    with pytest.raises(ExperimentError) as caught:
        with_overrides(experiment, changes, REGISTRY)
    assert caught.value.path == path
    assert allowed is None or allowed in caught.value.allowed


def test_without_a_registry_parameters_are_plain_data() -> None:
    assert with_overrides(parse(small()), {"heartbeat_ms": "fast"}).parameters["heartbeat_ms"] == "fast"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_are_topologies(name: str) -> None:
    data = {
        **small(),
        "topology": {"preset": name},
        "workload": [],
        "operations": [],
        "faults": [],
        "variants": [],
    }
    experiment = parse({**data, "compare": []})
    assert len(experiment.topology.nodes) == int(name.rsplit("_", 1)[1])


def test_message_patterns() -> None:
    fields = {"term": 3, "entries": (1, 2), "success": False}
    assert fields_fit({"term": 3, "entries": {"longer_than": 0}, "success": False}, fields)
    assert fields_fit(
        {"term": {"at_least": 3, "at_most": 3, "not": 4, "in": [1, 3]}, "entries": [1, 2]}, fields
    )
    assert not fields_fit({"term": {"not": 3}}, fields)
    assert not fields_fit({"entries": {"longer_than": 2}}, fields)
    assert not fields_fit({"success": {"at_least": 0}}, fields)
    assert not fields_fit({"absent": 1}, fields)
