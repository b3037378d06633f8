"""Accepting writes: shipping them to the copies, answering clients, backing up, handing over."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.engine.process import Request, put
from simulations.engine.systems.disaster_recovery.copy import BATCH, Copy
from simulations.engine.systems.disaster_recovery.messages import (
    Ack,
    BackupDone,
    BackupPart,
    Entry,
    HandOver,
    Heads,
    Ship,
)
from simulations.engine.systems.disaster_recovery.parameters import Parameters

NAME = "disaster_recovery"
SECOND = 1_000_000
PRIMARY, ACTIVE, FOLLOWER, STANDBY, DELAYED, EMPTY = (
    "primary", "active", "follower", "standby", "delayed", "empty",
)  # fmt: skip
STARTING, RESTORING, VALIDATING, HANDING_OVER = "starting", "restoring", "validating", "handing_over"
SERVING = (PRIMARY, ACTIVE)
RESEND_US = 500_000
"""An entry that a copy still lacks after so long is sent again."""
BACKUP_PATIENCE_US = 5 * SECOND


@dataclass(slots=True)
class Leading(Copy):
    """``origin``: under what name it accepts writes in this epoch; ``acks``: copy -> how many of them it holds;
    ``known``: copy -> everything it holds; ``heard``: copy -> when it last said so; ``under_way``: copy -> the batch
    it is being sent (origin, last number, since); ``fenced``: the latest epoch in which another may lead; ``kept``:
    store -> what it holds."""

    parameters: Parameters = field(default_factory=Parameters)

    servers: tuple[str, ...] = ()
    recovery: tuple[str, ...] = ()
    vaults: tuple[str, ...] = ()

    # --- while it accepts writes ---
    origin: str = ""
    acks: dict[str, int] = field(default_factory=dict)
    known: dict[str, Heads] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    under_way: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    pending: dict[int, Request] = field(default_factory=dict)
    home_since: int = -1
    successor: str = ""
    stay_until: int = 0
    fenced: int = 0

    # --- backups ---
    backups: int = 0
    kept: dict[str, Heads] = field(default_factory=dict)

    # -- who is who -----------------------------------------------------------------------------------------------

    def set_role(self, role: str) -> None:
        """Change the role, and with it how much of the machine runs (what is paid for)."""
        self.role = role
        small = {"pilot_light": self.parameters.pilot_share, "warm_standby": self.parameters.warm_share}
        self.capacity = small.get(self.parameters.tier, 0.0) if role == STANDBY else 1.0

    def is_recovery(self) -> bool:
        return self.id in self.recovery

    def replicated_to_recovery(self) -> bool:
        return self.parameters.tier in ("pilot_light", "warm_standby", "active_active")

    def copies(self) -> tuple[str, ...]:
        """Who gets every write: the servers, the recovery sites of a replicating tier, the store's archive."""
        away = self.recovery if self.replicated_to_recovery() or self.is_recovery() else ()
        archive = self.vaults if self.parameters.point_in_time else ()
        return tuple(one for one in (*self.servers, *away, *archive) if one != self.id)

    def only_told(self) -> tuple[str, ...]:
        """Recovery sites that get signs of life, but no data."""
        if self.replicated_to_recovery() or self.is_recovery():
            return ()
        return tuple(one for one in self.recovery if one != self.id)

    def needed(self) -> int:
        """Copies a write needs before it is acknowledged: a majority of the servers of the home site; a recovery site
        and an active site answer alone."""
        if self.role == ACTIVE or self.id not in self.servers:
            return 1
        return len(self.servers) // 2 + 1

    # -- writing --------------------------------------------------------------------------------------------------

    def accept(self, request: Request, kind: str, key: str, value: object) -> None:
        """Append a write of a client and ship it; the answer follows when enough copies hold it."""
        entry = self.append_entry(kind, key, value, request.operation)
        number = entry.number
        self.pending[number] = request
        ship = Ship(self.epoch, self.origin, number, (entry,), self.base, True)
        for one in self.copies():
            if not self.in_batches(one):
                self.context.send(one, ship)
        self.answer_pending()

    def in_batches(self, one: str) -> bool:
        """A recovery region that only follows gets its writes together, with the next sign of life."""
        return one in self.recovery and self.role == PRIMARY

    def answer_pending(self) -> None:
        """Acknowledge what enough copies hold. The reply leaves when the own copy is durable."""
        if not self.pending:
            return
        others = sorted((self.acks.get(one, 0) for one in self.servers if one != self.id), reverse=True)
        needed = self.needed() - 1
        held = self.head(self.origin) if needed <= 0 else others[needed - 1]
        for number in [number for number in self.pending if number <= held]:
            self.context.reply(self.pending.pop(number), "ok")

    def stop_serving(self, role: str) -> None:
        """No more writes are accepted here; what was not acknowledged stays without an answer."""
        self.pending.clear()
        self.context.cancel_timer("backup")
        if role != HANDING_OVER:
            self.context.cancel_timer("beat")
        self.set_role(role)

    def lead(self, epoch: int, cause: str, base: Heads) -> None:
        """Accept writes from now on, in this epoch. ``base`` is what the copies may keep of earlier ones."""
        if epoch != self.epoch:
            self.claimed = 0
        self.write_epoch(epoch, base)
        self.origin = f"{self.id}#{epoch}"
        self.acks.clear()
        self.known.clear()
        self.heard.clear()
        self.under_way.clear()
        self.home_since = -1
        self.primary = self.id
        self.took_over = cause
        self.set_role(ACTIVE if self.parameters.tier == "active_active" else PRIMARY)
        self.context.note("disaster_recovery.leads", cause=cause, epoch=epoch, entries=self.log.last)
        self.context.cancel_timer("silence")
        self.context.set_timer("beat", 0)
        if self.backs_up():
            self.context.set_timer("backup", 0)

    def append_entry(self, kind: str, key: str, value: object, operation: int) -> Entry:
        """The next write of this origin, in the log and on the disk."""
        old = self.data.get(key)
        at_us = max(self.context.now, self.last_at + 1)
        seen = old.seen if old is not None else ()
        number = self.head(self.origin) + 1
        entry = Entry(self.origin, number, self.epoch, at_us, kind, key, value, seen, operation)
        self.add(entry)
        self.store((entry,))
        return entry

    # -- shipping -------------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """A sign of life to everybody; copies that lag get what they lack."""
        self.context.set_timer("beat", round(self.parameters.heartbeat_ms * 1000))
        empty = Ship(self.epoch, self.origin, self.head(self.origin) + 1, (), self.base, True)
        copies = self.copies()
        for one in (*copies, *self.only_told()):
            # (Nothing in it waits for the disk: a full disk queue must not look like a dead site.)
            self.context.send(one, empty, before_durable=True)
            if one in copies and self.in_batches(one) and one in self.known:
                self.ship_missing(one, self.known[one], self.batch_age_us(one))
        self.consider_failback()

    def batch_age_us(self, one: str) -> int:
        """How old the oldest write of a batch must be before it goes: a pilot light gets its log in larger pieces."""
        lit = self.parameters.tier == "pilot_light" and self.in_batches(one)
        return round(self.parameters.pilot_ship_s * 1_000_000) if lit else 0

    def ship_missing(self, to: str, heads: Heads, older_us: int = RESEND_US) -> None:
        """Send one batch of what a copy lacks and should have got by now; the next one when it has this one."""
        have, now = dict(heads), self.context.now
        under_way = self.under_way.get(to)
        if under_way is not None:
            origin, last, since = under_way
            if have.get(origin, 0) < last and now - since < RESEND_US:
                return
            del self.under_way[to]
        for origin in self.places:
            first = have.get(origin, 0) + 1
            if first > self.head(origin):
                continue
            entries = self.entries_of(origin, first, BATCH)
            if entries[0].at_us <= now - older_us:
                self.under_way[to] = (origin, entries[-1].number, now)
                self.context.send(to, Ship(self.epoch, origin, first, entries, self.base, True))
                return

    def on_ack(self, sender: str, message: Ack) -> None:
        if message.epoch > self.epoch and self.role in SERVING:
            self.step_down(message.epoch)
            return
        if message.epoch != self.epoch or self.role not in (*SERVING, HANDING_OVER):
            return
        self.heard[sender] = self.context.now
        self.known[sender] = message.heads
        held = dict(message.heads).get(self.origin, 0)
        if held > self.acks.get(sender, 0):
            self.acks[sender] = held
            self.answer_pending()
        hurry = self.role == HANDING_OVER and sender == self.successor
        if sender in self.copies():
            self.ship_missing(
                sender, message.heads, 0 if hurry else max(RESEND_US, self.batch_age_us(sender))
            )
        if hurry:
            self.hand_over()

    def step_down(self, epoch: int) -> None:
        """Fencing: somebody accepts writes in a later epoch, so this site must not."""
        self.context.note("disaster_recovery.fenced", epoch=epoch)
        self.fenced = max(self.fenced, epoch)
        self.stop_serving(STANDBY if self.is_recovery() else FOLLOWER)

    def epoch_of(self, one: str, after: int) -> int:
        """The next epoch in which a site may lead. Epochs belong to the sites in turn, as ballots do (Lamport, Paxos
        Made Simple, 2001), so that two that do not hear of each other never take the same; active sites share one."""
        if self.parameters.tier == "active_active":
            return after + 1
        sites = (*self.servers, *self.recovery)
        return after + 1 + (sites.index(one) - after - 1) % len(sites)

    # -- failback -------------------------------------------------------------------------------------------------

    def caught_up(self, one: str) -> bool:
        """Failback must lose nothing: who takes over holds every entry that is here."""
        have = dict(self.known.get(one, ()))
        return all(have.get(origin, 0) >= number for origin, number in self.heads())

    def nearly(self, one: str) -> bool:
        """It has all but what is on its way."""
        have = dict(self.known.get(one, ()))
        return sum(number - have.get(origin, 0) for origin, number in self.heads()) <= BATCH

    def returned(self) -> tuple[str, ...]:
        """Servers of the home site that answered lately and hold nearly everything."""
        since = self.context.now - 2 * round(self.parameters.heartbeat_ms * 1000) - SECOND
        return tuple(one for one in self.servers if self.heard.get(one, -1) >= since and self.nearly(one))

    def consider_failback(self) -> None:
        """A recovery site that serves gives the work back when enough of home has been there for a while."""
        if self.role == HANDING_OVER:
            self.hand_over()
        if self.role != PRIMARY or not self.is_recovery():
            return
        if len(self.returned()) < len(self.servers) // 2 + 1:
            self.home_since = -1
        elif self.home_since < 0:
            self.home_since = self.context.now
        elif self.parameters.failback == "automatic" and self.settled():
            self.begin_failback()

    def settled(self) -> bool:
        since = max(self.home_since, self.stay_until)
        return self.context.now - since >= self.parameters.settle_s * SECOND

    def begin_failback(self) -> None:
        """Give the work back to the first server that is there again."""
        if self.role == PRIMARY and self.is_recovery() and self.returned():
            self.context.note("disaster_recovery.failback", to=self.returned()[0])
            self.begin_handover(self.returned()[0])

    def begin_handover(self, successor: str) -> None:
        """Stop accepting writes, so that the successor can hold all of them. Who is told to lead may do so at any time
        from now on, so this site does not lead in its epoch again, not even after a restart."""
        self.successor, self.fenced = successor, self.epoch_of(successor, self.epoch)
        self.context.persist(put("leads", 0), put("fenced", self.fenced))
        self.stop_serving(HANDING_OVER)
        self.context.set_timer("silence", round(self.parameters.detect_s * SECOND))
        self.under_way.pop(successor, None)
        self.ship_missing(successor, self.known[successor], 0)
        self.hand_over()

    def hand_over(self) -> None:
        """The last step: who holds everything leads on."""
        if self.caught_up(self.successor):
            self.context.send(self.successor, HandOver(self.fenced, self.heads()))

    # -- backups --------------------------------------------------------------------------------------------------

    def backs_up(self) -> bool:
        """The backup job runs beside the primary; of several active sites the first one has it."""
        if not self.vaults or self.parameters.backup_job == "off" or self.parameters.point_in_time:
            return False
        return self.role == PRIMARY or (self.role == ACTIVE and self.id == (*self.servers, *self.recovery)[0])

    def back_up(self) -> None:
        """Send what was written since the last backup that the store reported kept."""
        self.context.set_timer("backup", round(self.parameters.backup_every_s * SECOND))
        self.backups += 1
        for vault in self.vaults:
            self.send_backup(vault)
        self.context.set_timer("backup unanswered", BACKUP_PATIENCE_US)

    def send_backup(self, vault: str) -> None:
        entries = self.beyond(self.kept.get(vault, ()))
        if self.parameters.broken_at(self.context.now):
            entries = ()  # The dump is empty, and nobody looks at it.
        parts = max(1, -(-len(entries) // BATCH))
        self.context.note("disaster_recovery.backs_up", number=self.backups, entries=len(entries))
        for part in range(parts):
            piece = entries[part * BATCH : (part + 1) * BATCH]
            self.context.send(vault, BackupPart(self.epoch, self.backups, part, parts, piece, self.heads()))

    def on_backup_done(self, sender: str, message: BackupDone) -> None:
        """The store says what became of a backup, and what it holds; one that could not be read back is taken again at
        once."""
        if message.number != self.backups:
            return
        self.context.cancel_timer("backup unanswered")
        self.kept[sender] = message.heads
        if message.good:
            self.claimed = max(self.claimed, sum(number for _, number in message.heads))
            self.context.note("disaster_recovery.backed_up", number=message.number, entries=self.claimed)
        elif self.backs_up():
            self.context.note("disaster_recovery.backup_bad", number=message.number)
            self.back_up()
