"""Changing settings of an experiment in its canonical plain form: knobs, parameters, dotted paths,
variants.
"""

from __future__ import annotations

import copy
import json
from typing import Any, NoReturn

from simulations.engine.experiment.kinds import INVALID, Json, Number
from simulations.engine.experiment.problems import ExperimentError, Problems
from simulations.engine.experiment.structs import Experiment

Plain = dict[str, Any]
PATH_PARTS_MAX = 16
REPLACED = ("checks", "expect_sweep", "predict", "question")
DROPPED = ("variants", "compare")


def changed_plain(plain: Plain, changes: Plain, parameters: frozenset[str]) -> Plain:
    """A changed copy of an experiment's plain form, not yet validated. parameters: names that are
    parameters.
    """
    plain = copy.deepcopy(plain)
    for name, value in changes.items():
        change(plain, name, value, parameters)
    return plain


def variant_plain(plain: Plain, variant: Plain, parameters: frozenset[str]) -> Plain:
    """The plain form of a variant as an experiment of its own."""
    found = changed_plain(plain, variant.get("set", {}), parameters)
    found["id"] = f"{plain['id']}/{variant['id']}"
    found["title"] = variant["title"]
    found.update({key: variant[key] for key in REPLACED if key in variant})
    return {key: item for key, item in found.items() if key not in DROPPED}


def change(plain: Plain, name: str, value: Any, parameters: frozenset[str]) -> None:
    """Change one setting in place: a knob, else a parameter, else a path."""
    first = name.split(".")[0]
    if name in plain.get("knobs", {}):
        turn(plain, name, value, parameters)
    elif name in parameters or first not in Experiment.__struct_fields__:
        set_path(plain, f"parameters.{name}", value)
    else:
        set_path(plain, name, value)


def set_path(plain: Plain, path: str, value: Any) -> None:
    """Set (or with None remove) what a dotted path names. Missing records on the way are made."""
    parts = path.split(".")
    if len(parts) > PATH_PARTS_MAX:
        refuse(path)
    holder: Any = plain
    for i, part in enumerate(parts[:-1]):
        holder = step(holder, part, ".".join(parts[: i + 1]))
    place(holder, parts[-1], path, value)


def step(holder: Any, part: str, path: str) -> Any:
    """What `part` names in a record (made when missing) or a list (by position or id)."""
    if isinstance(holder, list):
        return holder[position(holder, part, path)]
    if not isinstance(holder, dict):
        refuse(path)
    return holder.setdefault(part, {})


def place(holder: Any, part: str, path: str, value: Any) -> None:
    """Put a value where the last part of a path points."""
    if isinstance(holder, list) and part == str(len(holder)) and value is not None:
        holder.append(value)
    elif isinstance(holder, list):
        at = position(holder, part, path)
        if value is None:
            del holder[at]
        else:
            holder[at] = value
    elif not isinstance(holder, dict):
        refuse(path)
    elif value is None:
        holder.pop(part, None)
    else:
        holder[part] = value


def position(items: list[Any], part: str, path: str) -> int:
    """Position in a list: a number, or the id (or client) of a record in it."""
    if part.isascii() and part.isdigit() and len(part) < 7 and int(part) < len(items):
        return int(part)
    for key in ("id", "client"):
        for i, item in enumerate(items):
            if isinstance(item, dict) and item.get(key) == part:
                return i
    return refuse(path, tuple(names_in(items)) or tuple(map(str, range(len(items)))))


def names_in(items: list[Any]) -> list[str]:
    """The ids (or clients) by which records of a list can be named."""
    records = [item for item in items if isinstance(item, dict)]
    return [str(item.get("id") or item["client"]) for item in records if item.get("id") or item.get("client")]


def refuse(path: str, allowed: tuple[str, ...] = Experiment.__struct_fields__) -> NoReturn:
    """Raise the error for a path that leads nowhere."""
    problems = Problems()
    problems.add(path[:200], "unknown_path", allowed=allowed, given=path)
    raise ExperimentError(problems.found)


def turn(plain: Plain, name: str, value: Any, parameters: frozenset[str]) -> None:
    """Set a knob and everything it moves."""
    knob = plain["knobs"][name]
    check_knob(knob, name, value)
    knob["value"] = value
    if "choices" in knob:
        changes = knob["choices"][choice_key(value)]
    else:
        changes = {path: filled(template, value) for path, template in knob["set"].items()}
    for path, item in changes.items():
        if path in plain["knobs"]:
            refuse(path)
        change(plain, path, item, parameters)


def choice_key(value: Any) -> str:
    """The key under which `choices` lists a value: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def check_knob(knob: Plain, name: str, value: Any) -> None:
    """A knob's value must be one of its choices, or a number within its limits."""
    problems = Problems()
    if Json().read(value, name, problems) is INVALID:
        problems.raise_if_any()
    if "choices" in knob:
        if choice_key(value) not in knob["choices"]:
            problems.add(name, "choice", allowed=tuple(knob["choices"]), given=value)
    elif "minimum" in knob or "maximum" in knob:
        low, high = knob.get("minimum", 0), knob.get("maximum", 1e15)
        Number(low, high).read(value, name, problems)
    problems.raise_if_any()


def at_path(value: Any, path: str) -> Any:
    """What a dotted path names within a knob's value, None when there is nothing. A value that has no parts is meant
    for every path of one part."""
    parts = path.split(".")
    if not isinstance(value, (dict, list)):
        return value if len(parts) == 1 else None
    for part in parts:
        if isinstance(value, list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def filled(template: Any, value: Any) -> Any:
    """A template with "$" replaced by the value, "$.name" by one of its fields ("$.a.b|$.c": the first
    that is there), "$*2" by a multiple of it."""
    if isinstance(template, dict):
        return {key: filled(item, value) for key, item in template.items()}
    if isinstance(template, list):
        return [filled(item, value) for item in template]
    if template == "$":
        return value
    if isinstance(template, str) and template.startswith("$."):
        found = [one for path in template.split("|") if (one := at_path(value, path[2:])) is not None]
        return found[0] if found else 0
    if isinstance(template, str) and template.startswith("$*"):
        return value * float(template[2:])
    return template
