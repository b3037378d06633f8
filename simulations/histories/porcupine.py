"""Our histories as Porcupine's key-value text: one map an entry, in real-time order."""

from __future__ import annotations

import itertools
import json
from typing import Any

from simulations.engine.checks.history import History, Operation

NAME_OF = {"get": "get", "put": "put", "append": "append"}
"""What the format knows; compare-and-set, locks and deletions have no entry in it."""
TYPE_OF = {"ok": ":ok", "fail": ":fail", "unknown": ":info"}


def porcupine_log(history: History) -> str:
    """The text that check_history reads as porcupine-kv.

    Keys begin as "" there, so that a read of nothing is written as "". A process has one operation at a time,
    and ends with one whose outcome nobody knows: the next operation then has a process of its own.
    """
    numbers: dict[int, int] = {}
    free: list[int] = []
    fresh = itertools.count()
    lines = []
    for completes, operation in history.events():
        if operation.kind not in NAME_OF:
            continue
        if not completes:
            numbers[operation.id] = free.pop() if free else next(fresh)
            lines.append(entry(numbers[operation.id], ":invoke", operation, operation.argument))
        elif operation.outcome in TYPE_OF:
            told = operation.result if operation.kind == "get" else operation.argument
            lines.append(entry(numbers[operation.id], TYPE_OF[operation.outcome], operation, told))
            if operation.outcome != "unknown":
                free.append(numbers[operation.id])
    return "\n".join(lines) + "\n"


def entry(process: int, type_: str, operation: Operation, value: Any) -> str:
    """One line."""
    shown = "nil" if type_ == ":invoke" and operation.kind == "get" else text_of(value)
    return (
        f"{{:process {process}, :type {type_}, :f :{NAME_OF[operation.kind]}, "
        f":key {json.dumps(operation.key, ensure_ascii=False)}, :value {shown}}}"
    )


def text_of(value: Any) -> str:
    """A value as a text in quotes: the format's values are texts."""
    plain = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return json.dumps(plain, ensure_ascii=False)
