"""A key-value state machine over plain dicts: what replicated systems apply their commands to.

``data``: key -> value; ``marks``: key -> hash of that pair. Equal contents give equal state hashes, in
whatever order they were written, so replicas can be compared by one number.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from simulations.engine.process import Request

KINDS = ("get", "put", "append", "cas", "delete", "lock", "unlock")
_MASK = (1 << 61) - 1
PLAIN = frozenset((str, int, float, type(None)))
_FROZEN = "\0"
_encode = msgspec.msgpack.Encoder().encode


def text_of(value: Any) -> str:
    """A value as the text that append works on: "" for none, JSON for what is not text."""
    if value is None:
        return ""
    if type(value) is float and value.is_integer():  # as JSON, 1.0 is 1
        value = int(value)
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def frozen(value: Any) -> Any:
    """A hashable plain value equal exactly when the JSON values are equal: lists, maps, booleans, and texts that
    might be taken for one of these, become texts."""
    kind = type(value)
    if kind in PLAIN and not (kind is str and value.startswith(_FROZEN)):
        return value
    return _FROZEN + msgspec.json.encode(value, order="sorted").decode()


def frozen_text(value: Any) -> str:
    """``text_of`` the value that was frozen."""
    if type(value) is not str or not value.startswith(_FROZEN):
        return text_of(value)
    text = value[1:]
    return str(msgspec.json.decode(text)) if text.startswith('"') else text


def equal(value: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: true is not 1, as it is in Python."""
    return bool(value == other) and frozen(value) == frozen(other)


def effect_of(data: dict[str, Any], request: Request) -> tuple[bool, Any, Any]:
    """What a request does to the data: (whether it writes, the value written, its result).

    get: the value or None; put, append (to text, "" at first), delete: None; cas ``(expected, new)``,
    lock (free to held) and unlock (held by this client to free): True, or False when the guard did not hold.
    A value of None stands for no value.
    """
    kind = request.kind
    if kind == "put":
        return True, request.argument, None
    current = data.get(request.key)
    if kind == "get":
        return False, None, current
    if kind == "append":
        return True, text_of(current) + text_of(request.argument), None
    if kind == "delete":
        return True, None, None
    if kind == "cas":
        expected, new = request.argument
    elif kind in ("lock", "unlock"):
        holder = f"held by {request.client}"
        expected, new = (None, holder) if kind == "lock" else (holder, None)
    else:
        raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    return (True, new, True) if equal(current, expected) else (False, None, False)


def write(data: dict[str, Any], marks: dict[str, int], key: str, value: Any, state_hash: int) -> int:
    """Store the pair (None: remove the key); returns the new state hash."""
    old = marks.pop(key, 0)
    if value is None:
        data.pop(key, None)
        return (state_hash - old) & _MASK
    data[key] = value
    marks[key] = new = (crc32(_encode((key, value))) * 2862933555777941757 + 1) & _MASK
    return (state_hash - old + new) & _MASK
