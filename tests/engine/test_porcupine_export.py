"""A history written as Porcupine's text says what it said before."""

from __future__ import annotations

import random

import msgspec
import pytest

from simulations.engine.checks.history import Operation, history_of
from simulations.engine.checks.linearizability import check
from simulations.histories.entries import parse_porcupine_kv
from simulations.histories.porcupine import porcupine_log


def random_operations(seed: int) -> list[Operation]:
    """Three clients, one key; some answers are wrong, some never come."""
    rng = random.Random(seed)
    now, found = 0, []
    for id in range(14):
        now += rng.randint(1, 6)
        kind = rng.choice(["get", "put", "append"])
        told = rng.random() < 0.85
        found.append(
            Operation(
                id=id,
                client=f"c{id % 3}",
                key="x",
                kind=kind,
                invoked_us=now,
                argument=None if kind == "get" else f"{id};",
                returned_us=now + rng.randint(1, 12) if told else None,
                outcome=("ok" if rng.random() < 0.9 else "unknown") if told else "pending",
                result=rng.choice(["", "0;", f"{max(0, id - 1)};"]) if kind == "get" else None,
            )
        )
    return found


@pytest.mark.parametrize("seed", range(60))
def test_the_verdict_survives_the_way_through_the_file(seed: int) -> None:
    history = history_of(random_operations(seed))
    read = parse_porcupine_kv(porcupine_log(history))
    again = check(read.history, read.model)
    assert again.verdict == check(history, read.model).verdict
    assert len(read.history.operations) == len(history.operations)


def test_a_read_of_nothing_is_a_read_of_the_empty_text() -> None:
    one = Operation(
        id=0, client="c1", key="x", kind="get", invoked_us=1, returned_us=2, outcome="ok", result=None
    )
    read = parse_porcupine_kv(porcupine_log(history_of([one])))
    assert check(read.history, read.model).verdict == "holds"
    wrong = msgspec.structs.replace(one, result="never written")
    read = parse_porcupine_kv(porcupine_log(history_of([wrong])))
    assert check(read.history, read.model).verdict == "violated"


def test_both_verdicts_occur() -> None:
    verdicts = {
        check(
            (read := parse_porcupine_kv(porcupine_log(history_of(random_operations(seed))))).history,
            read.model,
        ).verdict
        for seed in range(60)
    }
    assert {"holds", "violated"} <= verdicts
