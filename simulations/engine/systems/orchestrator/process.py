"""An orchestrator: it asks the replicas before it believes that a primary is dead, and decides through a Raft group.

orchestrator documentation, failure detection: a primary is dead when it does not answer *and* its replicas say that
they hear nothing either; if only the orchestrator cannot reach it, that is UnreachableMaster and nobody is promoted.
orchestrator/raft documentation: several run beside a Raft group, the one whose Raft server leads acts, and what it
decides is agreed on first.

It talks to Raft as any client does: its own Raft server, on the same node, answers a read only while it leads; a
decision is a compare-and-swap of the key ``topology`` ("epoch:primary"). Without a Raft group there is one
orchestrator, alone. Simplified: no recovery block period, no hooks, no pseudo-GTID.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.failover import Coordinator, Promote, Report
from simulations.engine.process import DiskImage, Reply, Request, put

DATABASES, STORE, KEY = "primary_replica", "raft", "topology"
STANDBY, ACTIVE, RECOVERING = "standby", "active", "recovering"
NO_PROBLEM, DEAD, UNREACHABLE = "NoProblem", "DeadMaster", "UnreachableMaster"
ALL_DEAD, NOT_REPLICATING = "DeadMasterAndReplicas", "AllMasterReplicasNotReplicating"
ACTS_FOR = 3
"""How many polls an answer of its own Raft server lets it act."""
LIFE = 1_000_000


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``detect_ms``: silence that counts; ``poll_ms``: how often all databases are asked. ValueError names the field
    that is out of range."""

    detect_ms: float = 3000
    poll_ms: float = 500

    def __post_init__(self) -> None:
        for name in ("detect_ms", "poll_ms"):
            if not 1 <= getattr(self, name) <= 600_000:
                raise ValueError(f"{name}: a number from 1 to 600000")


