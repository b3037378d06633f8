"""Bad input gives one clear error that names the place and what would be allowed."""

from __future__ import annotations

import math
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from simulations.engine.experiment import ExperimentError, parse, problems
from simulations.engine.experiment.problems import PROBLEMS_MAX
from simulations.engine.registry import SYSTEMS
from tests.chinese import calls, spoken, wrong_in
from tests.engine.experiments import put, small


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


MANY = [{"id": f"m{i}"} for i in range(102)]
DIST = "topology.links.default.latency_ms"
AT = "topology.links.default.latency_ms"

# (place to change, new value, path of the error, a word among the allowed values or "")
CASES: list[tuple[str, Any, str, str]] = [
    # numbers
    ("stop_s", math.nan, "stop_s", ""),
    ("stop_s", math.inf, "stop_s", ""),
    ("stop_s", -math.inf, "stop_s", ""),
    ("stop_s", 0, "stop_s", ""),
    ("stop_s", -1, "stop_s", ""),
    ("stop_s", 1e300, "stop_s", ""),
    ("stop_s", 10**400, "stop_s", ""),
    ("stop_s", True, "stop_s", ""),
    ("stop_s", "20", "stop_s", ""),
    ("stop_s", None, "stop_s", ""),
    ("stop_s", [20], "stop_s", ""),
    ("seed", 1.5, "seed", ""),
    ("seed", -1, "seed", ""),
    ("seed", 2**60, "seed", ""),
    ("format", 2, "format", ""),
    ("workload.0.rate", 1e6, "workload[0].rate", ""),
    ("workload.0.rate", math.nan, "workload[0].rate", ""),
    ("workload.0.count", 0, "workload[0].count", ""),
    ("workload.0.count", 100_000, "workload[0].count", ""),
    ("play.speed", 0, "play.speed", ""),
    # texts, ids, words
    ("id", "", "id", ""),
    ("id", "a b", "id", ""),
    ("id", "x" * 200, "id", ""),
    ("id", 7, "id", ""),
    ("title", "Leader crash", "title", "zh"),
    ("title", {"en": "only"}, "title.zh", ""),
    ("title", {"en": "a", "zh": "甲", "fr": "b"}, "title.fr", "en"),
    ("title.en", "x" * 10_000, "title.en", ""),
    ("title.en", "bell\x07", "title.en", ""),
    ("title.en", "\ud800", "title.en", ""),
    ("title.zh", "   ", "title.zh", ""),
    ("system", "Raft!", "system", ""),
    ("timers", "sometimes", "timers", "manual"),
    ("play.view", "hologram", "play.view", "space_time"),
    ("cite", "one text", "cite", ""),
    # keys
    ("colour", "red", "colour", "topology"),
    ("topology.colour", "red", "topology.colour", "nodes"),
    ("workload.0.speed", 1, "workload[0].speed", "rate"),
    ("faults.0.colour", "red", "faults[0].colour", "target"),
    ("checks.1.maximum", 1, "checks[1].maximum", "at_most"),
    # topology
    ("topology", [], "topology", "nodes"),
    ("topology", {"preset": "moon_base"}, "topology.preset", "one_zone_5"),
    ("topology", {"nodes": []}, "topology.nodes", ""),
    ("topology", {}, "topology.nodes", ""),
    ("topology.nodes", MANY, "topology.nodes", ""),
    ("topology.nodes.1.id", "n1", "topology.nodes[1].id", ""),
    ("topology.nodes.1.id", "leader", "topology.nodes[1].id", ""),
    ("topology.nodes.1.zone", "mars", "topology.nodes[1].zone", "a"),
    ("topology.nodes.2.rack", "rack1", "topology.nodes[2].rack", ""),
    ("topology.nodes.1.starts", "maybe", "topology.nodes[1].starts", "off"),
    ("topology.nodes.2.bare", True, "topology.nodes[2].bare", ""),
    ("topology.nodes.2.processes.1.id", "x y", "topology.nodes[2].processes[1].id", ""),
    ("topology.regions.1.id", "east", "topology.regions[1]", ""),
    ("topology.links.between.0.to", "moon", "topology.links.between[0].to", "west"),
    ("topology.links.between.0.jam", 1, "topology.links.between[0]", "loss"),
    ("topology.links.default.loss", 1.1, "topology.links.default.loss", ""),
    ("topology.only_links", [["n1"]], "topology.only_links[0]", ""),
    ("topology.only_links", [["n1", "n9"]], "topology.only_links[0][1]", "n2"),
    # distributions
    (DIST, {"gauss": [1, 2]}, AT, "lognormal"),
    (DIST, {}, AT, "normal"),
    (DIST, {"normal": [1, 2], "uniform": [1, 2]}, AT, "normal"),
    (DIST, {"normal": [1]}, f"{AT}.normal", ""),
    (DIST, {"normal": [1, 2, 3]}, f"{AT}.normal", ""),
    (DIST, {"uniform": [5, 1]}, f"{AT}.uniform", ""),
    (DIST, {"uniform": [1, math.inf]}, f"{AT}.uniform[1]", ""),
    (DIST, {"pareto": [0, 1]}, f"{AT}.pareto", ""),
    (DIST, {"exponential": -1}, f"{AT}.exponential[0]", ""),
    (DIST, {"empirical": []}, f"{AT}.empirical", ""),
    (DIST, {"empirical": [1] * 2000}, f"{AT}.empirical", ""),
    (DIST, {"mixture": [[1, 2, 3]]}, f"{AT}.mixture[0]", ""),
    (DIST, {"mixture": [[-1, 2]]}, f"{AT}.mixture[0][0]", ""),
    (
        DIST,
        {"mixture": [[1, {"mixture": [[1, {"mixture": [[1, 1]]}]]}]]},
        f"{AT}.mixture[0][1].mixture[0][1].mixture",
        "",
    ),
    (DIST, -1, AT, ""),
    (DIST, "fast", AT, ""),
    # clients
    ("workload.0.at", "n9", "workload[0].at", "n1"),
    ("workload.0.to", "n9", "workload[0].to", "nearest"),
    ("workload.0.client", "n1", "workload", ""),
    ("workload.0.system", "paxos", "workload[0].system", "sentinel"),
    ("workload.0.stop_s", -1, "workload[0].stop_s", ""),
    ("workload.1", {"client": "c1", "at": "n2"}, "workload[1].client", ""),
    ("operations.0.at", "n9", "operations[0].at", "w"),
    ("operations.1.client", "nobody", "operations[1].client", "c1"),
    ("operations.1.at_s", 4, "operations[1].when", ""),
    ("operations.0.count", 4, "operations[0].count", "every_s"),
    ("operations.1.when.event", "sneeze", "operations[1].when.event", "deliver"),
    # faults
    ("faults", {"0": 1}, "faults", ""),
    ("faults.0", "kill", "faults[0]", ""),
    ("faults.0.do", "explode", "faults[0].do", "kill"),
    ("faults.0.do", None, "faults[0].do", "kill"),
    ("faults.0.target", "n9", "faults[0].target", "leader"),
    ("faults.0.target", None, "faults[0].target", ""),
    ("faults.0.target", [], "faults[0].target", ""),
    ("faults.0.target", "leader/paxos", "faults[0].target", "minority"),
    ("faults.0.at_s", None, "faults[0]", "at_s"),
    ("faults.0.at_s", math.nan, "faults[0].at_s", ""),
    ("faults.0.when", {"event": "fault"}, "faults[0].when", ""),
    ("faults.0.until_s", 9, "faults[0].until_s", "every_s"),
    ("faults.0.probability", 0.5, "faults[0].probability", "every_s"),
    ("faults.1.to", None, "faults[1].to", ""),
    ("faults.1.to", ["n1", "n9"], "faults[1].to", "n3"),
    ("faults.3.match", None, "faults[3].match", ""),
    ("faults.3.match.message", 5, "faults[3].match.message", ""),
    ("faults.3.match.fields", [1], "faults[3].match.fields", ""),
    ("faults.4", {"at_s": 1, "do": "partition"}, "faults[4]", "shape"),
    ("faults.4", {"at_s": 1, "do": "partition", "shape": "star"}, "faults[4].shape", "halves"),
    ("faults.4", {"at_s": 1, "do": "partition", "groups": [["n1"]]}, "faults[4].groups", ""),
    ("faults.4", {"at_s": 1, "do": "partition", "groups": [["n1"], ["n9"]]}, "faults[4].groups[1]", "n1"),
    ("faults.4", {"at_s": 1, "do": "heal", "for_s": 2}, "faults[4].for_s", ""),
    ("faults.4", {"at_s": 1, "do": "slow", "target": "n1"}, "faults[4]", "cpu_times"),
    ("faults.4", {"at_s": 1, "do": "loss", "chance": 2}, "faults[4].chance", ""),
    ("faults.4", {"at_s": 1, "do": "zone_outage", "target": "n1"}, "faults[4].target", "a"),
    ("faults.4", {"at_s": 1, "do": "load", "target": "n1", "rate": 1}, "faults[4].target", "c1"),
    ("faults.4", {"at_s": 1, "do": "set_parameter", "name": "x"}, "faults[4].value", ""),
    ("faults.4", {"at_s": 1, "do": "configure", "add": "n9"}, "faults[4].add", "n1"),
    ("faults", [{"at_s": 1, "do": "heal"}] * 501, "faults", ""),
    # start, disks, clocks
    ("initial.leader", "n9", "initial.leader", "n1"),
    ("initial.nodes", {"n9": {}}, "initial.nodes.n9", "n1"),
    ("initial.shared", deep(3), "initial.shared", ""),
    ("storage.nodes", {"n9": {}}, "storage.nodes.n9", "n1"),
    ("storage.default", {"write_ms": "slow"}, "storage.default.write_ms", ""),
    ("clocks", {"n9": {"rate": 1}}, "clocks.n9", "n1"),
    ("clocks", {"n1": {"rate": 0}}, "clocks.n1.rate", ""),
    # plain data
    ("parameters.x", deep(50), "parameters.x" + "[0]" * 10, ""),
    ("parameters.x", math.inf, "parameters.x", ""),
    ("parameters.x", 10**30, "parameters.x", ""),
    ("parameters.x", "y" * 5000, "parameters.x", ""),
    ("parameters.x", [0] * 6000, "parameters.x", ""),
    ("parameters.x", {1: 2}, "parameters.x.1", ""),
    ("parameters.x", object(), "parameters.x", ""),
    # expectations
    ("checks.0", {}, "checks[0]", "metric"),
    ("checks.0", {"check": "a", "metric": "b", "at_most": 1}, "checks[0]", "check"),
    ("checks.0", {"metric": "b"}, "checks[0]", "at_least"),
    ("checks.0", {"check": "a", "at_most": 1}, "checks[0].at_most", ""),
    ("checks.0", {"check": "a", "expect": "maybe"}, "checks[0].expect", "violated"),
    ("checks.0", {"check": "a", "from_s": 5, "to_s": 4}, "checks[0].to_s", ""),
    ("checks.0", {"metric": "b", "at_least": 5, "at_most": 4}, "checks[0].at_most", ""),
    ("checks.0", {"check": "a", "client": "c9"}, "checks[0].client", "c1"),
    ("checks.0", {"check": "a", "node": "n9"}, "checks[0].node", "n1"),
    ("compare.0.variant", "other", "compare[0].variant", "no_prevote"),
    ("compare.0.is", "nicer", "compare[0].is", "greater"),
    ("expect_sweep.0.statistic", "share", "expect_sweep[0].statistic", "p99"),
    ("expect_sweep.0.statistic", "p42", "expect_sweep[0].statistic", "p99"),
    ("expect_sweep.0.at_most", None, "expect_sweep[0]", "at_least"),
    ("predict.0.kind", "choice", "predict[0].choices", ""),
    ("predict.0.question", "How long?", "predict[0].question", "zh"),
    # variants
    ("variants.1", {"id": "no_prevote", "title": {"en": "a", "zh": "甲"}}, "variants[1].id", ""),
    ("variants.0.set", {"faults.9.at_s": 1}, "variants[0].set", ""),
    ("variants.0.set", {"topology": {"preset": "x"}}, "variants[0].set", ""),
    ("variants.0.checks.0.expect", "hm", "variants[0].checks[0].expect", "holds"),
    ("variants.0.checks.0.client", "c9", "variants[0].checks[0].client", "c1"),
    ("knobs", {"k": {"value": 1, "title": {"en": "k", "zh": "钮"}}}, "knobs.k", "set"),
]


