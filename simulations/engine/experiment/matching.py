"""Whether a message's fields fit the pattern of a trigger or of a rule about single messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "not": lambda value, limit: bool(value != limit),
    "at_least": lambda value, limit: is_number(value) and bool(value >= limit),
    "at_most": lambda value, limit: is_number(value) and bool(value <= limit),
    "in": lambda value, limit: isinstance(limit, list) and value in limit,
    "longer_than": lambda value, limit: isinstance(value, (str, list, tuple, dict)) and len(value) > limit,
}
"""Test word -> (value of the field, what the pattern says) -> verdict."""


def is_number(value: Any) -> bool:
    """An int or a float, but not a boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def fits(pattern: Any, value: Any) -> bool:
    """A plain pattern must equal the value; `{at_least: 3}` and the other words of TESTS must all hold."""
    if isinstance(pattern, dict) and pattern and all(word in TESTS for word in pattern):
        return all(TESTS[word](value, limit) for word, limit in pattern.items())
    if isinstance(value, tuple):
        value = list(value)
    return bool(pattern == value)


def fields_fit(patterns: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether every named field exists and fits."""
    return all(name in fields and fits(pattern, fields[name]) for name, pattern in patterns.items())
