"""Instances that call others: services, gateways, links of a chain, caches, databases.

Calls block their thread, as remote procedure calls do (Birrell, Nelson, "Implementing remote procedure calls", 1984).
Timeouts, retries with backoff, jitter and a budget: Brooker, AWS Builders' Library. Breakers: Nygard, section 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from simulations.engine.process import append
from simulations.engine.systems.microservices.breaker import CLOSED, HALF_OPEN, OPEN, CircuitBreaker
from simulations.engine.systems.microservices.limits import Quota, RetryBudget, backoff_us
from simulations.engine.systems.microservices.messages import DONE, FAIL, FALLBACK, OK, Answer, Call, Probe
from simulations.engine.systems.microservices.worker import PROBE, Arrival, Job, Worker

SECOND = 1_000_000
NAME = "microservices"
WRITES = ("put", "post", "append", "delete")
"""Kinds of operations that change what is stored."""


@dataclass(slots=True)
class Service(Worker):
    """Calls its dependencies one after another. ``calls``: number of a call under way -> its job; ``breakers``,
    ``budgets``, ``trials`` (of a half-open breaker, that went well in a row): by dependency. ``trial``: (these, the
    state of the breaker then), of the last one told."""

    calls: dict[int, int] = field(default_factory=dict)
    breakers: dict[str, CircuitBreaker] = field(default_factory=dict)
    budgets: dict[str, RetryBudget] = field(default_factory=dict)
    trials: dict[str, int] = field(default_factory=dict)

    # -- rules ----------------------------------------------------------------------------------------------------

    def dependencies(self, arrival: Arrival) -> tuple[str, ...]:
        """Whom this work needs, in order."""
        return self.parameters.calls

    def stage_of(self, arrival: Arrival) -> int:
        return arrival.stage

    def retries_here(self) -> bool:
        """Only one layer of a stack should retry: if all do, the attempts multiply (SRE, chapter 22)."""
        return self.parameters.retry_at in ("every_layer", self.id)

    def may_retry(self, job: Job, to: str) -> bool:
        """Attempts are left, it is this layer's task, and the budget has a retry to spend."""
        return job.attempt < self.parameters.attempts and self.retries_here() and self.budget_of(to).spend()

    def breaker_of(self, to: str) -> CircuitBreaker | None:
        """The breaker before a dependency; None when breakers are off."""
        settings = self.parameters.breaker
        if settings is None:
            return None
        breaker = self.breakers.get(to)
        if breaker is None or breaker.settings != settings:
            breaker = self.breakers[to] = self.new_breaker(to)
            self.show_breakers()
        return breaker

    def may_close(self) -> bool:
        """Trials that went well close the breaker again."""
        return True

    def new_breaker(self, to: str) -> CircuitBreaker:
        assert self.parameters.breaker is not None
        return CircuitBreaker(self.parameters.breaker, since_us=self.context.now)

    def budget_of(self, to: str) -> RetryBudget:
        return self.budgets.get(to) or self.budgets.setdefault(to, RetryBudget())

    # -- calls ----------------------------------------------------------------------------------------------------

    def proceed(self, id: int, job: Job) -> None:
        """Ask the next dependency, or be done."""
        if job.arrival.kind == PROBE:
            self.finish(id, job, OK)
            return
        dependencies = self.dependencies(job.arrival)
        if job.step >= len(dependencies):
            self.finish(id, job, OK)
            return
        job.to = to = dependencies[job.step]
        job.attempt = 0
        if self.parameters.attempts > 1:
            self.first_tries += 1
            self.budget_of(to).first_try(self.parameters.retry_budget)
        self.try_call(id, job)

    def try_call(self, id: int, job: Job) -> None:
        """One attempt, if the breaker lets it pass."""
        now, to = self.context.now, job.to
        breaker = self.breaker_of(to)
        if breaker is not None:
            before, allowed = breaker.state, breaker.acquire(now)
            if breaker.state != before:
                self.trials[to] = 0
                self.trial = (0, breaker.state)
                self.context.note("microservices.breaker_half_open", to=to)
                self.show_breakers()
            if not allowed:
                self.give_up(id, job)
                return
        job.attempt += 1
        self.number = number = self.number + 1
        job.began_us = now
        self.calls[number] = id
        arrival = job.arrival
        call = Call(
            number, arrival.route, arrival.kind, arrival.key, arrival.priority, self.stage_of(arrival)
        )
        self.context.send(to, call)
        if self.parameters.timeout_ms:
            self.context.set_timer(f"t{number}", round(self.parameters.timeout_ms * 1000))

    def on_message(self, sender: str, message: Call | Answer | Probe) -> None:
        if isinstance(message, Answer):
            id = self.calls.pop(message.id, None)
            if id is not None:
                if self.parameters.timeout_ms:
                    self.context.cancel_timer(f"t{message.id}")
                self.ended(id, message.outcome in DONE)
        elif isinstance(message, Call):
            self.on_call(sender, message)
        elif isinstance(message, Probe):
            self.on_probe(sender, message)

    def on_other_timer(self, name: str) -> None:
        """t: a call got no answer in time. r: the pause before a retry is over."""
        number = int(name[1:])
        if name[0] == "r":
            job = self.jobs.get(number)
            if job is not None:
                self.try_call(number, job)
            return
        id = self.calls.pop(number, None)
        if id is not None:
            self.context.note("microservices.timeout", to=self.jobs[id].to)
            self.ended(id, False)

    def ended(self, id: int, ok: bool) -> None:
        """An attempt went well, went wrong, or took too long."""
        job = self.jobs[id]
        to = job.to
        self.tell_breaker(to, ok, self.context.now - job.began_us)
        if ok:
            job.step += 1
            self.proceed(id, job)
        elif self.may_retry(job, to):
            self.retried += 1
            parameters = self.parameters
            draw = self.context.random.random() if parameters.jitter != "none" else 1.0
            pause = backoff_us(
                job.attempt, parameters.backoff_ms, parameters.backoff_limit_ms, parameters.jitter, draw
            )
            self.context.note("microservices.retries", to=to, attempt=job.attempt + 1)
            self.context.set_timer(f"r{id}", pause)
        else:
            self.give_up(id, job)

    def give_up(self, id: int, job: Job) -> None:
        """A dependency cannot be had: answer with a substitute if there is one, else fail."""
        self.finish(id, job, FALLBACK if self.parameters.fallback else FAIL)

    # -- breakers -------------------------------------------------------------------------------------------------

    def tell_breaker(self, to: str, ok: bool, took_us: int) -> None:
        breaker = self.breaker_of(to)
        if breaker is None:
            return
        before = breaker.state
        breaker.record(self.context.now, ok, took_us)
        if before == HALF_OPEN and breaker.state == CLOSED and not self.may_close():
            breaker.move(OPEN, self.context.now)
        if before == HALF_OPEN:
            self.trials[to] = self.trials.get(to, 0) + 1 if ok else 0
            self.trial = (self.trials[to], breaker.state)
        if breaker.state != before:
            self.context.note(f"microservices.breaker_{breaker.state}", to=to, rate=breaker.failure_rate())
            self.show_breakers()

    def show_breakers(self) -> None:
        """The state that a look at this process shows: the worst of its breakers."""
        states = [breaker.state for breaker in self.breakers.values()]
        self.breaker = OPEN if OPEN in states else HALF_OPEN if HALF_OPEN in states else CLOSED

    def crash(self) -> None:
        # (As in the base class: __slots__ rule out the short form of super here.)
        Worker.crash(self)
        self.calls = {}


