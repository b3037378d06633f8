"""What coordinators and the databases they watch say to each other. It knows no system on either side.

A coordinator asks (Ping, answered by a Report), makes one replica the primary (Promote), points the others at it
(ReplicateFrom, which also takes the role from an old primary), and may have a machine switched off (FenceOrder, carried
out by a fence device with PowerOff). Redis Sentinel: PING, INFO, REPLICAOF; MHA and orchestrator: the same by SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.engine.process import Message, MessageSpec, Process, Text

PRIMARY, REPLICA, RETURNING, DIVERGED, OFF = "primary", "replica", "returning", "diverged", "off"
"""Roles that a report may name."""


class FailoverMessage(Message, tag=lambda name: "failover." + name, gc=False):
    """Base of these messages."""


class Ping(FailoverMessage, gc=False):
    """Are you there? ``number`` comes back in the report."""

    number: int


class Report(FailoverMessage, gc=False):
    """The state of a database. ``position``: the end of its log, ``log_epoch``: the epoch in which that entry was
    written; ``source``: whom it replicates from; ``linked``: it hears that source."""

    number: int
    role: str
    epoch: int
    position: int
    log_epoch: int
    source: str
    linked: bool


class Promote(FailoverMessage, gc=False):
    """Be the primary of this epoch."""

    epoch: int


class ReplicateFrom(FailoverMessage, gc=False):
    """In this epoch somebody else is the primary: follow it."""

    epoch: int
    primary: str


class FenceOrder(FailoverMessage, gc=False):
    """To a fence device: switch this one off."""

    target: str


class FenceDone(FailoverMessage, gc=False):
    """The fence device saw it off."""

    target: str


class PowerOff(FailoverMessage, gc=False):
    """The power is cut; ``orderer`` asked for it."""

    orderer: str


class PoweredOff(FailoverMessage, gc=False):
    """It is off."""

    orderer: str


MESSAGES = (Ping, Report, Promote, ReplicateFrom)
FENCE_MESSAGES = (FenceOrder, FenceDone, PowerOff, PoweredOff)

SPECS = (
    MessageSpec("Ping", "request", Text("are you there?", "在吗？"), ("number",)),
    MessageSpec(
        "Report", "reply", Text("state report", "状态报告"),
        ("number", "role", "epoch", "position", "log_epoch", "source", "linked"), "linked",
    ),
    MessageSpec("Promote", "request", Text("be the primary", "升为主节点"), ("epoch",)),
    MessageSpec("ReplicateFrom", "request", Text("replicate from", "改从此节点复制"), ("epoch", "primary")),
)  # fmt: skip
"""For the descriptors of both sides."""

FENCE_SPECS = (
    MessageSpec("FenceOrder", "request", Text("switch it off", "切断其电源"), ("target",)),
    MessageSpec("FenceDone", "reply", Text("it is off", "已断电"), ("target",)),
    MessageSpec("PowerOff", "request", Text("power off", "断电"), ("orderer",)),
    MessageSpec("PoweredOff", "reply", Text("is off", "已关机"), ("orderer",)),
)


@dataclass(slots=True)
class Coordinator(Process):
    """What every coordinator does: ask the databases, remember their reports, point those who stray at the primary.

    ``databases``: whom it watches; ``reports``, ``heard_us``: the last report of each and when it came, by the own
    clock; ``primary``, ``epoch``: whom it holds for the primary, and since which epoch.
    """

    databases: tuple[str, ...] = ()
    reports: dict[str, Report] = field(default_factory=dict)
    heard_us: dict[str, int] = field(default_factory=dict)
    number: int = 0
    primary: str = ""
    epoch: int = 0

    def ask(self, databases: tuple[str, ...]) -> None:
        """Send a Ping to these."""
        self.number += 1
        for database in databases:
            # (A question promises nothing that a crash could break.)
            self.context.send(database, Ping(self.number), before_durable=True)

    def remember(self, sender: str, report: Report) -> None:
        """Keep a report; a primary of a higher epoch than known is the primary, whoever made it that."""
        self.reports[sender] = report
        self.heard_us[sender] = self.context.now
        if report.role == PRIMARY and report.epoch > self.epoch:
            self.primary, self.epoch = sender, report.epoch

    def silent_us(self, database: str) -> int:
        """How long nothing was heard from it: since its last report, or since the clock's zero."""
        return self.context.now - self.heard_us.get(database, 0)

    def candidates(self, within_us: int) -> list[str]:
        """Replicas that reported lately, the one whose log reaches furthest first; ties as in the topology."""
        able = [
            database
            for database in self.databases
            if database != self.primary
            and database in self.reports
            and self.silent_us(database) <= within_us
            and self.reports[database].role in (REPLICA, RETURNING)
        ]
        return sorted(able, key=self.rank)

    def rank(self, database: str) -> tuple[int, int]:
        """Smaller is better: the newest epoch of the last entry, then the longest log."""
        report = self.reports[database]
        return (-report.log_epoch, -report.position)

    def put_right(self, sender: str, report: Report) -> None:
        """A database that leads in an old epoch, or follows somebody else, is pointed at the primary."""
        if sender == self.primary or not self.primary or report.role == OFF:
            return
        strays = report.role == PRIMARY or report.source != self.primary
        if strays and report.epoch <= self.epoch:
            self.context.send(sender, ReplicateFrom(self.epoch, self.primary))
