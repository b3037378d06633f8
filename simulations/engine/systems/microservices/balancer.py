"""A load balancer: spreads requests over backends, checks their health, and ejects those that answer badly.

Huang et al., "Gray failure: the Achilles' heel of cloud-scale systems", HotOS 2017: what a health check sees and
what the users see are different things. Ejection by success rate follows Envoy's outlier detection. Suspicion by
phi: detectors.py. With ``calls_per_request`` > 1 a request asks so many backends at once and needs ``needed`` good
answers (0: all).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.process import DiskImage, Request
from simulations.engine.systems.microservices.backend import Backend
from simulations.engine.systems.microservices.detectors import PhiDetector
from simulations.engine.systems.microservices.limits import priority_of
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
    Ready,
)
from simulations.engine.systems.microservices.rollout import Rollout
from simulations.engine.systems.microservices.worker import Arrival

NAME = "microservices"
SECOND = 1_000_000
SWEEP_US = 250_000
"""How often calls without an answer are looked for."""


class Forward(msgspec.Struct):
    """A request under way. ``missing``: good answers it still needs (-1: decided); ``silent``: backends that have
    not answered."""

    arrival: Arrival
    missing: int
    silent: list[str]


@dataclass(slots=True)
class Balancer(Rollout):
    """One balancer. ``open``: requests under way by number; ``turn``, ``credit``: whose turn it is."""

    rest: ClassVar[str] = "balancer"

    role: str = "balancer"
    open: dict[int, Forward] = field(default_factory=dict)
    number: int = 0
    turn: int = 0
    credit: float = 0.0
    probes: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def is_healthy(self, backend: Backend) -> bool:
        """Health checks: so many in a row failed - or the silence is too suspicious - and it counts as down."""
        if self.parameters.phi and backend.detector is not None:
            return backend.detector.is_available(self.context.now / 1000)
        return backend.misses < self.parameters.unhealthy_after

    def is_outlier(self, backend: Backend, others_share: float) -> bool:
        """Ejection: it answers enough requests, and worse than the others by more than the margin."""
        total = backend.ok + backend.bad
        parameters = self.parameters
        return (
            total >= parameters.ejection_requests
            and backend.bad / total > others_share + parameters.ejection_margin
        )

    def pick(self) -> str:
        """Who gets the next call."""
        names = self.available
        if self.canary and self.canary in names and len(names) > 1:
            # The canary gets its share, to the request; the others take turns.
            self.credit += self.parameters.canary_share
            if self.credit >= 1:
                self.credit -= 1
                return self.canary
            names = tuple([name for name in names if name != self.canary])
        policy = self.parameters.policy
        if policy == "random":
            return names[self.context.random.integer(0, len(names) - 1)]
        self.turn += 1
        first = self.turn % len(names)
        if policy == "least_requests":
            # (Of those with equally few, the next in turn.)
            names = names[first:] + names[:first]
            return min(names, key=lambda name: self.backends[name].open)
        return names[first]

    # -- requests -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.number = self.probes = self.context.now
        directory = self.directory
        names = self.parameters.backends or (
            *directory.get(f"{NAME}/server", ()),
            *directory.get(f"{NAME}/container", ()),
        )
        self.backends = {name: Backend() for name in names if name != self.id}
        self.refresh()
        self.restore(disk)
        self.on_parameters()
        if self.parameters.health_check_s:
            self.check_health()

    def on_parameters(self) -> None:
        """What is done again and again, as far as it is switched on."""
        parameters = self.parameters
        if parameters.health_check_s:
            self.context.set_timer("health", round(parameters.health_check_s * SECOND))
        if parameters.outlier_ejection:
            self.context.set_timer("outliers", round(parameters.ejection_interval_s * SECOND))

    def on_request(self, request: Request) -> None:
        self.asked += 1
        kind, key = request.kind, request.key
        priority = priority_of(request.operation, self.parameters.priorities.get(kind, 0))
        self.forward(Arrival(request.client, request, self.context.now, kind, kind, key, priority, 0))

    def on_message(self, sender: str, message: Any) -> None:
        kind = type(message)
        if kind is Answer:
            self.on_answer(sender, message)
        elif kind is ProbeAnswer:
            self.on_probe_answer(sender, message)
        elif kind is Call:
            arrival = Arrival(
                sender,
                message,
                self.context.now,
                message.route,
                message.kind,
                message.key,
                message.priority,
                0,
            )
            self.forward(arrival)
        elif kind is Ready:
            self.on_ready(sender, message)
        elif kind is Probe:
            self.context.send(sender, ProbeAnswer(message.number, not message.deep or bool(self.available)))

    def forward(self, arrival: Arrival) -> None:
        """Ask as many backends as a request needs, all at once."""
        self.received += 1
        if not self.available:
            self.context.note("microservices.no_backend")
            self.answer(arrival, REFUSED)
            return
        self.number = number = self.number + 1
        parameters = self.parameters
        count = parameters.calls_per_request
        call = Call(number, arrival.route, arrival.kind, arrival.key, arrival.priority, 0)
        chosen = [self.pick() for _ in range(count)]
        if not self.open and parameters.timeout_ms:
            self.context.set_timer("sweep", SWEEP_US)
        self.open[number] = Forward(arrival, min(parameters.needed or count, count), chosen)
        for name in chosen:
            self.backends[name].open += 1
            self.context.send(name, call)

    def on_answer(self, sender: str, answer: Answer) -> None:
        """Count the answer, and answer the request when it is decided."""
        ok = answer.outcome in DONE
        forward = self.open.get(answer.id)
        if forward is None or sender not in forward.silent:
            return
        forward.silent.remove(sender)
        self.credit_answer(sender, ok)
        if forward.missing >= 0:
            forward.missing -= ok
            if forward.missing == 0:
                self.decide(forward, OK)
            elif len(forward.silent) < forward.missing:
                self.decide(forward, SHED if answer.outcome == SHED else FAIL)
        if not forward.silent:
            del self.open[answer.id]

    def credit_answer(self, name: str, ok: bool) -> None:
        backend = self.backends[name]
        backend.open -= 1
        if ok:
            backend.ok += 1
            backend.version_ok += 1
        else:
            backend.bad += 1
            backend.version_bad += 1

    def decide(self, forward: Forward, outcome: str) -> None:
        """The request is decided: answers that are still to come only count for their backend."""
        forward.missing = -1
        self.answer(forward.arrival, outcome)

    # -- timers ---------------------------------------------------------------------------------------------------

    def on_timer(self, name: str) -> None:
        if name == "sweep":
            self.sweep()
        elif name == "health":
            self.check_health()
        elif name == "outliers":
            self.look_for_outliers()
        else:
            self.on_rollout_timer()

    def sweep(self) -> None:
        """Requests whose backends did not answer in time fail; the silent ones are to blame."""
        timeout_us = round(self.parameters.timeout_ms * 1000)
        latest = self.context.now - timeout_us
        for number in [number for number, forward in self.open.items() if forward.arrival.at_us <= latest]:
            forward = self.open.pop(number)
            for name in forward.silent:
                self.credit_answer(name, False)
            if forward.missing >= 0:
                self.answer(forward.arrival, FAIL)
        if self.open:
            self.context.set_timer("sweep", SWEEP_US)

    # -- health ---------------------------------------------------------------------------------------------------

    def check_health(self) -> None:
        """Probe every backend; who did not answer the last probe missed it."""
        for name, backend in self.backends.items():
            backend.misses += backend.probe > 0
            self.probes += 1
            backend.probe = self.probes
            self.judge_health(name, backend)
            self.context.send(name, Probe(self.probes, self.parameters.health == "deep"))
        if self.parameters.health_check_s:
            self.context.set_timer("health", round(self.parameters.health_check_s * SECOND))

    def on_probe_answer(self, sender: str, answer: ProbeAnswer) -> None:
        backend = self.backends.get(sender)
        if backend is None or backend.probe != answer.number:
            return
        backend.probe = 0
        backend.misses = 0 if answer.ok else backend.misses + 1
        if answer.ok and self.parameters.phi:
            if backend.detector is None:
                period_ms = self.parameters.health_check_s * 1000
                backend.detector = PhiDetector(self.parameters.phi, first_ms=period_ms)
            backend.detector.heartbeat(self.context.now / 1000)
        self.judge_health(sender, backend)

    def judge_health(self, name: str, backend: Backend) -> None:
        healthy = self.is_healthy(backend)
        if healthy == backend.is_healthy:
            return
        backend.is_healthy = healthy
        self.context.note(
            "microservices.healthy" if healthy else "microservices.unhealthy",
            backend=name,
            misses=backend.misses,
        )
        self.refresh()

    def look_for_outliers(self) -> None:
        """Eject whom the requests show to be worse than the others, for a time that grows; never more than half."""
        now, backends = self.context.now, self.backends
        for name, backend in backends.items():
            if 0 <= backend.ejected_us <= now:
                backend.ejected_us = -1
                self.context.note("microservices.readmitted", backend=name)
        for name, backend in backends.items():
            others = [other for other in backends.values() if other is not backend and other.ejected_us < 0]
            good, bad = sum([other.ok for other in others]), sum([other.bad for other in others])
            share = bad / (good + bad) if good + bad else 0.0
            out = sum([other.ejected_us >= 0 for other in backends.values()])
            if backend.ejected_us < 0 and self.is_outlier(backend, share) and (out + 1) * 2 <= len(backends):
                backend.ejections += 1
                backend.ejected_us = now + round(self.parameters.ejection_s * SECOND) * backend.ejections
                failed = round(100 * backend.bad / (backend.ok + backend.bad))
                self.context.note("microservices.ejected", backend=name, percent=failed)
        for backend in backends.values():
            backend.ok = backend.bad = 0
        self.refresh()
        if self.parameters.outlier_ejection:
            self.context.set_timer("outliers", round(self.parameters.ejection_interval_s * SECOND))
