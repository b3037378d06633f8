"""A node: a host with a CPU, a local clock, and a way to fail. It carries one or more processes."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.distributions import Distribution
from simulations.engine.sampling import draw, sampler
from simulations.engine.streams import Stream
from simulations.engine.topology import NodeSpec

MILLION = 1_000_000
UP, DOWN, PAUSED = "up", "down", "paused"


class Host(msgspec.Struct):
    """State of one node, plain data.

    ``life`` counts starts. The clock shows ``local_us + (t - real_us) * rate_ppm / 10**6``. ``busy_us``: until when
    each core works. ``stash``: events that arrived while it was paused, in order. ``cpu_factor`` and ``disk_factor``
    stretch service and flush times; ``service`` and ``disk_write`` (ms) replace the experiment's. ``outage``: the
    fault that took the place it stands in, 0 when none.
    """

    id: str
    state: str = UP
    life: int = 1
    local_us: int = 0
    real_us: int = 0
    rate_ppm: int = MILLION
    cpu_factor: float = 1.0
    disk_factor: float = 1.0
    service: Distribution | None = None
    disk_write: Distribution | None = None
    outage: int = 0
    busy_us: list[int] = msgspec.field(default_factory=lambda: [0])
    stash: list[tuple[Any, ...]] = msgspec.field(default_factory=list)

    @property
    def skewed(self) -> bool:
        return self.rate_ppm != MILLION or self.local_us != self.real_us

    def clock(self, now: int) -> int:
        """What the local clock shows at virtual time ``now``."""
        return self.local_us + (now - self.real_us) * self.rate_ppm // MILLION

    def set_clock(self, now: int, *, shift_us: int = 0, rate_ppm: int | None = None) -> None:
        """Jump by ``shift_us`` and, if given, go on at another rate."""
        self.local_us, self.real_us = self.clock(now) + shift_us, now
        if rate_ppm is not None:
            self.rate_ppm = rate_ppm

    def real_delay(self, local_delay: int) -> int:
        """How long a delay on the local clock takes in virtual time."""
        if self.rate_ppm == MILLION:
            return local_delay
        return local_delay * MILLION // self.rate_ppm

    def fork(self) -> Host:
        copy = msgspec.structs.replace(self)
        copy.busy_us = self.busy_us.copy()
        copy.stash = self.stash.copy()
        return copy


class Service:
    """How long one node's CPU works on one event: the experiment's distribution, stretched by faults."""

    __slots__ = ("sample", "stream", "zero")

    def __init__(self, spec: NodeSpec, stream: Stream) -> None:
        self.sample = sampler(spec.service_ms)
        self.stream = stream
        self.zero = spec.service_ms.kind == "constant" and not spec.service_ms.values[0]

    def fork(self, states: dict[int, int]) -> Service:
        """The same service over another table of stream states."""
        twin: Service = object.__new__(Service)
        twin.sample, twin.zero = self.sample, self.zero
        twin.stream = self.stream.fork(states)
        return twin

    def cost(self, host: Host) -> int:
        """Microseconds of CPU time for the next event."""
        if host.service is not None:
            own = max(0, round(draw(host.service, self.stream) * 1000))
        else:
            own = 0 if self.zero else self.sample(self.stream)
        return round(own * host.cpu_factor)


def admit(host: Host, now: int, cost: int) -> int:
    """Queue one event of ``cost`` on the first core that gets free; returns when it starts."""
    busy = host.busy_us
    core = min(range(len(busy)), key=busy.__getitem__)
    starts = max(now, busy[core])
    busy[core] = starts + cost
    return starts
