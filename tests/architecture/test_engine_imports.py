"""The engine imports msgspec and a listed part of the standard library; nothing there reads a clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "simulations" / "engine"

ALLOWED = {
    "__future__",
    "abc",
    "array",
    "bisect",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "importlib",
    "inspect",
    "itertools",
    "json",
    "math",
    "msgspec",
    "operator",
    "re",
    "simulations",
    "statistics",
    "string",
    "struct",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
    "weakref",
    "zlib",
}
# Their results differ between processes, so no digest would be the same twice.
UNREPEATABLE_CALLS = {"hash", "id", "open", "input", "print", "eval", "exec"}
# The one place that compiles: from names that stand in classes, and are checked to be names.
COMPILES = ENGINE / "compiled.py"


def engine_files() -> list[Path]:
    return sorted(ENGINE.rglob("*.py"))


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def offences(source: str) -> list[str]:
    """What a piece of engine source does that the engine must not."""
    tree = ast.parse(source)
    modules = list(imported_modules(tree))
    found = [f"imports {name}" for name in modules if name.split(".")[0] not in ALLOWED]
    found += [
        f"imports {name}"
        for name in modules
        if name.startswith("simulations.") and not name.startswith("simulations.engine")
    ]
    found += [
        f"calls {node.func.id}() in line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in UNREPEATABLE_CALLS
    ]
    return found


def test_the_engine_stays_plain_python() -> None:
    found = {
        str(path.relative_to(ROOT)): offences(path.read_text(encoding="utf-8")) for path in engine_files()
    }
    assert len(found) > 5
    compiles = found.pop(str(COMPILES.relative_to(ROOT)))
    assert [what.partition(" in ")[0] for what in compiles] == ["calls exec()"]
    assert {path: what for path, what in found.items() if what} == {}


def test_the_rule_sees_what_it_forbids() -> None:
    assert offences("import time") == ["imports time"]
    assert offences("from random import random") == ["imports random"]
    assert offences("from simulations.services import start") == ["imports simulations.services"]
    assert offences("from simulations.engine.log import Log\nimport msgspec.json") == []
    assert offences("x = hash('a')") == ["calls hash() in line 1"]
