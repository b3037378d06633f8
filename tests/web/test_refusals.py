"""Every refusal is said in both languages, and pages speak the reader's."""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import Annotated, Literal

import msgspec
import pytest
from django.test import Client

from simulations import catalogue, consumers, refusals, wire
from simulations.engine.experiment.vocabulary import SYMBOLIC_TARGETS
from simulations.engine.faults.refusals import REASONS, TARGETS_ZH, refuse
from simulations.engine.phrases import filled
from simulations.engine.world import World
from simulations.live import tiles
from simulations.services import commands, comparisons, states
from tests.chinese import calls, spoken, unfilled, wrong_in

ROOT = Path(refusals.__file__).parent


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """Everything that a struct can ask of what is sent."""

    n: Annotated[int, msgspec.Meta(ge=1, le=4)]
    even: Annotated[int, msgspec.Meta(multiple_of=2)] = 2
    share: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    word: Annotated[str, msgspec.Meta(min_length=1, max_length=3)] | None = None
    key: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "a"
    items: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=lambda: [1]
    )
    pair: tuple[int, int] = (1, 2)
    named: Annotated[dict[str, int], msgspec.Meta(min_length=1)] = {}
    side: Literal["left", "right"] = "left"


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
    assert unfilled(refusals.PHRASES) == []


def spoken_in_both() -> dict[str, tuple[str, str]]:
    """Everything that is refused, stopped or kept waiting by a sentence of its own in each language."""
    others = {"too fast": consumers.TOO_FAST, "exhausted": tiles.Exhausted.text}
    told = {name: (text["en"], text["zh"]) for name, text in others.items()}
    return {**REASONS, **commands.REFUSALS, **states.WAITING, **told}


def test_what_is_told_in_both_languages_is_chinese_alone() -> None:
    for name, (en, zh) in spoken_in_both().items():
        places = {place for text in (en, zh) for _, place, _, _ in Formatter().parse(text) if place}
        said = filled(zh, **dict.fromkeys(places, "7"))
        assert name == "malformed" or wrong_in(said) == [], said


def test_a_command_names_whom_it_would_hit_in_the_readers_language() -> None:
    assert set(TARGETS_ZH) == set(SYMBOLIC_TARGETS)
    world = World(catalogue.load("RA-01"), 1)
    refused = world.refusal({"do": "kill", "target": ["leader", "leader/raft"]})
    assert refused is not None
    assert refused.text.zh == "现在没有这样的节点：领导者、raft 的领导者。"
    world.command(0, {"do": "kill", "target": ["n1", "n2"]}, 1)
    world.run_until(1000)
    refused = world.refusal({"do": "pause", "target": ["n1", "n2"]})
    assert refused is not None
    assert (refused.text.en, refused.text.zh) == ("n1, n2 are down.", "n1、n2 已宕机。")


def test_a_refusal_has_the_grammar_of_one_and_of_several_nodes() -> None:
    for reason in ("running", "down", "paused", "not_paused", "no_timer"):
        one, two = refuse(reason, node="n1").text.en, refuse(reason, node="n1, n2").text.en
        assert (one.split()[1], two.split()[2]) in {("is", "are"), ("has", "have")}


@pytest.mark.parametrize(
    ("given", "chinese"),
    [
        (b"7", "应为记录，实际是整数"),
        (b'{"n": "x"}', "应为整数，实际是文本"),
        (b'{"n": 1, "word": 7}', "应为文本或空值，实际是整数"),
        (b'{"n": 0}', "应为不小于 1 的整数"),
        (b'{"n": 5}', "应为不大于 4 的整数"),
        (b'{"n": 1.5}', "应为整数，实际是数字"),
        (b'{"n": 1, "share": 0}', "应为大于 0.0 的数字"),
        (b'{"n": 1, "share": 1}', "应为小于 1.0 的数字"),
        (b'{"n": 1, "even": 3}', "应为整数，且是 2 的倍数"),
        (b'{"n": 1, "word": ""}', "应为文本，长度不小于 1"),
        (b'{"n": 1, "word": "long"}', "应为文本，长度不大于 3"),
        (b'{"n": 1, "key": "?"}', "应为符合“^[a-z]+$”的文本"),
        (b'{"n": 1, "items": []}', "应为列表，长度不小于 1"),
        (b'{"n": 1, "items": [1, 2, 3]}', "应为列表，长度不大于 2"),
        (b'{"n": 1, "pair": [1]}', "应为列表，长度为 2"),
        (b'{"n": 1, "named": {}}', "应为记录，长度不小于 1"),
        (b'{"n": 1, "side": "up"}', "值“up”不在允许的范围内"),
        (b'{"n": 1, "share": 1e999}', "数值超出范围"),
        (b"{}", "缺少此项"),
        (b'{"n": 1, "more": 1}', "未知的字段"),
        (b"{", "这不是完整的 JSON"),
        (b"{]", "这不是 JSON：第 1 字节处有误"),
        (b'{"n": 1, "word": "\xff"}', "这不是 JSON：不是 UTF-8 文本"),
    ],
)
def test_what_msgspec_refuses_is_said_in_chinese(given: bytes, chinese: str) -> None:
    with pytest.raises(wire.BadInput) as refused:
        wire.decode_strictly(msgspec.json.Decoder(Asked), given)
    assert refused.value.message_zh == chinese


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
