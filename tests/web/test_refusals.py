"""Every refusal is said in both languages, and pages speak the reader's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client

from simulations import catalogue, refusals, wire
from simulations.services import comparisons
from tests.chinese import calls, spoken, wrong_in

ROOT = Path(refusals.__file__).parent


def raised() -> set[str]:
    """What every BadInput of the product says, and a search that found nothing to make smaller."""
    texts = {spoken(call.args[1]) for call in calls(ROOT, "BadInput") if len(call.args) > 1}
    texts |= {spoken(call.args[0]) for call in calls(ROOT, "NotFailing") if call.args}
    named = {refusals.TOO_MANY, refusals.UNABLE, wire.UNSTORABLE}
    return (texts | named | set(comparisons.conditions(catalogue.load("RA-01")))) - {""}


def test_every_refusal_is_said_in_chinese_alone() -> None:
    messages = raised()
    assert len(messages) > 60
    assert {one: wrong for one in messages if (wrong := wrong_in(refusals.in_chinese(one)))} == {}


def test_every_chinese_refusal_fills_its_places() -> None:
    for pattern, chinese in refusals.PHRASES:
        places = {int(place) for place in re.findall(r"\{(\d)(?::.)?\}", chinese)}
        assert places == set(range(re.compile(pattern).groups)), pattern


def test_values_stand_in_the_chinese_sentence() -> None:
    assert wire.BadInput("seeds", "900000 runs are too many").plain() == {
        "field": "seeds",
        "message": "900000 runs are too many",
        "message_zh": "900000 次运行太多",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [("zh-CN", "<title>实验库</title>", "画出一个集群"), ("en", "<title>Gallery</title>", "Draw a cluster")],
)
def test_a_page_has_title_and_description_in_the_readers_language(
    client: Client, language: str, title: str, sentence: str
) -> None:
    page = client.get("/gallery", headers={"accept-language": language}).content.decode()
    assert title in page
    assert f'<meta property="og:description" content="{sentence}' in page


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "words"), [("zh-CN", "这里什么都没有"), ("en", "Nothing here")])
def test_an_address_without_anything_says_so(client: Client, language: str, words: str) -> None:
    answer = client.get("/r/zzzzzz", headers={"accept-language": language})
    assert answer.status_code == 404
    assert words in answer.content.decode()
