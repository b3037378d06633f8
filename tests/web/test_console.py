"""What is typed at a running ensemble is a client operation: checked, in the history, answered by the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.services import experiments
from simulations.services.experiments import check_command
from simulations.wire import BadInput

pytestmark = pytest.mark.django_db(transaction=True)

ENSEMBLE = "ZK-05"


def typed(operation: str, key: str, client: str = "consumer", **fields: Any) -> dict[str, Any]:
    return {"do": "client", "client": client, "operation": operation, "key": key, **fields}


def answers(*lines: tuple[int, dict[str, Any]]) -> list[Any]:
    """The results of lines typed at these times (in ms), by protocol."""
    experiment = catalogue.load(ENSEMBLE)
    row = experiments.save(experiment)
    world = World(experiment)
    for number, (at_ms, line) in enumerate(lines, 1):
        world.run_until(at_ms * 1000)
        world.command(at_ms * 1000, check_command(row, line), number)
    world.run_until(2_900_000)
    found = {(one.invoked_us, one.kind, one.key): one for one in world.history.operations.values()}
    done = [found[at_ms * 1000, line["operation"], line["key"]] for at_ms, line in lines]
    assert all(one.outcome == "ok" for one in done), done
    return [one.result for one in done]


def test_a_session_at_the_console_is_answered_by_the_ensemble() -> None:
    results = answers(
        (1500, typed("create", "/town", value="Ulm")),
        (1700, typed("get", "/town")),
        (1900, typed("set", "/town", value="Bern", options={"version": 0})),
        (2100, typed("create", "/town/child", client="instance1", options={"ephemeral": True})),
        (2300, typed("ls", "/town")),
        (2500, typed("get", "/town", client="instance3")),
    )
    assert results[0] == "/town"
    assert results[1] == "Ulm"
    assert results[2] == {"version": 1}
    assert results[4] == ["child"]
    assert results[5] == "Bern"


def test_every_word_of_a_console_is_explained_and_understood() -> None:
    row = experiments.save(catalogue.load(ENSEMBLE))
    for command in SYSTEMS["zookeeper"].descriptor.console:
        assert command.title.en
        assert command.title.zh
        operation = command.operation or command.name
        line = typed(operation, "/a", options=dict.fromkeys(command.flags.values(), 1))
        assert check_command(row, line) == line


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (typed("rename", "/a"), "do.operation"),
        (typed("get", "/a", options={"colour": 1}), "do.options"),
        (typed("get", "/a", options=[1]), "do.options"),
        (typed("get", "/a", client="nobody"), "do.client"),
    ],
)
def test_what_it_does_not_know_is_named(line: dict[str, Any], field: str) -> None:
    row = experiments.save(catalogue.load(ENSEMBLE))
    with pytest.raises(BadInput) as refused:
        check_command(row, line)
    assert refused.value.field == field
    assert refused.value.allowed
