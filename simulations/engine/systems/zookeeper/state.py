"""The state of one ZooKeeper server: persistent, volatile, of its election, as a learner, as a leader.

JRS: Junqueira, Reed, Serafini, "Zab: High-performance broadcast for primary-backup systems", DSN 2011.
ZI: ZooKeeper Internals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from simulations.engine.log import Log
from simulations.engine.process import Process, Request
from simulations.engine.systems.zookeeper.messages import Node, Notification, Txn, zxid_text
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.tree import Tree

LOOKING, FOLLOWING, LEADING, OBSERVING = "looking", "following", "leading", "observing"
ELECTION, DISCOVERY = "ELECTION", "DISCOVERY"
SYNCHRONIZATION, BROADCAST = "SYNCHRONIZATION", "BROADCAST"
SERVER, OBSERVER, JOINER = "server", "observer", "joiner"
DIFF, TRUNC, SNAP = "DIFF", "TRUNC", "SNAP"

Vote = tuple[str, int, int]
"""(who should lead, its current epoch, its last zxid)"""


@dataclass(slots=True)
class State(Process):
    """Indexes count the transactions of the whole history from 1; ``base`` is the last one before the epoch."""

    watched: ClassVar[tuple[str, ...]] = ("role", "zab_state", "epoch", "delivered", "log.version")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent: acceptedEpoch (JRS f.p), currentEpoch (f.a), the history, the configuration ---
    accepted_epoch: int = 0
    epoch: int = 0
    log: Log = field(default_factory=Log)
    voters: tuple[str, ...] = ()
    snapshot_zxid: int = 0

    # --- volatile ---
    role: str = LOOKING
    zab_state: str = ELECTION
    leader: str = ""
    delivered: int = 0
    tree: Tree = field(default_factory=Tree)
    next_voters: tuple[str, ...] = ()
    next_voters_at: int = 0
    tick_us: int = 0
    log_write: int = 0

    # --- election ---
    round: int = 0
    proposal: Vote = ("", -1, -1)
    votes: dict[str, Vote] = field(default_factory=dict)
    outside: dict[str, Notification] = field(default_factory=dict)
    answered: dict[str, bool] = field(default_factory=dict)
    notify_us: int = 0
    alone: bool = False
    bootstrapping: bool = False

    # --- learner ---
    sync_mode: str = ""
    base: int = 0
    committed: int = 0
    early: dict[int, Txn] = field(default_factory=dict)
    history_complete: bool = False
    waiting_base: int = -1
    connection: int = 0
    reports_left: int = 0
    stalled_at: int = -1
    touched: dict[int, bool] = field(default_factory=dict)

    # --- clients of this server ---
    connections: dict[str, int] = field(default_factory=dict)
    connecting: dict[str, float] = field(default_factory=dict)
    resuming: dict[str, tuple[int, int, tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    greeted: dict[str, int] = field(default_factory=dict)
    next_request: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, dict[int, Request]] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    pending: dict[str, list[Request]] = field(default_factory=dict)
    syncs: dict[str, dict[int, Request]] = field(default_factory=dict)
    syncs_at: list[tuple[int, str, int]] = field(default_factory=list)
    data_watches: dict[str, dict[str, str]] = field(default_factory=dict)
    child_watches: dict[str, dict[str, str]] = field(default_factory=dict)
    lasting_watches: dict[str, dict[str, str]] = field(default_factory=dict)

    # --- leader ---
    infos: dict[str, int] = field(default_factory=dict)
    learner_connections: dict[str, int] = field(default_factory=dict)
    epoch_acks: dict[str, int] = field(default_factory=dict)
    new_epoch: int = 0
    last_zxids: dict[str, int] = field(default_factory=dict)
    put_off: dict[str, int] = field(default_factory=dict)
    forwarding: dict[str, bool] = field(default_factory=dict)
    current: dict[str, bool] = field(default_factory=dict)
    acked: dict[str, int] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    undurable: list[tuple[int, int]] = field(default_factory=list)
    future: Tree = field(default_factory=Tree)
    owners: dict[int, str] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    deadlines: dict[int, int] = field(default_factory=dict)
    syncs_later: list[tuple[int, str, str, int]] = field(default_factory=list)
    half_ticks: int = 0
    tick_at: int = 0
    reap_at: int = 0

    # -- what is read often -------------------------------------------------------------------------------------

    @property
    def last_zxid(self) -> int:
        """The zxid of the last transaction in the history."""
        last = self.log.last
        return int(self.log[last].zxid) if last >= self.log.first else self.snapshot_zxid

    @property
    def is_voter(self) -> bool:
        return self.id in self.voters

    # -- for the page -------------------------------------------------------------------------------------------

    @property
    def zxid(self) -> str:
        return zxid_text(self.last_zxid)

    @property
    def has_vote(self) -> bool:
        """Whether it votes: by its configuration, or before its first start by its place in the experiment."""
        return self.is_voter if self.voters else self.kind in ("", SERVER)

    @property
    def election_votes(self) -> dict[str, Vote]:
        """The votes of the election that is under way."""
        return self.votes if self.role == LOOKING else {}

    @property
    def data(self) -> dict[str, Node]:
        return self.tree.data

    @property
    def state_hash(self) -> int:
        return self.tree.hash

    @property
    def sessions(self) -> dict[str, str]:
        """Session -> client."""
        return {zxid_text(id): session.client for id, session in self.tree.sessions.items()}

    @property
    def session_ends(self) -> dict[str, float]:
        """Session -> when it ends by the leader's clock unless it is heard of, in s."""
        return {zxid_text(id): until / 1_000_000 for id, until in self.deadlines.items()}

    @property
    def watches(self) -> int:
        """How many watches wait at this server."""
        kinds = (self.data_watches, self.child_watches, self.lasting_watches)
        return sum(len(clients) for kind in kinds for clients in kind.values())

    @property
    def survivor(self) -> str:
        """Whether this server belongs to a quorum that may decide: what the article's "survivor" can honestly mean."""
        if self.zab_state != BROADCAST or not self.is_voter:
            return ""
        return "licensed" if self.alone else "quorum"

    @property
    def in_flight(self) -> int:
        """Proposals that are not committed yet."""
        return self.log.last - self.committed if self.role == LEADING else 0

    @property
    def followers(self) -> dict[str, int]:
        """How far each learner has acknowledged."""
        return self.acked if self.role == LEADING else {}