@dataclass(slots=True)
class Gateway(Service):
    """The one door: checks who asks and how often, and calls the service of the route."""

    rest: ClassVar[str] = "gateway"

    role: str = "gateway"
    quotas: dict[str, Quota] = field(default_factory=dict)

    def dependencies(self, arrival: Arrival) -> tuple[str, ...]:
        to = self.parameters.routes.get(arrival.route)
        return (to,) if to else self.parameters.calls

    def accept(self, arrival: Arrival) -> None:
        reason = self.refusal(arrival) if self.parameters.keys else ""
        if not reason:
            Service.accept(self, arrival)
            return
        self.received += 1
        self.shed += 1
        self.context.note(
            "microservices.no_key" if reason == "no_key" else "microservices.over_quota",
            app=self.app_of(arrival),
        )
        self.answer(arrival, FAIL, reason)

    def app_of(self, arrival: Arrival) -> str:
        """The key that came with a request."""
        message = arrival.message
        options = getattr(message, "options", None) or {}
        return str(options.get("app", ""))

    def refusal(self, arrival: Arrival) -> str:
        """Why a request may not pass: no_key or over_quota; "" when it may."""
        app = self.app_of(arrival)
        rate = self.parameters.keys.get(app)
        if rate is None:
            return "no_key"
        quota = self.quotas.get(app)
        if quota is None or quota.rate != rate:
            quota = self.quotas[app] = Quota(rate, max(rate, 1.0), arrival.at_us)
        return "" if quota.take(arrival.at_us) else "over_quota"


@dataclass(slots=True)
class Chain(Service):
    """One link of ``chain`` services in series: the links are this role's processes in turn, from the first again when
    there are fewer of them."""

    def stage_of(self, arrival: Arrival) -> int:
        return arrival.stage + 1

    def dependencies(self, arrival: Arrival) -> tuple[str, ...]:
        if arrival.stage + 1 >= self.parameters.chain:
            return self.parameters.calls
        ring = self.directory[f"{NAME}/{self.kind or 'server'}"]
        return (ring[(ring.index(self.id) + 1) % len(ring)],)


@dataclass(slots=True)
class Cache(Service):
    """Answers what it remembers, and asks what lies behind it for the rest. ``stored``: key -> kept until."""

    rest: ClassVar[str] = "cache"

    role: str = "cache"
    stored: dict[str, int] = field(default_factory=dict)

    def dependencies(self, arrival: Arrival) -> tuple[str, ...]:
        """Nobody, while the key is fresh; writes always pass, and what is cached of their key is dropped."""
        if arrival.kind in WRITES:
            self.stored.pop(arrival.key, None)
            return self.parameters.calls
        return () if self.stored.get(arrival.key, -1) > self.context.now else self.parameters.calls

    def finish(self, id: int, job: Job, outcome: str) -> None:
        arrival = job.arrival
        if arrival.kind not in (*WRITES, PROBE):
            self.hits += job.step == 0
            self.misses += job.step > 0
            if outcome == OK and job.step:
                self.remember(arrival.key)
        Service.finish(self, id, job, outcome)

    def remember(self, key: str) -> None:
        """Keep a key for its time; the oldest leaves when there are too many."""
        self.stored.pop(key, None)
        self.stored[key] = self.context.now + round(self.parameters.cache_ttl_s * SECOND)
        if len(self.stored) > self.parameters.cache_keys:
            del self.stored[next(iter(self.stored))]


@dataclass(slots=True)
class Database(Service):
    """Writes reach the disk before they are answered."""

    rest: ClassVar[str] = "database"

    role: str = "database"
    written: int = 0

    def finish(self, id: int, job: Job, outcome: str) -> None:
        if outcome == OK and job.arrival.kind in WRITES:
            self.written += 1
            # The answer below leaves when this write is durable.
            self.context.persist(append("writes", (job.arrival.key,)))
        Service.finish(self, id, job, outcome)
