"""What checks and measured numbers are called, for people. The page is built with the same table."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

from simulations.engine.process import Text

CHINESE = Path(__file__).parents[1] / "frontend" / "src" / "i18n" / "names.zh.json"


@lru_cache(maxsize=1)
def chinese() -> dict[str, dict[str, str]]:
    """`{checks: {name: text}, metrics: {name: text}}`."""
    found: dict[str, dict[str, str]] = json.loads(CHINESE.read_text(encoding="utf-8"))
    return found


def named(line: str) -> Text:
    """A check, or a number with what is expected of it: `longest_gap_ms <= 600 (from 3 s)`."""
    name = re.match(r"\w*", line)[0]  # type: ignore[index]  # it always matches
    found = chinese()["checks"].get(name) or chinese()["metrics"].get(name, name)
    rest = re.sub(r"from (\S+) s", r"从 \1 秒起", line[len(name) :])
    return Text(line, found + re.sub(r"to (\S+) s", r"到 \1 秒", rest))
