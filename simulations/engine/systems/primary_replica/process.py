"""Primary-replica (master-slave): one database. Read it beside the MySQL and Redis manuals on replication.

Order of reading: messages.py, state.py, then the rules - leading.py (the primary), following.py (the replica), pair.py
(two nodes on a shared disk), devices.py -, then here: starting, coming back, and who is told to lead by whom.

Simplified: the log is never compacted, so a replica that is far behind gets the log and no snapshot; writes are shipped
as their effects (row-based). A replica never leads by itself: an operator or a coordinator says so.
"""

from __future__ import annotations

from typing import Any

from simulations.engine.failover import (
    DIVERGED,
    OFF,
    PRIMARY,
    REPLICA,
    RETURNING,
    FenceDone,
    Ping,
    PowerOff,
    Promote,
    ReplicateFrom,
    Report,
)
from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.primary_replica.messages import (
    Beat,
    DiskContent,
    Entries,
    Received,
    Refused,
    Written,
)
from simulations.engine.systems.primary_replica.pair import Pair
from simulations.engine.systems.primary_replica.parameters import NONE, REFUSE, SHARED_DISK
from simulations.engine.systems.primary_replica.state import NAME

HANDLERS: dict[Any, str] = {
    Entries: "on_entries", Received: "on_received", Refused: "on_refused", Ping: "on_ping", Report: "on_report",
    Promote: "on_promote", ReplicateFrom: "on_replicate_from", Beat: "on_beat", DiskContent: "on_disk_content",
    Written: "on_written", FenceDone: "on_fence_done", PowerOff: "on_power_off",
}  # fmt: skip
TIMERS = {
    "heartbeat": "on_heartbeat", "link": "on_link_timeout", "ship": "on_ship", "semi_sync": "fall_back",
    "return": "on_return_timeout", "beat": "on_beat_timer", "partner": "on_partner_timeout", "shoot": "shoot",
    "fence": "on_fence_timeout",
}  # fmt: skip


class PrimaryReplica(Pair):
    """One database."""

    __slots__ = ()

    # -- starting and coming back -----------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        known = self.directory.get(NAME) or tuple(sorted((self.id, *self.peers)))
        self.disks = self.directory.get(f"{NAME}/shared_disk", ())
        self.fences = self.directory.get(f"{NAME}/fence", ())
        members = [one for one in known if one not in (*self.disks, *self.fences)]
        self.others = tuple(one for one in members if one != self.id)
        self.epoch, self.log = disk.cell("epoch", 0), disk.log("log")
        self.rebuild()
        self.shares_disk = self.parameters.mode == SHARED_DISK
        if self.shares_disk:
            self.start_pair(disk)
            return
        first = disk.cell("start_as")
        if first:
            # The experiment's choice, for the first life only.
            self.context.persist(put("start_as", ""))
        designated = (*self.directory.get(f"{NAME}/primary", ()), *members)[0]
        role = disk.cell("role", PRIMARY if not first and designated == self.id else REPLICA)
        if first == PRIMARY or (role == PRIMARY and self.epoch and self.parameters.fencing == NONE):
            self.lead(max(1, self.epoch), "itself")
        elif role == PRIMARY:
            self.come_back()
        else:
            self.role = DIVERGED if role == DIVERGED else REPLICA
            self.context.set_timer("link", self.us(self.parameters.detect_ms))

    def come_back(self) -> None:
        """It was the primary: before it leads again it asks whether somebody else does by now."""
        self.role = RETURNING
        self.note("comes_back", epoch=self.epoch)
        for peer in self.others:
            self.context.send(peer, Ping(self.epoch))
        self.context.set_timer("return", self.us(self.parameters.detect_ms))

    def on_report(self, sender: str, report: Report) -> None:
        """An answer to who comes back: with a higher epoch, or a log that goes further, it may not lead."""
        if self.role != RETURNING:
            return
        if report.epoch > self.epoch or (report.log_epoch, report.position) > (self.log_epoch, self.log.last):
            self.note("may_not_return", peer=sender, epoch=report.epoch, position=report.position)
            primary = sender if report.role == PRIMARY else report.source
            self.source = "" if primary == self.id else primary
            self.adopt(REPLICA, max(self.epoch, report.epoch))
            self.context.cancel_timer("return")
        elif report.role == PRIMARY:
            self.follow(report.epoch, sender)

    def on_return_timeout(self) -> None:
        if self.role == RETURNING:
            self.lead(max(1, self.epoch), "itself")

    def on_parameters(self) -> None:
        """Another mode, perhaps: writes that wait may be answered now."""
        if self.role == PRIMARY and not self.shares_disk:
            self.settle()

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_message(self, sender: str, message: Any) -> None:
        if self.role != OFF or isinstance(message, PowerOff):
            getattr(self, HANDLERS[type(message)])(sender, message)

    def on_timer(self, name: str) -> None:
        getattr(self, TIMERS[name])()

    def on_request(self, request: Request) -> None:
        if self.role == OFF:
            return
        if self.role != PRIMARY:
            if request.kind == "get" and not self.shares_disk:
                self.read_here(request)
            else:
                self.redirect(request)
        elif request.kind == "get":
            self.context.reply(request, "ok", self.data.get(request.key))
        elif self.shares_disk:
            self.write_through(request)
        else:
            self.write(request)

    # -- who leads --------------------------------------------------------------------------------------------------

    def on_ping(self, sender: str, message: Ping) -> None:
        report = Report(
            message.number, self.role, self.epoch, self.log.last, self.log_epoch, self.source, self.linked
        )
        self.context.send(sender, report)

    def may_lead(self) -> bool:
        """A database with writes that the primary lacks leads only when they may be thrown away."""
        if self.role != DIVERGED or self.parameters.automatic_failback != REFUSE:
            return True
        self.failbacks_refused += 1
        self.note("failback_refused", position=self.log.last)
        return False

    def on_promote(self, sender: str, message: Promote) -> None:
        """A coordinator's order, of the epoch it won; an older one is void."""
        if message.epoch > self.epoch and self.may_lead():
            self.lead(message.epoch, sender)
        self.on_ping(sender, Ping(0))

    def on_replicate_from(self, sender: str, message: ReplicateFrom) -> None:
        """A coordinator's order: follow, and lead no longer."""
        if message.epoch < self.epoch or message.primary == self.id:
            return
        if self.source != message.primary or message.epoch > self.epoch or self.role == PRIMARY:
            self.follow(message.epoch, message.primary)

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """promote: a person makes this database the primary, whatever the others say."""
        if action != "promote" or self.role in (PRIMARY, OFF):
            return
        if self.shares_disk:
            self.take_over("operator")
        elif self.may_lead():
            self.lead(self.epoch + 1, "operator")
