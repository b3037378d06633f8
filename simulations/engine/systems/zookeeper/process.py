"""ZooKeeper: one server. Read it beside the paper and ZooKeeper's internals.

JRS: Junqueira, Reed, Serafini, "Zab: High-performance broadcast for primary-backup systems", DSN 2011.
ZI, ZP: the ZooKeeper documentation, "ZooKeeper Internals" and "ZooKeeper Programmer's Guide".

Links stand for TCP connections: ``ordered: true`` keeps packets in order as those do. What gets lost or overtakes on
other links is found by the gap in the counters and sent again.

Order of reading: messages.py, tree.py, state.py, then the rules - election.py (who leads), learner.py and leader.py
(discovery, synchronization, broadcast on either side), serving.py (clients) -, then the handlers here; client.py and
recipes.py are the client library.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.coordination import Connect, SessionPing
from simulations.engine.process import DiskImage, put
from simulations.engine.systems.zookeeper.messages import (
    Ack,
    AckEpoch,
    AckNewLeader,
    Commit,
    Diff,
    FollowerInfo,
    Forward,
    Inform,
    LeaderInfo,
    Missing,
    NewLeader,
    Notification,
    Ping,
    PingReply,
    Propose,
    Revalidate,
    Revalidated,
    Snap,
    Snapshot,
    SyncReply,
    SyncRequest,
    Trunc,
    UpToDate,
)
from simulations.engine.systems.zookeeper.serving import Serving
from simulations.engine.systems.zookeeper.state import LEADING

HANDLERS = {
    Notification: "on_notification", FollowerInfo: "on_follower_info", LeaderInfo: "on_leader_info",
    AckEpoch: "on_ack_epoch", Diff: "on_diff", Trunc: "on_trunc", Snap: "on_snap", NewLeader: "on_new_leader",
    AckNewLeader: "on_ack_new_leader", UpToDate: "on_up_to_date", Propose: "on_propose", Ack: "on_ack",
    Commit: "on_commit", Inform: "on_inform", Ping: "on_ping", PingReply: "on_ping_reply", Missing: "on_missing",
    Forward: "on_forward", SyncRequest: "on_sync_request", SyncReply: "on_sync_reply", Revalidate: "on_revalidate",
    Revalidated: "on_revalidated", Connect: "on_connect", SessionPing: "on_session_ping",
}  # fmt: skip

START_AS = "start_as"
LEADER, FOLLOWER = "leader", "follower"
BOOTSTRAP_TICKS = 2


class ZooKeeper(Serving):
    """One ZooKeeper server: a voter, an observer or a joiner."""

    __slots__ = ()

    def on_start(self, disk: DiskImage) -> None:
        """Epochs, history and configuration come from the disk; then look for a leader."""
        self.on_parameters()
        self.accepted_epoch = disk.cell("accepted_epoch", 0)
        self.epoch = disk.cell("epoch", 0)
        named = self.directory.get("zookeeper/server", ()) if self.directory else (self.id, *self.peers)
        self.voters = tuple(disk.cell("voters", ())) or named
        self.restore_history(disk)
        start_as = disk.cell(START_AS, "")
        if start_as:
            # An experiment's first leader: the election is over. Only in the first life.
            self.context.persist(put(START_AS, ""))
            self.start_elected(start_as)
        else:
            self.look_for_leader("start")

    def restore_history(self, disk: DiskImage) -> None:
        """The snapshot, and the log after it. What of it is committed only a leader knows."""
        self.log = disk.log("log")
        data = disk.cell("snapshot")
        if data is not None:
            snapshot = msgspec.msgpack.decode(data, type=Snapshot)
            if (self.log.first, self.log.base) == (snapshot.index + 1, snapshot.hash):
                self.tree.load(snapshot)
                self.delivered, self.snapshot_zxid = snapshot.index, snapshot.zxid
            else:
                self.install(
                    snapshot
                )  # (a crash tore the installation: the log is still that from before it)
        self.committed = self.delivered
        self.find_next_voters()
        if self.next_voters == self.voters:  # (the last change took effect)
            self.next_voters, self.next_voters_at = (), 0

    def start_elected(self, start_as: str) -> None:
        """Begin after an election: the leader leads, the others wait for its word."""
        self.round = 1
        if start_as == LEADER:
            self.proposal = self.own_vote()
            self.lead()
            for peer in self.peers:
                self.notify(peer)
        else:
            self.bootstrapping = True
            self.context.set_timer("bootstrap", BOOTSTRAP_TICKS * self.tick_us)

    def on_parameters(self) -> None:
        self.tick_us = max(2, round(self.parameters.tick_ms * 1000))

    def on_message(self, sender: str, message: Any) -> None:
        kind = message.__class__
        if kind is Propose:  # (these three are most)
            self.on_propose(sender, message)
        elif kind is Ack:
            self.on_ack(sender, message)
        elif kind is Commit:
            self.on_commit(sender, message)
        else:
            getattr(self, HANDLERS[kind])(sender, message)

    def on_notification(self, sender: str, message: Notification) -> None:
        if self.bootstrapping:
            if message.state == LEADING and message.leader == sender and sender in self.voters:
                self.bootstrapping = False
                self.context.cancel_timer("bootstrap")
                self.settle((sender, message.epoch, message.zxid))
            return
        super().on_notification(sender, message)

    def on_timer(self, name: str) -> None:
        if name == "ping":
            self.on_ping_timer()
        elif name == "notify":
            self.on_notify_timer()
        elif name == "finalize":
            self.on_finalize_timer()
        elif name == "connect":
            self.report()
        elif name == "silence":
            self.on_leader_silent()
        elif name == "initialize":
            self.look_for_leader("no_quorum")
        elif name == "laggards":
            self.synchronize_laggards(hurry=True)
        elif name == "bootstrap":
            self.bootstrapping = False
            self.look_for_leader("start")

    def on_durable(self, write: int) -> None:
        if self.role == LEADING:
            self.take_durable(write)

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """campaign: leave the leader and look for one; configure: change the voters."""
        if action == "campaign":
            self.look_for_leader("told")
        elif action == "configure":
            self.reconfigure(tuple(arguments.get("add", ())), tuple(arguments.get("remove", ())))
