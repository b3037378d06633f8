"""What a server does for clients: connections and sessions, reads from its own copy, watches, writes that it forwards,
sync(). ZP: ZooKeeper Programmer's Guide."""

from __future__ import annotations

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
from simulations.engine.process import Request
from simulations.engine.systems.zookeeper.leader import Leader
from simulations.engine.systems.zookeeper.messages import (
    CloseSession,
    Command,
    CreateSession,
    Forward,
    Revalidate,
    Revalidated,
    SyncReply,
    SyncRequest,
    Txn,
)
from simulations.engine.systems.zookeeper.state import BROADCAST, LEADING
from simulations.engine.systems.zookeeper.tree import READS, SYNCS, WRITES, parent_of, path_of

DATA, CHILD, LASTING, RECURSIVE = "once", "child", "persistent", "persistent_recursive"
MODES = (DATA, CHILD, LASTING, RECURSIVE)
ABSENT = "absent"
"""A watch that fires once, left where there was no node."""


class Serving(Leader):
    """Clients."""

    __slots__ = ()

    # -- connections and sessions -------------------------------------------------------------------------------

    @property
    def serves(self) -> bool:
        return self.zab_state == BROADCAST

    def stop_serving(self) -> None:
        """Close every connection: whoever waits here learns that nobody knows."""
        for client in sorted({*self.connections, *self.connecting, *self.resuming}):
            self.disconnect(client, "no_leader")
        self.connections, self.connecting, self.resuming = {}, {}, {}
        self.pending, self.syncs, self.syncs_at = {}, {}, []
        self.next_request, self.ahead, self.gaps = {}, {}, {}
        self.data_watches, self.child_watches, self.lasting_watches = {}, {}, {}

    def disconnect(self, client: str, reason: str) -> None:
        # before_durable: it says nothing about what was written.
        self.context.send(client, Disconnected(reason), before_durable=True)

    def open_connection(self, client: str, session: int) -> None:
        self.connections[client] = session
        self.next_request[client] = self.greeted[client] + 1

    def drop_connection(self, client: str) -> None:
        """Forget a client of this server, and its watches."""
        self.connections.pop(client, None)
        self.pending.pop(client, None)
        self.syncs.pop(client, None)
        for books in (self.next_request, self.ahead, self.gaps):
            books.pop(client, None)
        for kind in (self.data_watches, self.child_watches, self.lasting_watches):
            for path in [path for path, clients in kind.items() if client in clients]:
                del kind[path][client]
                if not kind[path]:
                    del kind[path]

    def on_connect(self, sender: str, message: Connect) -> None:
        """A client comes, with a new session or with one from another server."""
        if message.number <= self.greeted.get(sender, 0):
            return  # (a duplicate, or late)
        self.greeted[sender] = message.number
        if not self.serves:
            self.disconnect(sender, "no_leader")
        elif self.is_behind(message.seen):
            self.context.note("zookeeper.client_ahead", client=sender)
            self.disconnect(sender, "behind")
        elif message.session:
            self.drop_connection(sender)
            self.resuming[sender] = (message.session, message.seen, message.watches)
            self.revalidate(sender, message.session)
        else:
            self.drop_connection(sender)
            timeout_ms = float(message.timeout_ms or self.parameters.session_timeout_ms)
            self.connecting[sender] = timeout_ms
            self.pass_on(CreateSession(sender, timeout_ms))

    def is_behind(self, seen: int) -> bool:
        """ZP, consistency guarantees: a client never sees an older state than it has seen."""
        return seen > self.state_zxid()

    def session_created(self, txn: Txn) -> None:
        command = txn.command
        if isinstance(command, CreateSession) and self.connecting.pop(command.client, None) is not None:
            self.open_connection(command.client, txn.zxid)
            self.touched[txn.zxid] = True
            self.context.send(
                command.client, Connected(txn.zxid, command.timeout_ms, txn.zxid), before_durable=True
            )

    def revalidate(self, client: str, session: int) -> None:
        """Ask the leader whether the session is alive; it moves here then."""
        if self.role == LEADING:
            self.resume(client, session, self.move_session(session, self.id))
        else:
            self.context.send(self.leader, Revalidate(client, session))

    def on_revalidate(self, sender: str, message: Revalidate) -> None:
        if self.role == LEADING and self.serves:
            alive = self.move_session(message.session, sender)
            self.context.send(
                sender, Revalidated(message.client, message.session, alive), before_durable=True
            )

    def move_session(self, session: int, server: str) -> bool:
        """The leader's books: from now on only this server speaks for the session."""
        if session not in self.future.sessions:
            return False
        self.owners[session] = server
        self.touch(session)
        return True

    def on_revalidated(self, sender: str, message: Revalidated) -> None:
        if self.is_from_leader(sender):
            self.resume(message.client, message.session, message.alive)

    def resume(self, client: str, session: int, alive: bool) -> None:
        """The leader's answer about a session that moved here."""
        wanted = self.resuming.pop(client, None)
        if wanted is None or wanted[0] != session:
            return
        known = self.tree.sessions.get(session)
        if not alive or known is None:  # (it may have ended since the leader answered)
            self.context.send(client, Connected(0, 0.0, self.state_zxid()), before_durable=True)
            return
        self.open_connection(client, session)
        self.context.send(
            client, Connected(session, float(known.timeout_ms), self.state_zxid()), before_durable=True
        )
        for path, mode in wanted[2]:
            self.watch_again(client, path, mode, wanted[1])

    def close_session(self, session: int) -> None:
        """The leader ends a session."""
        self.propose(CloseSession(session), self.id)

    def on_session_ping(self, sender: str, message: SessionPing) -> None:
        if self.connections.get(sender) != message.session or not self.serves:
            self.disconnect(sender, "unknown_connection")
            return
        awaited = self.next_request[sender]
        if awaited <= message.sent and self.gaps.get(sender) == awaited:
            self.drop_connection(sender)
            self.disconnect(sender, "request_lost")
            return
        self.gaps[sender] = awaited
        self.hear_of(message.session)
        self.context.send(sender, SessionPong(self.state_zxid()), before_durable=True)

    def hear_of(self, session: int) -> None:
        """A client lives: the leader decides about sessions, the others tell it with their next answer to a ping."""
        if self.role == LEADING:
            self.touch(session)
        else:
            self.touched[session] = True

    # -- requests -----------------------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        """Take requests in the order in which the client sent them, each once."""
        client = request.client
        if not self.serves or (request.session and self.connections.get(client) != request.session):
            # before_durable: "retry" says that nothing was done.
            self.context.reply(request, "retry", None, None, before_durable=True)
        elif not request.session:
            self.take_request(request)
        elif request.sequence == self.next_request[client]:
            self.hear_of(request.session)
            self.take_in_order(request)
        elif request.sequence > self.next_request[client]:
            self.ahead.setdefault(client, {})[request.sequence] = request

    def take_in_order(self, request: Request) -> None:
        """A request whose turn it is, and those that came before their turn and follow it."""
        client = request.client
        following: Request | None = request
        while following is not None:
            self.take_request(following)
            if client not in self.next_request:
                return  # (the server stopped serving meanwhile)
            self.next_request[client] += 1
            following = self.ahead.get(client, {}).pop(self.next_request[client], None)

    def take_request(self, request: Request) -> None:
        """Reads are answered here, writes go to the leader."""
        kind, client = request.kind, request.client
        if kind in WRITES:
            self.pending.setdefault(client, []).append(request)
            self.pass_on(request)
        elif kind in READS and not request.session:
            self.answer_read(request)
        elif kind in READS or kind in SYNCS:
            if kind in SYNCS:
                self.ask_leader(request)
            self.pending.setdefault(client, []).append(request)
            self.answer_ready(client)
        else:
            self.context.reply(request, "fail", "Unimplemented", None, before_durable=True)

    def pass_on(self, command: Command) -> None:
        """Only the leader makes transactions."""
        if self.role == LEADING:
            self.take_command(self.id, command)
        else:
            self.context.send(self.leader, Forward(self.epoch, command))

    def on_forward(self, sender: str, message: Forward) -> None:
        if self.role == LEADING and self.serves and sender in self.current and message.epoch == self.epoch:
            self.take_command(sender, message.command)

    def take_command(self, server: str, command: Command) -> None:
        if isinstance(command, Request) and command.session:
            if self.is_late(server, command):
                moved = self.owners.get(command.session, server) != server
                note = "zookeeper.late" if moved else "zookeeper.repeated"
                self.context.note(note, client=command.client, server=server)
                return
            self.taken[command.session] = command.sequence
            self.touch(command.session)
            self.owners.setdefault(command.session, server)
        self.propose(command, server)

    def answer_write(self, request: Request, outcome: str, result: Any) -> None:
        """A write of a client of this server is delivered: answer it, and the reads that waited behind it."""
        waiting = self.pending.get(request.client)
        if waiting is None:
            return
        for place, one in enumerate(waiting):
            if one.operation == request.operation and one.attempt == request.attempt and one.kind in WRITES:
                del waiting[place]
                self.answer(request, outcome, result)
                break
        self.answer_ready(request.client)

    def answer_ready(self, client: str) -> None:
        """Answer the reads of a client that wait for nothing any more."""
        waiting = self.pending.get(client, [])
        syncing = self.syncs.get(client, {})
        while waiting and waiting[0].kind not in WRITES and waiting[0].operation not in syncing:
            self.answer_read(waiting.pop(0))
        if not waiting:
            self.pending.pop(client, None)

    def answer_read(self, request: Request) -> None:
        """From this server's own copy, which may be old (ZI, consistency)."""
        options = request.options or {}
        if request.kind == "sync":
            self.answer(request, "ok", None)
        elif request.kind in ("watch", "get_watch") or options.get("watch"):
            self.answer_watch(request, self.set_watch(request, str(options.get("mode", DATA))))
        else:
            self.answer(request, *self.tree.read(request))

    def answer_watch(self, request: Request, watch: str) -> None:
        """The client learns what is watched, to take it to another server: no value does not mean no node."""
        outcome, result = self.tree.read(request)
        seen = self.state_zxid()
        message = WatchAnswer(request.operation, request.attempt, outcome, result, None, seen, watch)
        self.context.send(request.client, message, before_durable=True)  # (as in answer)

    def answer(self, request: Request, outcome: str, result: Any) -> None:
        # before_durable: what is delivered is on a quorum's disks.
        message = Answer(request.operation, request.attempt, outcome, result, None, self.state_zxid())
        self.context.send(request.client, message, before_durable=True)

    # -- sync() -------------------------------------------------------------------------------------------------

    def ask_leader(self, request: Request) -> None:
        """ZI: sync() goes to the leader and comes back behind all that the leader had committed. Not a quorum's word:
        a leader that is deposed and does not know it answers too (ZOOKEEPER-1675)."""
        self.syncs.setdefault(request.client, {})[request.operation] = request
        if self.role == LEADING:
            self.take_sync(self.id, request.client, request.operation)
        else:
            self.context.send(self.leader, SyncRequest(request.client, request.operation))

    def on_sync_request(self, sender: str, message: SyncRequest) -> None:
        if self.role == LEADING and self.serves:
            self.take_sync(sender, message.client, message.operation)

    def take_sync(self, server: str, client: str, operation: int) -> None:
        """It waits for the proposals that are under way."""
        if self.log.last > self.committed:
            self.syncs_later.append((self.log.last, server, client, operation))
        else:
            self.reply_sync(self.log.last, server, client, operation)

    def answer_syncs(self) -> None:
        later = self.syncs_later
        while later and later[0][0] <= self.committed:
            self.reply_sync(*later.pop(0))

    def reply_sync(self, index: int, server: str, client: str, operation: int) -> None:
        if server == self.id:
            self.synced(index, client, operation)
        else:
            self.context.send(server, SyncReply(client, operation, index), before_durable=True)

    def on_sync_reply(self, sender: str, message: SyncReply) -> None:
        if self.is_from_leader(sender):
            self.synced(message.index, message.client, message.operation)

    def synced(self, index: int, client: str, operation: int) -> None:
        """The sync is over when this server has delivered as much."""
        if index > self.delivered:
            self.syncs_at.append((index, client, operation))
            return
        if self.syncs.get(client, {}).pop(operation, None) is not None:
            self.answer_ready(client)

    def deliver_committed(self) -> None:
        before = self.delivered
        super().deliver_committed()
        if self.syncs_at and self.delivered > before:
            ready = [one for one in self.syncs_at if one[0] <= self.delivered]
            self.syncs_at = [one for one in self.syncs_at if one[0] > self.delivered]
            for one in ready:
                self.synced(*one)

    # -- watches (ZP, watches) ----------------------------------------------------------------------------------

    def set_watch(self, request: Request, mode: str) -> str:
        """One event and no more, unless it is a lasting one; returns what is watched."""
        path = path_of(request.key)
        absent = path not in self.tree.data
        if absent and request.kind not in ("watch", "exists"):
            return ""  # (only exists() leaves a watch on what is not there)
        if request.kind in ("ls", "children") and mode == DATA:
            mode = CHILD
        self.watches_of(mode).setdefault(path, {})[request.client] = mode
        return ABSENT if absent and mode == DATA else mode

    def watches_of(self, mode: str) -> dict[str, dict[str, str]]:
        if mode == CHILD:
            return self.child_watches
        return self.lasting_watches if mode in (LASTING, RECURSIVE) else self.data_watches

    def watch_again(self, client: str, path: str, mode: str, seen: int) -> None:
        """A client brought a watch from another server: it fires at once when it has missed something."""
        change = self.missed_change(path, mode, seen)
        if change:
            self.context.send(client, WatchEvent(path, change, self.state_zxid()), before_durable=True)
            if mode in (DATA, CHILD, ABSENT):
                return
        mode = DATA if mode == ABSENT else mode
        self.watches_of(mode).setdefault(path, {})[client] = mode

    def missed_change(self, path: str, mode: str, seen: int) -> str:
        """What a watch should have told since its client was last seen to; "" for nothing."""
        node = self.tree.data.get(path)
        if node is None:
            return "deleted" if mode in (DATA, CHILD) else ""
        if mode == CHILD:
            return "child" if node.relisted > seen else ""
        if mode == ABSENT and node.created > seen:
            return "created"
        return "changed" if node.modified > seen else ""

    def fire_watches(self, changes: list[tuple[str, str]], zxid: int) -> None:
        if not (self.data_watches or self.child_watches or self.lasting_watches):
            return
        for path, change in changes:
            told = self.data_watches.pop(path, {})
            if change == "deleted":
                told = {**told, **self.child_watches.pop(path, {})}
            for client in told:
                self.tell(client, path, change, zxid)
            self.fire_lasting(path, change, zxid, told)
            if change != "changed":
                for client in self.child_watches.pop(parent_of(path), {}):
                    self.tell(client, parent_of(path), "child", zxid)

    def fire_lasting(self, path: str, change: str, zxid: int, told: dict[str, str]) -> None:
        """Watches that stay: on the path itself, or recursive ones above it."""
        for watched, clients in self.lasting_watches.items():
            inside = watched == "/" or path.startswith(watched + "/")
            for client, mode in clients.items():
                if client in told:
                    continue
                if watched == path or (inside and mode == RECURSIVE):
                    self.tell(client, path, change, zxid)
                elif mode == LASTING and change != "changed" and watched == parent_of(path):
                    self.tell(client, watched, "child", zxid)

    def tell(self, client: str, path: str, change: str, zxid: int) -> None:
        if client in self.connections:
            self.context.note("zookeeper.watch_fired", client=client, path=path, change=change)
            # before_durable: what is delivered is on a quorum's disks.
            self.context.send(client, WatchEvent(path, change, zxid), before_durable=True)

    def delivered_as_leader(self, txn: Txn) -> None:
        """Sessions begin and end for the leader's clock, and for clients that are connected here."""
        command = txn.command
        if isinstance(command, CreateSession):
            if self.role == LEADING:
                self.owners.setdefault(txn.zxid, txn.server)
                self.touch(txn.zxid)
        elif isinstance(command, CloseSession):
            self.deadlines.pop(command.session, None)
            self.owners.pop(command.session, None)
            for client in [c for c, session in self.connections.items() if session == command.session]:
                self.drop_connection(client)
                self.disconnect(client, "session_over")
