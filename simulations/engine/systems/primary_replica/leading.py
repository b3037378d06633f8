"""The primary: takes writes, ships its log, and answers when enough replicas have them.

Asynchronous: at once. Semi-synchronous: when ``semi_sync_acks`` replicas have the write on disk, until a timeout after
which it goes on asynchronously (MySQL manual, semisynchronous replication). Synchronous: when all have it.
"""

from __future__ import annotations

from simulations.engine import state_machine
from simulations.engine.failover import PRIMARY, REPLICA
from simulations.engine.process import Request
from simulations.engine.systems.primary_replica.messages import Entries, Entry, Received, Refused
from simulations.engine.systems.primary_replica.parameters import NONE, SEMI_SYNC, SYNC
from simulations.engine.systems.primary_replica.state import State

SLICE_US = 5000
SLICES = (2, 20)
"""The replication lag is counted in this many slices, of 5 ms or more: entries of one slice leave together.
(By timers, not by the clock: that may jump.)"""


class Leading(State):
    """Rules of the primary."""

    __slots__ = ()

    # -- the role -------------------------------------------------------------------------------------------------

    def lead(self, epoch: int, by: str) -> None:
        """Be the primary of this epoch. The log tells where it begins, so that tails of older ones conflict with it."""
        self.note("leads", epoch=epoch, by=by, position=self.log.last)
        self.promoted_by, self.source, self.linked = by, "", False
        self.adopt(PRIMARY, epoch)
        self.waiting, self.open, self.due, self.degraded = {}, {}, [], False
        self.sent = dict.fromkeys(self.others, self.log.last)
        self.acked = dict.fromkeys(self.others, 0)
        self.acked_us = dict.fromkeys(self.others, self.context.now)
        self.back = dict.fromkeys(self.others, 0)
        if self.log_epoch != epoch:
            self.record(Entry(epoch, 0))
        self.ready = self.log.last
        self.context.cancel_timer("link")
        self.context.cancel_timer("return")
        self.on_heartbeat()

    def step_down(self, epoch: int, source: str) -> None:
        """Another leads: writes that wait for replicas stay unanswered, since nobody knows what becomes of them."""
        self.note("steps_down", epoch=epoch, mine=self.epoch)
        self.adopt(REPLICA, epoch)
        self.source, self.waiting, self.open, self.due = source, {}, {}, []
        self.acked, self.degraded = {}, False
        for timer in ("heartbeat", "ship", "semi_sync"):
            self.context.cancel_timer(timer)

    def outranked(self, epoch: int) -> None:
        """Fencing by epoch: who learns of a higher one leads no longer."""
        if self.parameters.fencing == NONE:
            self.note("ignores_epoch", epoch=epoch, mine=self.epoch)
        else:
            self.step_down(epoch, "")

    # -- writes ---------------------------------------------------------------------------------------------------

    def write(self, request: Request) -> None:
        """Take a write, or refuse it."""
        if not self.enough_replicas():
            self.note("too_few_replicas", needed=self.parameters.min_replicas_to_write)
            self.context.reply(request, "fail")
            return
        position = self.open.get(request.operation)
        known = self.sessions.seen(request) if request.session else None
        if position is not None:
            self.waiting[position] = (self.waiting[position][0], request)
        elif known is not None:
            # Written before, by another primary perhaps: it counts when enough replicas have it.
            settled = self.safe_position() >= self.log.last
            self.context.reply(request, "ok" if settled else "retry", known[0] if settled else None)
        else:
            self.execute(request)

    def execute(self, request: Request) -> None:
        writes, value, result = state_machine.effect_of(self.data, request)
        if not writes:
            self.context.reply(request, "ok", result)
            return
        position = self.log.last + 1
        result = position if result is None else result
        self.record(
            Entry(
                self.epoch, request.operation, request.session, request.sequence, request.key, value, result
            )
        )
        if self.copies_needed():
            self.await_copies(position, request)
        else:
            self.accepted += 1
            self.context.reply(request, "ok", result)
        self.offer(position)

    def enough_replicas(self) -> bool:
        """min-replicas-to-write and min-replicas-max-lag: a primary that nobody follows promises nothing."""
        needed = self.parameters.min_replicas_to_write
        if not needed:
            return True
        since = self.context.now - self.us(self.parameters.min_replicas_max_lag_s * 1000)
        return sum(at >= since for at in self.acked_us.values()) >= needed

    def copies_needed(self) -> int:
        """How many replicas must have a write before it is acknowledged."""
        mode = self.parameters.mode
        if mode == SEMI_SYNC:
            return 0 if self.degraded else self.parameters.semi_sync_acks
        return len(self.others) if mode == SYNC else 0

    def await_copies(self, position: int, request: Request) -> None:
        if not self.waiting and self.parameters.mode == SEMI_SYNC:
            self.context.set_timer("semi_sync", self.us(self.parameters.semi_sync_timeout_ms))
        self.waiting[position] = (self.context.now, request)
        self.open[request.operation] = position

    def safe_position(self) -> int:
        """Up to where enough replicas have the log."""
        needed = self.copies_needed()
        if not needed:
            return self.log.last
        reached = sorted(self.acked.values(), reverse=True)
        return reached[needed - 1] if needed <= len(reached) else 0

    def settle(self) -> None:
        """Answer the writes that enough replicas have by now."""
        if not self.waiting:
            return
        limit = self.safe_position()
        for position in [position for position in self.waiting if position <= limit]:
            request = self.waiting.pop(position)[1]
            del self.open[request.operation]
            self.accepted += 1
            self.context.reply(request, "ok", self.log[position].result)
        if not self.waiting:
            self.context.cancel_timer("semi_sync")
        elif self.parameters.mode == SEMI_SYNC:
            since = next(iter(self.waiting.values()))[0]
            timeout = self.us(self.parameters.semi_sync_timeout_ms)
            left = since + timeout - self.context.now
            self.context.set_timer("semi_sync", min(timeout, max(0, left)))

    def fall_back(self) -> None:
        """No replica answered in time: go on without them. Nobody is told; that is the trap."""
        self.note("falls_back", waiting=len(self.waiting))
        self.degraded = True
        self.settle()

    def recover_semi_sync(self) -> None:
        """Enough replicas caught up: wait for them again."""
        caught_up = sum(position >= self.log.last for position in self.acked.values())
        if caught_up >= self.parameters.semi_sync_acks:
            self.note("semi_sync_again", replicas=caught_up)
            self.degraded = False

    # -- shipping the log -----------------------------------------------------------------------------------------

    def offer(self, position: int) -> None:
        """A new entry: ship it now, or when the replication lag has passed."""
        lag = self.us(self.parameters.replication_lag_ms)
        if not lag:
            self.ready = position
            for peer in self.others:
                self.ship(peer)
            return
        slices = self.lag_slices(lag)
        if not self.due:
            self.context.set_timer("ship", lag // slices)
        self.due.append((self.slice + slices, position))

    def lag_slices(self, lag_us: int) -> int:
        low, high = SLICES
        return max(low, min(high, lag_us // SLICE_US))

    def on_ship(self) -> None:
        """A slice of the lag has passed: ship the entries that waited for all of it."""
        self.slice += 1
        due = [position for at, position in self.due if at <= self.slice]
        self.due = self.due[len(due) :]
        if self.due:
            lag = self.us(self.parameters.replication_lag_ms)
            self.context.set_timer("ship", lag // self.lag_slices(lag))
        if due:
            self.ready = due[-1]
            for peer in self.others:
                self.ship(peer)

    def ship(self, peer: str, heartbeat: bool = False) -> None:
        """Send what the replica lacks, at most a window beyond what it has confirmed."""
        sent = self.sent[peer]
        limit = min(self.ready, self.acked[peer] + self.parameters.window)
        entries = self.log.slice(sent + 1, limit + 1) if sent < limit else ()
        if entries or heartbeat:
            self.sent[peer] = sent + len(entries)
            self.context.send(peer, Entries(self.epoch, sent, self.log.hash_at(sent), entries))

    def on_heartbeat(self) -> None:
        for peer in self.others:
            self.ship(peer, heartbeat=True)
        self.context.set_timer("heartbeat", self.us(self.parameters.heartbeat_ms))

    def on_received(self, sender: str, message: Received) -> None:
        if self.role != PRIMARY or message.epoch != self.epoch:
            return
        self.acked_us[sender] = self.context.now
        self.back[sender] = 0
        position = message.position
        self.sent[sender] = max(self.sent[sender], position)
        if position > self.acked[sender]:
            self.acked[sender] = position
            self.settle()
            if self.degraded:
                self.recover_semi_sync()
        self.ship(sender)

    def on_refused(self, sender: str, message: Refused) -> None:
        """The replica lacks what comes before, or differs: go back, by steps that double, until both agree."""
        if self.role != PRIMARY:
            return
        if message.epoch > self.epoch:
            self.outranked(message.epoch)
            return
        if message.last < message.prev:
            self.sent[sender] = message.last
        else:
            self.back[sender] = max(1, self.back[sender] * 2)
            self.sent[sender] = max(0, message.prev - self.back[sender])
        self.acked[sender] = min(self.acked[sender], self.sent[sender])
        self.ship(sender, heartbeat=True)
