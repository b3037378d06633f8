"""The article's outline, row by row: what it says, what holds, and the experiments that show it.

rows()               # Concept S1 .. S49
recorded()           # experiment id -> part ("" is the base) -> its judged lines, as the tests found them last
judged_lines(result) # the same of one result of simulate_all
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from simulations.catalogue import read_yaml
from simulations.engine.process import Text

FOLDER = Path(__file__).parent
VERDICTS = FOLDER / "verdicts.json"

Lines = dict[str, list[list[str]]]
"""Part of an experiment -> (name, verdict, expected) of each check; comparisons stand under "compare"."""


class Concept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row. `sources`: where what holds is from; `words`: the article's own, as far as they are quoted."""

    id: str
    says: Text
    holds: Text
    sources: tuple[str, ...]
    words: str = ""


@lru_cache(maxsize=1)
def rows() -> tuple[Concept, ...]:
    """Every row, in the order of the article."""
    return msgspec.convert(read_yaml((FOLDER / "rows.yaml").read_text(encoding="utf-8")), tuple[Concept, ...])


@lru_cache(maxsize=1)
def recorded() -> dict[str, Lines]:
    """What was found of every experiment that can be run. The tests compare it with what they find."""
    found: dict[str, Lines] = json.loads(VERDICTS.read_text(encoding="utf-8"))
    return found


def judged_lines(result: dict[str, Any]) -> Lines:
    """The judged lines of an experiment, its variants and its comparisons."""
    parts = {"": result, **result.get("variants", {})}
    found = {part: lines(one["checks"]) for part, one in parts.items() if "checks" in one}
    if result.get("compare"):
        found["compare"] = lines(result["compare"])
    return found


def lines(judged: list[dict[str, Any]]) -> list[list[str]]:
    """Name, verdict and what was expected of each; those of which nothing was expected are left out."""
    return [[one["name"], one["verdict"], one["expected"]] for one in judged if one["expected"] is not None]


def passes(found: Lines) -> bool:
    """Whether there is something to judge, and all of it is as expected."""
    judged = [line for part in found.values() for line in part]
    return bool(judged) and all(verdict == expected for _, verdict, expected in judged)
