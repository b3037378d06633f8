"""Clients: state machines like any process, on the same links, that issue operations and keep the outcomes apart.

ok: answered. fail: answered that it did not happen. unknown: given up without an answer - it may have happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any, Protocol

import msgspec

from simulations.engine.checks.history import Operation, Outcome
from simulations.engine.experiment.structs import Operation as ScriptedOperation
from simulations.engine.experiment.structs import WorkloadSpec
from simulations.engine.process import DiskImage, Process, Random, Reply, Request
from simulations.engine.sampling import draw as draw_from
from simulations.engine.sampling import log

NO_HINT_PAUSE_US = 20_000
"""Pause before the next attempt when a server said "not me" and knows nobody better."""

SECOND = 1_000_000

RETRY_BURST = 10.0
"""Retries that a client with a budget may save up."""

POST_AND_REFRESH = "post_and_refresh"
"""A put, and ``refresh_ms`` after its answer a get of the same key: somebody looks at their own post. The get carries
``read`` (replica | sticky | wait_for_position) and as ``position`` the highest that this client's puts were answered; a
sticky one goes to who answered the put, any other to the server beside the client."""

ASKS_ONLY = ("get", "delete", "lock", "unlock", "children", "get_watch", "sync_get", "get_stale")
"""Kinds of operations that carry no value of their own."""


class Attempt(msgspec.Struct):
    """An operation under way. ``due_us``: when this attempt is given up; ``waits``: it has not been sent again yet;
    ``doubtful``: an earlier attempt went without an answer, so it may have happened."""

    kind: str
    key: str
    argument: Any
    sequence: int
    invoked_us: int
    number: int
    to: str
    due_us: int
    waits: bool = False
    doubtful: bool = False
    scripted: int = -1
    options: dict[str, Any] | None = None


class Plan(msgspec.Struct):
    """What a client does by itself: its spec, its scripted operations, and whom it may ask (``servers``, in order;
    ``near`` is the one beside it, or "")."""

    spec: WorkloadSpec
    scripted: tuple[ScriptedOperation, ...]
    automatic: bool
    servers: tuple[str, ...]
    near: str
    number: int


class ClientContext(Protocol):
    """What the harness adds to a client's context. ``servers_random``: for whom to ask, apart from what is asked."""

    @property
    def servers_random(self) -> Random: ...

    def invoke(self, kind: str, key: str, argument: Any) -> Operation: ...

    def complete(self, id: int, outcome: Outcome, result: Any, process: str | None) -> None: ...


