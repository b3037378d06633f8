"""The event queue and the loop: what happens next, to whom, and because of what.

An event is one tuple ``(time_us, lane, number, kind, target, cause, detail, content)``; the queue orders them by
(time, lane, number). Lane 0 holds what processes caused, numbered by one counter; lane 1 holds commands and script
lines, numbered by their own logs, so that a command at t happens after everything queued for t. The tuple that was
queued is also the canonical record of the digest.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from heapq import heappop, heappush
from typing import Any, Protocol

import msgspec

from simulations.engine.context import DELIVER, DISK, REQUEST, START, TIMER, ProcessContext
from simulations.engine.hosts import DOWN, PAUSED, Host, Service, admit
from simulations.engine.network import Link, Network
from simulations.engine.storage import Image

Event = tuple[int, int, int, int, int, int, Any, Any]

DIGEST_BLOCK = 256
"""Events per link of the digest's chain; part of the engine's version."""

SLICE = 256
"""Events between two looks at the budget and at ``interrupted``."""

FOREVER = 1 << 62
"""Later than anything that happens, in microseconds."""

ENGINE_VERSION = 1


class Watcher(Protocol):
    """Sees what happened, from outside. Never changes the world."""

    def changed(self, event: Event, context: ProcessContext, before: Any, after: Any) -> None:
        """The watched attributes of a process are different after the event."""


class Recorder(Protocol):
    """Keeps the trace."""

    def executed(self, event: Event, context: ProcessContext) -> None: ...

    def observed(self, notes: list[tuple[str, dict[str, Any]]]) -> None: ...

    def dropped(self, event: Event, reason: str) -> None: ...

    def commanded(self, event: Event, outcome: dict[str, Any]) -> None: ...


class Kernel:
    """The state of a world between two events, and the loop that moves it. Built by ``world.World``."""

    __slots__ = (
        "admitted", "chain", "contexts", "current", "cuts", "delivered", "encode", "hosts", "leave", "make_link",
        "manual", "names", "network", "notes", "now", "number", "on_command", "on_event", "queue", "recorder",
        "records", "sealed", "seed", "sends", "services", "streams", "watcher",
    )  # fmt: skip

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 0
        self.leave = 0
        self.number = 0
        self.current = 0
        self.sealed = 0
        self.delivered = 0
        self.queue: list[Event] = []
        self.streams: dict[int, int] = {}
        self.network = Network()
        self.hosts: dict[str, Host] = {}
        self.services: dict[str, Service] = {}
        self.contexts: list[ProcessContext] = []
        self.names: list[str] = []
        self.admitted: dict[int, tuple[int, int]] = {}
        self.chain = blake2b(f"engine {ENGINE_VERSION} seed {seed}".encode(), digest_size=16).digest()
        self.records: list[Event] = []
        self.manual = False
        self.sends: list[Any] | None = None
        self.notes: list[tuple[Any, ...]] | None = None
        self.cuts: set[tuple[int, int]] = set()
        self.watcher: Watcher | None = None
        self.recorder: Recorder | None = None
        self.on_command: Callable[[Event], dict[str, Any]]
        self.on_event: Callable[[Event, ProcessContext | None], None] | None = None
        self.make_link: Callable[[ProcessContext, str], Link]
        self.encode = msgspec.msgpack.Encoder().encode

    # -- time ---------------------------------------------------------------------------------------------------

    def run_until(
        self, limit_us: int, budget: int | None = None, interrupted: Callable[[], bool] | None = None
    ) -> str:
        """Execute everything up to and including ``limit_us``: reached | budget | interrupted.

        ``budget``: at most that many events. ``interrupted`` is asked every few hundred events.
        """
        queue = self.queue
        last = None if budget is None else self.executed + budget
        while queue and queue[0][0] <= limit_us:
            if last is not None and self.executed >= last:
                return "budget"
            self._run(queue, heappop, SLICE if last is None else min(SLICE, last - self.executed), limit_us)
            self._seal()
            if interrupted is not None and interrupted():
                return "interrupted"
        self.now = max(self.now, limit_us)
        return "reached"

    @property
    def executed(self) -> int:
        """Events carried out so far."""
        return self.sealed + len(self.records)

    def _run(
        self, events: list[Event], pop: Callable[[list[Event]], Event], count: int, limit_us: int = FOREVER
    ) -> None:
        """Carry out at most so many events up to ``limit_us``, unless they are stale or do not reach anybody. ``pop``
        takes the next one."""
        contexts, names, records = self.contexts, self.names, self.records
        now, cuts, recorder, on_event = self.now, self.cuts, self.recorder, self.on_event
        for _ in range(count):
            if not events:
                return
            event = pop(events)
            time, lane, number, kind, target, cause, detail, content = event
            if time > limit_us:
                heappush(events, event)
                return
            if lane:
                self._command(event)
                # Nothing but a command changes these on the way.
                now, cuts, recorder, on_event = self.now, self.cuts, self.recorder, self.on_event
                continue
            if time > now:  # (events of a pause run later than they were queued for)
                self.now = now = time
            self.leave = now
            context = contexts[target]
            if kind == DISK:
                if context.disk.flushing != detail:
                    continue
            elif kind == TIMER:
                timer = context.timers.get(detail)
                if timer is None or timer[2] != time:
                    continue
                deadline, cause, _, _ = timer
                if deadline > now:
                    self.rearm(context, detail)
                    continue
                event = (time, 0, number, TIMER, target, cause, detail, None)
            elif cuts and (detail, target) in cuts:
                self.drop(event, "cut")
                continue
            if context.blocked and not self._may_run(event, context):
                continue
            if time < now:
                event = (now, 0, number, kind, target, cause, detail, content)
            self.current = number
            records.append(event)
            process = context.process
            if kind == DELIVER:
                self.delivered += 1
                process.on_message(names[detail], content)
            elif kind == DISK:
                context.flushed(detail)
            else:
                self._handle(kind, detail, content, context)
            if context.wrote:
                if context.settled:
                    self.settle(context)
                else:
                    context.flush()
            probe = context.probe
            if probe is not None and (mark := probe(process)) != context.mark:
                before, context.mark = context.mark, mark
                if self.watcher is not None:
                    self.watcher.changed(event, context, before, mark)
            if recorder is not None:
                recorder.executed(event, context)
            if on_event is not None:
                on_event(event, context)

    def _handle(self, kind: int, detail: Any, content: Any, context: ProcessContext) -> None:
        """Call the handler of one of the rarer events."""
        process = context.process
        if kind == TIMER:
            del context.timers[detail]
            process.on_timer(detail)
        elif kind == REQUEST:
            process.on_request(content)
        else:
            process.on_start(Image(context.disk))

    def settle(self, context: ProcessContext) -> None:
        """After a handler: tell of writes that are durable already, start a flush for those that are not."""
        while context.settled:
            context.settled = False
            context.process.on_durable(context.durable)
        if context.wrote:
            context.flush()

    def _command(self, event: Event) -> None:
        self.now = self.leave = max(self.now, event[0])
        self.current = -1 - event[2]
        self.records.append(event)
        told = self.on_command(event)
        if self.recorder is not None:
            self.recorder.commanded(event, told)
        if self.on_event is not None:
            self.on_event(event, None)

    def look_at(self, event: Event, context: ProcessContext) -> None:
        """Let the checks see a process that a command touched."""
        self.settle(context)
        if context.probe is not None and (mark := context.probe(context.process)) != context.mark:
            before, context.mark = context.mark, mark
            if self.watcher is not None:
                self.watcher.changed(event, context, before, mark)

    # -- hosts that do not simply answer ------------------------------------------------------------------------

    def _may_run(self, event: Event, context: ProcessContext) -> bool:
        """Whether a blocked process (down, paused, or on a CPU that takes time) handles the event now."""
        host = context.host
        assert host is not None
        kind, number = event[3], event[2]
        waited = self.admitted.pop(number, None)
        if waited is not None and waited[0] != context.life:
            self.drop(event, "down")
            return False
        if host.state == DOWN:
            self.drop(event, "down")
            return False
        if host.state == PAUSED:
            if waited is not None:
                self.admitted[number] = waited
            host.stash.append(event)
            return False
        if kind in (START, DISK):
            return True
        cost = waited[1] if waited is not None else self.services[host.id].cost(host)
        if waited is None and cost:
            starts = admit(host, self.now, cost)
            if starts > self.now:
                self._wait_for_cpu(event, context, starts, cost)
                return False
        self.leave = self.now + cost
        return True

    def _wait_for_cpu(self, event: Event, context: ProcessContext, starts: int, cost: int) -> None:
        """Queue the event again for the moment a core is free."""
        self.admitted[event[2]] = (context.life, cost)
        if event[3] == TIMER:
            deadline, cause, _, since = context.timers[event[6]]
            context.timers[event[6]] = (deadline, cause, starts, since)
        heappush(self.queue, (starts, *event[1:]))

    def refresh_blocked(self, context: ProcessContext) -> None:
        """Recompute whether events of this process need a look at its host, and what it keeps at hand of it."""
        context.look_at_host()
        host = context.host
        if host is not None:
            slow = not self.services[host.id].zero or host.service is not None
            context.blocked = host.state != "up" or slow

    def resume(self, host: Host) -> None:
        """Run what arrived during a pause, in order, now."""
        stash, host.stash = host.stash, []
        self._run(stash, first_of, len(stash))

    def drop(self, event: Event, reason: str) -> None:
        if self.recorder is not None and event[3] in (DELIVER, REQUEST):
            self.recorder.dropped(event, reason)

    def schedule(self, event: Event) -> None:
        """Queue an event."""
        heappush(self.queue, event)

    def rearm(self, context: ProcessContext, name: str) -> None:
        """Queue a timer whose deadline moved; its older entry becomes stale."""
        deadline, cause, _, since = context.timers[name]
        self.number += 1
        context.timers[name] = (deadline, cause, deadline, since)
        heappush(self.queue, (deadline, 0, self.number, TIMER, context.index, 0, name, None))

    def fire_now(self, context: ProcessContext, name: str) -> None:
        """Let an armed timer come due at this moment."""
        _, _, _, since = context.timers[name]
        context.timers[name] = (self.now, self.current, self.now, since)
        self.rearm(context, name)

    def link_between(self, source: int, target: int) -> Link:
        """The link between two processes, by index."""
        context, to = self.contexts[source], self.names[target]
        return context.links.get(to) or self.link(context, to)

    def refresh_cuts(self, blocked: Callable[[ProcessContext, ProcessContext], bool]) -> None:
        """Recompute between which processes messages die on arrival, and forget all links."""
        contexts = self.contexts
        self.cuts = {(a.index, b.index) for a in contexts for b in contexts if a is not b and blocked(a, b)}
        for context in contexts:
            context.links = {}

    # -- links --------------------------------------------------------------------------------------------------

    def link(self, context: ProcessContext, to: str) -> Link:
        """The link from a process to another, made at first use. KeyError names an unknown address."""
        link = context.links[to] = self.make_link(context, to)
        return link

    # -- digest -------------------------------------------------------------------------------------------------

    def _seal(self) -> None:
        """Fold full blocks of records into the chain; called per slice, since only the blocks' borders matter."""
        while len(self.records) >= DIGEST_BLOCK:
            block = self.encode(self.records[:DIGEST_BLOCK])
            self.chain = blake2b(self.chain + block, digest_size=16).digest()
            del self.records[:DIGEST_BLOCK]
            self.sealed += DIGEST_BLOCK

    def digest(self) -> str:
        """blake2b-128 over the records of all executed events, as 32 hex digits."""
        self._seal()
        return blake2b(self.chain + self.encode(self.records), digest_size=16).hexdigest()

    def untie(self) -> None:
        """Cut what refers to each other in a circle; nothing moves any more, what is known can still be read."""
        for context in self.contexts:
            context.untie()
        self.watcher = self.recorder = self.on_event = None
        self.on_command = self.make_link = no_more

    # -- copies -------------------------------------------------------------------------------------------------

    def fork(self) -> Kernel:
        """The kernel's own state, without contexts and without anybody who looks on: the world adds those."""
        twin = Kernel.__new__(Kernel)
        for name in Kernel.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.queue, twin.streams, twin.network = self.queue.copy(), self.streams.copy(), self.network.fork()
        twin.hosts = {name: host.fork() for name, host in self.hosts.items()}
        twin.services = {name: service.fork(twin.streams) for name, service in self.services.items()}
        twin.contexts = []
        twin.admitted, twin.records, twin.cuts = self.admitted.copy(), self.records.copy(), self.cuts.copy()
        twin.sends = twin.notes = None
        twin.recorder = twin.on_event = None
        return twin


def first_of(events: list[Event]) -> Event:
    """Take the first of events that are in order."""
    return events.pop(0)


def no_more(*_: Any) -> Any:
    """What a kernel does whose world is gone."""
    raise ReferenceError("this world is gone")
