"""The checker of whole histories: against its dumb twin, and against histories whose answer is plain to
see.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulations.engine.checks.history import History, Operation, history_of, pending
from simulations.engine.checks.linearizability import (
    HistorySearch,
    LiveLinearizability,
    Model,
    Verdict,
    check,
)
from simulations.engine.process import Request
from simulations.engine.state_machine import effect_of, write
from tests.budget import seeds
from tests.engine.every_order import applied, explainable
from tests.engine.random_histories import illegal_history, random_history

KV = Model("kv")


def history(*rows: tuple[Any, ...]) -> History:
    """Rows of (client, kind, argument, invoked, returned or None, outcome, result) on key x; ids are row
    numbers.
    """
    operations = [
        Operation(number, client, "x", kind, argument, invoked, returned, outcome, result)
        for number, (client, kind, argument, invoked, returned, outcome, result) in enumerate(rows)
    ]
    return history_of(operations)


def test_agrees_with_the_dumb_twin() -> None:
    for seed in seeds("checkers_random_histories"):
        candidate, model = illegal_history(seed) if seed % 2 else random_history(seed)
        explained = explainable(candidate, model)
        assert explained == (seed % 2 == 0)
        verdict = check(candidate, model)
        assert verdict.verdict == (
            "violated" if not explained else "holds" if verdict.operations else "unknown"
        ), f"seed {seed}"
        assert_order_explains(candidate, model, verdict)


def assert_order_explains(candidate: History, model: Model, verdict: Verdict) -> None:
    """The linearization replays without a wrong answer, respects real time, and covers the prefix."""
    place = {number: at for at, number in enumerate(candidate.order)}
    state: dict[str, Any] = {}
    for point in verdict.linearization:
        operation = candidate.operations[point.operation]
        after = applied(operation, state, model)
        assert after is not None
        state = after
        assert place[operation.id] < point.before_event
        if operation.outcome in ("ok", "fail"):
            assert point.before_event <= place[~operation.id]
    placed = {point.operation for point in verdict.linearization}
    for id in verdict.prefix:
        operation = candidate.operations[id]
        step = model.final_step(operation)
        assert step is None or not step.required or id in placed


def test_names_the_first_operation_that_cannot_be_explained() -> None:
    for seed in seeds("checkers_random_histories")[: 1 + len(seeds("checkers_random_histories")) // 5]:
        candidate, model = illegal_history(seed)
        verdict = check(candidate, model)
        number = verdict.first_violation
        assert number is not None
        end = candidate.order.index(~number)
        assert explainable(known_before(candidate, end, model), model), f"seed {seed}"
        assert not explainable(known_before(candidate, end + 1, model), model), f"seed {seed}"
        assert verdict.prefix == [~event for event in candidate.order[:end] if event < 0]


def known_before(candidate: History, events: int, model: Model) -> History:
    """The first events, without operations that the end of the history shows to have had no effect."""
    cut = candidate.prefix(events)
    for id, operation in list(cut.operations.items()):
        final = candidate.operations[id]
        refused = final.outcome == "fail" or final.result is False
        if operation.outcome == "pending" and refused:
            del cut.operations[id]
    return cut


def test_a_pending_cas_whose_guard_fails_does_nothing() -> None:
    """The known trap: an unfinished cas must not have to succeed."""
    verdict = check(
        history(
            ("c1", "put", 1, 0, 1, "ok", None),
            ("c2", "cas", [5, 6], 2, None, "pending", None),
            ("c3", "get", None, 3, 4, "ok", 1),
        ),
        KV,
    )
    assert verdict.verdict == "holds"


@pytest.mark.parametrize(("counts", "answer"), [(True, "violated"), (False, "holds")])
def test_the_model_says_what_a_failed_cas_means(counts: bool, answer: str) -> None:
    rows = history(("c1", "put", 1, 0, 1, "ok", None), ("c2", "cas", [1, 2], 2, 3, "fail", None))
    assert check(rows, Model("cas-register", failed_guard_counts=counts)).verdict == answer


def test_an_unknown_write_may_take_effect_long_after_its_timeout_but_only_once() -> None:
    rows = [
        ("c1", "put", "late", 0, 1, "unknown", None),
        ("c2", "put", "a", 2, 3, "ok", None),
        ("c2", "get", None, 4, 5, "ok", "a"),
        ("c2", "get", None, 6, 7, "ok", "late"),
        ("c2", "put", "b", 8, 9, "ok", None),
    ]
    assert check(history(*rows), KV).verdict == "holds"
    verdict = check(history(*rows, ("c2", "get", None, 10, 11, "ok", "late")), KV)
    assert (verdict.verdict, verdict.first_violation, verdict.prefix) == ("violated", 5, [0, 1, 2, 3, 4])


def test_a_lock_held_twice_is_named() -> None:
    verdict = check(
        history(
            ("c1", "lock", None, 0, 1, "ok", None),
            ("c2", "lock", None, 2, 3, "ok", None),
            ("c1", "unlock", None, 4, 5, "ok", None),
        ),
        Model("mutex"),
    )
    assert (verdict.verdict, verdict.first_violation) == ("violated", 1)


def test_only_the_owner_unlocks_when_locks_have_owners() -> None:
    rows = history(("c1", "lock", None, 0, 1, "ok", None), ("c2", "unlock", None, 2, 3, "ok", None))
    assert check(rows, Model("mutex")).verdict == "violated"
    assert check(rows, Model("mutex", locks_have_owners=False)).verdict == "holds"


def test_reads_compare_values_as_json_does() -> None:
    pairs: list[tuple[Any, Any, str]] = [
        ([1, {"b": 2, "a": 1}], [1, {"a": 1, "b": 2}], "holds"),
        (True, 1, "violated"),
        (None, None, "holds"),
    ]
    for written, read, answer in pairs:
        rows = history(("c1", "put", written, 0, 1, "ok", None), ("c1", "get", None, 2, 3, "ok", read))
        assert check(rows, KV).verdict == answer


VALUES = [None, True, 1, 1.0, 0, False, "", "1", "true", "\0true", [1], [True], {"b": 1, "a": 2}, "[1]"]


@pytest.mark.parametrize("written", VALUES, ids=repr)
@pytest.mark.parametrize("expected", VALUES, ids=repr)
def test_explains_what_the_state_machine_does_with_any_values(written: Any, expected: Any) -> None:
    data: dict[str, Any] = {}
    marks: dict[str, int] = {}
    asked = [("put", written), ("append", "+"), ("get", None), ("append", expected), ("get", None)]
    asked += [("put", written), ("cas", [expected, "new"]), ("get", None)]
    rows = []
    for number, (kind, argument) in enumerate(asked):
        writes, value, result = effect_of(data, Request(number, 1, "c", 1, number, kind, "x", argument))
        if writes:
            write(data, marks, "x", value, 0)
        at = 10 * number
        rows.append(Operation(number, "c", "x", kind, argument, at, at + 5, "ok", result))
    told = history_of(rows)
    assert check(told, Model()).verdict == "holds"
    live = LiveLinearizability()
    for completes, operation in told.events():
        if completes:
            live.complete(operation)
        else:
            live.invoke(pending(operation))
    assert live.verdict.verdict == "holds"


def test_nothing_to_judge_is_unknown() -> None:
    unfinished: tuple[Any, ...] = ("c1", "put", 1, 0, None, "pending", None)
    for rows in ([], [unfinished], [("c1", "put", 1, 0, 1, "fail", None)]):
        verdict = check(history(*rows), KV)
        assert (verdict.verdict, verdict.operations) == ("unknown", 0)


def test_giving_up_is_unknown_and_bounded() -> None:
    rows: list[tuple[Any, ...]] = [(f"c{n}", "put", n % 7, 0, 100 + n, "ok", None) for n in range(14)]
    rows += [(f"r{n}", "get", None, 0, 200, "ok", n % 7) for n in range(14)]
    hard = history(*rows, ("r", "get", None, 300, 301, "ok", 1), ("r", "get", None, 302, 303, "ok", 2))
    verdict = check(hard, KV, budget=50)
    assert (verdict.verdict, verdict.first_violation) == ("unknown", None)
    search = HistorySearch(hard, KV)
    assert search.advance(50) <= 51
    assert not search.decided


@pytest.mark.parametrize("writer_begins", [None, 302])
def test_a_value_out_of_thin_air_needs_no_search(writer_begins: int | None) -> None:
    rows: list[tuple[Any, ...]] = [(f"c{n}", "put", n % 7, 0, None, "pending", None) for n in range(40)]
    rows += [(f"r{n}", "get", None, 0, 200, "ok", n % 7) for n in range(14)]
    rows.append(("r", "get", None, 300, 301, "ok", "nobody wrote this"))
    if writer_begins is not None:
        rows.append(("w", "put", "nobody wrote this", writer_begins, 310, "ok", None))
    verdict = check(history(*rows), KV, budget=200)
    assert (verdict.verdict, verdict.first_violation) == ("violated", 54)
    assert len(verdict.prefix) == 14


def test_a_hard_key_does_not_hide_an_easy_refutation() -> None:
    rows = [Operation(n, f"c{n}", "hard", "append", str(n), 0, 900 + n, "ok") for n in range(14)]
    rows.append(Operation(50, "d", "hard", "put", "", 0, 990, "ok"))
    rows.append(Operation(98, "r", "hard", "get", None, 990, 991, "ok", "nobody wrote this"))
    rows.append(Operation(99, "r", "easy", "get", None, 995, 996, "ok", "nobody wrote this"))
    verdict = check(history_of(rows), KV, budget=20_000)
    assert verdict.verdict == "violated"
    assert verdict.keys["easy"].first_violation == 99
    assert verdict.keys["hard"].verdict == "unknown"


def test_slices_of_any_size_give_one_verdict() -> None:
    for seed in range(200):
        candidate, model = illegal_history(seed)
        search = HistorySearch(candidate, model)
        while not search.decided:
            search.advance(1)
        assert msgspec.to_builtins(search.verdict()) == msgspec.to_builtins(check(candidate, model))


def test_the_completion_of_an_operation_leaves_its_invocation_alone() -> None:
    operation = Operation(0, "c", "x", "put", 1, 5)
    record = History()
    record.invoke(operation)
    fork = record.fork()
    done = record.complete(0, 9, "ok", None, "n1")
    assert (done.returned_us, done.process, fork.operations[0].outcome) == (9, "n1", "pending")
    assert pending(done) == msgspec.structs.replace(operation, process="n1")
    with pytest.raises(ValueError, match="operation id 0"):
        record.complete(0, 10, "ok")
    with pytest.raises(ValueError, match="unique"):
        record.invoke(operation)
