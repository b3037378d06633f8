"""Staleness and session guarantees: against their definitions, silent on stores that work, loud on replicas
that lag.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from simulations.engine.checks.history import History, Operation, pending
from simulations.engine.checks.sessions import Sessions
from simulations.engine.checks.staleness import Staleness, StalenessVerdict
from simulations.engine.checks.versions import REMEMBERED

Check = Staleness | Sessions


def tell(check: Check, history: History, numbers: list[int]) -> None:
    for number in numbers:
        if number >= 0:
            check.invoke(pending(history.operations[number]))
        else:
            check.complete(history.operations[~number])


def staleness(history: History, **limits: Any) -> StalenessVerdict:
    check = Staleness(**limits)
    tell(check, history, history.order)
    return check.verdict


def sessions(history: History) -> tuple[Any, Any]:
    check = Sessions()
    tell(check, history, history.order)
    return check.verdict.read_your_writes, check.verdict.monotonic_reads


class Story:
    """A history written as (client, kind, value) lines; each operation ends before the next begins, 1 ms
    each.
    """

    def __init__(self, *lines: tuple[str, str, Any]) -> None:
        self.history = History()
        for number, (client, kind, value) in enumerate(lines):
            argument, result = (None, value) if kind == "get" else (value, None)
            operation = Operation(number, client, "x", kind, argument, number * 1_000)
            self.history.invoke(operation)
            self.history.complete(number, number * 1_000 + 500, "ok", result)


def lagging_history(seed: int, lag: int, operations: int = 40) -> History:
    """Three clients, unique values, two keys; reads see the state of up to `lag` writes ago. Some answers
    get lost.
    """
    random = Random(seed)
    history = History()
    past: dict[str, list[Any]] = {"x": [None], "y": [None]}
    open_: dict[str, int] = {}
    effective: dict[int, Any] = {}
    now = 0
    while len(history.operations) < operations or open_:
        now += random.randint(1, 9)
        client = random.choice(["a", "b", "c"])
        if client not in open_:
            if len(history.operations) < operations:
                number = len(history.operations)
                kind, key = random.choice(["get", "get", "put", "cas", "delete"]), random.choice(["x", "y"])
                argument: Any = {"put": f"v{number}", "cas": [past[key][-1], f"v{number}"]}.get(kind)
                history.invoke(Operation(number, client, key, kind, argument, now))
                open_[client] = number
            continue
        number = open_[client]
        operation = history.operations[number]
        if number not in effective:
            effective[number] = _effect(random, operation, past[operation.key], lag)
        elif random.random() < 0.7:
            outcome = "unknown" if random.random() < 0.1 else "ok"
            history.complete(number, now, outcome, effective[number])  # type: ignore[arg-type]
            del open_[client]
    return history


def _effect(random: Random, operation: Operation, past: list[Any], lag: int) -> Any:
    if operation.kind == "get":
        return past[-1 - random.randint(0, min(lag, len(past) - 1))]
    if operation.kind == "cas":
        if past[-1] != operation.argument[0]:
            return False
        past.append(operation.argument[1])
        return True
    past.append(operation.argument)
    return None


def stale_reads_by_definition(history: History) -> dict[int, tuple[int, int]]:
    """Twin of the check: read id -> (versions, age), every pair of writes looked at. Histories without
    deletes.
    """
    at = {number: place for place, number in enumerate(history.order)}
    writes = {}
    for op in history.operations.values():
        if op.kind != "get" and not (op.outcome == "ok" and op.result is False):
            writes[op.argument[1] if op.kind == "cas" else op.argument, op.key] = op
    acked = [op for op in writes.values() if op.outcome == "ok"]
    result = {}
    for read in history.operations.values():
        if read.kind != "get" or read.outcome != "ok":
            continue
        source = writes.get((read.result, read.key))
        if source is not None and source.outcome != "ok":
            result[read.id] = (0, 0)
            continue
        newer = [
            op.returned_us or 0
            for op in acked
            if op.key == read.key
            and at[~op.id] < at[read.id]
            and (source is None or at[~source.id] < at[op.id])
        ]
        result[read.id] = (len(newer), read.invoked_us - min(newer) if newer else 0)
    return result


def without_deletes(history: History) -> History:
    kept = {id: op for id, op in history.operations.items() if op.kind != "delete"}
    return History(kept, [number for number in history.order if (~number if number < 0 else number) in kept])


def test_a_store_that_works_raises_no_false_alarm() -> None:
    for seed in range(400):
        history = lagging_history(seed, lag=0)
        assert staleness(history).verdict == "holds"
        own, monotonic = sessions(history)
        assert "violated" not in (own.verdict, monotonic.verdict), f"seed {seed}"


def test_replicas_that_lag_are_caught() -> None:
    stale = own_writes = back = 0
    for seed in range(100):
        history = lagging_history(seed, lag=3)
        stale += staleness(history).verdict == "violated"
        own, monotonic = sessions(history)
        own_writes += own.verdict == "violated"
        back += monotonic.verdict == "violated"
    assert min(stale, own_writes, back) >= 20


def test_staleness_equals_its_definition() -> None:
    for seed in range(400):
        history = without_deletes(lagging_history(seed, lag=seed % 4))
        expected = stale_reads_by_definition(history)
        verdict = staleness(history, versions_max=1, age_us_max=60)
        too_old = [id for id, (versions, age) in expected.items() if versions > 1 or age > 60]
        assert verdict.reads == len(expected)
        assert verdict.stale == sum(versions > 0 for versions, _ in expected.values())
        assert verdict.too_old == len(too_old)
        assert verdict.versions_max == max((versions for versions, _ in expected.values()), default=0)
        assert verdict.age_us_max == max((age for _, age in expected.values()), default=0)
        if too_old:
            assert verdict.first_violation == next(
                ~number for number in history.order if number < 0 and ~number in too_old
            )


def test_limits_by_versions_and_by_age() -> None:
    lines = [("w", "put", n) for n in range(4)]
    history = Story(*lines, ("r", "get", 1)).history
    assert staleness(history, versions_max=2).verdict == "holds"
    verdict = staleness(history, versions_max=1)
    assert (verdict.verdict, verdict.first_violation, verdict.violated_us) == ("violated", 4, 4_500)
    assert (verdict.versions_max, verdict.age_us_max) == (2, 1_500)
    assert staleness(history, versions_max=None, age_us_max=1_500).verdict == "holds"
    assert staleness(history, versions_max=None, age_us_max=1_499).verdict == "violated"


def test_nothing_to_judge_is_unknown() -> None:
    writes = Story(("w", "put", 1), ("w", "append", "x")).history
    assert staleness(writes).verdict == "unknown"
    assert {verdict.verdict for verdict in sessions(writes)} == {"unknown"}
    nobody = staleness(Story(("w", "put", 1), ("r", "get", "nobody wrote this")).history)
    assert (nobody.verdict, nobody.unexplained) == ("unknown", 1)


@pytest.mark.parametrize(
    ("lines", "own", "monotonic"),
    [
        ([("a", "put", 1), ("a", "get", None)], "violated", "unknown"),
        ([("b", "put", 0), ("a", "put", 1), ("a", "get", 0)], "violated", "unknown"),
        ([("a", "put", 1), ("b", "put", 2), ("a", "get", 2)], "holds", "unknown"),
        ([("b", "put", 1), ("a", "get", None)], "unknown", "unknown"),
        ([("b", "put", 1), ("a", "get", 1), ("b", "put", 2), ("a", "get", 1)], "unknown", "holds"),
        ([("b", "put", 1), ("a", "get", 1), ("a", "get", None)], "unknown", "violated"),
        ([("b", "put", 1), ("b", "put", 2), ("a", "get", 2), ("c", "get", 1)], "unknown", "unknown"),
        ([("b", "put", 1), ("a", "get", 1), ("a", "put", 2), ("a", "get", 1)], "violated", "holds"),
    ],
)
def test_session_guarantees(lines: list[tuple[str, str, Any]], own: str, monotonic: str) -> None:
    verdicts = sessions(Story(*lines).history)
    assert tuple(verdict.verdict for verdict in verdicts) == (own, monotonic)


def test_a_read_that_goes_back_between_concurrent_writes_is_caught() -> None:
    """No client can order the two writes, but a session that saw 1, then 2, must not see 1 again."""
    history = History()
    history.invoke(Operation(0, "a", "x", "put", 1))
    history.invoke(Operation(1, "b", "x", "put", 2))
    for number, result in ((2, 1), (3, 2), (4, 1)):
        history.invoke(Operation(number, "r", "x", "get", None, number))
        history.complete(number, number, "ok", result)
    assert sessions(history)[1].first_violation == 4


def test_a_session_may_span_clients() -> None:
    history = History()
    for number, client, kind, argument in ((0, "a", "put", 1), (1, "b", "get", None)):
        history.invoke(Operation(number, client, "x", kind, argument, number, session="s"))
        history.complete(number, number, "ok")
    assert sessions(history)[0].first_violation == 1


@pytest.mark.parametrize("kind", [Staleness, Sessions])
def test_forks_go_on_like_their_origin_and_leave_it_alone(kind: type[Check]) -> None:
    for seed in range(100):
        history = lagging_history(seed, lag=2)
        whole = kind()
        tell(whole, history, history.order)
        cut = Random(seed).randrange(len(history.order))
        origin = kind()
        tell(origin, history, history.order[:cut])
        before = msgspec.msgpack.encode(origin)
        fork = origin.fork()
        tell(fork, history, history.order[cut:])
        assert msgspec.msgpack.encode(origin) == before
        assert fork == whole
        copy = msgspec.msgpack.decode(before, type=kind)
        tell(copy, history, history.order[cut:])
        assert copy.verdict == whole.verdict


def test_memory_is_bounded_and_old_values_still_count_as_stale() -> None:
    lines = [("w", "put", n) for n in range(5 * REMEMBERED)]
    check = Staleness()
    history = Story(*lines, ("r", "get", 0)).history
    tell(check, history, history.order)
    assert check.verdict.versions_max == REMEMBERED
    assert len(check.keys["x"].writes) <= 2 * REMEMBERED
