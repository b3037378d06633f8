"""The article's rows: all there, in both languages, each with an experiment that passes."""

from __future__ import annotations

import pytest

from simulations import catalogue, concepts
from simulations.engine import requirements
from simulations.engine.registry import SYSTEMS

ROWS = [f"S{number}" for number in range(1, 50)]


def test_every_row_of_the_article_says_what_holds_and_where_that_is_from() -> None:
    assert [row.id for row in concepts.rows()] == ROWS
    for row in concepts.rows():
        assert all((row.says.en, row.says.zh, row.holds.en, row.holds.zh, *row.sources)), row.id
        assert row.says.en != row.says.zh, row.id


def test_the_article_is_quoted_where_its_wording_is_known() -> None:
    quoted = {row.id: row.words for row in concepts.rows() if row.words}
    assert {"S1", "S13", "S16", "S44", "S49"} <= set(quoted)
    assert len(quoted) > 25
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in words) for words in quoted.values())


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_an_experiment_that_passes(row: str) -> None:
    named = [id for id in catalogue.ids() if row in catalogue.load(id).rows]
    passing = [id for id in named if concepts.passes(concepts.recorded().get(id, {}))]
    assert passing, f"{row}: none of {named} passes"


def test_the_record_holds_exactly_what_can_be_run() -> None:
    playable = [id for id in catalogue.ids() if not requirements.lacking(catalogue.load(id), SYSTEMS)]
    assert list(concepts.recorded()) == playable, "manage.py verdicts"


def test_nothing_to_judge_is_no_pass() -> None:
    assert not concepts.passes({})
    assert not concepts.passes({"": []})
    assert not concepts.passes({"": [["a", "holds", "holds"]], "b": [["a", "unknown", "holds"]]})
    assert concepts.passes({"": [["a", "violated", "violated"]]})
