"""A context that records, and a group of processes that talk without a kernel: for tests of one rule at a time.

Nothing happens by itself: the test delivers messages, fires timers and completes disk writes (at once by default).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulations.engine.log import Log
from simulations.engine.process import Message, Process, Reply, Request
from simulations.engine.storage import Disk, Image


class FixedRandom:
    """Draws a chosen fraction of every range: 0 is the lowest value."""

    def __init__(self, fraction: float = 0.0) -> None:
        self.fraction = fraction

    def random(self) -> float:
        return self.fraction

    def integer(self, low: int, high: int) -> int:
        return low + int((high - low) * self.fraction)

    def choice(self, items: Sequence[Any]) -> Any:
        return items[int(len(items) * self.fraction)]


class RecordingContext:
    """Implements ``Context``. ``sent``: what left; ``held``: what waits for the disk; ``instant``: no write waits."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.now = 0
        self.random = FixedRandom()
        self.sent: list[tuple[str, Message]] = []
        self.held: list[tuple[int, str, Message]] = []
        self.timers: dict[str, int] = {}
        self.notes: list[tuple[str, dict[str, Any]]] = []
        self.disk = Disk()
        self.written = self.durable = 0
        self.instant = True

    def send(self, to: str, message: Message, before_durable: bool = False) -> None:
        if self.instant or before_durable or self.written == self.durable:
            self.sent.append((to, message))
        else:
            self.held.append((self.written, to, message))

    def reply(
        self,
        request: Request,
        outcome: str,
        result: Any = None,
        hint: str | None = None,
        before_durable: bool = False,
    ) -> None:
        self.send(
            request.client, Reply(request.operation, request.attempt, outcome, result, hint), before_durable
        )

    def set_timer(self, name: str, delay_us: int) -> None:
        self.timers[name] = self.now + delay_us

    def cancel_timer(self, name: str) -> None:
        self.timers.pop(name, None)

    def persist(self, *writes: tuple[Any, ...]) -> int:
        self.written += 1
        self.disk.waiting.append((self.written, writes))
        return self.written

    def note(self, id: str, **values: Any) -> None:
        self.notes.append((id, values))

    def take(self) -> list[tuple[str, Message]]:
        """What was sent since the last take."""
        sent, self.sent = self.sent, []
        return sent

    def take_notes(self) -> list[str]:
        """Ids of the notes since the last take."""
        notes, self.notes = self.notes, []
        return [id for id, _ in notes]


def started(process: Any, before: Any = None, cells: dict[str, Any] | None = None) -> Any:
    """A process that starts alone: on a disk with these cells, or on what is durable of the one in whose place it
    comes."""
    process.context = RecordingContext(process.id)
    process.context.disk.cells.update(cells or {})
    if before is not None:
        process.context.disk = before.context.disk
        process.context.disk.complete(before.context.written)
    process.on_start(Image(process.context.disk))
    return process


class Group:
    """Processes by id, with their contexts, disks and a network that the test moves."""

    def __init__(self, made: Callable[[], Process], ids: Sequence[str], parameters: Any = None) -> None:
        self.made, self.ids, self.parameters = made, tuple(ids), parameters
        self.processes: dict[str, Any] = {}
        self.contexts: dict[str, RecordingContext] = {}
        self.cut: set[tuple[str, str]] = set()
        self.replies: list[Reply] = []
        self.delivered: list[tuple[str, str, Message]] = []
        self.operations = 0

    def preset(self, id: str, cells: dict[str, Any], logs: dict[str, list[Any]]) -> None:
        """Put something on a disk before its process starts."""
        context = self.contexts.setdefault(id, RecordingContext(id))
        context.disk.cells.update(cells)
        for name, entries in logs.items():
            context.disk.logs[name] = Log()
            context.disk.logs[name].extend(entries)

    def start(self, *ids: str) -> None:
        """Start (or restart) processes from their disks; all when none is named."""
        for id in ids or self.ids:
            old = self.contexts.get(id)
            context = RecordingContext(id)
            if old is not None:
                context.disk, context.now, context.instant = old.disk, old.now, old.instant
                context.disk.crash()
            process = self.made()
            process.id = id
            process.peers = tuple(peer for peer in self.ids if peer != id)
            if self.parameters is not None:
                process.parameters = self.parameters
            process.context = context
            self.processes[id], self.contexts[id] = process, context
            process.on_start(Image(context.disk))
            self.settle(id)

    def crash(self, *ids: str) -> None:
        """Stop processes; their disks stay."""
        for id in ids:
            del self.processes[id]

    def settle(self, id: str) -> None:
        """Complete the disk writes of a process whose disk is instant."""
        context = self.contexts[id]
        while context.instant and context.written > context.durable:
            self.flush(id)

    def flush(self, id: str) -> None:
        """Complete all waiting disk writes of a process and let go what waited for them."""
        context = self.contexts[id]
        number = context.written
        context.disk.complete(number)
        context.durable = number
        context.sent += [(to, message) for write, to, message in context.held if write <= number]
        context.held = [item for item in context.held if item[0] > number]
        self.processes[id].on_durable(number)

    def fire(self, id: str, timer: str) -> None:
        """Let a timer fire now."""
        self.contexts[id].timers.pop(timer, None)
        self.processes[id].on_timer(timer)
        self.settle(id)

    def receive(self, id: str, sender: str, message: Message) -> None:
        """Deliver one message."""
        self.processes[id].on_message(sender, message)
        self.settle(id)

    def request(
        self, id: str, kind: str, key: str = "x", argument: Any = None, session: int = 0, sequence: int = 0
    ) -> int:
        """Hand a client request to a process; returns its operation number."""
        self.operations += 1
        request = Request(
            self.operations, 1, "client", session, sequence or self.operations, kind, key, argument
        )
        self.processes[id].on_request(request)
        self.settle(id)
        return self.operations

    def step(self) -> bool:
        """Deliver what every process has sent so far, in order; whether there was anything."""
        moving = [(id, to, message) for id in self.ids for to, message in self.contexts[id].take()]
        for sender, to, message in moving:
            if isinstance(message, Reply):
                self.replies.append(message)
            elif to in self.processes and (sender, to) not in self.cut:
                self.delivered.append((sender, to, message))
                self.receive(to, sender, message)
        return bool(moving)

    def quiet(self, limit: int = 1000) -> None:
        """Deliver until nothing is under way."""
        for _ in range(limit):
            if not self.step():
                return
        raise AssertionError(f"still talking after {limit} rounds")

    def isolate(self, *ids: str) -> None:
        """Cut the named processes off from all others, both ways."""
        others = [id for id in self.ids if id not in ids]
        self.cut |= {(a, b) for a in ids for b in others} | {(b, a) for a in ids for b in others}

    def heal(self) -> None:
        self.cut.clear()
