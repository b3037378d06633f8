"""ZooKeeper's client library: one session, kept alive at one server at a time and moved to another when that fails.

ZP, "ZooKeeper Sessions". A write whose connection breaks is *unknown* (ConnectionLoss): it is never sent again, because
nobody would know whether it happened twice. Reads are asked again at the next server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulations.engine.coordination import (
    Answer,
    Connect,
    Connected,
    Disconnected,
    SessionPing,
    SessionPong,
    WatchAnswer,
    WatchEvent,
)
from simulations.engine.process import DiskImage, Reply, Request
from simulations.engine.systems.zookeeper.tree import READS, SYNCS, path_of
from simulations.engine.workload import Attempt, Client

CLOSED, CONNECTING, CONNECTED, EXPIRED = "closed", "connecting", "connected", "expired"
SESSION_TIMEOUT_MS = 2000
RETRY_US = 20_000
REFUSALS_MAX = 25
"""How often a client without a session asks the server beside it before it tries others: an ensemble takes a while to
start."""
CONNECTION_LOSS, EXPIRED_ERROR = "ConnectionLoss", "SessionExpired"
ASKED_AGAIN = (*READS, *SYNCS)
"""Operations that change nothing: asked again after ConnectionLoss."""


@dataclass(slots=True)
class ZooKeeperClient(Client):
    """``sent``: operations that are on their way (id -> when they left); others wait for a connection. ``watching``:
    path -> mode. ``events``: (time, path, change) that the server told."""

    phase: str = CLOSED
    server: str = ""
    preferred_server: str = ""
    tried: int = -1
    session_id: int = 0
    last_seen: int = 0
    last_number: int = 0
    refusals: int = 0
    heard_at: int = 0
    timeout_us: int = SESSION_TIMEOUT_MS * 1000
    sent: dict[int, int] = field(default_factory=dict)
    watching: dict[str, str] = field(default_factory=dict)
    rereads: dict[str, bool] = field(default_factory=dict)
    events: list[tuple[int, str, str]] = field(default_factory=list)
    expired_at: list[int] = field(default_factory=list)

    # -- the connection -----------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.preferred_server = self.preferred()
        self.connect(self.preferred_server)
        super(ZooKeeperClient, self).on_start(disk)

    def preferred(self) -> str:
        """The server that the experiment names, the one beside the client, or any."""
        plan = self.parameters
        for settings in (plan.spec, *plan.scripted):
            if settings.to in plan.servers:
                return str(settings.to)
        return plan.near or (str(self.ledger.servers_random.choice(plan.servers)) if plan.servers else "")

    def may_leave(self) -> bool:
        """Whether other servers than the preferred one are allowed."""
        plan = self.parameters
        named = [one for one in (plan.spec, *plan.scripted) if one.to in plan.servers]
        return not any(one.stay for one in named)

    def connect(self, server: str) -> None:
        """Open a connection; with the session it has, if there is one."""
        if not server:
            return
        self.phase, self.server = CONNECTING, server
        watches = tuple(self.watching.items()) if self.session_id else ()
        self.last_number = max(self.last_number + 1, self.context.now)
        self.context.send(server, Connect(self.last_number, self.session_id, 0.0, self.last_seen, watches))
        # (ClientCnxn: the session's timeout divided by the number of servers is what one of them may take.)
        self.context.set_timer("connection", self.timeout_us // max(3, len(self.parameters.servers)))

    def next_server(self, refused: bool) -> str:
        """Where to try next: the server beside the client and the others in turn."""
        servers = self.parameters.servers
        self.refusals += refused
        waits = refused and not self.session_id and self.refusals <= REFUSALS_MAX
        if waits or not self.may_leave() or len(servers) < 2:
            return self.server
        home = self.preferred_server
        if self.server != home:
            return home
        others = [server for server in servers if server != home]
        self.tried += 1
        return str(others[self.tried % len(others)])

    def lose_connection(self, pause_us: int = 0) -> None:
        """The connection is gone: try the next server, after a pause or at once."""
        self.give_up_sent()
        self.phase = CLOSED
        server = self.next_server(pause_us > 0)
        if pause_us:
            self.server = server
            self.context.set_timer("connection", pause_us)
        else:
            self.connect(server)

    def give_up_sent(self) -> None:
        """ConnectionLoss: writes under way are unknown, reads wait for the next connection."""
        for id in list(self.sent):
            attempt = self.open.get(id)
            if attempt is not None and not self.may_ask_again(attempt):
                self.give_up(id, "unknown", CONNECTION_LOSS)
        self.sent = {}

    def may_ask_again(self, attempt: Attempt) -> bool:
        return attempt.kind in ASKED_AGAIN

    def give_up(self, id: int, outcome: str, result: Any) -> None:
        """An operation ends without an answer of a server."""
        self.sent.pop(id, None)
        self.finish(id, outcome, result, None)

    def on_connection_timer(self) -> None:
        """ZP: a ping after a third of the timeout without traffic, another server after two thirds in silence."""
        if self.phase == CLOSED:
            self.connect(self.server)
        elif self.phase == CONNECTING or self.context.now - self.heard_at >= 2 * self.timeout_us // 3:
            self.lose_connection()
        else:
            self.context.send(self.server, SessionPing(self.session_id, self.last_number))
            self.context.set_timer("connection", self.timeout_us // 3)

    def on_connected(self, message: Connected) -> None:
        """The session is there, or it has expired and everything that hung on it is gone."""
        if not message.session:
            self.expire_session()
            self.connect(self.server)
            return
        self.phase, self.session_id = CONNECTED, message.session
        self.timeout_us = round(message.timeout_ms * 1000)
        self.last_seen = max(self.last_seen, message.seen)
        self.context.set_timer("connection", self.timeout_us // 3)
        for id in list(self.open):
            self.send_attempt(id)
        self.watch()

    def expire_session(self) -> None:
        """Only a server can tell that: the client's own clock does not count."""
        self.expired_at.append(self.context.now)
        self.session_id = 0
        self.watching = {}
        for id in list(self.open):
            if self.open[id].kind not in ASKED_AGAIN:
                self.give_up(id, "fail", EXPIRED_ERROR)

    # -- operations ---------------------------------------------------------------------------------------------

    def first_server(self, attempt: Attempt) -> str:
        """Where the session is; elsewhere when the operation names a server."""
        to = self.settings(attempt).to
        return str(to) if to in self.parameters.servers else self.server

    def attempt(self, id: int, attempt: Attempt, to: str) -> None:
        """Send it over the connection, or let it wait for one."""
        settings = self.settings(attempt)
        attempt.waits = True
        self.due_at(id, attempt, attempt.invoked_us + round(settings.give_up_ms * 1000))
        if to and to != self.server and self.phase != CONNECTING:
            self.lose_connection_to(to)
        elif self.phase == CONNECTED:
            self.send_attempt(id)
        self.watch()

    def lose_connection_to(self, server: str) -> None:
        """Move the session on purpose: the connection to the server before it is closed."""
        self.give_up_sent()
        self.connect(server)

    def send_attempt(self, id: int) -> None:
        """One attempt over the connection that there is."""
        attempt = self.open[id]
        settings = self.settings(attempt)
        give_up = attempt.invoked_us + round(settings.give_up_ms * 1000)
        attempt.number += 1
        attempt.to, attempt.waits = self.server, False
        self.due_at(id, attempt, min(self.context.now + round(settings.timeout_ms * 1000), give_up))
        self.sent[id] = self.context.now
        self.send_request(id, attempt, attempt.kind, attempt.key, attempt.argument, self.options_of(attempt))

    def options_of(self, attempt: Attempt) -> dict[str, Any] | None:
        return attempt.options or self.settings(attempt).arguments or None

    def send_request(
        self, id: int, attempt: Attempt, kind: str, key: str, argument: Any, options: dict[str, Any] | None
    ) -> None:
        self.last_number += 1
        request = Request(
            id, attempt.number, self.id, self.session_id, self.last_number, kind, key, argument, options
        )
        self.context.send(self.server, request)
        self.context.set_timer("connection", self.timeout_us // 3)

    def expire(self) -> None:
        """Operations without an answer: ask whether the server is there, then take it for gone; in the end give up.

        Only a broken connection leaves a request without an answer.
        """
        now = self.context.now
        broken = False
        for id in self.expired(now):
            attempt = self.open[id]
            settings = self.settings(attempt)
            give_up = attempt.invoked_us + round(settings.give_up_ms * 1000)
            sent_at = self.sent.get(id)
            silent = sent_at is not None and self.heard_at < sent_at
            if now >= give_up:
                broken = broken or sent_at is not None
                self.give_up(id, "unknown" if attempt.number else "fail", CONNECTION_LOSS)
            elif sent_at is None:
                self.due_at(id, attempt, give_up)
            elif not silent:
                self.context.send(self.server, SessionPing(self.session_id, self.last_number))
                self.due_at(id, attempt, give_up)
            elif now < sent_at + round(settings.timeout_ms * 1500):
                self.context.send(self.server, SessionPing(self.session_id, self.last_number))
                self.due_at(id, attempt, min(give_up, now + round(settings.timeout_ms * 500)))
            else:
                broken = True
                self.due_at(id, attempt, give_up)
        if broken and self.phase == CONNECTED:
            self.lose_connection()
        self.watch()

    def on_timer(self, name: str) -> None:
        if name == "connection":
            self.on_connection_timer()
        else:
            super(ZooKeeperClient, self).on_timer(name)

    # -- what the server says -----------------------------------------------------------------------------------

    def on_message(self, sender: str, message: Any) -> None:
        if sender != self.server or self.phase == CLOSED:
            return
        self.heard_at = self.context.now
        if isinstance(message, Reply):
            self.on_reply(sender, message)
        elif isinstance(message, Connected):
            if self.phase == CONNECTING:
                self.on_connected(message)
        elif isinstance(message, Disconnected):
            self.lose_connection(RETRY_US)
        elif isinstance(message, WatchEvent):
            self.on_watch_event(message)
        elif isinstance(message, SessionPong):
            self.last_seen = max(self.last_seen, message.seen)

    def on_reply(self, sender: str, message: Reply) -> None:
        attempt = self.open.get(message.operation)
        if attempt is None or message.attempt != attempt.number or message.operation not in self.sent:
            return
        if message.outcome == "retry":
            # The server has closed the connection. Of what it did before it knows nothing: this may be a second copy.
            self.lose_connection(RETRY_US)
            return
        if isinstance(message, Answer):
            self.last_seen = max(self.last_seen, message.seen)
        del self.sent[message.operation]
        self.answered(sender, message, attempt)

    def answered(self, sender: str, message: Reply, attempt: Attempt) -> None:
        """An operation is over."""
        id = message.operation
        if message.outcome == "ok":
            self.remember_watch(attempt, message)
            if attempt.kind in ("get", "get_watch", "watch", "sync_get"):
                self.seen[attempt.key] = message.result
        self.finish(id, message.outcome, message.result, sender)
        self.watch()

    # -- watches ------------------------------------------------------------------------------------------------

    def remember_watch(self, attempt: Attempt, message: Reply) -> None:
        """Watches move with the session."""
        if not isinstance(message, WatchAnswer) or not message.watch:
            return
        path = path_of(attempt.key)
        self.watching[path] = message.watch
        self.rereads[path] = bool((self.options_of(attempt) or {}).get("reread"))

    def on_watch_event(self, message: WatchEvent) -> None:
        """One event; a watch that fires once is over, and what happens before the next read goes by unseen."""
        self.last_seen = max(self.last_seen, message.seen)
        self.events.append((self.context.now, message.path, message.change))
        if self.watching.get(message.path) in ("once", "child", "absent"):
            del self.watching[message.path]
        if self.rereads.get(message.path):
            self.begin("get", message.path, None)
