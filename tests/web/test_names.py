"""Everything that is judged or measured has a Chinese name, and nothing else is named."""

from __future__ import annotations

from simulations import catalogue, names
from simulations.engine import harness
from simulations.engine.registry import SYSTEMS


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


def test_a_line_of_a_result_is_told_in_both_languages() -> None:
    line = names.named("longest_gap_ms <= 600 (c1, from 3 s)")
    assert line.en == "longest gap without an answer, ms <= 600 (c1, from 3 s)"
    assert line.zh == "最长无应答时间（毫秒） <= 600 (c1, 从 3 秒起)"
    assert names.named("no_lost_ack").zh == "写入不丢"
    assert names.named("decision_delay_s").en == "decision delay, s"
    assert names.named("something else").zh == "something else"
