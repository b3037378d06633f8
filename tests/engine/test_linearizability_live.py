"""The checker of live runs: after every event it agrees with the checker of whole histories, and so do its
forks.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from simulations.engine.checks.history import History, Operation, pending
from simulations.engine.checks.linearizability import LiveLinearizability, Model, check
from simulations.engine.checks.linearizability.verdict import TOO_MANY_CONFIGURATIONS
from simulations.engine.checks.linearizable import Linearizable
from simulations.engine.ledger import Ledger
from tests.budget import seeds
from tests.engine.random_histories import random_history

KV = Model("kv")


def tell(live: LiveLinearizability, history: History, number: int) -> None:
    """One event of a history."""
    if number >= 0:
        live.invoke(pending(history.operations[number]))
    else:
        live.complete(history.operations[~number])


def told(history: History, model: Model = KV) -> LiveLinearizability:
    live = LiveLinearizability(model)
    for number in history.order:
        tell(live, history, number)
    return live


class Story:
    """A history written as a story: `put("w", 1)` starts an operation, `end("w", "ok")` completes it."""

    def __init__(self) -> None:
        self.history = History()
        self.names: dict[str, int] = {}
        self.now = 0

    def start(self, name: str, kind: str, argument: Any = None) -> Story:
        number = len(self.names)
        self.names[name] = number
        self.now += 1
        self.history.invoke(Operation(number, name, "x", kind, argument, self.now))
        return self

    def end(self, name: str, outcome: Any = "ok", result: Any = None) -> Story:
        self.now += 1
        self.history.complete(self.names[name], self.now, outcome, result)
        return self

    def all(
        self, name: str, kind: str, argument: Any = None, outcome: Any = "ok", result: Any = None
    ) -> Story:
        return self.start(name, kind, argument).end(name, outcome, result)


def test_agrees_with_the_batch_checker_after_every_event_and_every_fork() -> None:
    for seed in seeds("live_checker_random_histories"):
        history, model = random_history(seed, operations=9)
        live = LiveLinearizability(model)
        fork_at = Random(seed).randrange(len(history.order)) if history.order else 0
        fork = live
        for at, number in enumerate(history.order):
            if at == fork_at:
                fork = live.fork()
            tell(live, history, number)
            expected = check(history.prefix(at + 1), model)
            assert live.verdict.verdict == expected.verdict, f"seed {seed}, event {at}"
            if expected.verdict == "violated":
                break
        for number in history.order[fork_at : at + 1] if history.order else ():
            tell(fork, history, number)
        assert fork == live, f"seed {seed}"


def test_longer_histories_agree_at_the_end() -> None:
    for seed in range(60):
        history, model = random_history(seed, operations=60)
        live = told(history, model).verdict
        assert live.verdict == check(history, model).verdict or live.reason == TOO_MANY_CONFIGURATIONS


def test_names_the_operation_and_its_time() -> None:
    story = Story().all("w", "put", 1).all("r", "get", result=2).all("again", "get", result=3)
    verdict = told(story.history).verdict
    assert (verdict.verdict, verdict.first_violation, verdict.violated_us) == ("violated", 1, 4)
    assert verdict.keys["x"].operations == 2


def test_a_lost_write_seen_by_a_read_that_began_before_it_was_overwritten() -> None:
    story = Story().all("lost", "put", "late", "unknown").start("r", "get").all("w", "put", "new")
    assert told(story.end("r", result="late").history).verdict.verdict == "holds"
    assert told(story.all("r2", "get", result="new").history).verdict.verdict == "holds"


def test_a_lost_write_is_not_seen_by_a_read_that_began_after_it_was_spent() -> None:
    story = Story().all("lost", "put", "late", "unknown").start("r", "get").all("w", "put", "new")
    story.end("r", result="late").all("r2", "get", result="new").all("r3", "get", result="late")
    assert told(story.history).verdict.first_violation == story.names["r3"]
    assert check(story.history, KV).first_violation == story.names["r3"]


def test_two_reads_may_see_one_lost_write_in_the_same_gap() -> None:
    story = Story().all("lost", "put", "late", "unknown").start("r1", "get").start("r2", "get")
    story.all("w", "put", "new").all("r3", "get", result="new")
    story.end("r1", result="late").end("r2", result="late").all("r4", "get", result="new")
    assert check(story.history, KV).verdict == "holds"
    assert told(story.history).verdict.verdict == "holds"


def test_a_refused_cas_may_have_met_a_lost_write_in_a_gap() -> None:
    story = Story().all("w", "put", "a").all("lost", "put", "b", "unknown")
    story.start("c", "cas", ["a", "z"]).all("w2", "put", "a").all("r", "get", result="a")
    story.end("c", result=False).all("r2", "get", result="a")
    assert check(story.history, KV).verdict == "holds"
    assert told(story.history).verdict.verdict == "holds"


def test_hundreds_of_lost_unique_writes_stay_cheap() -> None:
    """Faults lose writes; the lamp must not go dark for it."""
    story = Story()
    for number in range(300):
        story.all(f"lost{number}", "put", f"l{number}", "unknown").all(f"w{number}", "put", f"w{number}")
        story.all(f"r{number}", "get", result=f"w{number}")
    live = told(story.history)
    assert live.verdict.verdict == "holds"
    assert len(live.keys["x"].configurations) == 1
    live.invoke(Operation(5_000, "r", "x", "get"))
    live.complete(Operation(5_000, "r", "x", "get", None, 0, 9_999, "ok", "l7"))
    assert live.verdict.verdict == "holds"
    live.invoke(Operation(5_001, "r", "x", "get"))
    live.complete(Operation(5_001, "r", "x", "get", None, 0, 10_000, "ok", "w7"))
    assert live.verdict.first_violation == 5_001


def test_too_many_configurations_is_unknown_from_there_on_for_that_key_only() -> None:
    live = LiveLinearizability(KV)
    for number in range(10):
        live.invoke(Operation(number, f"c{number}", "hard", "append", str(number)))
    live.complete(Operation(9, "c9", "hard", "append", "9", 0, 1, "ok"))
    live.invoke(Operation(20, "d", "easy", "put", 1))
    live.complete(Operation(20, "d", "easy", "put", 1, 0, 2, "ok"))
    verdict = live.verdict
    assert (verdict.verdict, verdict.reason) == ("unknown", TOO_MANY_CONFIGURATIONS)
    assert (verdict.keys["hard"].verdict, verdict.keys["easy"].verdict) == ("unknown", "holds")
    live.invoke(Operation(21, "d", "easy", "get"))
    live.complete(Operation(21, "d", "easy", "get", None, 0, 3, "ok", 2))
    assert live.verdict.verdict == "violated"


def test_memory_does_not_grow_with_the_history() -> None:
    story = Story()
    sizes = []
    for number in range(3_000):
        story.start(f"w{number}", "put", f"v{number}").start(f"r{number}", "get")
        story.end(f"w{number}").end(f"r{number}", result=f"v{number}")
    live = LiveLinearizability(KV)
    for at, number in enumerate(story.history.order):
        tell(live, story.history, number)
        if at % 1_000 == 999:
            sizes.append(len(msgspec.msgpack.encode(live)))
    assert max(sizes) - min(sizes) < 50
    assert max(sizes) < 1_000


def test_state_is_plain_data() -> None:
    """A checkpoint can write it and read it back, and the copy goes on like the original."""
    story = Story().all("lost", "put", "late", "unknown").start("r", "get").start("c", "cas", ["late", 2])
    story.all("w", "put", "new")
    live = told(story.history)
    copy = msgspec.msgpack.decode(msgspec.msgpack.encode(live), type=LiveLinearizability)
    for id, result in ((1, "late"), (2, False)):
        done = story.history.operations[id].completed(50 + id, "ok", result)
        live.complete(done)
        copy.complete(done)
        assert copy.verdict == live.verdict
    assert live.verdict.verdict == "holds"


@pytest.mark.parametrize(("read", "answer", "event"), [("abcdefghi", "holds", None), ("abx", "violated", 9)])
def test_what_was_given_up_is_judged_again_at_the_end(read: str, answer: str, event: int | None) -> None:
    ledger, lamp = Ledger(), Linearizable()
    for name in "abcdefghi":
        lamp.invoked(1, 0, ledger.invoke(name, "append", "x", name, 1))
    for number in range(1, 10):
        lamp.completed(2, number - 1, ledger.complete(number, 2, "ok", None, None))
    assert lamp.verdict().verdict == "unknown"
    lamp.invoked(3, 9, ledger.invoke("reader", "get", "x", None, 3))
    lamp.completed(3, 9, ledger.complete(10, 3, "ok", read, None))
    fork = lamp.fork()
    assert lamp.verdict().verdict == "unknown"
    found = lamp.final(ledger)
    assert (found.verdict, found.event, found.judged) == (answer, event, 10)
    assert fork.final(ledger) == found
