"""A site's process: primary, follower, standby of a recovery region, or one of several active sites.

Tiers after "Disaster Recovery of Workloads on AWS: Recovery in the Cloud" (AWS whitepaper, 2021). A *server* belongs
to the home site, a *recovery_site* to the region that is to take over, a *backup_store* (vault.py) keeps backups. Who
leads does so in an epoch; a later epoch fences the earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulations.engine.process import DiskImage, Request, put
from simulations.engine.state_machine import KINDS, effect_of
from simulations.engine.systems.disaster_recovery.leading import (
    DELAYED,
    EMPTY,
    FOLLOWER,
    NAME,
    SECOND,
    SERVING,
    STANDBY,
)
from simulations.engine.systems.disaster_recovery.messages import (
    Ack,
    BackupDone,
    Entry,
    HandOver,
    RestorePart,
    Salvage,
    Salvaged,
    Ship,
)
from simulations.engine.systems.disaster_recovery.recovering import DISCARDING, GETTING_READY, Recovering

RESUME_AFTER_BEATS = 3
"""Signs of life that a restarted primary would have heard of a later epoch before it leads on."""
HANDLERS: dict[Any, str] = {
    Ship: "on_ship", Ack: "on_ack", HandOver: "on_hand_over", BackupDone: "on_backup_done",
    RestorePart: "on_restore_part", Salvage: "on_salvage", Salvaged: "on_salvaged",
}  # fmt: skip


@dataclass(slots=True)
class Site(Recovering):
    """One process of the home site or of a recovery region. ``late``: entries a delayed copy has not applied yet;
    ``handing_in``: the sign of life of a later epoch that it follows as soon as its own writes are salvaged."""

    late: list[Entry] = field(default_factory=list)
    handing_in: Ship | None = None

    # -- start ----------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.servers = self.directory.get(f"{NAME}/server", ())
        self.recovery = self.directory.get(f"{NAME}/recovery_site", ())
        self.vaults = self.directory.get(f"{NAME}/backup_store", ())
        self.set_role(self.resting_role())  # (Now: a delayed copy carries out late what it reads, too.)
        self.read_disk(disk)
        if not disk.cell("formatted", False):
            self.context.note("disaster_recovery.disk_lost")
            self.set_role(EMPTY)
            return
        self.fenced, self.discards = disk.cell("fenced", 0), disk.cell("discards", False)
        led = disk.cell("leads", None)
        first = disk.cell("leader", None)
        chosen = self.servers[:1] == (self.id,) if first is None else bool(first)
        if self.epoch == 0:
            self.begin_first_life(chosen)
        elif led == self.epoch:
            # It led when it stopped: somebody may lead in its place by now, so it listens first.
            beats = RESUME_AFTER_BEATS * self.parameters.heartbeat_ms
            self.context.set_timer("resume", round(beats * 1000))
        self.listen()

    def begin_first_life(self, chosen: bool) -> None:
        """Nothing has happened yet."""
        if self.role == DELAYED:
            self.write_epoch(1, ())
        elif chosen or (self.parameters.tier == "active_active"):
            self.lead(1, "start", ())
        else:
            self.write_epoch(1, ())

    def resting_role(self) -> str:
        if self.is_delayed():
            return DELAYED
        return STANDBY if self.is_recovery() else FOLLOWER

    def is_delayed(self) -> bool:
        """The last server lags on purpose, when the parameter says so."""
        return self.parameters.delayed_replica_s > 0 and self.id == self.servers[-1] and len(self.servers) > 1

    def lead(self, epoch: int, cause: str, base: Any) -> None:
        if cause != "restart":
            self.discards = cause in DISCARDING
        self.context.persist(put("leads", epoch), put("discards", self.discards))
        self.stop_getting_ready()
        self.catch_up()
        # (Not super(): a dataclass with slots is another class than the one its methods were written in.)
        Recovering.lead(self, epoch, cause, base)

    # -- messages -------------------------------------------------------------------------------------------------

    def on_message(self, sender: str, message: Any) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_ship(self, sender: str, message: Ship) -> None:
        """Entries, or a sign of life. An older epoch is told of the later one; a later one is followed."""
        if message.epoch < self.epoch:
            self.context.send(sender, Ack(self.epoch, ()))
            return
        if message.epoch > self.epoch or self.role == EMPTY:
            self.follow(sender, message)
        if self.role in GETTING_READY and self.getting_ready_for == "failover":
            self.false_alarm()
        self.primary = sender if self.role not in SERVING else self.id
        if self.role == STANDBY:
            self.listen()
        if self.epoch < message.epoch:
            return
        if message.entries and self.role not in GETTING_READY:
            self.take(message.entries)
        self.context.send(sender, Ack(self.epoch, self.heads()))

    def follow(self, sender: str, message: Ship) -> None:
        """A later epoch: accept no writes in the old one, and hand in what only this copy has before it is dropped."""
        was_empty = self.role == EMPTY
        self.fenced = max(self.fenced, message.epoch)
        self.stop_serving(self.resting_role())
        self.stop_getting_ready()
        self.context.cancel_timer("resume")
        alone = self.beyond(message.base)
        if was_empty or not alone or not self.parameters.salvage or self.parameters.tier == "active_active":
            self.adopt(message, was_empty)
            return
        if self.handing_in is None or not message.entries:  # (Again with every sign of life.)
            self.context.send(sender, Salvage(message.epoch, alone))
        self.handing_in = message

    def on_salvaged(self, sender: str, message: Salvaged) -> None:
        ship = self.handing_in
        if ship is not None and ship.epoch == message.epoch > self.epoch:
            self.adopt(ship)

    def adopt(self, message: Ship, was_empty: bool = False) -> None:
        """Keep what the later epoch keeps, and follow it."""
        self.context.note("disaster_recovery.follows", epoch=message.epoch)
        self.handing_in = None
        self.keep_base(message.base)
        self.write_epoch(message.epoch, message.base)
        if was_empty:
            self.context.persist(put("formatted", True))
        if self.parameters.tier == "active_active" and self.role != DELAYED:
            self.lead(message.epoch, "follows", message.base)

    # -- timers ---------------------------------------------------------------------------------------------------

    def on_timer(self, name: str) -> None:
        if name == "beat":
            self.beat()
        elif name == "silence":
            self.on_silence()
        elif name in ("backup", "backup unanswered"):
            if self.backs_up():
                self.back_up()
        elif name == "resume":
            if self.role in (FOLLOWER, STANDBY):
                self.lead(self.epoch, "restart", self.base)
        elif name == "started":
            self.serve("failover")
        elif name in ("provisioned", "part"):
            self.ask_for_parts()
        elif name == "validated":
            self.finish_restore()
        elif name == "apply":
            self.apply_late()

    # -- a copy that lags on purpose ------------------------------------------------------------------------------

    def apply(self, entry: Entry) -> None:
        """A delayed copy keeps entries in its log and carries them out later."""
        if self.role == DELAYED:
            self.late.append(entry)
            if len(self.late) == 1:
                self.context.set_timer("apply", round(self.parameters.delayed_replica_s * SECOND))
        else:
            Recovering.apply(self, entry)

    def load(self, entries: Iterable[Entry]) -> None:
        """Another content: what waited of the old one is part of it, or not wanted any more."""
        self.late = []
        Recovering.load(self, entries)
        self.apply_late()

    def catch_up(self) -> None:
        """Who leads does not lag."""
        for entry in self.late:
            Recovering.apply(self, entry)
        self.late = []

    def apply_late(self) -> None:
        """Carry out what is old enough by now."""
        due = self.context.now - round(self.parameters.delayed_replica_s * SECOND)
        while self.late and self.late[0].at_us <= due:
            Recovering.apply(self, self.late.pop(0))
        if self.late:
            self.context.set_timer("apply", max(1000, self.late[0].at_us - due))

    # -- clients --------------------------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        """Only who leads answers; others tell where it is, or are silent when they do not know: a site that is down
        answers nobody either."""
        if self.role not in SERVING:
            if self.primary not in ("", self.id):
                self.context.reply(request, "retry", None, self.primary)
            return
        if request.kind == "delete_all":
            self.accept(request, "delete_all", "", None)
        elif request.kind not in KINDS:
            self.context.reply(request, "fail")
        else:
            self.operate_on(request)

    def operate_on(self, request: Request) -> None:
        old = self.data.get(request.key)
        current = {} if old is None else {request.key: old.value}
        writes, value, result = effect_of(current, request)
        if not writes:
            self.context.reply(request, "ok" if result is not False else "fail", result)
        elif not any(one.operation == request.operation for one in self.pending.values()):
            self.accept(request, "put", request.key, value)
