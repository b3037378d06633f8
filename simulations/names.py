"""What checks and measured numbers are called, for people. The page is built with the same table."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from simulations.engine.process import Text

FOLDER = Path(__file__).parents[1] / "frontend" / "src" / "i18n"


@lru_cache(maxsize=2)
def table(language: str) -> dict[str, dict[str, str]]:
    """`{checks: {name: text}, metrics: {name: text}}` of "en" or "zh"."""
    text = (FOLDER / f"names.{language}.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = json.loads(text)
    return found


def chinese() -> dict[str, dict[str, str]]:
    """The table that names everything."""
    return table("zh")


def english(name: str) -> str:
    """A name of its own, else the words of the id with the unit behind a comma, as the page does it."""
    found = table("en")["checks"].get(name) or table("en")["metrics"].get(name)
    return found or re.sub(r"_(ms|s)$", r", \1", name).replace("_", " ")


def counted(number: int, noun: str) -> str:
    """Regular English nouns with their number: 1 run, 2 runs."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def value_named(name: str, value: str) -> Text:
    """A chosen value of a parameter, as the page calls it; the same word may mean another thing elsewhere."""
    found = {language: table(language)["values"] for language in ("en", "zh")}
    plain = value.replace("_", " ")
    en, zh = (found[one].get(f"{name}.{value}") or found[one].get(value, plain) for one in ("en", "zh"))
    return Text(en, zh)


def named(line: str) -> Text:
    """A check, or a number with what is expected of it: `longest_gap_ms <= 600 (from 3 s)`."""
    name = re.match(r"\w*", line)[0]  # type: ignore[index]  # it always matches
    found = chinese()["checks"].get(name) or chinese()["metrics"].get(name, name)
    told = line[len(name) :]
    rest = re.sub(r"from (\S+) s", r"从 \1 秒起", told)
    return Text(english(name) + told, found + re.sub(r"to (\S+) s", r"到 \1 秒", rest))
