"""Recipes: what clients build from znodes and watches. ZooKeeper Recipes and Solutions (ZC); Hunt et al., "ZooKeeper:
Wait-free coordination for Internet-scale systems", USENIX ATC 2010, section 2.4.

* lock, ``recipe: naive``: one ephemeral node; whoever does not get it watches it, so each release wakes all who wait.
* lock, ``recipe: predecessor``: ephemeral sequential children; each watches the one before it, so a release wakes one.
* elect: the same queue, held until the session ends. barrier: enter when ``size`` children are there.
* Service discovery needs no recipe: create with ``ephemeral``, children with ``watch``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from simulations.engine.coordination import WatchEvent
from simulations.engine.process import Reply
from simulations.engine.systems.zookeeper.client import ZooKeeperClient
from simulations.engine.systems.zookeeper.tree import NO_NODE, NODE_EXISTS, path_of
from simulations.engine.workload import Attempt

RECIPES = ("lock", "elect", "barrier")
NAIVE, PREDECESSOR = "naive", "predecessor"
CREATE, SYNC, LOOK, WATCH, WAIT, HELD = "create", "sync", "look", "watch", "wait", "held"
DIGITS = 10


class Run(msgspec.Struct):
    """A recipe under way. ``step``: what the client asked last, or waits for; ``path``: its own node; ``target``: what
    it watches; ``token``: its number in the queue."""

    kind: str
    key: str
    recipe: str
    hold_ms: float
    size: int
    step: str = CREATE
    path: str = ""
    target: str = ""
    token: int | None = None


@dataclass(slots=True)
class RecipeClient(ZooKeeperClient):
    """``runs``: operation -> recipe under way; ``held``: lock -> its run; ``wakeups``: watch events that woke a
    waiting recipe."""

    runs: dict[int, Run] = field(default_factory=dict)
    held: dict[str, Run] = field(default_factory=dict)
    wakeups: int = 0

    # -- steps --------------------------------------------------------------------------------------------------

    def send_attempt(self, id: int) -> None:
        attempt = self.open[id]
        if attempt.kind == "unlock":
            self.send_unlock(id, attempt)
        elif attempt.kind not in RECIPES:
            super(RecipeClient, self).send_attempt(id)
        elif id not in self.runs:
            options = self.options_of(attempt) or {}
            naive = attempt.kind == "lock" and options.get("recipe") == NAIVE
            self.runs[id] = Run(
                attempt.kind,
                path_of(attempt.key),
                NAIVE if naive else PREDECESSOR,
                number_in(options, "hold_ms", -1),
                round(number_in(options, "size", 1)),
            )
            self.step(id)
        elif self.runs[id].step == CREATE and self.runs[id].recipe == PREDECESSOR:
            # After ConnectionLoss nobody knows whether the node was made: look for it by its name, when it can be seen.
            self.runs[id].step = SYNC
            self.step(id)
        elif self.runs[id].step != WAIT:
            self.step(id)

    def may_ask_again(self, attempt: Attempt) -> bool:
        return attempt.kind in RECIPES or super(RecipeClient, self).may_ask_again(attempt)

    def step(self, id: int) -> None:
        """Ask for what the recipe needs next."""
        run = self.runs[id]
        if run.step == CREATE:
            self.ask(
                id,
                "create",
                self.node_of(run),
                {"ephemeral": True, "sequential": self.is_queue(run)},
                self.id,
            )
        elif run.step == SYNC:
            self.ask(id, "sync", run.key, None)
        elif run.step == LOOK:
            self.ask(id, "children", run.key, {"watch": True} if run.kind == "barrier" else None)
        elif run.recipe == NAIVE:
            self.ask(id, "get_watch", run.target, None)
        else:
            self.ask(id, "exists", run.target, {"watch": True})

    def ask(self, id: int, kind: str, key: str, options: dict[str, Any] | None, argument: Any = None) -> None:
        """One request of a recipe, as an attempt of its operation."""
        attempt = self.open[id]
        settings = self.settings(attempt)
        attempt.number += 1
        attempt.to, attempt.waits = self.server, False
        self.due_at(id, attempt, attempt.invoked_us + round(settings.give_up_ms * 1000))
        self.sent[id] = self.context.now
        self.send_request(id, attempt, kind, key, argument, options)

    def is_queue(self, run: Run) -> bool:
        return run.kind != "barrier" and run.recipe == PREDECESSOR

    def node_of(self, run: Run) -> str:
        """The node to be made: one for all, one for each client, or one with a number."""
        if run.recipe == NAIVE:
            return run.key
        return f"{run.key}/{self.id}-" if self.is_queue(run) else f"{run.key}/{self.id}"

    def answered(self, sender: str, message: Reply, attempt: Attempt) -> None:
        id = message.operation
        run = self.runs.get(id)
        if attempt.kind == "unlock":
            self.finish(id, "ok", None, sender)
            self.watch()
        elif run is None:
            super(RecipeClient, self).answered(sender, message, attempt)
        elif run.step == CREATE:
            self.created(id, run, message)
        elif message.outcome != "ok" and message.result != NO_NODE:
            self.end(id, run, "fail", message.result)
        elif run.step == SYNC:
            run.step = LOOK
            self.step(id)
        elif run.step == LOOK:
            self.looked(id, run, message)
        elif message.result is None or message.result is False:
            self.watching.pop(run.target, None)
            self.again(id, run)
        else:
            self.watches_target(id, run, message)

    def created(self, id: int, run: Run, message: Reply) -> None:
        """The own node is there, or somebody has the lock."""
        if message.outcome == "ok":
            run.path = str(message.result)
            if run.recipe == NAIVE:
                self.acquire(id, run)
                return
            run.step = LOOK
        elif message.result == NODE_EXISTS and run.recipe == NAIVE:
            run.step, run.target = WATCH, run.key
        elif message.result == NODE_EXISTS:
            run.step = LOOK
        else:
            self.end(id, run, "fail", message.result)
            return
        self.step(id)

    def looked(self, id: int, run: Run, message: Reply) -> None:
        """The queue, or those at the barrier."""
        names = list(message.result) if message.outcome == "ok" else []
        if run.kind == "barrier":
            if len(names) >= run.size:
                self.end(id, run, "ok", len(names))
            else:
                self.watching[run.key] = "child"
                run.step, run.target = WAIT, run.key
            return
        queue = sorted((number_of(name), name) for name in names)
        mine = [place for place, (_, name) in enumerate(queue) if name[:-DIGITS] == f"{self.id}-"]
        if not mine:
            run.step = CREATE
            self.step(id)
            return
        run.token, name = queue[mine[0]]
        run.path = f"{run.key}/{name}"
        if mine[0] == 0:
            self.acquire(id, run)
        else:
            run.step, run.target = WATCH, f"{run.key}/{queue[mine[0] - 1][1]}"
            self.step(id)

    def watches_target(self, id: int, run: Run, message: Reply) -> None:
        """Somebody else is there: wait. Unless it is this client, whose answer got lost."""
        if run.recipe == NAIVE and message.result == self.id:
            run.path = run.key
            self.acquire(id, run)
        else:
            self.watching[run.target] = "once"
            run.step = WAIT

    def again(self, id: int, run: Run) -> None:
        """What it waited for is gone."""
        run.step = CREATE if run.recipe == NAIVE else LOOK
        self.step(id)

    def on_watch_event(self, message: WatchEvent) -> None:
        super(RecipeClient, self).on_watch_event(message)
        for id, run in list(self.runs.items()):
            if run.step == WAIT and run.target == message.path and id in self.open:
                self.wakeups += 1
                self.again(id, run)

    # -- the end --------------------------------------------------------------------------------------------------

    def acquire(self, id: int, run: Run) -> None:
        """The lock is held, or the leadership."""
        run.step = HELD
        self.held[run.key] = run
        if run.hold_ms >= 0:
            self.context.set_timer(f"release:{run.key}", round(run.hold_ms * 1000))
        self.end(id, run, "ok", run.token)
        if run.hold_ms >= 0:
            self.context.cancel_timer("next")

    def end(self, id: int, run: Run, outcome: str, result: Any) -> None:
        self.finish(id, outcome, result, self.server)
        self.watch()

    def finish(self, id: int, outcome: Any, result: Any, process: str | None) -> None:
        self.runs.pop(id, None)
        super(RecipeClient, self).finish(id, outcome, result, process)

    def on_timer(self, name: str) -> None:
        kind, _, key = name.partition(":")
        if kind == "release":
            self.begin("unlock", key, None)
            self.sequence -= 1  # (not one of the workload's operations)
        else:
            super(RecipeClient, self).on_timer(name)

    def send_unlock(self, id: int, attempt: Attempt) -> None:
        """Give a lock back by deleting the own node."""
        run = self.held.pop(path_of(attempt.key), None)
        if run is None:
            self.finish(id, "fail", "NotHeld", None)
        else:
            self.ask(id, "delete", run.path, None)

    def expire_session(self) -> None:
        """What the session held is gone; the recipe learns it now."""
        for key in list(self.held):
            del self.held[key]
            self.context.cancel_timer(f"release:{key}")
            released = self.ledger.invoke("unlock", key, None)
            self.ledger.complete(released.id, "ok", "SessionExpired", None)
        super(RecipeClient, self).expire_session()


def number_in(options: dict[str, Any], name: str, default: float) -> float:
    """A number among the options; the default when it is missing or is none."""
    value = options.get(name, default)
    return float(value) if isinstance(value, int | float) else default


def number_of(name: str) -> int:
    """The number of a sequential node."""
    digits = name[-DIGITS:]
    return int(digits) if digits.isdigit() else 0
