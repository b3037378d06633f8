"""The published JSON Schema is current and agrees with the reader."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from simulations import catalogue
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.schema import experiment_schema, schema_text
from tests.engine.experiments import put, small

PUBLISHED = Path(__file__).parents[2] / "docs" / "experiment.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(experiment_schema())


def test_the_published_schema_is_current() -> None:
    """To renew it, write schema_text() of simulations.engine.experiment.schema into the file."""
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema_text()))


@pytest.mark.parametrize("id", catalogue.ids())
def test_the_catalogue_is_valid_under_it(id: str) -> None:
    data = catalogue.read_yaml((catalogue.FOLDER / f"{id}.yaml").read_text(encoding="utf-8"))
    assert [error.json_path for error in VALIDATOR.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("colour", "red"),
        ("stop_s", -1),
        ("faults.0.do", "explode"),
        ("topology.links.default.latency_ms", {"gauss": [1, 2]}),
        ("title", {"en": "only"}),
    ],
)
def test_it_refuses_what_the_reader_refuses(place: str, value: object) -> None:
    assert not VALIDATOR.is_valid(put(small(), place, value))


def test_every_action_is_in_it_and_explained() -> None:
    lines = experiment_schema()["properties"]["faults"]["items"]["oneOf"]
    assert [line["properties"]["do"]["const"] for line in lines] == list(ACTIONS)
    for action in ACTIONS.values():
        texts = [action.title, action.help, *(argument.help for argument in action.arguments.values())]
        assert all(text.en and text.zh for text in texts)
        assert action.undo == "" or action.undo in ACTIONS
