"""Discovery, synchronization and broadcast as the leader sees them. JRS phases 1 to 3; ZI; LearnerHandler.java."""

from __future__ import annotations

from bisect import bisect_right

from simulations.engine.process import Request, put
from simulations.engine.systems.zookeeper.election import is_majority
from simulations.engine.systems.zookeeper.learner import RESENT_MAX, Learner
from simulations.engine.systems.zookeeper.messages import (
    Ack,
    AckEpoch,
    AckNewLeader,
    Command,
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
    Reap,
    Reconfigure,
    Snap,
    Snapshot,
    Trunc,
    Txn,
    UpToDate,
    ZkMessage,
    zxid_text,
)
from simulations.engine.systems.zookeeper.state import (
    BROADCAST,
    DISCOVERY,
    LEADING,
    OBSERVER,
    SYNCHRONIZATION,
)
from simulations.engine.systems.zookeeper.tree import CONTAINER, SESSION_EXPIRED, TTL

OBSERVERS = f"zookeeper/{OBSERVER}"


class Leader(Learner):
    """LEADING."""

    __slots__ = ()

    # -- discovery ----------------------------------------------------------------------------------------------

    def lead(self) -> None:
        """JRS phase 1, leader: gather the epochs that a quorum agreed to last."""
        self.role, self.zab_state, self.leader = LEADING, DISCOVERY, self.id
        self.infos, self.epoch_acks = {self.id: self.accepted_epoch}, {}
        self.learner_connections, self.taken = {}, {}
        self.new_epoch, self.last_zxids, self.put_off = 0, {}, {}
        self.forwarding, self.current, self.acked, self.heard = {}, {}, {}, {}
        self.undurable, self.syncs_later, self.half_ticks = [], [], 0
        self.owners, self.deadlines = {}, {}
        self.context.set_timer("initialize", self.parameters.init_limit * self.tick_us)
        self.choose_epoch()

    def on_follower_info(self, sender: str, message: FollowerInfo) -> None:
        """A learner reports; one that comes later is told the epoch at once."""
        if self.role != LEADING:
            return
        if self.learner_connections.get(sender) != message.connection:
            self.forget_learner(sender)
            self.learner_connections[sender] = message.connection
            self.infos[sender] = message.accepted_epoch
        if self.new_epoch and sender not in self.forwarding:
            self.send_epoch(sender)
        else:
            self.choose_epoch()

    def send_epoch(self, learner: str) -> None:
        self.context.send(learner, LeaderInfo(self.learner_connections[learner], self.new_epoch))

    def forget_learner(self, learner: str) -> None:
        """What was known of an earlier connection does not hold any more."""
        for known in (self.forwarding, self.current, self.acked, self.heard, self.put_off):
            known.pop(learner, None)

    def choose_epoch(self) -> None:
        """JRS phase 1: an epoch later than any that a quorum agreed to."""
        if self.new_epoch or not self.has_quorum(self.infos):
            return
        self.new_epoch = max(self.infos.values()) + 1
        self.accept_epoch(self.new_epoch)
        self.epoch_acks[self.id] = self.epoch
        self.context.note("zookeeper.new_epoch", epoch=self.new_epoch)
        for learner in self.infos:
            if learner != self.id:
                self.send_epoch(learner)
        self.begin_synchronization()

    def on_ack_epoch(self, sender: str, message: AckEpoch) -> None:
        """JRS phase 1: the leader's history must be the newest of the quorum's."""
        if self.role != LEADING or not self.is_connected(sender, message.connection):
            return
        if sender in self.forwarding:
            return
        if (message.current_epoch, message.zxid) > (
            self.epoch,
            self.last_zxid,
        ) and self.zab_state == DISCOVERY:
            self.context.note("zookeeper.history_old", learner=sender)
            self.look_for_leader("newer_follower")
            return
        self.infos[sender] = self.new_epoch
        self.heard[sender] = self.half_ticks
        if message.current_epoch >= 0:
            self.epoch_acks[sender] = message.current_epoch
        self.acked[sender] = 0
        self.forwarding[sender] = False
        if self.zab_state == DISCOVERY:
            self.last_zxids[sender] = message.zxid
            self.begin_synchronization()
        else:
            self.synchronize(sender, message.zxid)

    def is_connected(self, learner: str, connection: int) -> bool:
        """Whether a message belongs to the connection that the learner has now."""
        return self.learner_connections.get(learner) == connection

    def begin_synchronization(self) -> None:
        """A quorum agreed: the leader's history is the epoch's history (JRS phase 2, leader)."""
        if self.zab_state != DISCOVERY or not self.has_quorum(self.epoch_acks):
            return
        self.zab_state = SYNCHRONIZATION
        self.base = self.log.last
        self.epoch = self.new_epoch
        write = self.context.persist(put("epoch", self.epoch))
        self.undurable.append((write, self.base))
        waiting, self.last_zxids = self.last_zxids, {}
        for learner, zxid in waiting.items():
            self.synchronize(learner, zxid)

    # -- synchronization ----------------------------------------------------------------------------------------

    def synchronize(self, learner: str, zxid: int, hurry: bool = False) -> None:
        """Bring a learner's history to the leader's; what is proposed from now on follows it.

        Whoever needs a snapshot waits until the epoch is established (then the leader's state is a committed one), but
        not for long: it may be needed for the quorum.
        """
        connection = self.learner_connections[learner]
        way = self.way_to_synchronize(connection, zxid, hurry)
        if isinstance(way, Snap) and self.zab_state != BROADCAST and not hurry:
            self.put_off[learner] = zxid
            self.context.set_timer("laggards", self.tick_us)
            return
        # before_durable: the leader's disk counts when a quorum is counted, and what is proposed and committed from now
        # on must not overtake the history that it follows.
        self.context.send(learner, way, before_durable=True)
        self.context.send(learner, NewLeader(connection, self.epoch, self.base), before_durable=True)
        self.forwarding[learner] = True

    def synchronize_laggards(self, hurry: bool) -> None:
        """Those that were put off."""
        waiting, self.put_off = self.put_off, {}
        for learner, zxid in waiting.items():
            self.synchronize(learner, zxid, hurry)

    def way_to_synchronize(self, connection: int, zxid: int, hurry: bool = False) -> ZkMessage:
        """DIFF when the learner's last transaction is among those kept in memory; TRUNC when it has some that the
        leader has not; SNAP when it is too far behind."""
        log = self.log
        zxids = [txn.zxid for txn in log]
        index = log.first - 1 + bisect_right(zxids, zxid)
        shared = zxids[index - log.first] if index >= log.first else self.snapshot_zxid
        if zxid > shared:
            return Trunc(connection, self.epoch, index, shared, log.slice(index + 1, log.last + 1))
        kept = max(self.delivered, self.base) - self.parameters.committed_log
        if zxid == shared and (index >= kept or hurry):
            return Diff(connection, self.epoch, log.slice(index + 1, log.last + 1))
        return Snap(connection, self.epoch, self.snapshot(), log.slice(self.delivered + 1, log.last + 1))

    def snapshot(self) -> Snapshot:
        """The state as far as it is delivered."""
        index = self.delivered
        tree = self.tree
        return Snapshot(
            index, self.state_zxid(), self.log.hash_at(index), tree.data.copy(), tree.sessions.copy(), self.voters
        )  # fmt: skip

    def on_ack_new_leader(self, sender: str, message: AckNewLeader) -> None:
        """JRS phase 2: when a quorum has taken the history, it is committed."""
        if self.role != LEADING or message.epoch != self.epoch or not self.forwarding.get(sender):
            return
        if not self.is_connected(sender, message.connection):
            return
        self.heard[sender] = self.half_ticks
        self.current[sender] = True
        self.acked[sender] = max(self.acked.get(sender, 0), self.base + message.counter)
        if self.alone and sender in self.voters:
            self.alone = False
        if self.zab_state == BROADCAST:
            self.tell_up_to_date(sender, self.committed_for(sender))
            self.try_commit()
        else:
            self.establish()

    def tell_up_to_date(self, learner: str, index: int) -> None:
        # before_durable: a quorum's disks have this much, and commits that follow must not overtake it.
        message = UpToDate(self.learner_connections[learner], self.epoch, index)
        self.context.send(learner, message, before_durable=True)

    def committed_for(self, learner: str) -> int:
        """What a learner that comes late may deliver: what is committed, not all that it has acknowledged."""
        return self.committed

    def establish(self) -> None:
        """The epoch is established when a quorum, the leader's own disk included, holds its history."""
        if self.zab_state != SYNCHRONIZATION or not self.has_quorum(self.current):
            return
        self.zab_state = BROADCAST
        self.context.cancel_timer("initialize")
        self.context.note("zookeeper.established", epoch=self.epoch)
        self.committed = self.base
        self.deliver_committed()
        self.future = self.tree.ahead()
        for learner in self.current:
            if learner != self.id:
                self.tell_up_to_date(learner, self.committed)
        self.context.cancel_timer("laggards")
        self.synchronize_laggards(hurry=False)
        # Session clocks start anew: nobody knows when the last leader heard of its clients.
        self.owners = {}
        self.deadlines = {}
        for session in self.tree.sessions:
            self.touch(session)
        self.tick_at = self.context.now
        if not self.is_voter:
            self.look_for_leader("no_voter")
            return
        self.reap_at = self.context.now + round(self.parameters.container_check_ms * 1000)
        self.context.set_timer("ping", self.tick_us // 2)

    # -- broadcast ----------------------------------------------------------------------------------------------

    def propose(self, command: Command, server: str) -> None:
        """JRS phase 3, leader: the next zxid, written down here and sent to all that follow."""
        counter = self.log.last - self.base + 1
        path, error = self.decide(command)
        txn = Txn(self.epoch, counter, command, path, error, server, self.context.now)
        self.future.apply(txn)
        write = self.store((txn,))
        self.undurable.append((write, self.log.last))
        message = Propose(self.epoch, txn)
        for learner, synchronized in self.forwarding.items():
            if synchronized and self.hears_proposals(learner):
                # before_durable: the leader counts itself when its disk is done, like anybody of the quorum.
                self.context.send(learner, message, before_durable=True)

    def hears_proposals(self, learner: str) -> bool:
        """Whoever was told the history hears what follows it, also before it has acknowledged the history: what is
        proposed meanwhile would be missing later. (JRS leaves it open; apache/zookeeper, zookeeper-specifications.)"""
        return not self.is_observer(learner)

    def decide(self, command: Command) -> tuple[str, str]:
        """(path, error): what becomes of a command when its turn comes."""
        if not isinstance(command, Request):
            return "", ""
        if command.session and command.session not in self.future.sessions:
            return "", SESSION_EXPIRED
        return self.future.decide(command, self.parameters)

    def is_late(self, server: str, request: Request) -> bool:
        """A request that a client sent before it moved to another server, or that came twice, must not take effect
        after those that the client sends now."""
        session = request.session
        return self.owners.get(session, server) != server or request.sequence <= self.taken.get(session, 0)

    def is_observer(self, learner: str) -> bool:
        named = learner in self.directory.get(OBSERVERS, ())
        return named and learner not in self.voters and learner not in self.next_voters

    def on_ack(self, sender: str, message: Ack) -> None:
        """Count it: an acknowledgement covers all before it."""
        if self.role != LEADING or message.epoch != self.epoch or not self.forwarding.get(sender):
            return
        index = self.base + message.counter
        if index > self.acked.get(sender, 0):
            self.acked[sender] = index
            self.try_commit()

    def take_durable(self, write: int) -> None:
        """The leader's own disk has these."""
        index = 0
        while self.undurable and self.undurable[0][0] <= write:
            index = self.undurable.pop(0)[1]
        if index:
            self.acked[self.id] = index
        if self.zab_state == SYNCHRONIZATION and self.new_epoch == self.epoch and not self.undurable:
            self.acked[self.id] = self.base
            self.current[self.id] = True
            self.establish()
        elif index:
            self.try_commit()

    def try_commit(self) -> None:
        """Commit, in order, what a quorum holds."""
        if self.zab_state != BROADCAST:
            return
        index = self.held_by_quorum(self.voters)
        if self.next_voters and index >= self.next_voters_at:
            # ZooKeeper dynamic reconfiguration: from the change on a quorum of both is needed.
            index = max(self.next_voters_at - 1, min(index, self.held_by_quorum(self.next_voters)))
        if index > self.committed:
            self.commit(index)

    def held_by_quorum(self, voters: tuple[str, ...]) -> int:
        """The last index that more than half of these hold on their disks."""
        if self.alone and self.is_licensed():
            return self.acked.get(self.id, 0)
        held = sorted(
            (self.acked.get(voter, 0) if self.current.get(voter) else 0 for voter in voters), reverse=True
        )
        return held[len(voters) // 2] if held else 0

    def commit(self, index: int) -> None:
        """Tell everybody, and deliver."""
        before, self.committed = self.committed, index
        commit = Commit(self.epoch, index - self.base)
        for learner, synchronized in self.forwarding.items():
            if not synchronized or learner == self.id:
                continue
            if self.is_observer(learner):
                for at in range(before + 1, index + 1):
                    self.context.send(learner, Inform(self.epoch, self.log[at]), before_durable=True)
            else:
                # before_durable: committed means that a quorum's disks have it.
                self.context.send(learner, commit, before_durable=True)
        self.context.note("zookeeper.committed", zxid=zxid_text(self.log[index].zxid))
        self.deliver_committed()
        self.answer_syncs()
        if not self.is_voter:
            self.look_for_leader("no_voter")

    def on_missing(self, sender: str, message: Missing) -> None:
        """Send again what a learner did not get."""
        if self.role != LEADING or message.epoch != self.epoch or not self.forwarding.get(sender):
            return
        start = self.base + message.counter + 1
        observer = self.is_observer(sender)
        upto = min(self.committed if observer else self.log.last, start + RESENT_MAX - 1)
        for index in range(start, upto + 1):
            txn = self.log[index]
            again = Inform(self.epoch, txn) if observer else Propose(self.epoch, txn)
            self.context.send(sender, again, before_durable=True)  # (as at the first time)

    # -- time -----------------------------------------------------------------------------------------------------

    def on_ping_timer(self) -> None:
        """Twice a tick: say that the leader lives; once a tick: look who follows, and whose session is over."""
        if self.role != LEADING:
            return
        self.half_ticks += 1
        ping = Ping(self.epoch, self.log.last - self.base, self.committed - self.base)
        for learner, synchronized in self.forwarding.items():
            if synchronized:
                # before_durable: it asks for nothing but an answer.
                self.context.send(learner, ping, before_durable=True)
        if self.half_ticks % 2 == 0:
            if not self.keeps_quorum():
                self.context.note("zookeeper.quorum_lost", epoch=self.epoch)
                self.look_for_leader("few_followers")
                return
            self.expire_sessions()
            self.reap()
        self.context.set_timer("ping", self.tick_us // 2)

    def keeps_quorum(self) -> bool:
        """Whether a quorum was heard of within the limit. The last of two goes on when the oracle says so."""
        since = self.half_ticks - 2 * self.parameters.sync_limit
        alive = [learner for learner in self.current if learner == self.id or self.heard[learner] >= since]
        if is_majority(self.voters, alive):
            return True
        if self.is_licensed() and not self.alone:
            self.context.note("zookeeper.licensed")
            self.alone = True
            for learner in [one for one in self.current if one not in alive]:
                self.forget_learner(learner)
            self.try_commit()
        return self.has_quorum(alive)

    def on_ping_reply(self, sender: str, message: PingReply) -> None:
        """A learner lives; so do the sessions that it heard of."""
        if self.role != LEADING or message.epoch != self.epoch or sender not in self.current:
            return
        self.heard[sender] = self.half_ticks
        for session in message.touched:
            self.touch(session)

    def touch(self, session: int) -> None:
        """A session was heard of: it lives for its timeout from now, rounded up to a whole tick (ZP, sessions)."""
        known = self.tree.sessions.get(session)
        if known is not None:
            until = self.context.now + round(known.timeout_ms * 1000)
            self.deadlines[session] = -(-until // self.tick_us) * self.tick_us

    def expire_sessions(self) -> None:
        """Sessions that were silent for too long end, by a transaction like any other."""
        now = self.context.now
        if now < self.tick_at:  # (the clock was set back: nobody's time grows by that)
            self.reap_at = now
            for session in self.deadlines:
                self.touch(session)
        self.tick_at = now
        for session in [session for session, until in self.deadlines.items() if until <= now]:
            del self.deadlines[session]
            if session in self.future.sessions:
                self.context.note("zookeeper.session_expired", session=zxid_text(session))
                self.close_session(session)

    def close_session(self, session: int) -> None:
        """Propose its end. Given by the part that serves."""

    def reap(self) -> None:
        """Empty containers and nodes whose time is over go, now and then."""
        now = self.context.now
        if now < self.reap_at:
            return
        self.reap_at = now + round(self.parameters.container_check_ms * 1000)
        for path, node in list(self.future.data.items()):
            if node.children:
                continue
            empty = node.kind == CONTAINER and node.creations
            over = node.kind == TTL and node.modified_us + node.ttl_ms * 1000 <= now
            if empty or over:
                self.propose(Reap(path), "")

    # -- reconfiguration ------------------------------------------------------------------------------------------

    def reconfigure(self, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
        """Propose other voters; a quorum of the new ones must follow already."""
        if self.role != LEADING or self.zab_state != BROADCAST or self.next_voters:
            self.context.note("zookeeper.reconfig_refused_leader")
            return
        voters = tuple(voter for voter in self.voters if voter not in remove)
        voters = (*voters, *(server for server in add if server not in voters))
        if not voters or not is_majority(voters, self.current):
            self.context.note("zookeeper.reconfig_refused_quorum", voters=", ".join(voters))
            return
        self.context.note("zookeeper.reconfig_proposed", voters=", ".join(voters))
        self.propose(Reconfigure(voters), "")

    def answer_syncs(self) -> None:
        """Syncs that waited for these transactions. Given by the part that serves."""
