"""The dumb twin of the linearizability checkers: try every order of all operations, over all keys at once."""

from __future__ import annotations

from typing import Any

from simulations.engine.checks.history import History, Operation
from simulations.engine.checks.linearizability import Model

NEVER = 10**9


def explainable(history: History, model: Model) -> bool:
    """Is there an order of the operations, respecting real time, in which every answer is right?"""
    invoked, returned = {}, {}
    for at, number in enumerate(history.order):
        if number >= 0:
            invoked[number] = at
        else:
            returned[~number] = at
    operations = [op for op in history.operations.values() if counts(op, model)]
    must = {op.id for op in operations if op.outcome in ("ok", "fail")}
    ends = {op.id: returned[op.id] if op.id in must else NEVER for op in operations}
    return any_order(operations, must, invoked, ends, {}, model)


def counts(op: Operation, model: Model) -> bool:
    """Does the operation constrain or change anything?"""
    if op.outcome == "fail":
        return model.failed_guard_counts and op.kind in ("cas", "lock", "unlock")
    return not (op.kind == "get" and op.outcome != "ok")


def any_order(
    left: list[Operation],
    must: set[int],
    invoked: dict[int, int],
    ends: dict[int, int],
    state: dict[str, Any],
    model: Model,
) -> bool:
    if not any(op.id in must for op in left):
        return True
    for op in left:
        rest = [other for other in left if other is not op]
        if any(ends[other.id] < invoked[op.id] for other in rest):
            continue
        after = applied(op, state, model)
        if after is not None and any_order(rest, must, invoked, ends, after, model):
            return True
    return False


def applied(op: Operation, state: dict[str, Any], model: Model) -> dict[str, Any] | None:
    """The state after the operation, or None when its answer would be wrong here."""
    now = state.get(op.key, model.initial)
    if op.kind == "get":
        if op.result is None and model.nil_reads_say_nothing:
            return state
        return state if now == op.result else None
    if op.kind == "put":
        return state | {op.key: op.argument}
    if op.kind == "delete":
        return state | {op.key: model.initial}
    if op.kind == "append":
        return state | {op.key: ("" if now is None else str(now)) + op.argument}
    return guarded(op, now, state, model)


def guarded(op: Operation, now: Any, state: dict[str, Any], model: Model) -> dict[str, Any] | None:
    holder = f"held by {op.client}" if model.locks_have_owners else "held"
    pairs = {"cas": op.argument, "lock": [model.initial, holder], "unlock": [holder, model.initial]}
    expected, new = pairs[op.kind]
    if op.outcome == "fail" or op.result is False:
        return state if now != expected else None
    return state | {op.key: new} if now == expected else None
