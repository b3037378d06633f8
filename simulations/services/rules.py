"""The source of a system's rules for the page: which function ran, and the line that explained itself."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from simulations.engine.registry import SYSTEMS
from simulations.engine.systems import __path__ as systems_path
from simulations.wire import BadInput

HIDDEN = {"twins.py", "properties.py", "descriptor.py"}
"""What is not the protocol itself: variants broken on purpose, checks, and words."""


class RuleSource(msgspec.Struct):
    """One function. `notes`: ids of the notes it leaves; `handles`: what wakes it, in the page's words
    ("message AppendEntries", "timer election", "message", "timer", "request", "durable", "start").
    """

    file: str
    line: int
    text: str
    notes: list[str]
    handles: list[str]


def rules_of(system: str) -> dict[str, RuleSource]:
    """Function name -> its source, of all modules of a system. BadInput when there is no such system."""
    if system not in SYSTEMS:
        raise BadInput("system", "there is no such system", sorted(SYSTEMS), status=404)
    return _read(system)


@lru_cache(maxsize=64)
def _read(system: str) -> dict[str, RuleSource]:
    folder = Path(systems_path[0]) / system
    found: dict[str, RuleSource] = {}
    handlers: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name in HIDDEN:
            continue
        text = path.read_text()
        tree = ast.parse(text)
        for name, woken in dispatched(tree):
            handlers.setdefault(name, []).append(woken)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, rule_source(node, f"systems/{system}/{path.name}", text, system))
    for name, rule in found.items():
        rule.handles.extend(handlers.get(name, []))
    return found


def rule_source(node: ast.FunctionDef, file: str, text: str, system: str) -> RuleSource:
    """One function with the notes it names and, for a handler of the contract, what it handles."""
    notes = [
        item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Constant)
        and isinstance(item.value, str)
        and item.value.startswith(f"{system}.")
    ]
    lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    handles = [node.name.removeprefix("on_")] if node.name in CONTRACT else []
    return RuleSource(
        file, node.lineno, "\n".join(line[indent:] for line in lines), list(dict.fromkeys(notes)), handles
    )


CONTRACT = {"on_start", "on_message", "on_timer", "on_request", "on_durable"}


def dispatched(tree: ast.Module) -> list[tuple[str, str]]:
    """(function, what wakes it) from a table of message classes and from the branches of `on_timer`."""
    return [*table_entries(tree), *timer_branches(tree)]


def table_entries(tree: ast.Module) -> list[tuple[str, str]]:
    """Entries of module tables such as `{AppendEntries: "on_append_entries"}`."""
    return [
        (value.value, f"message {key.id}")
        for statement in tree.body
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(statement.value, ast.Dict)
        for key, value in zip(statement.value.keys, statement.value.values, strict=True)
        if isinstance(key, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]


def timer_branches(tree: ast.Module) -> list[tuple[str, str]]:
    """`if name == "election": self.on_election_timeout()` inside `on_timer`."""
    found: list[tuple[str, str]] = []
    handlers = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "on_timer"
    ]
    for branch in (item for node in handlers for item in ast.walk(node) if isinstance(item, ast.If)):
        name, called = compared_text(branch.test), first_call(branch.body)
        if name and called:
            found.append((called, f"timer {name}"))
    return found


def compared_text(test: ast.expr) -> str:
    """The text that a name is compared with, "" when it is not."""
    right: Any = test.comparators[0] if isinstance(test, ast.Compare) else None
    return right.value if isinstance(right, ast.Constant) and isinstance(right.value, str) else ""


def first_call(body: list[ast.stmt]) -> str:
    """The method of `self.method(...)` that a block begins with, "" when it does not."""
    first = body[0]
    call = first.value if isinstance(first, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else ""
