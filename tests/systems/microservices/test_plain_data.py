"""Every mechanism's state is plain data: save, restore and fork in the middle of everything change nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems import microservices
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes
from tests.systems.microservices.test_nemesis import platform

STOP_US = 8_000_000
SEED = 28
"""Faults under which breakers open and close, a rollout is taken back, instances are ejected."""
NOTES = microservices.DESCRIPTOR.notes
FOLDER = Path(microservices.__file__).parent


@pytest.fixture(scope="module")
def reference() -> World:
    """A run with breakers, ejections, a rollout, caches and crashes, its notes kept."""
    world = World(parse(platform(SEED, "mixture"), SYSTEMS))
    keep_notes(world)
    world.run_until(STOP_US)
    return world


def test_save_restore_continue_equals_uninterrupted(reference: World) -> None:
    experiment = parse(platform(SEED, "mixture"), SYSTEMS)
    world = World(experiment)
    for at in range(700_000, STOP_US, 1_300_000):
        world.run_until(at)
        world = World.load(experiment, world.save())
    world.run_until(STOP_US)
    assert world.digest() == reference.digest()
    assert world.verdicts() == reference.verdicts()


def test_a_fork_goes_on_like_its_origin(reference: World) -> None:
    world = World(parse(platform(SEED, "mixture"), SYSTEMS))
    for at in range(500_000, STOP_US, 500_000):
        world.run_until(at)
        twin = world.fork()
        world.run_until(min(STOP_US, at + 400_000))
        world = twin
    world.run_until(STOP_US)
    assert world.digest() == reference.digest()


# -- notes ------------------------------------------------------------------------------------------------------------


def places(template: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", template))


def test_both_languages_name_the_same_values() -> None:
    assert [id for id, note in NOTES.items() if places(note.en) != places(note.zh)] == []


def test_what_was_noted_fits_its_sentence(reference: World) -> None:
    noted = [(id, values) for id, values, *_ in reference.kernel.notes or []]
    assert len({id for id, _ in noted}) >= 10
    assert [id for id, values in noted if places(NOTES[id].en) - set(values)] == []


def raised() -> dict[str, set[str]]:
    """Every sentence that the code raises -> the values it gives; a name that is made has a * for what is filled in."""
    found: dict[str, set[str]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("note", "violate"):
                for argument in call.args:
                    for id in texts(argument):
                        found.setdefault(id, set()).update(str(one.arg) for one in call.keywords)
    return found


def texts(node: ast.expr) -> list[str]:
    """The sentences' names in an argument."""
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
        return ["".join(parts)]
    if isinstance(node, ast.IfExp):
        return texts(node.body) + texts(node.orelse)
    is_name = isinstance(node, ast.Constant) and str(node.value).startswith("microservices.")
    return [str(node.value)] if is_name and isinstance(node, ast.Constant) else []


def test_every_sentence_is_raised_with_its_values_and_nothing_else_is() -> None:
    unused = set(NOTES)
    for id, values in raised().items():
        pattern = re.escape(id).replace(r"\*", r"\w+")
        meant = [name for name in NOTES if re.fullmatch(pattern, name)]
        assert meant, id
        assert all(places(NOTES[name].en) <= values for name in meant), id
        unused -= set(meant)
    assert unused == set()
