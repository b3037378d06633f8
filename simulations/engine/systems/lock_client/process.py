"""A worker that takes a lock of a coordination service and writes to a storage while it believes to hold it.

Kleppmann, "How to do distributed locking", 2016: between the last look at the lock and the write the process may stop
for any time. Hunt et al., USENIX ATC 2010, section 2.4: the lock is a queue of ephemeral sequential nodes.

It knows neither system: the names of both are parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.coordination import (
    Answer,
    Connect,
    Connected,
    Disconnected,
    SessionPing,
    SessionPong,
    WatchEvent,
)
from simulations.engine.process import DiskImage, Process, Reply, Request
from simulations.engine.storage_service import StoreReply, StoreWrite

IDLE, WAITING, HOLDING, LOST = "idle", "waiting", "holding", "lost"
SECOND = 1_000_000
RETRY_US = 50_000
CREATE, LIST, WATCH = "create", "list", "watch"
DIGITS = 10


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``start_s``: when it wants the ``lock``; ``write_at_s``: when it writes to ``key``, if it believes to hold it."""

    start_s: float = 0
    lock: str = "/lock"
    key: str = "file"
    write_at_s: tuple[float, ...] = ()
    session_timeout_ms: float = 2000
    coordinator: str = "zookeeper"
    storage: str = "fenced_storage"

    def __post_init__(self) -> None:
        if not self.lock.startswith("/") or len(self.lock) < 2 or self.lock.endswith("/"):
            raise ValueError("lock: a path such as /lock")
        if not 1 <= self.session_timeout_ms <= 600_000:
            raise ValueError("session_timeout_ms: a number from 1 to 600000")
        if self.start_s < 0 or any(at < 0 for at in self.write_at_s):
            raise ValueError("start_s, write_at_s: seconds, at least 0")


@dataclass(slots=True)
class LockClient(Process):
    """``token``: the number of its place in the queue, which fences its writes; -1 without one."""

    watched: ClassVar[tuple[str, ...]] = ("role", "token")

    parameters: Parameters = field(default_factory=Parameters)
    role: str = IDLE
    server: int = 0
    connected: bool = False
    session: int = 0
    seen: int = 0
    number: int = 0
    heard_at: int = 0
    token: int = -1
    node: str = ""
    step: str = ""
    target: str = ""
    asked: int = 0
    acknowledged: int = 0
    refused: int = 0
    written: int = 0

    def on_start(self, disk: DiskImage) -> None:
        self.context.set_timer("start", round(self.parameters.start_s * SECOND))
        for number, at_s in enumerate(self.parameters.write_at_s):
            self.context.set_timer(f"write:{number}", round(at_s * SECOND))

    def on_timer(self, name: str) -> None:
        if name == "start":
            self.role = WAITING
            self.connect()
        elif name == "connection":
            self.keep_alive()
        else:
            self.write()

    # -- the session --------------------------------------------------------------------------------------------

    @property
    def servers(self) -> tuple[str, ...]:
        return self.directory.get(self.parameters.coordinator, ())

    @property
    def third_us(self) -> int:
        return round(self.parameters.session_timeout_ms * 1000 / 3)

    def connect(self) -> None:
        """Open a connection, with the session it has, if any."""
        if not self.servers:
            return
        self.connected = False
        watches = ((self.target, "once"),) if self.step == WATCH else ()
        here = self.servers[self.server % len(self.servers)]
        self.number = max(self.number + 1, self.context.now)
        self.context.send(
            here,
            Connect(self.number, self.session, float(self.parameters.session_timeout_ms), self.seen, watches),
        )
        self.context.set_timer("connection", self.third_us)

    def keep_alive(self) -> None:
        """A ping every third of the timeout; another server after two thirds of silence."""
        if not self.connected or self.context.now - self.heard_at >= 2 * self.third_us:
            self.server += not self.connected
            self.connect()
        else:
            self.context.send(
                self.servers[self.server % len(self.servers)], SessionPing(self.session, self.number)
            )
            self.context.set_timer("connection", self.third_us)

    def on_connected(self, message: Connected) -> None:
        if not message.session:
            self.lose_lock()
            return
        resumed, self.session, self.connected = bool(self.session), message.session, True
        if not resumed:
            self.ask(CREATE)
        elif self.role == WAITING and self.step != WATCH:
            self.ask(LIST)

    def lose_lock(self) -> None:
        """Only now it learns that its session has expired, and the lock with it."""
        self.context.note("lock_client.expired", token=self.token)
        self.role, self.session, self.token = LOST, 0, -1
        self.context.cancel_timer("connection")

    @property
    def prefix(self) -> str:
        """How the names of its own nodes begin."""
        return self.id.replace("/", ".") + "-"

    # -- the lock -----------------------------------------------------------------------------------------------

    def ask(self, step: str) -> None:
        """The next step of the recipe."""
        self.step = step
        self.asked += 1
        self.number += 1
        lock = self.parameters.lock
        kind, key, options = {
            CREATE: ("create", f"{lock}/{self.prefix}", {"ephemeral": True, "sequential": True}),
            LIST: ("children", lock, None),
            WATCH: ("exists", self.target, {"watch": True}),
        }[step]
        # (Negative numbers: these are not operations of the history that the clients of the run write.)
        request = Request(-self.asked, 1, self.id, self.session, self.number, kind, key, None, options)
        self.context.send(self.servers[self.server % len(self.servers)], request)

    def on_answer(self, message: Reply) -> None:
        if message.operation != -self.asked or self.role != WAITING:
            return
        if message.outcome != "ok":
            self.context.set_timer("connection", RETRY_US)
        elif self.step == LIST:
            self.take_place(list(message.result))
        elif self.step == CREATE or message.result is False:
            self.ask(LIST)

    def take_place(self, names: list[str]) -> None:
        """First in the queue: the lock is held. Else watch the one before."""
        queue = sorted((int(name[-DIGITS:]), name) for name in names)
        mine = [place for place, (_, name) in enumerate(queue) if name[:-DIGITS] == self.prefix]
        if not mine:
            self.ask(CREATE)
            return
        self.token, self.node = queue[mine[0]]
        if mine[0] == 0:
            self.role = HOLDING
            self.context.note("lock_client.holds", token=self.token)
        else:
            self.target = f"{self.parameters.lock}/{queue[mine[0] - 1][1]}"
            self.ask(WATCH)

    # -- the work -----------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write while it believes to hold the lock: after a pause it may be wrong and cannot know it."""
        if self.role != HOLDING:
            self.context.note("lock_client.skips")
            return
        self.written += 1
        self.context.note("lock_client.writes", token=self.token)
        for storage in self.directory.get(self.parameters.storage, ()):
            value = f"{self.id}.{self.written}"
            self.context.send(storage, StoreWrite(self.written, self.parameters.key, value, self.token))

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, StoreReply):
            self.acknowledged += message.stored
            self.refused += not message.stored
            return
        if not self.servers or sender != self.servers[self.server % len(self.servers)]:
            return
        self.heard_at = self.context.now
        if isinstance(message, Connected):
            self.on_connected(message)
        elif isinstance(message, Disconnected):
            self.connected = False  # (so the next server is tried)
            self.context.set_timer("connection", RETRY_US)
        elif isinstance(message, WatchEvent):
            if self.role == WAITING and message.path == self.target:
                self.ask(LIST)
        elif isinstance(message, SessionPong):
            self.seen = max(self.seen, message.seen)
        elif isinstance(message, Reply):
            if isinstance(message, Answer):
                self.seen = max(self.seen, message.seen)
            self.on_answer(message)
