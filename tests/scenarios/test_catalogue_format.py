"""Every experiment that ships is well formed, bilingual, and says what it expects."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulations import catalogue
from simulations.engine.experiment import (
    Experiment,
    ExperimentError,
    fingerprint,
    parse,
    requires,
    to_plain,
    variant,
    variants,
    with_overrides,
)
from simulations.services.headless import Job, simulate

COUNTS = {
    "RA": 13, "PX": 5, "ZK": 10, "CAP": 3, "BA": 6, "MS": 3, "SN": 1, "AM": 2,
    "MC": 6, "HS": 4, "CO": 4, "DR": 4, "GF": 2,
}  # fmt: skip
NAMES = [
    name for id in catalogue.ids() for name in [id, *(f"{id}/{v}" for v in variants(catalogue.load(id)))]
]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
FULL_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,?!;:]")


def texts(value: Any) -> list[dict[str, str]]:
    """Every text in both languages inside plain data."""
    if isinstance(value, dict):
        return [value] if set(value) == {"en", "zh"} else [t for part in value.values() for t in texts(part)]
    return [t for part in value for t in texts(part)] if isinstance(value, list) else []


def expectations(experiment: Experiment) -> int:
    return len(experiment.checks) + len(experiment.expect_sweep)


def test_every_experiment_is_counted_and_so_are_the_three_measurements() -> None:
    counted = [id for id in catalogue.ids() if id not in catalogue.EXTRA]
    assert len(counted) == sum(COUNTS.values())
    assert set(catalogue.EXTRA) <= set(catalogue.ids())
    found = {group: sum(id.startswith(group + "-") for id in counted) for group in COUNTS}
    assert found == COUNTS


def test_every_row_of_the_article_has_an_experiment() -> None:
    rows = {row for id in catalogue.ids() for row in catalogue.load(id).rows}
    assert rows == {f"S{number}" for number in range(1, 50)}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_and_written_without_a_change(name: str) -> None:
    experiment = catalogue.load(name)
    assert experiment.id == name
    assert parse(to_plain(experiment)) == experiment
    assert fingerprint(parse(to_plain(experiment))) == fingerprint(experiment)


@pytest.mark.parametrize("name", NAMES)
def test_it_states_its_expectations(name: str) -> None:
    assert expectations(catalogue.load(name)) >= 1


@pytest.mark.parametrize("id", catalogue.ids())
def test_it_is_complete(id: str) -> None:
    experiment = catalogue.load(id)
    assert experiment.question is not None
    assert experiment.cite
    assert experiment.rows
    assert experiment.seed


@pytest.mark.parametrize("id", catalogue.ids())
def test_its_texts_read_in_both_languages(id: str) -> None:
    for text in texts(to_plain(catalogue.load(id))):
        assert CHINESE.search(text["zh"]), text
        assert not CHINESE.search(text["en"]), text
        assert not FULL_WIDTH.search(text["zh"]), f"half-width punctuation: {text}"


@pytest.mark.parametrize("id", [id for id in catalogue.ids() if variants(catalogue.load(id))])
def test_its_variants_differ_from_the_base_and_from_each_other(id: str) -> None:
    base = catalogue.load(id)
    recipes = [base, *(variant(base, name) for name in variants(base))]
    plain = [to_plain(recipe) for recipe in recipes]
    ignored = ("id", "title", "question", "checks", "variants", "compare", "expect_sweep", "predict")
    seen = [{key: item for key, item in recipe.items() if key not in ignored} for recipe in plain]
    assert all(a != b for i, a in enumerate(seen) for b in seen[:i])


@pytest.mark.parametrize(
    ("id", "name"), [(id, name) for id in catalogue.ids() for name in catalogue.load(id).knobs]
)
def test_the_file_agrees_with_its_knobs(id: str, name: str) -> None:
    experiment = catalogue.load(id)
    assert with_overrides(experiment, {name: experiment.knobs[name].value}) == experiment


@pytest.mark.parametrize("id", [id for id in catalogue.ids() if catalogue.load(id).system == "raft"])
def test_every_raft_experiment_states_its_switches(id: str) -> None:
    switches = {"pre_vote", "check_quorum", "leader_stickiness", "leader_noop", "heartbeat_ms"}
    assert switches <= set(catalogue.load(id).parameters)


def test_rules_broken_on_purpose_are_expected_to_be_caught() -> None:
    """The checks are seen to fail, not only to pass."""
    for id in ("RA-05", "RA-11", "RA-12", "RA-13", "PX-04", "ZK-09", "ZK-10", "MS-02"):
        base = catalogue.load(id)
        recipes = [base, *(variant(base, name) for name in variants(base))]
        assert any(check.expect == "violated" for recipe in recipes for check in recipe.checks), id


def test_what_an_experiment_needs_is_derived() -> None:
    assert requires(catalogue.load("RA-01")) == ("raft",)
    assert requires(catalogue.load("CO-02")) == (
        "manager", "orchestrator", "primary_replica", "raft", "sentinel",
    )  # fmt: skip
    assert requires(catalogue.load("PX-05")) == ("paxos", "three_phase_commit", "two_phase_commit")


def test_unknown_ids_list_the_known_ones() -> None:
    for name in ("RA-99", "RA-01/nothing"):
        with pytest.raises(ExperimentError) as caught:
            catalogue.load(name)
        assert caught.value.allowed


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x [1]\nb: *x",
        "a: [",
        "[" * 100 + "]" * 100,
        "!!python/object/apply:os.getcwd []",
        "x" * 1_000_001,
    ],
)
def test_tricks_in_yaml_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        catalogue.read_yaml(text)


@pytest.mark.parametrize("id", catalogue.examples())
def test_an_example_that_ships_beside_the_catalogue_serves_its_clients(id: str) -> None:
    example = catalogue.load(id)
    assert example.id == id
    assert catalogue.ships(id)
    test_its_texts_read_in_both_languages(id)
    result, _ = simulate(Job(example, example.seed), until_us=5_000_000)
    assert result["metrics"]["acknowledged"] > 0
