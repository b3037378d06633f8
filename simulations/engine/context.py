"""The outbox of one process: what it records becomes events of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from heapq import heappush
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from simulations.engine.compiled import twin_maker
from simulations.engine.hosts import Host
from simulations.engine.network import CUT, HELD, LOST, ON_ITS_WAY, REORDER_STRETCH, Link, MessageRule
from simulations.engine.process import Message, Process, Reply, Request
from simulations.engine.sampling import draw, sampler
from simulations.engine.storage import Disk
from simulations.engine.streams import (
    BITS,
    FATE_MASK,
    FATE_SHIFT,
    INCREMENT,
    LATENCY_SHIFT,
    MASK,
    MULTIPLIER,
    SCALE,
    Stream,
    start,
)  # fmt: skip

if TYPE_CHECKING:
    from simulations.engine.kernel import Kernel

DELIVER, TIMER, DISK, REQUEST, COMMAND, START, DROP = range(7)
KIND_NAMES = ("deliver", "timer", "disk", "request", "command", "start", "drop")

Timer = tuple[int, int, int, int]
"""(deadline, cause, armed, set at): ``armed`` is the time of the one queue entry that stands for this timer."""


class LocalClock:
    """The clock of a host where it is not the true time."""

    __slots__ = ("host", "kernel")

    def __init__(self, host: Host, kernel: Kernel) -> None:
        self.host, self.kernel = host, kernel

    @property
    def now(self) -> int:
        return self.host.clock(self.kernel.now)


class ProcessContext:
    """Implements ``process.Context``. Everything that is state is plain data; the rest is built from the experiment."""

    __slots__ = (
        "blocked", "clock", "disk", "disk_sample", "disk_stream", "durable", "fixed_flush_us", "flush_us", "held",
        "host", "id", "index", "kernel", "life", "links", "mark", "place", "probe", "process", "random", "settled",
        "slow_disk", "timers", "written", "wrote",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        index: int,
        id: str,
        place: str,
        host: Host | None,
        links: dict[str, Link],
        random: Stream,
    ) -> None:
        self.kernel, self.index, self.id, self.place, self.host = kernel, index, id, place, host
        self.links, self.random = links, random
        self.clock: Kernel | LocalClock
        self.fixed_flush_us: int | None = 0
        self.look_at_host()
        self.process: Process
        self.probe: Callable[[Any], Any] | None = None
        self.mark: Any = None
        self.disk = Disk()
        self.disk_sample: Callable[[Stream], int] | None = None
        self.disk_stream = random
        self.timers: dict[str, Timer] = {}
        self.held: list[tuple[int, str, Message]] = []
        self.written = self.durable = 0
        self.life = 0
        self.blocked = False
        self.slow_disk = False
        self.settled = False
        self.wrote = False

    # -- what a process may use -------------------------------------------------------------------------------

    # (An attrgetter: it is read after every second event, and a function of ours would cost three times as much.)
    now = property(attrgetter("clock.now"))

    def look_at_host(self) -> None:
        """Keep at hand what is read often: the host's clock, the kernel's while that is right; and how long a flush
        takes, None where that is drawn or a fault says it."""
        host = self.host
        self.clock = LocalClock(host, self.kernel) if host is not None and host.skewed else self.kernel
        slowed = host is not None and (host.disk_write is not None or host.disk_factor != 1.0)
        self.flush_us: int | None = None if slowed else self.fixed_flush_us

    def send(self, to: str, message: Message, before_durable: bool = False) -> None:
        """Let a message leave, or hold it until the writes before it are durable."""
        if not before_durable and self.written != self.durable:
            self.held.append((self.written, to, message))
            return
        try:
            link = self.links[to]
        except KeyError:
            link = self.kernel.link(self, to)
        draws = link.draws
        if draws is None:
            transmit(self.kernel, link, message)
            return
        # What ``transmit`` does, for a plain link: one step of its stream is the latency and the fate.
        kernel = self.kernel
        key, low, span, lost, doubled, source, target = draws
        states, leave = kernel.streams, kernel.leave
        try:
            state = states[key]
        except KeyError:
            state = start(kernel.seed, *link.latency_stream.names)
        states[key] = state = (state * MULTIPLIER + INCREMENT) & MASK
        arrive = leave + low + ((state >> LATENCY_SHIFT) * span >> BITS)
        kernel.number = number = kernel.number + 1
        if not lost <= (state >> FATE_SHIFT & FATE_MASK) < doubled:
            self._unlucky(link, message, number, arrive, state)
            return
        kind = REQUEST if message.__class__ is Request else DELIVER
        heappush(kernel.queue, (arrive, 0, number, kind, target, kernel.current, source, message))
        if kernel.sends is not None:
            kernel.sends.append((number, kernel.current, leave, arrive, source, target, ON_ITS_WAY, message))

    def _unlucky(self, link: Link, message: Message, number: int, arrive: int, state: int) -> None:
        """The rest of ``send`` for a message that is lost or duplicated."""
        kernel = self.kernel
        lost = (state >> FATE_SHIFT & FATE_MASK) < link.lost
        depart(kernel, link, message, number, arrive, LOST if lost else ON_ITS_WAY)
        if not lost:
            transmit(kernel, link, message, duplicate=True)

    def reply(
        self,
        request: Request,
        outcome: str,
        result: Any = None,
        hint: str | None = None,
        before_durable: bool = False,
    ) -> None:
        """Answer the client of a request."""
        self.send(
            request.client, Reply(request.operation, request.attempt, outcome, result, hint), before_durable
        )

    def set_timer(self, name: str, delay_us: int) -> None:
        """Arm or re-arm a timer. A later deadline only moves: the queue entry is re-armed when it is popped."""
        kernel, timers = self.kernel, self.timers
        if self.clock is not kernel:
            delay_us = self.host.real_delay(delay_us)  # type: ignore[union-attr]  # (only hosts have such clocks)
        deadline = kernel.leave + delay_us
        armed = timers[name][2] if name in timers else -1
        if not 0 <= armed <= deadline or kernel.manual:
            armed = -1
            if not kernel.manual or self.host is None:
                armed = deadline
                kernel.number = number = kernel.number + 1
                heappush(kernel.queue, (deadline, 0, number, TIMER, self.index, 0, name, None))
        timers[name] = (deadline, kernel.current, armed, kernel.now)

    def cancel_timer(self, name: str) -> None:
        """Forget a timer; its queue entry is recognised as stale when it is popped."""
        self.timers.pop(name, None)

    def persist(self, *writes: tuple[Any, ...]) -> int:
        """Issue one atomic write; durable at once on a disk without delay."""
        self.written += 1
        written = self.written
        if self.disk_sample is None and written - 1 == self.durable and not self.slow_disk:
            self.disk.store(writes)
            self.durable = written
            self.settled = True
        else:
            self.disk.waiting.append((written, writes))
        self.wrote = True
        return written

    def note(self, id: str, **values: Any) -> None:
        """Explain the rule that decided; kept only while somebody records. A command reaches several processes in one
        event that is nobody's: then the note says whose it is."""
        kernel = self.kernel
        if kernel.notes is not None:
            kernel.notes.append((id, values) if kernel.current >= 0 else (id, values, False, self.id))

    # -- what the kernel does with it -------------------------------------------------------------------------

    def flush(self) -> None:
        """Start a flush that covers all waiting writes, unless one is under way."""
        self.wrote = False
        disk = self.disk
        if disk.flushing or not disk.waiting or disk.failed:
            return
        kernel, delay = self.kernel, self.flush_us
        if delay is None:
            delay = self.drawn_flush_us()
        disk.flushing = last = disk.waiting[-1][0]
        kernel.number = number = kernel.number + 1
        at_us = kernel.leave + delay
        heappush(kernel.queue, (at_us, 0, number, DISK, self.index, kernel.current, last, None))

    def drawn_flush_us(self) -> int:
        """How long the next flush takes where that is not always the same."""
        host, sample = self.host, self.disk_sample
        if host is not None and host.disk_write is not None:
            delay = max(0, round(draw(host.disk_write, self.disk_stream) * 1000))
        else:
            delay = 0 if sample is None else sample(self.disk_stream)
        return delay if host is None or host.disk_factor == 1.0 else round(delay * host.disk_factor)

    def flushed(self, number: int) -> None:
        """The flush under way is done: writes up to ``number`` are durable, and what waited for them may leave."""
        disk = self.disk
        disk.complete(number)
        self.durable = number
        if self.held:
            self.release()
        self.process.on_durable(number)
        if disk.waiting:
            self.wrote = True

    def release(self) -> None:
        """Let the outputs leave whose writes are durable by now."""
        held, durable = self.held, self.durable
        done = 0
        for number, to, message in held:
            if number > durable:
                break
            self.send(to, message, True)
            done += 1
        del held[:done]

    def untie(self) -> None:
        """Forget the kernel, and let the process forget this (see parts.py)."""
        del self.kernel, self.clock
        if hasattr(self, "process"):
            del self.process.context

    def fork(self, kernel: Kernel, host: Host | None) -> ProcessContext:
        """The same process in another world; ``links`` are shared, they never change."""
        twin: ProcessContext = _twin_of(type(self))(self)  # type: ignore[arg-type]
        twin.kernel, twin.host = kernel, host
        twin.random, twin.disk_stream = (
            self.random.fork(kernel.streams),
            self.disk_stream.fork(kernel.streams),
        )
        twin.look_at_host()
        return twin