@pytest.mark.parametrize(("place", "value", "path", "allowed"), CASES)
def test_the_error_names_the_place_and_what_is_allowed(
    place: str, value: Any, path: str, allowed: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(put(small(), place, value))
    assert path in [problem.path for problem in caught.value.problems]
    found = next(problem for problem in caught.value.problems if problem.path == path)
    assert not allowed or allowed in found.allowed
    assert found.message
    assert found.message_zh


@pytest.mark.parametrize("data", [None, 1, "text", [], [{}], True, math.nan, {}, {1: 2}, {"id": {}}])
def test_anything_else_is_refused_too(data: Any) -> None:
    with pytest.raises(ExperimentError):
        parse(data)


def test_the_list_of_problems_is_bounded() -> None:
    data = small()
    data.update({f"key{i}": i for i in range(1000)})
    with pytest.raises(ExperimentError) as caught:
        parse(data)
    assert len(caught.value.problems) == PROBLEMS_MAX


def test_why_a_variant_does_not_work_is_told_in_chinese_too() -> None:
    variant = {"id": "v", "title": {"en": "V", "zh": "变体"}, "set": {"parameters.heartbeat_ms": "often"}}
    with pytest.raises(ExperimentError) as caught:
        parse(put(put(small(), "variants", [variant]), "compare", []), SYSTEMS)
    found = caught.value.problems[0]
    assert found.message.startswith("the variant v does not work: parameters.heartbeat_ms: must be a number")
    assert found.message_zh.startswith("变体 v 不成立：parameters.heartbeat_ms：必须是数字")


def test_what_is_not_kept_of_many_problems_still_refuses() -> None:
    data = put(small(), "topology.links.between", ["n1"] * (PROBLEMS_MAX + 1))
    del data["workload"][0]["at"]
    data["faults"].append({"at_s": 1, "do": "kill"})
    with pytest.raises(ExperimentError) as caught:
        parse(data)
    assert len(caught.value.problems) == PROBLEMS_MAX


def test_huge_keys_and_values_are_shown_shortened() -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(put(small(), "x" * 100_000, "y" * 100_000))
    assert len(caught.value.path) < 100
    assert len(caught.value.message) < 200


# Chinese ---------------------------------------------------------


def notes() -> list[tuple[str, dict[str, str]]]:
    """(code, what is given to it as a literal) of every problem that the engine notes."""
    found = []
    for call in calls(Path(problems.__file__).parents[1], "add"):
        words = [spoken(argument) for argument in call.args]
        if len(words) == 2 and words[1] in problems.MESSAGES:
            found.append((words[1], {word.arg or "": spoken(word.value) for word in call.keywords}))
    return found


def test_every_problem_is_told_in_chinese_alone() -> None:
    for code, (_, chinese) in problems.MESSAGES.items():
        places = {name: "7" for _, name, _, _ in Formatter().parse(chinese) if name}
        assert wrong_in(problems.Problem("x", code, places).message_zh) == [], code


def test_what_is_said_of_a_problem_beside_its_sentence_has_a_chinese_word_or_is_a_name() -> None:
    assert len(notes()) > 50
    for code, given in notes():
        for place, word in given.items():
            if place == "expected":
                assert word in problems.WORDS_ZH
            elif word:
                assert re.fullmatch(r"[\w.]+((, | / )[\w.]+)*", word), (code, word)
                assert ", " not in word or f"{{{place}:、}}" in problems.MESSAGES[code][1], (code, word)


@pytest.mark.parametrize("given", [None, [], {}, True, 10**30, 1.5, ()])
def test_what_was_given_is_told_in_chinese_too(given: Any) -> None:
    for path in ("stop_s", "workload", "title", "play", "topology.nodes.0.id", "seed", "faults.0.do"):
        found = refused(put(small(), path, given))
        assert [wrong for one in found if (wrong := wrong_in(one.message_zh))] == [], found


def refused(data: Any) -> tuple[problems.Problem, ...]:
    """The problems of an experiment."""
    try:
        parse(data)
    except ExperimentError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("path", "given", "en", "zh"),
    [
        ("stop_s", "soon", "must be a number, not soon", "必须是数字，而不是 soon"),
        ("stop_s", [20], "must be a number, not a list", "必须是数字，而不是列表"),
        (
            "title",
            "a list",
            "must be a text in en and zh, not a list",
            "必须是含 en 与 zh 的文本，而不是 a list",
        ),
        (AT, {}, "needs exactly one kind", "必须恰好给出其中一种"),
        (AT, {"exponential": 0}, "must be more than 0, not 0", "必须大于 0（给出的是 0）"),
        ("topology.nodes.0.id", "leader", "leader is a word of fault scripts", "leader 是故障脚本的用词"),
    ],
)
def test_a_problem_in_both_languages(path: str, given: Any, en: str, zh: str) -> None:
    assert [(one.message, one.message_zh) for one in refused(put(small(), path, given))][:1] == [(en, zh)]


def test_alternatives_are_listed_as_each_language_does() -> None:
    line = {"do": "kill", "target": "n1"}
    found = next(one for one in refused(put(small(), "faults", [line])) if one.code == "one_of")
    assert found.message == "needs exactly one of at_s, when, every_s"
    assert found.message_zh == "必须恰好给出其中一项：at_s、when、every_s"
