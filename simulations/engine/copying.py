"""Copies of plain data that share whatever is never changed: how a world forks in microseconds.

A plan is made once per class from its annotations: immutable fields are shared, flat containers copied, ``Log``-like
values forked. Anything that an annotation leaves open is copied by looking at the value.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from simulations.engine.compiled import twin_maker
from simulations.engine.process import Message

Copier = Callable[[Any], Any]
ATOMS = (int, str, float, bool, bytes, type(None))
SHARED = ("parameters", "peers", "directory", "id", "kind")
"""Fields of every process that nobody changes in place."""


def is_frozen(kind: type) -> bool:
    """Whether values of this class never change after they were made."""
    if issubclass(kind, ATOMS) or kind is tuple or kind is frozenset or issubclass(kind, Message):
        return True
    return issubclass(kind, msgspec.Struct) and bool(kind.__struct_config__.frozen)


def copy_value(value: Any) -> Any:
    """A copy of any plain value, by looking at it."""
    kind = type(value)
    if kind is dict:
        return {key: copy_value(item) for key, item in value.items()}
    if kind is list:
        return [copy_value(item) for item in value]
    if kind is set:
        return set(value)
    if is_frozen(kind):
        return value
    if hasattr(value, "fork"):
        return value.fork()
    return copy_struct(value)


def copy_struct(value: Any) -> Any:
    """A copy of a Struct that may be changed: its fields are copied in turn."""
    made = copy.copy(value)
    for name in value.__struct_fields__:
        item = getattr(value, name)
        if not isinstance(item, ATOMS):
            setattr(made, name, copy_value(item))
    return made


def copier(annotation: Any) -> Copier | None:
    """How a field of this annotation is copied; None when it can be shared."""
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin in (Union, types.UnionType):
        parts = [copier(part) for part in arguments]
        return copy_value if any(parts) else None
    if annotation is Any or not isinstance(origin or annotation, type):
        return copy_value
    kind: type = origin or annotation
    if kind in (list, set):
        return copy_value if arguments and copier(arguments[0]) else kind.copy
    if kind is dict:
        return copy_value if len(arguments) == 2 and copier(arguments[1]) else dict.copy
    if is_frozen(kind):
        return None
    return (lambda value: value.fork()) if hasattr(kind, "fork") else copy_value


@cache
def twin_maker_of(kind: type) -> Callable[[Any], Any]:
    """What copies the processes of a class, without their context. TypeError if it is no dataclass."""
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} must be a dataclass")
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    return twin_maker(kind, {name: None if name in SHARED else copier(hints[name]) for name in names})


def fork_process(process: Any) -> Any:
    """An independent copy of a process, without its context."""
    return twin_maker_of(type(process))(process)  # type: ignore[arg-type]
