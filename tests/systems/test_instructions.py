"""What the page lets a person tell a running system: every instruction makes a line that the engine accepts and the
system understands."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue
from simulations.engine.experiment import parse
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.process import Asked, Instruction
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.drawn import drawn, metric

OFFERED = [
    (name, one.name) for name, system in SYSTEMS.items() for one in system.descriptor.instructions
]  # fmt: skip
ASKED_KINDS = {"node", "text", "number", "numbers", "choice", "field"}
EXAMPLES: dict[str, Any] = {"node": "n2", "text": "x", "number": 1, "numbers": [0], "field": "n1"}


def line_of(instruction: Instruction) -> dict[str, Any]:
    """The line that the page makes, with examples for what is asked."""
    asked = {one.name: example(one) for one in instruction.asked}
    line: dict[str, Any] = {"do": instruction.do}
    if "target" in asked:
        line["target"] = asked.pop("target")
    if instruction.do == "command":
        return {**line, "name": instruction.name, **({"arguments": asked} if asked else {})}
    return {**line, **asked}


def example(asked: Asked) -> Any:
    return asked.choices[0] if asked.kind == "choice" else EXAMPLES[asked.kind]


@pytest.mark.parametrize(("system", "name"), OFFERED)
def test_an_instruction_makes_a_line_that_is_accepted(system: str, name: str) -> None:
    described = SYSTEMS[system].descriptor
    (instruction,) = [one for one in described.instructions if one.name == name]
    assert instruction.do in SYSTEMS[system].operations
    assert instruction.do in ACTIONS
    assert {one.kind for one in instruction.asked} <= ASKED_KINDS
    assert instruction.lane in ("", *(lane.name for lane in described.lanes))
    fields = {field.name for field in described.fields}
    assert all(one.of in fields for one in instruction.asked if one.kind == "field")
    world = World(parse(drawn(system, ["n1", "n2", "n3"], stop_s=2), SYSTEMS))
    world.run_until(1_000_000)
    assert world.refusal(line_of(instruction)) is None
    before = world.digest()
    world.command(1_000_000, line_of(instruction), 1)
    world.run_until(1_500_000)
    assert world.digest() != before


def test_what_an_operator_may_say_is_offered() -> None:
    """A system that listens to operators says so on the page, too."""
    silent = [
        name
        for name, system in SYSTEMS.items()
        for operation in system.operations
        if operation not in ("warning", *(one.do for one in system.descriptor.instructions))
    ]
    assert not silent


def test_every_role_has_a_word_that_fits_into_a_disc() -> None:
    words = {
        (system.descriptor.name, role.name): role.short or role.title
        for system in SYSTEMS.values()
        for role in system.descriptor.roles
    }
    assert not {place: word for place, word in words.items() if len(word.en) > 14 or len(word.zh) > 6}


def test_lanes_hold_every_kind_of_process_once() -> None:
    for name, system in SYSTEMS.items():
        kinds = [kind for lane in system.descriptor.lanes for kind in lane.kinds]
        assert not kinds or sorted(kinds) == sorted(system.processes), name


def test_a_drill_is_played_with_instructions_alone_and_plays_differ() -> None:
    """Two plays of one seed: who searches and asks at once restores earlier than who waits."""

    def played(pause_s: float) -> float:
        world = World(catalogue.load("DR-04/people"), 4, record="none")
        decisions: list[tuple[str, dict[str, Any]]] = [
            ("find_runbook", {}),
            ("ask_approver", {}),
            ("approve", {}),
            ("declare", {}),
        ]
        decisions += [("restore", {"function": function}) for function in ("pay", "read", "post")]
        for number, (name, arguments) in enumerate(decisions):
            at_us = round((115 + 8 * number + pause_s) * 1_000_000)
            world.run_until(at_us)
            world.command(at_us, {"do": "command", "name": name, "arguments": arguments}, number + 1)
        world.run_until(240_000_000)
        return float(metric(world, "rto_s", client="payers"))

    assert played(0) + 15 < played(20)