@dataclass(slots=True)
class Orchestrator(Coordinator):
    """One orchestrator. ``registered``: what the Raft group holds, "epoch:primary"; ``deciding``: what it asked the
    group to agree on; ``asked``: requests under way."""

    watched: ClassVar[tuple[str, ...]] = ("role", "epoch", "primary", "analysis")

    parameters: Parameters = field(default_factory=Parameters)
    role: str = STANDBY
    analysis: str = NO_PROBLEM
    store: str = ""
    life: int = 0
    registered: str = ""
    deciding: str = ""
    acts_until: int = 0
    asked: dict[int, str] = field(default_factory=dict)

    # -- rules ----------------------------------------------------------------------------------------------------

    def analyse(self) -> str:
        """Failure detection: the primary's silence counts only when its replicas do not hear it either."""
        primary = self.primary
        limit = self.us(self.parameters.detect_ms)
        reached = [
            one
            for one in self.databases
            if one != primary and one in self.reports and self.silent_us(one) < limit
        ]
        replicating = [
            one for one in reached if self.reports[one].linked and self.reports[one].source == primary
        ]
        if not primary:
            return NO_PROBLEM
        if self.silent_us(primary) < limit:
            return NOT_REPLICATING if reached and not replicating else NO_PROBLEM
        if not reached:
            return ALL_DEAD
        return self.judge_silence(bool(replicating))

    def judge_silence(self, replicas_hear_it: bool) -> str:
        """The primary is silent, but some replicas answer."""
        return UNREACHABLE if replicas_hear_it else DEAD

    def may_act(self) -> bool:
        """Alone, always; beside a Raft group, for a while after its own server answered as the leader."""
        return not self.store or self.context.now < self.acts_until

    # -- small steps ----------------------------------------------------------------------------------------------

    def us(self, milliseconds: float) -> int:
        return round(milliseconds * 1000)

    def note(self, id: str, **values: Any) -> None:
        self.context.note(f"orchestrator.{id}", **values)

    def registered_epoch(self) -> int:
        return int(self.registered.partition(":")[0] or 0)

    def registered_primary(self) -> str:
        return self.registered.partition(":")[2]

    def ask_store(self, kind: str, argument: Any = None) -> None:
        """A request to the own Raft server, as a client makes it. Numbers below 0 are no client's operations."""
        self.number += 1
        operation = -(self.life * LIFE + self.number)
        self.asked[operation] = kind
        self.context.send(self.store, Request(operation, 1, self.id, 0, 0, kind, KEY, argument))

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        beside = (
            *self.directory.get(f"{DATABASES}/fence", ()), *self.directory.get(f"{DATABASES}/shared_disk", ()),
        )  # fmt: skip
        self.databases = tuple(one for one in self.directory.get(DATABASES, ()) if one not in beside)
        node = self.id.partition("/")[0]
        servers = self.directory.get(STORE, ())
        self.store = next((one for one in servers if one.partition("/")[0] == node), next(iter(servers), ""))
        self.life = disk.cell("life", 0) + 1
        self.registered = disk.cell("registered", "")
        self.context.persist(put("life", self.life))
        self.on_timer("poll")

    def on_request(self, request: Request) -> None:
        """It holds no data."""
        self.context.reply(request, "fail")

    def on_timer(self, name: str) -> None:
        """Ask everybody, then judge what is known from the answers so far."""
        self.context.set_timer("poll", self.us(self.parameters.poll_ms))
        self.ask(self.databases)
        if self.store:
            self.asked, self.deciding = {}, ""
            self.ask_store("get")
        self.role = ACTIVE if self.may_act() else STANDBY
        found = self.analyse()
        if found != self.analysis:
            self.analysis = found
            self.note("analysis", analysis=found, primary=self.primary)
        if self.role == ACTIVE:
            self.act()

    def act(self) -> None:
        """See to it that the databases are as decided; decide anew when the primary is dead."""
        decided = self.registered_epoch()
        if self.epoch > decided:
            self.decide(f"{self.epoch}:{self.primary}")
        elif decided > self.epoch and self.silent_us(self.registered_primary()) < self.us(
            self.parameters.detect_ms
        ):
            self.carry_out()
        elif self.analysis == DEAD:
            self.recover()

    def recover(self) -> None:
        """The primary is dead: the replica whose log reaches furthest is to be the next."""
        candidates = self.candidates(self.us(self.parameters.detect_ms))
        if not candidates:
            self.note("nobody_to_promote", primary=self.primary)
            return
        epoch = max(self.epoch, self.registered_epoch()) + 1
        self.note("recovers", primary=self.primary, replica=candidates[0], epoch=epoch)
        self.decide(f"{epoch}:{candidates[0]}")

    def decide(self, topology: str) -> None:
        """Have the Raft group agree; alone, write it down."""
        if not self.store:
            self.context.persist(put("registered", topology))
            self.agreed(topology)
        elif not self.deciding:
            self.deciding = topology
            self.ask_store("cas", (self.registered or None, topology))

    def agreed(self, topology: str) -> None:
        self.registered, self.deciding = topology, ""
        self.note("agreed", primary=self.registered_primary(), epoch=self.registered_epoch())
        if self.registered_epoch() > self.epoch:
            self.carry_out()

    def carry_out(self) -> None:
        """Tell the replica that was decided on; again at every poll until it reports as the primary."""
        self.role = RECOVERING
        self.context.send(self.registered_primary(), Promote(self.registered_epoch()))

    def on_message(self, sender: str, message: Any) -> None:
        if isinstance(message, Report):
            self.on_report(sender, message)
        elif isinstance(message, Reply):
            self.on_reply(message)

    def on_report(self, sender: str, report: Report) -> None:
        known = self.epoch
        self.remember(sender, report)
        if self.epoch > known and self.may_act():
            self.note("new_primary", primary=self.primary, epoch=self.epoch)
            for database in self.databases:
                if database in self.reports:
                    self.put_right(database, self.reports[database])
        elif self.may_act():
            self.put_right(sender, report)

    def on_reply(self, reply: Reply) -> None:
        """The Raft group's answer."""
        kind = self.asked.pop(reply.operation, "")
        if not kind or reply.outcome != "ok":
            return
        self.acts_until = self.context.now + self.us(self.parameters.poll_ms) * ACTS_FOR
        if kind == "get":
            self.registered = reply.result or ""
        elif reply.result and self.deciding:
            self.agreed(self.deciding)
