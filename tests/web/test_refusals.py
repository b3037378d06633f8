"""Every refusal is said in both languages, and pages speak the reader's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.test import Client

from simulations import refusals, wire

ROOT = Path(refusals.__file__).parent


def message(node: ast.expr) -> str | None:
    """The text of a literal, with a number for each value; None for a text that comes from elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return None


def raised() -> set[str]:
    """What every BadInput of the product says."""
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "BadInput":
                said = message(node.args[1])
                found |= {said} if said else set()
    return found


def test_every_refusal_is_said_in_chinese() -> None:
    messages = raised()
    assert len(messages) > 60
    assert sorted(one for one in messages if refusals.in_chinese(one).startswith("无法完成")) == []


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