@dataclass(slots=True)
class Client(Process):
    """An open- or closed-loop client with sessions, retries and timeouts. ``parameters`` is its ``Plan``;
    ``deadlines``: a heap of (when, operation), with some that are over; ``scripted``: number of a scripted operation ->
    (how often it was issued, its last id in the history)."""

    sequence: int = 0
    open: dict[int, Attempt] = field(default_factory=dict)
    hint: str = ""
    backlog: int = 0
    seen: dict[str, Any] = field(default_factory=dict)
    scripted: dict[int, tuple[int, int]] = field(default_factory=dict)
    posts: dict[int, str] = field(default_factory=dict)
    refreshes: dict[int, tuple[str, str]] = field(default_factory=dict)
    position: int = 0
    factor: float = 1.0
    retry_tokens: float = RETRY_BURST
    deadlines: list[tuple[int, int]] = field(default_factory=list)

    # -- issuing --------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        plan: Plan = self.parameters
        if plan.automatic and plan.spec.rate > 0:
            self.context.set_timer("next", round(plan.spec.start_s * SECOND) + self.interval())
        for number, operation in enumerate(plan.scripted):
            at_s = operation.every_s if operation.at_s is None else operation.at_s
            if isinstance(at_s, (int, float)):
                self.context.set_timer(f"script:{number}", round(at_s * SECOND))
            elif at_s is not None:
                self.context.set_timer(f"script:{number}", self.drawn_us(at_s, SECOND))

    def interval(self) -> int:
        """Microseconds to the next operation of an open loop."""
        spec: WorkloadSpec = self.parameters.spec
        mean = SECOND / (spec.rate * self.factor)
        if spec.arrival == "poisson":
            return max(1, int(-mean * log(1.0 - self.context.random.random())))
        return max(1, round(mean))

    def set_factor(self, factor: float) -> None:
        """Issue this many times the experiment's operations from now on; 0 pauses."""
        self.factor = factor
        spec: WorkloadSpec = self.parameters.spec
        if not self.parameters.automatic or spec.loop != "open":
            return
        self.context.cancel_timer("next")
        if factor > 0 and spec.rate > 0:
            self.context.set_timer("next", self.interval())

    def drawn_us(self, distribution: Any, unit_us: int) -> int:
        return max(0, round(draw_from(distribution, self.context.random) * unit_us))  # type: ignore[arg-type]

    def on_timer(self, name: str) -> None:
        if name == "next":
            self.next_operation()
        elif name == "attempt":
            self.expire()
        elif name.startswith("refresh:"):
            self.refresh(int(name.partition(":")[2]))
        else:
            self.run_scripted(int(name.partition(":")[2]))

    def next_operation(self) -> None:
        """Issue one operation of the workload and plan the next."""
        spec: WorkloadSpec = self.parameters.spec
        if spec.stop_s is not None and self.context.now >= spec.stop_s * SECOND:
            return
        if spec.operations is not None and self.sequence >= spec.operations:
            return
        if spec.loop == "open":
            self.context.set_timer("next", self.interval())
        if len(self.open) >= spec.in_flight:
            self.backlog += 1
            return
        kind, key = self.choose_kind(), self.choose_key()
        if kind == POST_AND_REFRESH:
            self.posts[self.begin("put", key, self.choose_argument(kind, key))] = key
        else:
            self.begin(kind, key, self.choose_argument(kind, key))

    def choose_kind(self) -> str:
        spec: WorkloadSpec = self.parameters.spec
        if not spec.mix:
            return spec.operation
        rest = self.context.random.random() * sum(spec.mix.values())
        for kind, weight in spec.mix.items():
            rest -= weight
            if rest < 0:
                return kind
        return kind

    def choose_key(self) -> str:
        spec: WorkloadSpec = self.parameters.spec
        if spec.key is not None:
            return spec.key
        if spec.keys == 1:
            return "k0"
        random = self.context.random
        if spec.key_choice == "hot":
            return "k0" if random.random() < spec.hot_share else f"k{random.integer(1, spec.keys - 1)}"
        if spec.key_choice == "zipf":
            # The density of a bounded 1/x law: k = N**u - 1 is close to Zipf's law with exponent 1.
            from simulations.engine.sampling import exp

            return f"k{min(spec.keys - 1, int(exp(random.random() * log(spec.keys))) - 1)}"
        return f"k{random.integer(0, spec.keys - 1)}"

    def choose_argument(self, kind: str, key: str) -> Any:
        spec: WorkloadSpec = self.parameters.spec
        if kind in ASKS_ONLY:
            return None
        value = spec.values if spec.values != "unique" else f"{self.id}.{self.sequence + 1}"
        return (self.seen.get(key), value) if kind == "cas" else value

    def run_scripted(self, number: int) -> None:
        """Issue a scripted operation; a repeated one is armed again."""
        operation: ScriptedOperation = self.parameters.scripted[number]
        times = self.scripted.get(number, (0, 0))[0] + 1
        if operation.every_s is not None and (operation.count is None or times < operation.count):
            again = self.context.now + round(operation.every_s * SECOND)
            if operation.until_s is None or again < operation.until_s * SECOND:
                self.context.set_timer(f"script:{number}", round(operation.every_s * SECOND))
        argument = operation.value
        if operation.operation == "cas":
            argument = (operation.expected, operation.value)
        elif argument is None and operation.operation in ("put", "append"):
            argument = f"{self.id}.{self.sequence + 1}"
        id = self.begin(operation.operation, operation.key or "k0", argument, scripted=number)
        self.scripted[number] = (times, id)

    def plan_refresh(self, id: int, outcome: str, result: Any, process: str | None) -> None:
        """A post came to its end: look at it again soon, if it was acknowledged."""
        key = self.posts.pop(id)
        if outcome == "ok":
            self.position = max(self.position, result) if isinstance(result, int) else self.position
            self.refreshes[id] = (key, process or "")
            delay_ms = self.parameters.spec.arguments.get("refresh_ms", 0)
            self.context.set_timer(f"refresh:{id}", round(delay_ms * 1000))

    def refresh(self, id: int) -> None:
        """Read one's own post."""
        key, process = self.refreshes.pop(id)
        plan: Plan = self.parameters
        read = plan.spec.arguments.get("read", "replica")
        options = {"read": read, "position": self.position}
        self.begin("get", key, None, options=options, to=process if read == "sticky" else plan.near)

    def begin(
        self,
        kind: str,
        key: str,
        argument: Any,
        scripted: int = -1,
        options: dict[str, Any] | None = None,
        to: str = "",
    ) -> int:
        """Issue an operation now; returns its id in the history. ``options``: instead of the workload's arguments;
        ``to``: whom to ask first."""
        operation = self.ledger.invoke(kind, key, argument)
        self.sequence += 1
        budget = self.parameters.spec.retry_budget
        if budget is not None:
            self.retry_tokens = min(RETRY_BURST, self.retry_tokens + budget)
        attempt = Attempt(
            kind,
            key,
            argument,
            self.sequence,
            operation.invoked_us,
            0,
            "",
            0,
            scripted=scripted,
            options=options,
        )
        self.open[operation.id] = attempt
        self.attempt(operation.id, attempt, to or self.first_server(attempt))
        return operation.id

    @property
    def ledger(self) -> ClientContext:
        return self.context  # type: ignore[return-value]

    # -- attempts -------------------------------------------------------------------------------------------------

    def settings(self, attempt: Attempt) -> WorkloadSpec | ScriptedOperation:
        plan: Plan = self.parameters
        return plan.spec if attempt.scripted < 0 else plan.scripted[attempt.scripted]

    def first_server(self, attempt: Attempt) -> str:
        plan: Plan = self.parameters
        to = self.settings(attempt).to
        if to in plan.servers:
            return to
        if to == "nearest" and plan.near:
            return plan.near
        if to == "any":
            return str(self.ledger.servers_random.choice(plan.servers))
        return self.hint or plan.near or str(self.ledger.servers_random.choice(plan.servers))

    def attempt(self, id: int, attempt: Attempt, to: str) -> None:
        """Send one attempt and watch its deadline."""
        settings = self.settings(attempt)
        attempt.number += 1
        attempt.to, attempt.waits = to, False
        give_up = attempt.invoked_us + round(settings.give_up_ms * 1000)
        self.due_at(id, attempt, min(self.context.now + round(settings.timeout_ms * 1000), give_up))
        session = self.parameters.number if settings.session else 0
        request = Request(
            id,
            attempt.number,
            self.id,
            session,
            attempt.sequence,
            attempt.kind,
            attempt.key,
            attempt.argument,
            attempt.options or settings.arguments or None,
        )
        self.context.send(to, request)
        self.watch()

    def due_at(self, id: int, attempt: Attempt, due_us: int) -> None:
        """Give up this attempt then."""
        attempt.due_us = due_us
        heappush(self.deadlines, (due_us, id))

    def earliest(self) -> int | None:
        """The earliest deadline in the heap; what is over or was moved is forgotten on the way."""
        deadlines, open = self.deadlines, self.open
        while deadlines:
            due_us, id = deadlines[0]
            attempt = open.get(id)
            if attempt is not None and attempt.due_us == due_us:
                return due_us
            heappop(deadlines)
        return None

    def watch(self) -> None:
        """One timer for all attempts, at the earliest deadline."""
        due_us = self.earliest()
        if due_us is None and self.open:
            # (A system's own client may set deadlines without the heap.)
            due_us = min([attempt.due_us for attempt in self.open.values()])
        if due_us is None:
            self.context.cancel_timer("attempt")
        else:
            self.context.set_timer("attempt", max(0, due_us - self.context.now))

    def expired(self, now: int) -> list[int]:
        """Operations whose attempts are due, in the order in which they began."""
        found: list[tuple[int, int]] = []
        while (due_us := self.earliest()) is not None and due_us <= now:
            found.append(heappop(self.deadlines))
        # Each stays due until its turn comes.
        for entry in found:
            heappush(self.deadlines, entry)
        return sorted(dict.fromkeys([id for _, id in found]))

    def may_retry(self, attempt: Attempt) -> bool:
        """Whether another attempt may follow: some are left, and the budget has one to spend."""
        retries = self.settings(attempt).retries
        if retries is not None and attempt.number > retries:
            return False
        if self.parameters.spec.retry_budget is None or attempt.scripted >= 0:
            return True
        if self.retry_tokens < 1:
            return False
        self.retry_tokens -= 1
        return True

    def expire(self) -> None:
        """Attempts that got no answer in time: another server, or give up."""
        now = self.context.now
        for id in self.expired(now):
            attempt = self.open[id]
            settings = self.settings(attempt)
            out_of_time = now >= attempt.invoked_us + round(settings.give_up_ms * 1000)
            # (An attempt that waits was allowed when its server refused it.)
            if out_of_time or not (attempt.waits or self.may_retry(attempt)):
                self.finish(id, "unknown", None, None)
                continue
            if not attempt.waits:
                attempt.doubtful = True
                self.hint = "" if attempt.to == self.hint else self.hint
                if self.pauses(id, attempt):
                    continue
            self.attempt(id, attempt, self.another_server(attempt))
        self.watch()

    def pauses(self, id: int, attempt: Attempt) -> bool:
        """Whether the next attempt is put off (``retry_after_ms``)."""
        spec: WorkloadSpec = self.parameters.spec
        pause = self.drawn_us(spec.retry_after_ms, 1000) if attempt.scripted < 0 else 0
        if pause:
            attempt.waits = True
            give_up = attempt.invoked_us + round(spec.give_up_ms * 1000)
            self.due_at(id, attempt, min(self.context.now + pause, give_up))
        return pause > 0

    def another_server(self, attempt: Attempt) -> str:
        plan: Plan = self.parameters
        to = self.settings(attempt).to
        if to in plan.servers:
            return to
        if self.hint:
            return self.hint
        others = [server for server in plan.servers if server != attempt.to]
        return str(self.ledger.servers_random.choice(others or plan.servers))

    # -- answers --------------------------------------------------------------------------------------------------

    def on_message(self, sender: str, message: Reply) -> None:
        attempt = self.open.get(message.operation)
        if attempt is None:
            return
        if message.attempt != attempt.number and self.parameters.spec.ignore_late:
            return
        if message.outcome != "retry":
            self.hint = sender if self.settings(attempt).to == "hint" else self.hint
            self.seen[attempt.key] = _seen(attempt, message, self.seen.get(attempt.key))
            self.finish(message.operation, message.outcome, message.result, sender)
            self.watch()
        elif message.attempt == attempt.number and not attempt.waits:
            self.redirect(message.operation, attempt, message.hint)

    def redirect(self, id: int, attempt: Attempt, hint: str | None) -> None:
        """A server did not execute the attempt: follow its hint, or wait a little and ask another."""
        helps = bool(hint) and hint != attempt.to and hint in self.parameters.servers
        if helps:
            self.hint = str(hint)
        if not self.may_retry(attempt):
            self.finish(id, "unknown" if attempt.doubtful else "fail", None, attempt.to)
        elif helps:
            self.attempt(id, attempt, self.hint)
        else:
            if self.hint == attempt.to:
                self.hint = ""
            attempt.waits = True
            self.due_at(id, attempt, min(attempt.due_us, self.context.now + NO_HINT_PAUSE_US))
        self.watch()

    def finish(self, id: int, outcome: Any, result: Any, process: str | None) -> None:
        """The client knows the outcome, or never will."""
        del self.open[id]
        self.ledger.complete(id, outcome, result, process)
        if id in self.posts:
            self.plan_refresh(id, outcome, result, process)
        plan: Plan = self.parameters
        if plan.automatic and plan.spec.loop == "closed":
            self.context.set_timer("next", max(1, self.drawn_us(plan.spec.think_ms, 1000)))


def _seen(attempt: Attempt, reply: Reply, before: Any) -> Any:
    """The value of a key as this client knows it after an answer."""
    if reply.outcome != "ok":
        return before
    if attempt.kind == "put":
        return attempt.argument
    if attempt.kind == "cas":
        return attempt.argument[1]
    return reply.result if attempt.kind == "get" else before
