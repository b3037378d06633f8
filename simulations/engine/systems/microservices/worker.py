"""A service instance: a pool of threads before a queue, with service times, failures, shedding and crashes.

Nygard, "Release It!", 2nd edition, chapters 4 and 5; Beyer et al., "Site Reliability Engineering", chapters 21 and
22. Simplified: a thread does one thing at a time and is never interrupted; memory is not counted - an instance that
makes its work wait for ``crash_after_overload_s`` on end is taken for one that runs out of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from simulations.engine.process import DiskImage, Process, Request
from simulations.engine.sampling import log
from simulations.engine.systems.microservices.limits import Admission, priority_of
from simulations.engine.systems.microservices.messages import (
    DONE,
    FAIL,
    OK,
    REFUSED,
    SHED,
    Answer,
    Call,
    Probe,
    ProbeAnswer,
)
from simulations.engine.systems.microservices.parameters import Parameters

RUNNING, OVERLOADED, CRASHED = "running", "overloaded", "crashed"
PROBE = "probe"


class Arrival(msgspec.Struct, frozen=True):
    """A piece of work as it came in, from ``sender``, at ``at_us`` of the own clock."""

    sender: str
    message: Request | Call | Probe
    at_us: int
    route: str
    kind: str
    key: str
    priority: int
    stage: int


class Job(msgspec.Struct):
    """Work that holds a thread of a lane. ``step``: dependencies already asked; ``to``: the one that is asked now;
    ``attempt``: tries at it; ``began_us``: when the last one began."""

    arrival: Arrival
    lane: str
    step: int = 0
    to: str = ""
    attempt: int = 0
    began_us: int = 0


@dataclass(slots=True)
class Part(Process):
    """What every part shows to those who observe it. ``rest``: the role of one that is well. ``asked``: requests of
    clients; ``received``: these, and calls of others; ``admission``: (best refused, worst admitted) priority of the
    last window."""

    watched: ClassVar[tuple[str, ...]] = (
        "role", "busy", "received", "breaker", "retried", "trial", "admission", "deep_passed", "healthy", "ejected",
        "rollout",
    )  # fmt: skip

    rest: ClassVar[str] = RUNNING

    parameters: Parameters = field(default_factory=Parameters)
    version: str = ""
    role: str = RUNNING
    busy: int = 0
    waiting: int = 0
    served: int = 0
    failed: int = 0
    shed: int = 0
    hits: int = 0
    misses: int = 0
    restarts: int = 0
    asked: int = 0
    received: int = 0
    breaker: str = ""
    first_tries: int = 0
    retried: int = 0
    trial: tuple[int, str] = (0, "")
    admission: tuple[int, int] = (0, 0)
    deep_passed: int = 0
    healthy: tuple[str, ...] = ()
    ejected: tuple[str, ...] = ()
    available: tuple[str, ...] = ()
    rollout: str = ""

    def answer(self, arrival: Arrival, outcome: str, reason: str = "") -> None:
        """Tell whoever asked how it ended."""
        message = arrival.message
        if isinstance(message, Call):
            self.context.send(arrival.sender, Answer(message.id, outcome))
        elif isinstance(message, Probe):
            self.context.send(arrival.sender, ProbeAnswer(message.number, outcome in DONE))
        elif outcome in DONE:
            self.context.reply(message, "ok", outcome)
        else:
            # A client that asked so is told that it failed; others may ask again.
            again = (
                outcome in (SHED, REFUSED)
                and (message.options or {}).get("retry_rejected", True) is not False
            )
            self.context.reply(message, "retry" if again and not reason else "fail", reason or outcome)


@dataclass(slots=True)
class Worker(Part):
    """One instance. Work arrives, waits in its lane's queue, holds one of its threads, and is answered."""

    # --- made from the parameters ---
    sizes: dict[str, int] = field(default_factory=dict)
    service_us: int = 0

    # --- volatile ---
    number: int = 0
    active: dict[str, int] = field(default_factory=dict)
    queues: dict[str, list[Arrival]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    taking: bool = False
    overloaded_since: int = -1
    gate: Admission = field(default_factory=Admission)

    # -- rules ----------------------------------------------------------------------------------------------------

    def lane_of(self, route: str) -> str:
        """Bulkheads: a route with a pool of its own uses no other thread."""
        return route if route in self.sizes else ""

    def is_admitted(self, arrival: Arrival) -> bool:
        """Shedding: refuse at once what would only make everything else wait."""
        parameters = self.parameters
        if parameters.shedding == "none" and not parameters.queue_bound:
            return True
        queue = self.queues[self.lane_of(arrival.route)]
        if parameters.queue_bound and len(queue) >= parameters.queue_bound:
            return False
        if parameters.shedding == "none":
            return True
        limit = int(parameters.overload_wait_ms * 1000)
        if parameters.shedding == "queue":
            return not queue or arrival.at_us - queue[0].at_us <= limit
        gate = self.gate
        gate.arrive(arrival.at_us, arrival.priority, limit, len(queue))
        self.admission = gate.last
        if parameters.shedding == "random":
            admitted = gate.share >= 1 or self.context.random.random() < gate.share
        else:
            admitted = self.is_important(arrival.priority)
        gate.decided(arrival.priority, admitted)
        return admitted

    def is_important(self, priority: int) -> bool:
        """Priorities below the level are let in: who is refused is always less important than who is not."""
        return priority < self.gate.level

    def has_expired(self, arrival: Arrival, now: int) -> bool:
        """Nobody waits for this any more."""
        return self.parameters.drop_expired and now - arrival.at_us > self.parameters.deadline_ms * 1000

    def goes_wrong(self) -> bool:
        share = self.parameters.fail_share
        return share > 0 and (share >= 1 or self.context.random.random() < share)

    def passes_deep_check(self, outcome: str) -> bool:
        """A deep health check passes when the work it did went well."""
        return outcome in DONE

    def is_overloaded(self, waited_us: int) -> bool:
        """Work waits too long for a thread: the sign of overload (Zhou et al., section 4.1)."""
        return waited_us > self.parameters.crash_wait_ms * 1000

    # -- work comes in --------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        # Numbers of an earlier life must not be met again: they go on from the clock.
        self.number = self.context.now
        self.on_parameters()

    def on_parameters(self) -> None:
        parameters = self.parameters
        capacity = parameters.capacity
        self.sizes = {"": 1 if capacity else parameters.pool, **parameters.pools}
        self.service_us = round(1_000_000 / capacity if capacity else parameters.service_ms * 1000)
        for lane in self.sizes:
            self.active.setdefault(lane, 0)
            self.queues.setdefault(lane, [])
        for lane in [lane for lane in self.queues if lane not in self.sizes]:
            # A bulkhead was taken down: who waited there waits with all the others.
            self.queues[""] += self.queues.pop(lane)
        if self.waiting:
            for lane in self.sizes:
                self.take(lane)

    def on_request(self, request: Request) -> None:
        self.asked += 1
        kind, key = request.kind, request.key
        routes = self.parameters.routes
        route = key if key in routes else kind
        priority = priority_of(request.operation, self.parameters.priorities.get(route, 0))
        self.accept(Arrival(request.client, request, self.context.now, route, kind, key, priority, 0))

    def on_message(self, sender: str, message: Call | Probe) -> None:
        if isinstance(message, Call):
            self.on_call(sender, message)
        elif isinstance(message, Probe):
            self.on_probe(sender, message)

    def on_call(self, sender: str, call: Call) -> None:
        now = self.context.now
        self.accept(Arrival(sender, call, now, call.route, call.kind, call.key, call.priority, call.stage))

    def on_probe(self, sender: str, probe: Probe) -> None:
        """A shallow health check only asks whether somebody is there; a deep one queues like any work."""
        if self.role == CRASHED:
            return
        if probe.deep:
            self.enter(Arrival(sender, probe, self.context.now, PROBE, PROBE, "", 0, 0))
        else:
            self.context.send(sender, ProbeAnswer(probe.number, True))

    def accept(self, arrival: Arrival) -> None:
        """Work arrives: refuse it, let it wait, or begin it."""
        self.received += 1
        if self.role == CRASHED:
            self.answer(arrival, REFUSED)
        elif self.is_admitted(arrival):
            self.enter(arrival)
        else:
            self.shed += 1
            self.context.note("microservices.sheds", route=arrival.route, priority=arrival.priority)
            self.answer(arrival, SHED)

    def enter(self, arrival: Arrival) -> None:
        lane = self.lane_of(arrival.route)
        if self.active[lane] < self.sizes[lane] and not self.queues[lane]:
            self.begin(arrival, lane)
            if self.overloaded_since >= 0:
                self.waited(0, arrival.at_us)
            return
        self.queues[lane].append(arrival)
        self.waiting += 1
        if self.waiting == 1:
            self.context.note("microservices.no_thread", lane=lane or "*", threads=self.sizes[lane])

    def begin(self, arrival: Arrival, lane: str) -> None:
        """A thread takes the work."""
        self.number = id = self.number + 1
        self.jobs[id] = Job(arrival, lane)
        self.active[lane] += 1
        self.busy += 1
        service_us = self.service_us
        if self.parameters.service == "exponential":
            service_us = int(-service_us * log(1.0 - self.context.random.random()))
        if service_us:
            self.context.set_timer(f"w{id}", service_us)
        else:
            self.worked(id, self.jobs[id])

    # -- work gets done -------------------------------------------------------------------------------------------

    def on_timer(self, name: str) -> None:
        if name[0] == "w":
            id = int(name[1:])
            job = self.jobs.get(id)
            if job is not None:
                self.worked(id, job)
        else:
            self.on_other_timer(name)

    def on_other_timer(self, name: str) -> None:
        """A timer of what derives from this."""

    def worked(self, id: int, job: Job) -> None:
        """The own work is done."""
        if self.goes_wrong():
            self.finish(id, job, FAIL)
        else:
            self.proceed(id, job)

    def proceed(self, id: int, job: Job) -> None:
        """What comes after the own work: nothing, here."""
        self.finish(id, job, OK)

    def finish(self, id: int, job: Job, outcome: str) -> None:
        """Answer, and give the thread to who waits."""
        del self.jobs[id]
        lane, arrival = job.lane, job.arrival
        self.active[lane] -= 1
        self.busy -= 1
        self.gate.served += 1
        if outcome in DONE:
            self.served += 1
        else:
            self.failed += 1
        if arrival.kind == PROBE:
            outcome = OK if self.passes_deep_check(outcome) else FAIL
            self.deep_passed += outcome == OK
        self.answer(arrival, outcome)
        if self.waiting:
            self.take(lane)

    def take(self, lane: str) -> None:
        """Free threads take from the queue, oldest first (lifo: newest first)."""
        if self.taking:
            return
        self.taking = True
        queue, now = self.queues.get(lane, []), self.context.now
        newest = -1 if self.parameters.queue == "lifo" else 0
        while queue and self.active[lane] < self.sizes[lane] and self.role != CRASHED:
            arrival = queue.pop(newest)
            self.waiting -= 1
            if not self.has_expired(arrival, now):
                self.begin(arrival, lane)
                self.waited(now - arrival.at_us, now)
        self.taking = False

    def waited(self, waited_us: int, now: int) -> None:
        """Somebody waited so long for a thread: note overload, and crash when it lasts."""
        self.gate.waited_us += waited_us
        lasts = self.parameters.crash_after_overload_s
        if not lasts:
            return
        if not self.is_overloaded(waited_us):
            self.overloaded_since = -1
            self.role = self.rest
        elif self.overloaded_since < 0:
            self.overloaded_since, self.role = now, OVERLOADED
            self.context.note("microservices.overloaded", waited_ms=waited_us // 1000)
        elif now - self.overloaded_since >= lasts * 1_000_000:
            self.context.note("microservices.crashed", waited_ms=waited_us // 1000)
            self.crash()

    def crash(self) -> None:
        """The instance dies: what it worked on is forgotten, and nobody is answered any more."""
        self.role = CRASHED
        self.jobs, self.queues = {}, {lane: [] for lane in self.sizes}
        self.active = dict.fromkeys(self.sizes, 0)
        self.busy = self.waiting = 0
        self.overloaded_since = -1
        self.gate = Admission()