@cache
def _twin_of(kind: type) -> Callable[[Any], Any]:
    """What copies contexts of a class, but for what belongs to their world or process."""
    own = ("clock", "disk_stream", "host", "kernel", "process", "random")
    copiers: dict[str, Callable[[Any], Any] | None] = {
        name: None for name in ProcessContext.__slots__ if name not in own
    }
    return twin_maker(kind, {**copiers, "disk": Disk.fork, "timers": dict.copy, "held": list.copy})


def transmit(kernel: Kernel, link: Link, message: Message, duplicate: bool = False, late_us: int = 0) -> None:
    """Send over a link: decide the fate at departure, then latency, order and copies."""
    kernel.number += 1
    number, leave = kernel.number, kernel.leave
    rules = [] if duplicate else matching_rules(kernel, link, message)
    base = link.duplication_stream if duplicate else link.latency_stream
    state = step(kernel, base)
    # A copy is neither lost nor duplicated.
    luck = link.lost if duplicate else state >> FATE_SHIFT & FATE_MASK
    fate, arrive = ON_ITS_WAY, -1
    if link.cut:
        fate = CUT
    elif luck < link.lost or any(rule.do == "drop" for rule in rules):
        fate = LOST
    elif link.held:
        fate = HELD
        kernel.network.held.append((number, kernel.current, leave, link.source, link.target, message))
    if fate != HELD:
        extra = sum(delayed(kernel, link, rule) for rule in rules)
        arrive = leave + travel_us(kernel, link, message, base, state) + extra + late_us
    depart(kernel, link, message, number, arrive, fate)
    if fate != ON_ITS_WAY:
        return
    if luck >= link.doubled and not duplicate:
        transmit(kernel, link, message, duplicate=True)
    for rule in rules:
        if rule.do == "duplicate":
            transmit(kernel, link, message, duplicate=True, late_us=delayed(kernel, link, rule))


