"""Echo with retries: the smallest system, alone, on a node with two processes, and broken."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.engine.test_conformance import STOP_US, recipe


def echo(seed: int = 1, twin: str | None = None, **changes: Any) -> World:
    plain = {**recipe("echo", seed), **changes}
    if twin:
        plain["twin"] = twin
    world = World(parse(plain, SYSTEMS))
    world.run_until(STOP_US)
    return world


def test_every_operation_comes_back_without_faults() -> None:
    world = echo(faults=[])
    done = list(world.observer.ledger.done)
    assert len(done) > 400
    assert all(operation.outcome == "ok" for operation in done)
    assert all(operation.result == str(operation.argument) for operation in done)


@pytest.mark.parametrize("seed", range(10))
def test_every_question_is_relayed_once_whatever_happens(seed: int) -> None:
    assert echo(seed).verdicts()["relayed_once"].verdict == "holds", f"seed {seed}"


def test_a_question_without_an_answer_is_asked_again() -> None:
    lossy = [{"at_s": 0.5, "do": "loss", "chance": 0.4}]
    world = echo(faults=lossy)
    late = [op for op in world.observer.ledger.done if (op.returned_us or 0) - op.invoked_us > 50_000]
    assert late
    assert all(operation.outcome in ("ok", "unknown") for operation in late)


def test_the_twin_that_counts_duplicates_is_caught_and_runs_well_without_faults() -> None:
    assert echo(twin="counts_twice").verdicts()["relayed_once"].verdict == "violated"
    assert echo(twin="counts_twice", faults=[]).verdicts()["relayed_once"].verdict == "holds"


def test_two_processes_of_a_node_share_its_fate() -> None:
    topology = {
        "nodes": [
            {"id": "n1", "processes": ["echo", {"system": "echo", "id": "second"}]},
            {"id": "n2"},
            {"id": "n3"},
        ],
    }
    world = echo(topology=topology, faults=[{"at_s": 3, "do": "kill", "target": "n1"}])
    assert [world.by_id[id].process.asked > 0 for id in ("n1", "n1/second", "n2", "n3")].count(True) >= 2  # type: ignore[attr-defined]
    assert world.kernel.hosts["n1"].state == "down"
    assert world.by_id["n1"].blocked
    assert world.by_id["n1/second"].blocked
