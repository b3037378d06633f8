"""Small experiments drawn in a test, for patterns: any counts and names of nodes, any clients, any faults."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine import harness
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.process import System
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World


def drawn(
    system: str, nodes: list[str], parameters: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """A plain experiment: these nodes, links of 5 ms, and what ``changes`` says."""
    return {
        "format": 1,
        "id": "drawn",
        "title": {"en": "Drawn", "zh": "手绘"},
        "seed": 1,
        "system": system,
        "parameters": parameters or {},
        "topology": {
            "nodes": [{"id": node} for node in nodes],
            "links": {"default": {"latency_ms": {"uniform": [3, 7]}}},
        },
        "stop_s": 6,
        **changes,
    }


def run(plain: dict[str, Any]) -> World:
    world = World(parse(plain, SYSTEMS))
    world.run_until(round(plain["stop_s"] * 1_000_000))
    return world


def metric(world: World, name: str, **scope: Any) -> Any:
    return harness.metric(world, name, Scope(**scope))


def verdict(world: World, check: str) -> str:
    return world.verdicts()[check].verdict


def calm(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fault lines without those that need a leader."""
    return [line for line in lines if line.get("target") != "leader"]


def assert_described(system: System, shown: Any) -> None:
    """What the page is told of a system is what it is; ``shown``: processes that must have every field."""
    descriptor = system.descriptor
    assert {spec.name: spec.fields for spec in descriptor.messages} == {
        message.__name__: message.__struct_fields__ for message in system.messages
    }
    defaults = msgspec.structs.asdict(system.parameters())
    assert {parameter.name: parameter.default for parameter in descriptor.parameters} == defaults
    assert {twin.name for twin in descriptor.twins} == set(system.twins)
    always = {item.name for item in descriptor.properties if item.kind == "always"}
    assert set(descriptor.default_checks) <= always <= set(system.checks)
    for field in descriptor.fields:
        for process in shown if field.kind != "timer" else ():
            assert hasattr(process, field.attribute or field.name), field.name


def noted_everywhere(system: System, folder: Any) -> None:
    """Every note of the descriptor is said somewhere, and none is said that it does not know."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")) if path.stem != "descriptor"
    )
    own = [name for name in system.descriptor.notes if name.startswith(f"{system.descriptor.name}.")]
    for name in own:
        assert f'"{name}"' in text or f'f"{system.descriptor.name}.' in text, name
