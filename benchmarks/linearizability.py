"""Times of the linearizability checkers: `python -m benchmarks.linearizability [FOLDER WITH *.log
HISTORIES]`.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from simulations.engine.checks.history import History, Operation, pending
from simulations.engine.checks.linearizability import LiveLinearizability, Model, check
from simulations.histories.checking import check_text

MODEL = Model("kv")


def busy_history(operations: int, clients: int, keys: int, seed: int = 1, lost: float = 0.0) -> History:
    """Clients that are always busy: half reads, 40% unique writes, 10% compare-and-set, on a store that
    works.

    Each operation takes effect at a random moment of its life; a fraction `lost` of all answers never
    arrives.
    """
    draw = random.Random(seed)
    history = History()
    state: dict[str, object] = {}
    running: dict[str, tuple[int, bool, object]] = {}
    names = [f"c{number}" for number in range(clients)]
    now = 0
    while len(history.operations) < operations or running:
        now += 1
        name = draw.choice(names)
        if name not in running:
            if len(history.operations) < operations:
                number = len(history.operations)
                running[name] = (number, False, None)
                history.invoke(_random_operation(draw, number, name, keys, state, now))
            continue
        number, effective, result = running[name]
        operation = history.operations[number]
        if not effective:
            running[name] = (number, True, _take_effect(operation, state))
        else:
            outcome = "unknown" if draw.random() < lost else "ok"
            history.complete(number, now, outcome, result)  # type: ignore[arg-type]
            del running[name]
    return history


def _random_operation(
    draw: random.Random, number: int, client: str, keys: int, state: dict[str, object], now: int
) -> Operation:
    key = f"k{draw.randrange(keys)}"
    kind = draw.choices(["get", "put", "cas"], [5, 4, 1])[0]
    argument: object = None if kind == "get" else f"v{number}"
    if kind == "cas":
        argument = [state.get(key), argument]
    return Operation(number, client, key, kind, argument, now)


def _take_effect(operation: Operation, state: dict[str, object]) -> object:
    if operation.kind == "get":
        return state.get(operation.key)
    if operation.kind == "put":
        state[operation.key] = operation.argument
        return None
    expected, new = operation.argument
    if state.get(operation.key) != expected:
        return False
    state[operation.key] = new
    return True


def live_seconds(history: History) -> float:
    """Seconds the live checker takes for the whole history, asked for nothing in between."""
    events = [
        (number < 0, history.operations[~number] if number < 0 else pending(history.operations[number]))
        for number in history.order
    ]
    live = LiveLinearizability(MODEL)
    start = time.perf_counter()
    for completed, operation in events:
        (live.complete if completed else live.invoke)(operation)
    seconds = time.perf_counter() - start
    print(f"    live verdict: {live.verdict.verdict} {live.verdict.reason or ''}")
    return seconds


def timed(title: str, work: Callable[[], object], gate_ms: float | None = None) -> float:
    """Print and return the seconds of one call."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    gate = f"  (gate {gate_ms:.0f} ms)" if gate_ms else ""
    print(f"{title:55} {seconds * 1000:10.1f} ms{gate}")
    return seconds


def print_timings(folder: Path | None = None) -> None:
    """Print every figure, with its gate where there is one."""
    if folder is not None:
        texts = [path.read_text() for path in sorted(folder.glob("*.log"))]
        timed(
            f"{len(texts)} Jepsen logs, parsing included",
            lambda: [check_text(text, format="jepsen-etcd") for text in texts],
            600,
        )
    many, one = busy_history(10_000, 10, 10), busy_history(10_000, 10, 1)
    timed("10,000 operations, 10 clients, 10 keys", lambda: check(many, MODEL), 200)
    timed("10,000 operations, 10 clients, 1 key", lambda: check(one, MODEL), 10_000)
    for clients, keys, lost in (
        (3, 5, 0.0),
        (5, 5, 0.0),
        (5, 5, 0.05),
        (10, 10, 0.0),
        (10, 10, 0.02),
        (5, 1, 0.0),
    ):
        history = busy_history(10_000, clients, keys, lost=lost)
        seconds = live_seconds(history)
        print(f"live, {clients} clients, {keys} keys, {lost:.0%} lost: {seconds * 100:8.1f} us an operation")


if __name__ == "__main__":
    print_timings(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