def depart(kernel: Kernel, link: Link, message: Message, number: int, arrive: int, fate: int) -> None:
    """A message leaves: record it, and queue its arrival when it is on its way."""
    if kernel.sends is not None:
        kernel.sends.append(
            (number, kernel.current, kernel.leave, arrive, link.source, link.target, fate, message)
        )
    if fate == ON_ITS_WAY:
        kind = REQUEST if type(message) is Request else DELIVER
        heappush(kernel.queue, (arrive, 0, number, kind, link.target, kernel.current, link.source, message))


def matching_rules(kernel: Kernel, link: Link, message: Message) -> list[MessageRule]:
    """The rules about single messages that mean this one."""
    rules = kernel.network.rules
    return [rule for rule in rules if rule.applies(*link.ends, message)] if rules else []


def delayed(kernel: Kernel, link: Link, rule: MessageRule) -> int:
    """How much later a rule lets a message arrive, in microseconds."""
    if rule.extra is None or rule.do == "drop":
        return 0
    base = link.duplication_stream
    return sampler(rule.extra)(Stream(kernel.streams, base.key, base.seed, *base.names))


def step(kernel: Kernel, stream: Stream) -> int:
    """Step a link's stream in the kernel's own table (links are shared between forks, states are not)."""
    states, key = kernel.streams, stream.key
    state = states.get(key)
    if state is None:
        state = start(kernel.seed, *stream.names)
    states[key] = state = (state * MULTIPLIER + INCREMENT) & MASK
    return state


def latency(kernel: Kernel, link: Link, message: Message, duplicate: bool) -> int:
    """How long this message takes, in microseconds."""
    # A copy draws from the duplication stream, so that duplicates never shift the latencies of later messages.
    base = link.duplication_stream if duplicate else link.latency_stream
    return travel_us(kernel, link, message, base, step(kernel, base))


def travel_us(kernel: Kernel, link: Link, message: Message, base: Stream, state: int) -> int:
    """How long this message takes, when its step of the stream ``base`` led to ``state``."""
    if link.span and not link.by_message:
        time = link.low + ((state >> LATENCY_SHIFT) * link.span >> BITS)
    else:
        stream = Stream(kernel.streams, base.key, base.seed, *base.names)
        sample = link.by_message.get(type(message).__name__, link.sample) if link.by_message else link.sample
        time = sample(stream) + link.extra_us
    for more in link.extra:
        time = max(0, time + more(Stream(kernel.streams, base.key, base.seed, *base.names)))
    if link.reorder and (step(kernel, link.reorder_stream) >> 75) * SCALE < link.reorder:
        time += int(time * REORDER_STRETCH * (step(kernel, link.reorder_stream) >> 75) * SCALE)
    if link.bandwidth:
        time += _queueing(kernel, link, message)
    if link.ordered:
        last = kernel.network.last_us.get(link.key, 0)
        time = max(time, last - kernel.leave)
        kernel.network.last_us[link.key] = kernel.leave + time
    return time


def _queueing(kernel: Kernel, link: Link, message: Message) -> int:
    """Time until the message is on the wire: those before it, and its own bytes."""
    free = kernel.network.free_us
    begin = max(kernel.leave, free.get(link.key, 0))
    size = len(kernel.encode(message))
    done = begin + int(size * 8 / link.bandwidth)  # bits over Mbit/s are microseconds
    free[link.key] = done
    return done - kernel.leave
