"""What a database of primary-replica holds, and the small steps that all its rules share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulations.engine import state_machine
from simulations.engine.failover import REPLICA
from simulations.engine.log import Log
from simulations.engine.process import Process, Request, append, put
from simulations.engine.sessions import Sessions
from simulations.engine.systems.primary_replica.messages import Entry
from simulations.engine.systems.primary_replica.parameters import Parameters

NAME = "primary_replica"


@dataclass(slots=True)
class Member(Process):
    """What the page shows of any process of this system: databases and the devices beside them.

    ``accepted``: writes it acknowledged; ``promoted_by``: who made it primary last (operator, itself, or an
    address); ``acked``: up to where replicas have its log; ``waiting``: position (or number) -> (since, request).
    """

    watched: ClassVar[tuple[str, ...]] = ("role", "epoch", "log.version", "state_hash", "accepted", "linked")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    epoch: int = 0
    log: Log = field(default_factory=Log)

    # --- volatile ---
    role: str = REPLICA
    source: str = ""
    linked: bool = False
    state_hash: Any = 0
    promoted_by: str = ""
    accepted: int = 0
    failbacks_refused: int = 0

    # --- primary only ---
    acked: dict[str, int] = field(default_factory=dict)
    waiting: dict[int, tuple[int, Request]] = field(default_factory=dict)
    degraded: bool = False
    fenced: str = ""


@dataclass(slots=True)
class State(Member):
    """One database. ``others``: the databases beside it; ``parked``: reads that wait for a position; ``sent``: up to
    where the log went to each replica; ``due``: (slice, position) of what the replication lag holds back; ``ready``: up
    to where it does not; ``taking``: it reads the shared disk before it becomes active."""

    # --- volatile ---
    others: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    sessions: Sessions = field(default_factory=Sessions)
    parked: dict[int, tuple[int, Request]] = field(default_factory=dict)

    # --- primary only ---
    sent: dict[str, int] = field(default_factory=dict)
    acked_us: dict[str, int] = field(default_factory=dict)
    back: dict[str, int] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    due: list[tuple[int, int]] = field(default_factory=list)
    slice: int = 0
    ready: int = 0

    # --- a pair on a shared disk only ---
    disks: tuple[str, ...] = ()
    shares_disk: bool = False
    fences: tuple[str, ...] = ()
    taking: bool = False
    unwritten: dict[int, Entry] = field(default_factory=dict)

    @property
    def log_epoch(self) -> int:
        """The epoch in which the last entry was written."""
        return int(self.log[self.log.last].epoch) if self.log.last else 0

    def us(self, milliseconds: float) -> int:
        return round(milliseconds * 1000)

    def note(self, id: str, **values: Any) -> None:
        self.context.note(f"{NAME}.{id}", **values)

    def adopt(self, role: str, epoch: int) -> None:
        """Change role or epoch, on disk before anything else is told."""
        if (role, epoch) != (self.role, self.epoch):
            self.role, self.epoch = role, epoch
            self.context.persist(put("role", role), put("epoch", epoch))

    def record(self, entry: Entry) -> None:
        """Write an entry to the end of the log, and apply it."""
        self.log.append(entry)
        self.context.persist(append("log", (entry,)))
        self.apply(entry)

    def apply(self, entry: Entry) -> None:
        if not entry.operation:
            return
        self.state_hash = state_machine.write(self.data, self.marks, entry.key, entry.value, self.state_hash)
        if entry.session:
            self.sessions.remember(entry, entry.result)

    def rebuild(self) -> None:
        """The data from the log, after its end was cut off or the process began a new life."""
        self.data, self.marks, self.state_hash = {}, {}, 0
        self.sessions = Sessions()
        for entry in self.log:
            self.apply(entry)

    def redirect(self, request: Request) -> None:
        """Not executed here: ask the primary, as far as it is known."""
        hint = self.source if self.source and self.source != self.id else None
        self.context.reply(request, "retry", None, hint)
