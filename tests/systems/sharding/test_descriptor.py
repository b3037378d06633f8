"""What the page is told of sharding is what it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulations.engine.systems import sharding
from simulations.engine.systems.sharding import SYSTEM, preset
from simulations.engine.systems.sharding.descriptor import DESCRIPTOR
from simulations.engine.systems.sharding.messages import MESSAGES
from simulations.engine.systems.sharding.parameters import Parameters

HERE = Path(sharding.__file__).parent


def test_every_message_is_described_field_by_field() -> None:
    assert {spec.name: spec.fields for spec in DESCRIPTOR.messages} == {
        message.__name__: message.__struct_fields__ for message in MESSAGES
    }


def test_every_parameter_is_described_with_its_default() -> None:
    defaults = msgspec.structs.asdict(Parameters())
    assert {parameter.name: parameter.default for parameter in DESCRIPTOR.parameters} == defaults


def test_every_process_shows_every_field() -> None:
    for kind in SYSTEM.processes.values():
        process = kind()
        assert all(hasattr(process, field.attribute or field.name) for field in DESCRIPTOR.fields)
        assert kind.watched == next(iter(SYSTEM.processes.values())).watched


def test_every_note_that_is_taken_is_described_and_the_other_way_round() -> None:
    text = "".join(path.read_text() for path in sorted(HERE.glob("*.py")) if path.name != "descriptor.py")
    taken = set(re.findall(r'"(sharding\.[a-z_]+)"', text))
    assert taken - set(DESCRIPTOR.notes) <= {"sharding.lost"}
    assert set(DESCRIPTOR.notes) <= taken


def test_properties_that_must_always_hold_are_checks() -> None:
    always = {item.name for item in DESCRIPTOR.properties if item.kind == "always"}
    assert set(DESCRIPTOR.default_checks) <= always == set(SYSTEM.checks)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shards", 0),
        ("vnodes", 5000),
        ("copy_mb_s", -1),
        ("placement", "dice"),
        ("policy", "mood"),
        ("pods", -1),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**{field: value})


@pytest.mark.parametrize("values", [{"keys": -1}, {"keys": "many"}, {"value_bytes": 1.5}, {"colour": "red"}])
def test_a_wrong_beginning_is_refused_by_name(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(values))}: "):
        preset(values)
