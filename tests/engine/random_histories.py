"""Small random histories from a store that works, and spoiled copies of them."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from simulations.engine.checks.history import History, Operation
from simulations.engine.checks.linearizability import Model
from tests.engine.every_order import applied, explainable

MIXES: dict[str, list[tuple[str, ...]]] = {
    "register": [("get", "put")],
    "cas-register": [("get", "put", "cas"), ("get", "cas"), ("get", "get", "put", "cas", "cas")],
    "kv": [
        ("get", "append"),
        ("get", "put", "append", "cas", "delete"),
        ("get", "get", "put", "delete"),
        ("get", "put", "cas"),
    ],
    "mutex": [("lock", "unlock")],
}


def random_model(random: Random) -> Model:
    name = random.choice(sorted(MIXES))
    initial = None if name == "mutex" else random.choice([None, "0", ""])
    return Model(
        name,  # type: ignore[arg-type]
        initial,
        failed_guard_counts=random.random() < 0.5,
        nil_reads_say_nothing=random.random() < 0.2,
        locks_have_owners=random.random() < 0.5,
    )


class RandomStore:
    """Clients and a linearizable store taking random turns; a third of the answers may get lost."""

    def __init__(self, random: Random, model: Model, operations: int) -> None:
        self.random, self.model, self.left = random, model, operations
        self.kinds = random.choice(MIXES[model.name])
        self.keys = ["x"] if random.random() < 0.7 else ["x", "y"]
        self.values = ["0", "1", "2"][: random.randint(2, 3)]
        self.unique = random.random() < 0.3
        self.clients = [f"c{number}" for number in range(random.randint(2, 4))]
        self.loss = random.choice([0.0, 0.15, 0.4])
        self.history = History()
        self.state: dict[str, Any] = {}
        self.open: dict[str, int] = {}
        self.answers: dict[int, tuple[str, Any]] = {}
        self.drifting: list[int] = []
        self.now = 0

    def run(self) -> History:
        while self.left or (self.open and self.random.random() < 0.95):
            self.now += 1
            self.random.choice([self.invoke, self.take_effect, self.answer])()
        return self.history

    def invoke(self) -> None:
        idle = [client for client in self.clients if client not in self.open]
        if not idle or not self.left:
            return
        client, kind = self.random.choice(idle), self.random.choice(self.kinds)
        number = len(self.history.operations)
        value = f"v{number}" if self.unique else self.random.choice(self.values)
        argument: Any = value if kind in ("put", "append") else None
        if kind == "cas":
            argument = [self.random.choice([*self.values, self.state.get("x", self.model.initial)]), value]
        self.history.invoke(
            Operation(number, client, self.random.choice(self.keys), kind, argument, self.now)
        )
        self.open[client] = number
        self.left -= 1

    def take_effect(self) -> None:
        waiting = [number for number in [*self.open.values(), *self.drifting] if number not in self.answers]
        if not waiting:
            return
        operation = self.history.operations[self.random.choice(waiting)]
        if operation.kind == "get":
            self.answers[operation.id] = ("ok", self.state.get(operation.key, self.model.initial))
            return
        tried = msgspec.structs.replace(operation, outcome="pending", result=None)
        after = applied(tried, self.state, self.model)
        if after is not None:
            self.state = after
            self.answers[operation.id] = ("ok", None)
        elif self.model.failed_guard_counts and self.random.random() < 0.5:
            self.answers[operation.id] = ("fail", None)
        else:
            self.answers[operation.id] = ("ok", False)

    def answer(self) -> None:
        if not self.open:
            return
        client = self.random.choice(sorted(self.open))
        number = self.open[client]
        if self.random.random() < self.loss:
            self.history.complete(number, self.now, "unknown")
            self.drifting.append(number)
        elif number in self.answers:
            outcome, result = self.answers[number]
            self.history.complete(number, self.now, outcome, result)  # type: ignore[arg-type]
        elif self.random.random() < 0.2 and not self.model.failed_guard_counts:
            self.answers[number] = ("fail", None)
            self.history.complete(number, self.now, "fail")
        else:
            return
        del self.open[client]


def spoiled(random: Random, history: History, model: Model) -> History:
    """The history with up to two answers changed to something else that somebody might say."""
    copy = history.fork()
    done = [op for op in copy.operations.values() if op.outcome in ("ok", "fail")]
    for operation in random.sample(done, min(len(done), random.randint(1, 2))):
        copy.operations[operation.id] = lie(random, operation, copy, model)
    return copy


def lie(random: Random, operation: Operation, history: History, model: Model) -> Operation:
    if operation.kind == "get":
        texts = [op.argument for op in history.operations.values() if op.kind in ("put", "append")]
        texts += [op.result for op in history.operations.values() if op.kind == "get" and op.outcome == "ok"]
        texts += [op.argument[1] for op in history.operations.values() if op.kind == "cas"]
        said = random.choice([*texts, model.initial, "nobody wrote this"])
        return msgspec.structs.replace(operation, outcome="ok", result=said)
    if operation.outcome == "fail":
        return msgspec.structs.replace(operation, outcome="ok", result=None)
    if operation.kind in ("cas", "lock", "unlock"):
        return msgspec.structs.replace(operation, result=None if operation.result is False else False)
    return msgspec.structs.replace(operation, outcome="fail", result=None)


def random_history(seed: int, operations: int = 7) -> tuple[History, Model]:
    """A small history and its model. Even seeds are legal by construction; odd ones are spoiled once."""
    random = Random(seed)
    model = random_model(random)
    history = RandomStore(random, model, random.randint(2, operations)).run()
    return (spoiled(random, history, model) if seed % 2 else history), model


def illegal_history(seed: int) -> tuple[History, Model]:
    """A small history that the dumb twin calls illegal: drawn and spoiled until it is."""
    random = Random(seed)
    while True:
        model = random_model(random)
        history = spoiled(random, RandomStore(random, model, random.randint(2, 7)).run(), model)
        if not explainable(history, model):
            return history, model
