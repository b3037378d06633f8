"""What runs on a node knows only its node: no other process's state, no fault script, no experiment.

By reading: a process's modules use nothing of the engine but what processes are written against, and of their context
nothing but its protocol. By running: under another id and another future of the fault script, everything happens alike.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulations import catalogue
from simulations.engine.process import Context
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World

FOLDER = Path(__file__).resolve().parents[2] / "simulations" / "engine" / "systems"
OUTSIDE = {
    "__init__", "descriptor", "described", "meters", "notes", "properties", "presets", "invariants", "snapshot_checks",
    "console",
}  # fmt: skip
"""Modules that describe a system or judge it from outside: they run in no process."""

FORBIDDEN = (
    "assembly", "checkpoint", "experiment", "faults", "futures", "harness", "kernel", "context", "network",
    "observation", "registry", "storage", "hosts", "trace", "views", "world",
)  # fmt: skip
HARMLESS = ("simulations.engine.experiment.problems", "simulations.engine.experiment.spreads")
"""Of the experiment's parts: how parameters are read."""
OFFERED = {name for name in vars(Context) if not name.startswith("_")}


def modules() -> Iterator[Path]:
    for path in sorted(FOLDER.rglob("*.py")):
        if path.stem not in OUTSIDE:
            yield path


def offences(source: str) -> list[str]:
    """What a process's module does that it must not."""
    tree = ast.parse(source)
    found = []
    for node in runtime(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("simulations.engine."):
            part = str(node.module).split(".")[2]
            wrong = part in FORBIDDEN and node.module not in HARMLESS
            found += [f"imports {node.module}"] if wrong else []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            inner = node.value
            if inner.attr == "context" and node.attr not in OFFERED:
                found.append(f"uses context.{node.attr}")
    return found


def runtime(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only the type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from runtime(node)


def test_processes_use_only_what_processes_are_written_against() -> None:
    paths = list(modules())
    assert len(paths) > 60
    found = {str(path.relative_to(FOLDER)): offences(path.read_text(encoding="utf-8")) for path in paths}
    assert {path: what for path, what in found.items() if what} == {}


def test_the_rule_sees_what_it_forbids() -> None:
    assert offences("from simulations.engine.faults.state import Fault") == [
        "imports simulations.engine.faults.state"
    ]
    assert offences("self.context.kernel.contexts[3].process.data") == ["uses context.kernel"]
    assert offences("self.context.send(peer, self.context.now)") == []


ONE_OF_EACH = {catalogue.load(id).system: id for id in reversed([*catalogue.ids()])}


@pytest.mark.parametrize("id", sorted(ONE_OF_EACH.values()))
def test_nothing_depends_on_the_experiments_id_or_on_faults_to_come(id: str) -> None:
    experiment = catalogue.load(id)
    times = [
        line.at_s for line in experiment.faults if isinstance(line.at_s, (int, float)) and line.at_s > 0.01
    ]
    first_s = min(times, default=2)
    until_us = round(min(first_s - 0.001, experiment.stop_s, 3) * 1_000_000)
    assert digest(experiment, until_us) == digest(changed(experiment), until_us)


def changed(experiment: Any) -> Any:
    """The same under another name, and with nothing to come."""
    kept = [
        line for line in experiment.faults if not isinstance(line.at_s, (int, float)) or line.at_s <= 0.01
    ]
    return msgspec.structs.replace(experiment, id="ZZ-99", faults=kept)


def digest(experiment: Any, until_us: int) -> str:
    world = World(experiment, experiment.seed, record="none")
    world.run_until(until_us)
    assert world.events > 0
    return world.digest()


def test_processes_share_nothing_that_can_be_changed() -> None:
    """No list, dictionary or set of one process is reachable from another."""
    for system, id in sorted(ONE_OF_EACH.items()):
        experiment = catalogue.load(id)
        world = World(experiment, experiment.seed, record="none")
        world.run_until(min(round(experiment.stop_s * 1_000_000), 1_500_000))
        owners: dict[int, str] = {}
        for context in world.kernel.contexts:
            for thing in mutable_parts(context.process):
                assert owners.setdefault(id_of(thing), context.id) == context.id, (system, id, context.id)
    assert set(ONE_OF_EACH) <= set(SYSTEMS)


def id_of(thing: Any) -> int:
    return id(thing)


def mutable_parts(process: Any) -> Iterator[Any]:
    """Lists, dictionaries and sets below a process's own fields, but for what the engine gives everybody and the table
    of a class's handlers."""
    for name in process.__dataclass_fields__:
        if name not in ("parameters", "directory", "peers", "handlers"):
            yield from below(getattr(process, name, None))


def below(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, set)):
        yield value
        for one in value:
            yield from below(one)
    elif isinstance(value, dict):
        yield value
        for one in value.values():
            yield from below(one)


@pytest.mark.parametrize("name", sorted(SYSTEMS))
def test_every_system_says_where_it_comes_from_and_what_is_left_out(name: str) -> None:
    text = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "left out" in text.lower()
