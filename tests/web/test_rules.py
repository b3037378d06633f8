"""The source of rules for the inspector."""

from __future__ import annotations

import pytest

from simulations.engine.registry import SYSTEMS
from simulations.services.rules import rules_of
from simulations.wire import BadInput


def test_a_note_names_the_function_that_leaves_it() -> None:
    rules = rules_of("raft")
    elected = [name for name, rule in rules.items() if "raft.elected" in rule.notes]
    assert len(elected) == 1
    assert '"raft.elected"' in rules[elected[0]].text
    assert rules[elected[0]].text.startswith("def ")


def test_messages_and_timers_name_their_handlers() -> None:
    rules = rules_of("raft")
    assert "message AppendEntries" in rules["on_append_entries"].handles
    assert "timer election" in rules["on_election_timeout"].handles
    assert "request" in rules["on_request"].handles


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_rules_carry_places_and_whole_functions(system: str) -> None:
    rules = rules_of(system)
    assert "start" in rules["on_start"].handles
    for rule in rules.values():
        assert rule.line > 0
        assert rule.file.startswith(f"systems/{system}/")
        assert "def " in rule.text


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(BadInput):
        rules_of("no_such_system")
