"""Everything that is judged, measured or asked for has a Chinese name, and nothing else is named."""

from __future__ import annotations

from simulations import catalogue, names
from simulations.engine import harness
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.registry import SYSTEMS
from simulations.management.commands import check_history, sweep

ALIKE_EVERYWHERE = {"", "MB", "MB/s", "Mbit/s"}


def experiments() -> list[str]:
    """Names of the checks that the catalogue's experiments ask for."""
    loaded = [catalogue.load(id) for id in catalogue.ids()]
    lines = [
        line
        for one in loaded
        for part in [one.checks, *(item.checks for item in one.variants)]
        for line in part or ()
    ]
    return [line.check for line in lines if line.check]


def test_every_check_and_number_has_a_chinese_name() -> None:
    systems = SYSTEMS.values()
    metrics = {*harness.METRICS, *(name for system in systems for name in system.metrics)}
    properties = {one.name for system in systems for one in system.descriptor.properties}
    assert set(names.chinese()["metrics"]) == metrics
    assert properties | set(experiments()) <= set(names.chinese()["checks"])


def asked() -> tuple[dict[str, set[str]], set[str]]:
    """What faults, parameters and instructions ask for, with the words to choose from; and their units."""
    words: dict[str, set[str]] = {}
    units: set[str] = set()
    for action in ACTIONS.values():
        for name, argument in action.arguments.items():
            schema = argument.kind.schema()
            words.setdefault(name, set()).update(schema.get("enum", ()))
            units.add(schema.get("x-unit", ""))
    for system in SYSTEMS.values():
        for parameter in system.descriptor.parameters:
            words.setdefault(parameter.name, set()).update(parameter.choices)
            units.add(parameter.unit)
        for instruction in system.descriptor.instructions:
            for one in instruction.asked:
                words.setdefault(one.name, set()).update(one.choices)
    return words, units


def test_all_that_faults_and_parameters_ask_for_has_a_name() -> None:
    words, units = asked()
    arguments = {name for action in ACTIONS.values() for name in action.arguments}
    table = names.chinese()
    assert set(table["arguments"]) == arguments
    for name, choices in words.items():
        unnamed = {word for word in choices if not {word, f"{name}.{word}"} & set(table["values"])}
        assert not unnamed, name
    assert set(table["units"]) == units - ALIKE_EVERYWHERE | {"min"}, "minutes are in durations"


def test_a_line_of_a_result_is_told_in_both_languages() -> None:
    line = names.named("longest_gap_ms <= 600 (c1, from 3 s)")
    assert line.en == "longest gap without an answer, ms <= 600 (c1, from 3 s)"
    assert line.zh == "最长无应答时间（毫秒） <= 600 (c1, 从 3 秒起)"
    assert names.named("no_lost_ack").zh == "写入不丢"
    assert names.named("decision_delay_s").en == "decision delay, s"
    assert names.named("something else").zh == "something else"


def test_one_is_no_plural() -> None:
    assert [names.counted(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
    table = sweep.table({"runs": 1, "checks": {}, "metrics": {}})
    assert table == "1 run"
    answer = {"verdict": "linearizable", "operations": 1, "seconds": 0, "reason": "", "first_violation": None}
    assert check_history.summary(answer) == "linearizable: 1 operation in 0.000 s"
