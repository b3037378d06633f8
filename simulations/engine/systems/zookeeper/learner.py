"""Discovery, synchronization and broadcast as a learner (follower, observer, joiner) sees them. JRS phases 1 to 3."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Request, append, put, reset_log, truncate_from
from simulations.engine.systems.zookeeper.election import Election
from simulations.engine.systems.zookeeper.messages import (
    Ack,
    AckEpoch,
    AckNewLeader,
    Commit,
    Diff,
    FollowerInfo,
    Inform,
    LeaderInfo,
    Missing,
    NewLeader,
    Ping,
    PingReply,
    Propose,
    Reconfigure,
    Snap,
    Snapshot,
    Trunc,
    Txn,
    UpToDate,
    zxid_text,
)
from simulations.engine.systems.zookeeper.state import (
    BROADCAST,
    DIFF,
    DISCOVERY,
    FOLLOWING,
    OBSERVER,
    OBSERVING,
    SNAP,
    SYNCHRONIZATION,
    TRUNC,
)

encode_snapshot = msgspec.msgpack.Encoder().encode
CONNECTS_A_TICK = 4
CONNECTIONS = 999_999
RESENT_MAX = 100


class Learner(Election):
    """FOLLOWING and OBSERVING."""

    __slots__ = ()

    # -- the history on disk ------------------------------------------------------------------------------------

    def store(self, entries: tuple[Txn, ...]) -> int:
        """Append to the history; returns the number of the write."""
        for txn in entries:
            self.log.append(txn)
            if isinstance(txn.command, Reconfigure) and not txn.error:
                self.next_voters, self.next_voters_at = txn.command.voters, self.log.last
        self.log_write = self.context.persist(append("log", entries))
        return self.log_write

    def cut_from(self, index: int) -> None:
        """Throw away the end of the history, from this index on."""
        if index > self.log.last:
            return
        self.log.truncate_from(index)
        if self.next_voters_at >= index:
            self.find_next_voters()
        self.context.persist(truncate_from("log", index))

    def find_next_voters(self) -> None:
        """The last change of voters in the history that has not taken effect yet."""
        self.next_voters, self.next_voters_at = (), 0
        for index in range(max(self.delivered + 1, self.log.first), self.log.last + 1):
            txn = self.log[index]
            if isinstance(txn.command, Reconfigure) and not txn.error:
                self.next_voters, self.next_voters_at = txn.command.voters, index

    def install(self, snapshot: Snapshot) -> None:
        """Replace everything by a snapshot."""
        self.log.reset(snapshot.index + 1, snapshot.hash)
        self.tree.load(snapshot)
        self.delivered, self.snapshot_zxid = snapshot.index, snapshot.zxid
        self.voters, self.next_voters, self.next_voters_at = snapshot.voters, (), 0
        self.context.persist(
            put("snapshot", encode_snapshot(snapshot)),
            put("voters", list(self.voters)),
            reset_log("log", snapshot.index + 1, snapshot.hash),
        )

    # -- discovery ----------------------------------------------------------------------------------------------

    def follow(self, leader: str) -> None:
        """JRS phase 1, follower: report to the prospective leader."""
        self.role = OBSERVING if self.kind == OBSERVER and not self.is_voter else FOLLOWING
        self.zab_state, self.leader = DISCOVERY, leader
        self.early, self.history_complete, self.waiting_base = {}, False, -1
        self.touched = {}
        self.connection = self.context.random.integer(1, CONNECTIONS)
        self.reports_left = self.parameters.init_limit * CONNECTS_A_TICK  # (no clock: that may be set back)
        self.report()

    def report(self) -> None:
        """Tell the leader the last epoch this server agreed to; again, until it answers."""
        if not self.reports_left:
            self.look_for_leader("no_answer")
            return
        self.reports_left -= 1
        self.context.send(self.leader, FollowerInfo(self.connection, self.accepted_epoch))
        self.context.set_timer("connect", self.tick_us // CONNECTS_A_TICK)

    def is_from_leader(self, sender: str) -> bool:
        return sender == self.leader and self.role in (FOLLOWING, OBSERVING)

    def on_leader_info(self, sender: str, message: LeaderInfo) -> None:
        """JRS phase 1: agree to an epoch above all it agreed to before; it is on disk before the answer leaves."""
        if not self.is_from_leader(sender) or message.connection != self.connection:
            return
        if self.zab_state != DISCOVERY:
            return
        if message.epoch < self.accepted_epoch:
            self.context.note("zookeeper.epoch_refused", epoch=message.epoch, mine=self.accepted_epoch)
            self.look_for_leader("old_epoch")
            return
        agreed_before = message.epoch == self.accepted_epoch
        if not agreed_before:
            self.accept_epoch(message.epoch)
        self.context.note("zookeeper.epoch_accepted", epoch=message.epoch, leader=sender)
        self.context.cancel_timer("connect")
        self.zab_state, self.history_complete, self.waiting_base = SYNCHRONIZATION, False, -1
        self.early = {}
        self.context.send(
            sender, AckEpoch(self.connection, -1 if agreed_before else self.epoch, self.last_zxid)
        )
        self.context.set_timer("silence", self.parameters.init_limit * self.tick_us)

    def accept_epoch(self, epoch: int) -> None:
        self.accepted_epoch = epoch
        self.context.persist(put("accepted_epoch", epoch))

    # -- synchronization ----------------------------------------------------------------------------------------

    def is_synchronizing(self, sender: str, message: Any) -> bool:
        """Whether it belongs to the synchronization that is under way."""
        here = message.connection == self.connection and message.epoch == self.accepted_epoch
        return here and self.is_from_leader(sender) and self.zab_state == SYNCHRONIZATION

    def on_diff(self, sender: str, message: Diff) -> None:
        """Take what is missing."""
        if self.is_synchronizing(sender, message) and not self.history_complete:
            self.context.note("zookeeper.diff", count=len(message.entries))
            self.take_history(DIFF, message.entries)

    def on_trunc(self, sender: str, message: Trunc) -> None:
        """Throw away what the leader does not have: it was never committed."""
        if self.is_synchronizing(sender, message) and not self.history_complete:
            self.context.note(
                "zookeeper.trunc", zxid=zxid_text(message.zxid), count=self.log.last - message.index
            )
            self.cut_from(message.index + 1)
            self.take_history(TRUNC, message.entries)

    def on_snap(self, sender: str, message: Snap) -> None:
        """Begin anew with the leader's state."""
        if self.is_synchronizing(sender, message) and not self.history_complete:
            self.context.note("zookeeper.snap", zxid=zxid_text(message.snapshot.zxid))
            self.install(message.snapshot)
            self.take_history(SNAP, message.entries)

    def take_history(self, mode: str, entries: tuple[Txn, ...]) -> None:
        """The history is the leader's now."""
        self.sync_mode = mode
        if entries:
            self.store(entries)
        self.history_complete = True
        if self.waiting_base >= 0:
            self.accept_leader(self.waiting_base)

    def on_new_leader(self, sender: str, message: NewLeader) -> None:
        """JRS phase 2, follower: f.a becomes the new epoch once the history is taken."""
        if not self.is_synchronizing(sender, message):
            return
        if self.history_complete:
            self.accept_leader(message.base)
        else:
            self.waiting_base = message.base

    def accept_leader(self, base: int) -> None:
        """Make the epoch current, behind the history on the disk, and say so."""
        self.waiting_base, self.base = -1, base
        self.epoch = self.accepted_epoch
        self.context.persist(put("epoch", self.epoch))
        self.take_early()
        self.acknowledge_leader(AckNewLeader(self.connection, self.epoch, self.log.last - base))

    def acknowledge_leader(self, message: AckNewLeader) -> None:
        """The answer waits until history and epoch are on the disk."""
        if self.role == FOLLOWING or self.role == OBSERVING:
            self.context.send(self.leader, message)

    def on_up_to_date(self, sender: str, message: UpToDate) -> None:
        """A quorum took the history: it is committed; clients may come."""
        if not self.is_synchronizing(sender, message) or self.epoch != message.epoch:
            return
        self.zab_state = BROADCAST
        self.context.note("zookeeper.up_to_date", epoch=self.epoch)
        self.committed = max(self.delivered, message.index)
        self.deliver_committed()
        self.heard_leader()

    # -- broadcast ----------------------------------------------------------------------------------------------

    def heard_leader(self) -> None:
        self.context.set_timer("silence", self.parameters.sync_limit * self.tick_us)

    def on_propose(self, sender: str, message: Propose) -> None:
        """JRS phase 3, follower: write it down in order, then acknowledge."""
        if not self.is_from_leader(sender) or message.epoch != self.accepted_epoch:
            return
        if self.zab_state == BROADCAST:
            self.heard_leader()
        txn = message.txn
        ready = self.epoch == message.epoch and self.history_complete
        if ready and not self.early and txn.counter == self.log.last - self.base + 1:
            self.store((txn,))  # (usual: it comes in order)
            self.acknowledge()
            return
        self.early[txn.counter] = txn
        if ready and self.take_early():
            self.acknowledge()

    def take_early(self) -> int:
        """Write down the proposals that follow the history without a gap; returns how many. Those that it has already
        are thrown away, others wait for what is missing."""
        early = self.early
        taken: list[Txn] = []
        counter = self.log.last - self.base + 1
        while early and (txn := early.pop(counter, None)) is not None:
            taken.append(txn)
            counter += 1
        if early:
            self.early = {n: txn for n, txn in early.items() if n > counter}
        if taken:
            self.store(tuple(taken))
        return len(taken)

    def acknowledge(self) -> None:
        """The acknowledgement leaves when the disk has the proposal."""
        self.context.send(self.leader, Ack(self.epoch, self.log.last - self.base))

    def on_commit(self, sender: str, message: Commit) -> None:
        """Deliver in order what a quorum has."""
        if self.is_from_leader(sender) and message.epoch == self.epoch == self.accepted_epoch:
            self.learn_commit(message.counter)

    def on_inform(self, sender: str, message: Inform) -> None:
        """An observer hears of a transaction when it is committed."""
        if not self.is_from_leader(sender) or message.epoch != self.accepted_epoch:
            return
        self.early[message.txn.counter] = message.txn
        if self.epoch == message.epoch and self.history_complete:
            self.take_early()
            self.learn_commit(message.txn.counter)

    def learn_commit(self, counter: int) -> None:
        if self.zab_state != BROADCAST:
            return
        self.heard_leader()
        self.committed = max(self.committed, self.base + counter)
        self.deliver_committed()

    def on_ping(self, sender: str, message: Ping) -> None:
        """The leader lives. What got lost on the way is noticed here."""
        if (
            not self.is_from_leader(sender)
            or message.epoch != self.epoch
            or self.epoch != self.accepted_epoch
        ):
            return
        if self.zab_state != BROADCAST:
            return
        self.learn_commit(message.committed)
        have = self.log.last - self.base
        if (have < message.proposed and self.role == FOLLOWING) or have < message.committed:
            self.context.send(sender, Missing(self.epoch, have))
        elif message.committed < have == self.stalled_at and self.role == FOLLOWING:
            self.acknowledge()  # (the acknowledgement may have been lost: it has not moved since the last ping)
        self.stalled_at = have
        # before_durable: it only tells that this server and its clients are alive.
        self.context.send(sender, PingReply(self.epoch, tuple(self.touched)), before_durable=True)
        self.touched = {}

    def on_leader_silent(self) -> None:
        """Nothing came from the leader for the whole limit."""
        self.look_for_leader("silent")

    # -- delivery -----------------------------------------------------------------------------------------------

    def deliver_committed(self) -> None:
        """Carry out committed transactions in the order of their zxids."""
        upto = min(self.committed, self.log.last)
        while self.delivered < upto:
            self.delivered += 1
            self.deliver(self.log[self.delivered])

    def deliver(self, txn: Txn) -> None:
        """One transaction becomes part of the state."""
        outcome, result, changes = self.tree.apply(txn)
        command = txn.command
        if isinstance(command, Reconfigure) and not txn.error:
            self.activate(command.voters)
        if changes:
            self.fire_watches(changes, txn.zxid)
        if txn.server == self.id:
            if isinstance(command, Request):
                self.answer_write(command, outcome, result)
            else:
                self.session_created(txn)
        self.delivered_as_leader(txn)

    def activate(self, voters: tuple[str, ...]) -> None:
        """A committed configuration takes effect."""
        self.voters = voters
        if self.next_voters_at <= self.delivered:  # (the history may hold a later change already)
            self.next_voters, self.next_voters_at = (), 0
        self.context.persist(put("voters", list(voters)))
        self.context.note("zookeeper.reconfigured", voters=", ".join(voters))
        if self.role == OBSERVING and self.is_voter:
            self.role = FOLLOWING

    def state_zxid(self) -> int:
        """The zxid of the last transaction delivered."""
        if self.delivered >= self.log.first:
            return int(self.log[self.delivered].zxid)
        return self.snapshot_zxid

    # -- given by the parts that serve and lead -------------------------------------------------------------------

    def fire_watches(self, changes: list[tuple[str, str]], zxid: int) -> None:
        """Tell clients that watch."""

    def answer_write(self, request: Request, outcome: str, result: Any) -> None:
        """Answer the client that waits here."""

    def session_created(self, txn: Txn) -> None:
        """A session that a client asked for here began or ended."""

    def delivered_as_leader(self, txn: Txn) -> None:
        """The leader's own books."""
