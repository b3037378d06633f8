"""What ZooKeeper servers say to each other, and what their logs hold.

A zxid is an epoch and a counter in one integer (``zxid_of``); where the epoch is known the counter alone is sent.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine import coordination
from simulations.engine.process import Message, Request

COUNTER_BITS = 32


def zxid_of(epoch: int, counter: int) -> int:
    return epoch << COUNTER_BITS | counter


def zxid_text(zxid: int) -> str:
    """A zxid as people read it: epoch.counter."""
    return f"{zxid >> COUNTER_BITS}.{zxid & (1 << COUNTER_BITS) - 1}"


class ZkMessage(Message, tag=lambda name: "zookeeper." + name):
    """Base of all messages of this system."""


# -- commands that no client asks for ---------------------------------------------------------------------------


class CreateSession(ZkMessage):
    """A client wants a session."""

    client: str
    timeout_ms: float


class CloseSession(ZkMessage):
    """A session ended; its ephemeral nodes go with it."""

    session: int


class Reap(ZkMessage):
    """A container without children, or a node whose time is over, is removed."""

    path: str


class Reconfigure(ZkMessage):
    """Another set of voters."""

    voters: tuple[str, ...]


Command = Request | CreateSession | CloseSession | Reap | Reconfigure


class Txn(ZkMessage):
    """A transaction: what a command became once the leader had looked at it. What makes it up is decided here, so that
    every server that applies it does the same.

    ``term`` and ``counter``: its zxid; ``path``: with the number of a sequential node; ``error``: it changes nothing;
    ``server``: where the client waits.
    """

    term: int
    counter: int
    command: Command
    path: str = ""
    error: str = ""
    server: str = ""
    at_us: int = 0

    @property
    def zxid(self) -> int:
        return self.term << COUNTER_BITS | self.counter


class Node(msgspec.Struct, frozen=True, array_like=True):
    """A znode. ``owner``: the session of an ephemeral node; ``creations``: children ever created in it;
    zxids of its creation, of the last change of its data and of its children."""

    data: Any = None
    version: int = 0
    kind: str = "persistent"
    owner: int = 0
    children: tuple[str, ...] = ()
    creations: int = 0
    created: int = 0
    modified: int = 0
    relisted: int = 0
    modified_us: int = 0
    ttl_ms: int = 0
    sequential: bool = False

    def view(self) -> dict[str, Any]:
        """A node as people read it: zxids as texts, and only what is worth a line."""
        found: dict[str, Any] = {"data": self.data, "kind": "" if self.kind == "persistent" else self.kind}
        found |= {"sequential": self.sequential, "ttl_ms": self.ttl_ms, "version": str(self.version)}
        found |= {"session": zxid_text(self.owner) if self.owner else "", "changed": zxid_text(self.modified)}
        return found


class Session(msgspec.Struct, frozen=True, array_like=True):
    """A session as all servers know it."""

    client: str
    timeout_ms: float


class Snapshot(ZkMessage):
    """The state after the transaction at ``index``; ``hash``: of the whole history up to it."""

    index: int
    zxid: int
    hash: int
    data: dict[str, Node]
    sessions: dict[int, Session]
    voters: tuple[str, ...]


# -- election (FastLeaderElection) ------------------------------------------------------------------------------


class Notification(ZkMessage):
    """A vote: who should lead, the last epoch and zxid of that server, in which round, and what its sender is doing."""

    leader: str
    epoch: int
    zxid: int
    round: int
    state: str


# -- discovery --------------------------------------------------------------------------------------------------


class FollowerInfo(ZkMessage):
    """A learner reports to the leader: the last epoch that it agreed to. ``connection`` names the connection that
    begins here; all messages of phases 1 and 2 carry it."""

    connection: int
    accepted_epoch: int


class LeaderInfo(ZkMessage):
    """NEWEPOCH: the epoch that the leader proposes."""

    connection: int
    epoch: int


class AckEpoch(ZkMessage):
    """The learner agrees; it tells its history. ``current_epoch``: -1 when it had agreed to that epoch before."""

    connection: int
    current_epoch: int
    zxid: int


# -- synchronization --------------------------------------------------------------------------------------------


class Diff(ZkMessage):
    """The transactions that the learner lacks."""

    connection: int
    epoch: int
    entries: tuple[Txn, ...]


class Trunc(ZkMessage):
    """Throw away what follows ``zxid`` (at ``index``), then take these transactions."""

    connection: int
    epoch: int
    index: int
    zxid: int
    entries: tuple[Txn, ...]


class Snap(ZkMessage):
    """A whole state, and the transactions after it."""

    connection: int
    epoch: int
    snapshot: Snapshot
    entries: tuple[Txn, ...]


class NewLeader(ZkMessage):
    """NEWLEADER: the history is complete; ``base``: how many transactions came before this epoch."""

    connection: int
    epoch: int
    base: int


class AckNewLeader(ZkMessage):
    """The learner holds the leader's history on its disk, up to ``counter`` of the epoch."""

    connection: int
    epoch: int
    counter: int


class UpToDate(ZkMessage):
    """A quorum follows: serve clients. ``index``: how many transactions are committed."""

    connection: int
    epoch: int
    index: int


# -- broadcast --------------------------------------------------------------------------------------------------


class Propose(ZkMessage):
    """The next transaction of the epoch."""

    epoch: int
    txn: Txn


class Ack(ZkMessage):
    """It is on my disk, and all before it."""

    epoch: int
    counter: int


class Commit(ZkMessage):
    """Everything up to this transaction is committed."""

    epoch: int
    counter: int


class Inform(ZkMessage):
    """For observers: a committed transaction."""

    epoch: int
    txn: Txn


class Ping(ZkMessage):
    """The leader is alive; ``proposed`` and ``committed``: how far it is."""

    epoch: int
    proposed: int
    committed: int


class PingReply(ZkMessage):
    """So is the learner; ``touched``: sessions of its clients that were heard of since."""

    epoch: int
    touched: tuple[int, ...]


class Missing(ZkMessage):
    """A packet never came: send again what follows ``counter``. (TCP would have sent it again by itself.)"""

    epoch: int
    counter: int


# -- requests that learners pass on -----------------------------------------------------------------------------


class Forward(ZkMessage):
    """A command of a client of mine. ``epoch``: the one in which it was passed on; a later one never takes it, as no
    connection outlives its leader."""

    epoch: int
    command: Command


class SyncRequest(ZkMessage):
    """A client of mine wants to be as new as the leader."""

    client: str
    operation: int


class SyncReply(ZkMessage):
    """The leader had committed this much when it saw the request."""

    client: str
    operation: int
    index: int


class Revalidate(ZkMessage):
    """A client moved its session to me: is it alive?"""

    client: str
    session: int


class Revalidated(ZkMessage):
    """Whether it is."""

    client: str
    session: int
    alive: bool


MESSAGES: tuple[type[Message], ...] = (
    Notification, FollowerInfo, LeaderInfo, AckEpoch, Diff, Trunc, Snap, NewLeader, AckNewLeader, UpToDate, Propose,
    Ack, Commit, Inform, Ping, PingReply, Missing, Forward, SyncRequest, SyncReply, Revalidate, Revalidated,
    *coordination.MESSAGES,
)  # fmt: skip
