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
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from simulations.engine.process import Message
from simulations.engine.reading import reader

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


class Plan(NamedTuple):
    """How processes of one class are copied: a function that reads all their fields, in the order in which the class
    takes them, and (place, copier) of those that cannot be shared. ``names``: of the fields, when making one of the
    class does more than to take them, so that they must be set one by one."""

    names: tuple[str, ...]
    read: Callable[[Any], tuple[Any, ...]]
    copied: tuple[tuple[int, Copier], ...]


@cache
def plan_of(kind: type) -> Plan:
    """The plan of a process class. TypeError if it is no dataclass."""
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} must be a dataclass")
    hints = get_type_hints(kind)
    names = tuple(field.name for field in fields(kind))
    copiers = (None if name in SHARED else copier(hints[name]) for name in names)
    copied = tuple((place, made) for place, made in enumerate(copiers) if made is not None)
    return Plan(names if hasattr(kind, "__post_init__") else (), reader(names), copied)


def fork_process(process: Any) -> Any:
    """An independent copy of a process, without its context."""
    kind = type(process)
    names, read, copied = plan_of(kind)  # type: ignore[arg-type]
    values = list(read(process))
    for place, made in copied:
        values[place] = made(values[place])
    if not names:
        return kind(*values)
    twin = object.__new__(kind)
    for name, value in zip(names, values, strict=True):
        setattr(twin, name, value)
    return twin
