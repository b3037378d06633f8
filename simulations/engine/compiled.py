"""What is done to many attributes at once, again and again: after every event, at every fork.

Both functions are compiled as if they were spelled out, as ``dataclasses`` does with its methods: the interpreter
learns where each attribute lies, and is several times faster than when it looks each up by name. To be made once per
class: what is learned holds for objects of one class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def reader(attributes: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """A function that reads these attributes (dots allowed) into a tuple. ValueError names one that is none."""
    refuse_other_than_names(part for name in attributes for part in name.split("."))
    return compiled(["def made(of):", f"    return ({''.join(f'of.{name}, ' for name in attributes)})"], {})


def twin_maker(kind: type, copiers: Mapping[str, Callable[[Any], Any] | None]) -> Callable[[Any], Any]:
    """A function that makes another object of this class with these attributes, each through its copier, or shared
    where that is None. Nothing of the class itself runs. ValueError names an attribute that is none."""
    refuse_other_than_names(copiers)
    takes = [
        f"    twin.{name} = of.{name}" if made is None else f"    twin.{name} = copy_{name}(of.{name})"
        for name, made in copiers.items()
    ]
    scope = {f"copy_{name}": made for name, made in copiers.items()}
    lines = ["def made(of):", "    twin = new(kind)", *takes, "    return twin"]
    return compiled(lines, {**scope, "new": object.__new__, "kind": kind})


def refuse_other_than_names(names: Iterable[str]) -> None:
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{name!r} is not the name of an attribute")


def compiled(lines: list[str], scope: dict[str, Any]) -> Callable[[Any], Any]:
    """The function ``made`` of these lines."""
    exec("\n".join(lines), scope)
    found: Callable[[Any], Any] = scope["made"]
    return found
