"""How a line of the fault script is read: its action's own fields, and the fields every line may have."""

from __future__ import annotations

from typing import Any

from simulations.engine.experiment import limits
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.kinds import INVALID, Flag, Number, Schema, refuse_unknown
from simulations.engine.experiment.problems import Problems, child
from simulations.engine.experiment.spreads import NumberOrSpread
from simulations.engine.experiment.structs import FaultLine
from simulations.engine.experiment.vocabulary import TARGETS, WHEN, Action

SECONDS = Number(0, limits.STOP_S_MAX, "s")
POSITIVE_SECONDS = Number(0.000001, limits.STOP_S_MAX, "s")

TIMING: dict[str, Any] = {
    "at_s": NumberOrSpread(),
    "when": WHEN,
    "every_s": Number(0.001, limits.STOP_S_MAX, "s"),
    "until_s": SECONDS,
    "for_s": POSITIVE_SECONDS,
    "probability": Number(0, 1),
    "at_most": Number(1, 1_000_000, whole=True),
    "wait_s": SECONDS,
    "unlimited": Flag(),
    "draws_as": Number(0, 99_999, whole=True),
}
"""Fields of every line, whatever it does."""


def line_kinds(action: Action) -> dict[str, Any]:
    """Every key a line of this action may have, with its kind."""
    target = {"target": TARGETS} if action.target else {}
    return {**target, **{name: argument.kind for name, argument in action.arguments.items()}, **TIMING}


class Script:
    """The kind of one fault line (see FaultLine)."""

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path, "type", expected="a record", given=value)
            return INVALID
        do = value.get("do")
        if do is None:
            problems.add(child(path, "do"), "missing", allowed=tuple(ACTIONS))
            return INVALID
        if not isinstance(do, str) or do not in ACTIONS:
            problems.add(child(path, "do"), "choice", allowed=tuple(ACTIONS), given=do)
            return INVALID
        return read_line(do, value, path, problems)

    def plain(self, value: Any) -> Any:
        kinds = line_kinds(ACTIONS[value.do])
        empty = FaultLine("kill")
        found = {"do": value.do}
        for key, kind in kinds.items():
            item = value.arguments.get(key) if key in ACTIONS[value.do].arguments else getattr(value, key)
            if item is not None and (key in value.arguments or item != getattr(empty, key, None)):
                found[key] = kind.plain(item)
        return found

    def schema(self) -> Schema:
        return {"oneOf": [action_schema(name, action) for name, action in ACTIONS.items()]}


def read_line(do: str, value: dict[Any, Any], path: str, problems: Problems) -> Any:
    """Read a line whose action is known."""
    action = ACTIONS[do]
    kinds = line_kinds(action)
    before = problems.count
    refuse_unknown(value, {"do": None, **kinds}, path, problems)
    given = {key: value[key] for key in kinds if value.get(key) is not None}
    found = {key: kinds[key].read(item, child(path, key), problems) for key, item in given.items()}
    check_arguments(action, found, path, problems)
    check_timing(action, found, path, problems)
    if problems.count > before:
        return INVALID
    arguments = {key: item for key, item in found.items() if key in action.arguments}
    return FaultLine(do, arguments, **{key: item for key, item in found.items() if key not in arguments})


def check_arguments(action: Action, found: dict[str, Any], path: str, problems: Problems) -> None:
    """Required fields, and the choices between fields."""
    required = [name for name, argument in action.arguments.items() if argument.required]
    if action.target and not action.target_optional:
        required.append("target")
    for name in required:
        if name not in found:
            problems.add(child(path, name), "missing")
    if action.one_of and sum(name in found for name in action.one_of) != 1:
        problems.add(path, "one_of", allowed=action.one_of, given=", ".join(action.one_of))
    if action.any_of and not any(name in found for name in action.any_of):
        problems.add(path, "needs", allowed=action.any_of, given=" / ".join(action.any_of))


def check_timing(action: Action, found: dict[str, Any], path: str, problems: Problems) -> None:
    """One trigger, and only what goes with it."""
    check_trigger(found, path, problems)
    if "for_s" in found and not action.undo:
        problems.add(child(path, "for_s"), "no_end")
    if "probability" in found and "every_s" not in found:
        problems.add(child(path, "probability"), "needs", allowed=("every_s",), given="every_s")


def check_trigger(found: dict[str, Any], path: str, problems: Problems) -> None:
    """Exactly one of at_s, when and every_s (which at_s may start); until_s only with every_s."""
    triggers = ("at_s", "when", "every_s")
    if not any(name in found for name in triggers):
        problems.add(path, "one_of", allowed=triggers, given=", ".join(triggers))
    if "when" in found and ("at_s" in found or "every_s" in found):
        problems.add(child(path, "when"), "conflict", given="at_s, every_s")
    if "until_s" in found and "every_s" not in found:
        problems.add(child(path, "until_s"), "needs", allowed=("every_s",), given="every_s")


def action_schema(name: str, action: Action) -> Schema:
    """JSON Schema of the lines of one action."""
    properties: Schema = {"do": {"const": name}}
    for key, kind in line_kinds(action).items():
        properties[key] = kind.schema()
        if key in action.arguments:
            properties[key] = {**properties[key], "description": action.arguments[key].help.en}
    required = ["do", *(key for key, argument in action.arguments.items() if argument.required)]
    if action.target and not action.target_optional:
        required.append("target")
    return {
        "title": action.title.en,
        "description": action.help.en,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
