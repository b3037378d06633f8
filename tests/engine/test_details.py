"""What systems say of values that they cannot take is said in Chinese, too."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from simulations import catalogue
from simulations.engine.experiment.details import SHAPES, in_chinese
from simulations.engine.experiment.problems import Problem
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.chinese import calls, spoken, unfilled, wrong_in

FOLDER = Path(__file__).parents[2] / "simulations" / "engine" / "systems"


def sentences() -> set[str]:
    """What every ValueError of a system says."""
    return {spoken(call.args[0]) for call in calls(FOLDER, "ValueError") if call.args} - {""}


def test_every_sentence_of_a_system_has_a_chinese_one() -> None:
    found = sentences()
    assert len(found) > 60
    assert {one: wrong for one in found if (wrong := wrong_in(in_chinese(one)))} == {}


def test_every_chinese_sentence_fills_its_places() -> None:
    assert unfilled(SHAPES) == []


@pytest.mark.parametrize(
    ("given", "chinese"),
    [
        ({"heartbeat_ms": "x"}, "应为数字，实际是文本，位于 `$.heartbeat_ms`"),
        ({"heartbeat_ms": -1}, "heartbeat_ms：1 至 600000 的数字"),
    ],
)
def test_what_msgspec_says_of_parameters_is_in_chinese(given: dict[str, object], chinese: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(given, SYSTEMS["raft"].parameters)
    problem = Problem("parameters", "parameter", {"detail": str(refused.value)})
    assert chinese in problem.message_zh


def test_a_command_that_does_not_fit_is_refused_in_chinese_too() -> None:
    world = World(catalogue.load("BA-02"), 1)
    refused = world.refusal({"do": "set_parameter", "name": "ttl_s", "value": 0.1})
    assert refused is not None
    assert refused.text.zh == "ttl_s：须长于 refresh_s，否则两次刷新之间所有分片都会被遗忘"


def test_what_stops_the_engine_is_in_chinese() -> None:
    said = "kind: 'jump' is not one of get, put"
    assert in_chinese(said) == "kind：“jump”不在允许的值中：get、put"
    error = KeyError("n1 sends to 'n9', which is no address of this world")
    assert in_chinese(str(error)) == "n1 向“n9”发送，但这里没有这个地址"


def test_what_nobody_translated_is_quoted() -> None:
    assert in_chinese("the moon is full") == "原文：the moon is full"
    assert in_chinese("") == ""
