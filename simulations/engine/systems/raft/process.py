"""Raft: one server. Read it beside the paper.

RP: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)".
RD: Ongaro, "Consensus: Bridging Theory and Practice" (dissertation).

Taken from practice (etcd): a refused append stops
the pipeline to that follower until a probe is accepted, and a campaign that a majority refused ends at once.

Order of reading: messages.py, state.py, then the rules - elections.py (who leads), follower_log.py and
replication.py (the log), commitment.py, reads.py, snapshots.py, membership.py and changes.py (who belongs) -, then the
handlers here.
"""

from __future__ import annotations

from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import DiskImage, Request, put
from simulations.engine.systems.raft import quorum
from simulations.engine.systems.raft.changes import Changes
from simulations.engine.systems.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    InstallSnapshotReply,
    LeadershipWanted,
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from simulations.engine.systems.raft.state import CANDIDATE, LEADER, PRE_CANDIDATE, RESTING

HANDLERS = {
    PreVote: "on_pre_vote",
    PreVoteReply: "on_pre_vote_reply",
    RequestVote: "on_request_vote",
    RequestVoteReply: "on_request_vote_reply",
    AppendEntries: "on_append_entries",
    AppendEntriesReply: "on_append_entries_reply",
    InstallSnapshot: "on_install_snapshot",
    InstallSnapshotReply: "on_install_snapshot_reply",
    TimeoutNow: "on_timeout_now",
    LeadershipWanted: "on_leadership_wanted",
}


class Raft(Changes):
    """One Raft server with its key-value state machine."""

    __slots__ = ()

    def on_start(self, disk: DiskImage) -> None:
        """RP Figure 2: term, vote and log come from the disk; everything else starts empty."""
        self.on_parameters()
        self.term = disk.cell("term", 0)
        self.voted_for = self.restored_vote(disk)
        self.log = disk.log("log")
        self.restore_snapshot(disk)
        self.log_at_hand()
        self.start_configurations(disk)
        if self.parameters.read_mode == "lease":
            # A vote right after a restart could end a lease that this server granted before it.
            self.heard_at = self.context.now
        self.restart_election_timer()
        if disk.cell("start_as") == LEADER:
            # An experiment's first leader. Cleared before it leads: no later life leads in the same term.
            self.voted_for = self.id
            self.preset_write = self.context.persist(put("start_as", ""), put("voted_for", self.id))

    def restored_vote(self, disk: DiskImage) -> str:
        """Figure 2: votedFor is persistent, so a restarted server does not vote twice in a term."""
        return str(disk.cell("voted_for", ""))

    def on_parameters(self) -> None:
        """Times in microseconds, at hand for the handlers."""
        parameters = self.parameters
        low, high = parameters.election_timeout_ms
        self.heartbeat_us = int(parameters.heartbeat_ms * 1000)
        self.election_low_us, self.election_high_us = int(low * 1000), int(high * 1000)
        self.lease_us = int(parameters.lease_ms * 1000)
        self.silent_ticks = max(1, self.election_low_us // self.heartbeat_us)
        rate = parameters.catch_up_entries_per_s
        self.catch_up_step = max(1, rate * self.heartbeat_us // 1_000_000) if rate else 0
        self.plan_compaction()

    def on_message(self, sender: str, message: Any) -> None:
        kind = message.__class__
        if kind is AppendEntriesReply:  # (these two are nearly all)
            self.on_append_entries_reply(sender, message)
        elif kind is AppendEntries:
            self.on_append_entries(sender, message)
        else:
            getattr(self, HANDLERS[kind])(sender, message)

    def on_timer(self, name: str) -> None:
        if name == "election":
            self.on_election_timeout()
        elif name == "heartbeat":
            self.on_heartbeat_timeout()
        elif name == "transfer":
            self.abort_transfer()

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """What an operator asks of this server: campaign now, transfer (become the leader by a handover), configure."""
        if action == "campaign":
            self.on_election_timeout()
        elif action == "transfer" and self.leader and self.role != LEADER:
            self.context.send(self.leader, LeadershipWanted(self.term))
        elif action == "configure":
            self.configure(arguments)

    def on_leadership_wanted(self, sender: str, message: LeadershipWanted) -> None:
        """RD section 3.10: only a leader that is not handing over already can hand over."""
        if self.role == LEADER and not self.transfer_to and sender in self.electors():
            self.start_transfer(sender)

    def on_election_timeout(self) -> None:
        """RP section 5.2: no word from a leader for a whole timeout."""
        if self.role == LEADER:
            return
        if not self.may_campaign():
            self.restart_election_timer()
            return
        if self.parameters.pre_vote:
            self.become_pre_candidate()
        else:
            self.become_candidate()

    def on_heartbeat_timeout(self) -> None:
        """RP section 5.2; with CheckQuorum a leader that lost its majority steps down (RD section 6.2)."""
        if self.role != LEADER:
            return
        self.tick += 1
        if self.parameters.check_quorum and not self.hears_a_quorum():
            self.context.note("raft.quorum_lost", term=self.term)
            self.become_follower(self.term)
            return
        if self.parameters.read_mode == "lease" and not self.confirming:
            self.start_confirming()
        self.send_heartbeats()
        if self.joining:
            self.watch_joining()
        self.context.set_timer("heartbeat", self.heartbeat_us)

    def on_durable(self, write: int) -> None:
        self.durable_write = write
        if self.role == LEADER:
            self.take_durable(write)
            # (Counting its own copy may have ended its leadership: it may have removed itself.)
            if self.parameters.leader_disk == "serial" and self.role == LEADER:
                self.replicate()
        elif self.preset_write and write >= self.preset_write:
            self.preset_write = 0
            if self.role in RESTING and self.voted_for == self.id:
                self.become_leader()
        elif self.role == CANDIDATE and write >= self.vote_write and self.id not in self.votes:
            self.count_own_vote()

    def on_pre_vote(self, sender: str, message: PreVote) -> None:
        granted = self.grants_pre_vote(sender, message)
        self.context.send(sender, PreVoteReply(self.term, message.term, granted))

    def on_pre_vote_reply(self, sender: str, message: PreVoteReply) -> None:
        if message.term > self.term:
            self.follow_term(sender, message.term)
        if self.role != PRE_CANDIDATE or message.asked_term != self.term + 1:
            return
        result = self.record_vote(sender, message.granted)
        if result == quorum.WON:
            self.become_candidate()
        elif result == quorum.LOST:
            self.context.note("raft.pre_campaign_lost", term=message.asked_term)
            self.become_follower(self.term)

    def on_request_vote(self, sender: str, message: RequestVote) -> None:
        if message.term > self.term:
            if not message.transfer and self.hears_a_leader():
                self.context.note(
                    "raft.vote_refused_leader", candidate=sender, term=message.term, leader=self.leader
                )
                self.context.send(sender, RequestVoteReply(self.term, False))
                return
            self.follow_term(sender, message.term)
        granted = self.grants_vote(sender, message)
        if granted:
            if self.voted_for != sender:
                self.voted_for = sender
                self.persist_vote()
            self.restart_election_timer()
        self.context.send(sender, RequestVoteReply(self.term, granted))

    def on_request_vote_reply(self, sender: str, message: RequestVoteReply) -> None:
        if message.term > self.term:
            self.follow_term(sender, message.term)
        if self.role != CANDIDATE or message.term != self.term:
            return
        result = self.record_vote(sender, message.granted)
        if result == quorum.WON and self.id in self.votes:
            self.become_leader()
        elif result == quorum.LOST:
            self.context.note("raft.campaign_lost", term=self.term)
            self.become_follower(self.term)

    def on_timeout_now(self, sender: str, message: TimeoutNow) -> None:
        """RD section 3.10: campaign without waiting, without PreVote, and past the voters' stickiness."""
        if message.term == self.term and self.role != LEADER and self.may_campaign():
            self.context.note("raft.timeout_now", leader=sender, term=self.term)
            self.become_candidate(transfer=True)

    def on_append_entries(self, sender: str, message: AppendEntries) -> None:
        """RP Figure 2, AppendEntries, receiver."""
        if (message.term != self.term or self.leader != sender) and not self.accepts_leader(
            sender, message.term
        ):
            self.context.send(sender, AppendEntriesReply(self.term, False, message.prev_index, message.round))
            return
        if self.parameters.leader_stickiness:
            self.heard_at = self.context.now
        self.restart_election_timer()
        prev = message.prev_index
        if not self.log_matches(prev, message.prev_term):
            self.refuse_append(sender, message)
            return
        entries = message.entries
        if entries:
            self.store(prev, entries)
            prev += len(entries)
        if message.leader_commit > self.commit_index < prev:
            self.commit(message.leader_commit if message.leader_commit < prev else prev)
        self.acknowledge(sender, AppendEntriesReply(self.term, True, prev, message.round))

    def accepts_leader(self, sender: str, term: int) -> bool:
        """RP section 5.2: a leader whose term is at least mine is legitimate; a lower one learns my term."""
        if term < self.term:
            self.context.note("raft.append_refused_term", leader=sender, term=term, mine=self.term)
            return False
        self.context.note("raft.follows", leader=sender, term=term)
        self.become_follower(term, sender)
        return True

    def acknowledge(self, sender: str, reply: AppendEntriesReply) -> None:
        """Figure 2: stable storage before the answer; the engine holds it until the entries are durable."""
        self.context.send(sender, reply)

    def on_append_entries_reply(self, sender: str, message: AppendEntriesReply) -> None:
        """RP section 5.3, leader."""
        if message.term > self.term:
            self.follow_term(sender, message.term)
        answered = self.answered_round.get(sender)
        if answered is None or self.role != LEADER or message.term != self.term:
            return  # (None: it belongs to the cluster no longer)
        self.heard_tick[sender] = self.tick
        if message.round > answered:
            if self.confirming:
                self.count_confirmation(sender, message.round)
            self.answered_round[sender] = message.round
        if message.success:
            self.follower_matches(sender, message)
        else:
            self.follower_refused(sender, message)

    def follower_matches(self, peer: str, message: AppendEntriesReply) -> None:
        """Figure 2, leaders: on success update nextIndex and matchIndex, then send what is still missing.

        An answer to a round two later than the last append, which does not cover it, tells that one was lost.
        """
        index = message.index
        match = self.match_index[peer]
        if index > match:
            self.match_index[peer] = index
            self.matched_round[peer] = self.round
            if self.next_index[peer] <= index:
                self.next_index[peer] = index + 1
            if self.old_voters:
                self.count_jointly()
            elif peer not in self.uncounted:
                self.count_copies(match, index)
            match = index
        if self.uncounted and peer in self.uncounted:
            self.learner_stores(peer, match)
        if peer not in self.match_index:
            return  # (What was committed ended its membership or this leadership, or it was too slow to join.)
        if peer in self.transfers:
            if message.round >= self.sent_round[peer] + 2:
                self.send_snapshot(peer)
            return
        following = self.next_index[peer]
        missing = match < following - 1
        lost = missing and message.round >= self.sent_round[peer] + 2
        if self.probing[peer]:
            self.probing[peer] = missing
        elif lost:
            self.probing[peer] = True
            self.next_index[peer] = match + 1
        more = following <= self.last_index and following <= self.replicable_index()
        if lost or (more and not self.probing[peer]):
            self.send_append(peer, self.parameters.max_batch)
        if self.transfer_to == peer:
            self.hurry_successor()

    def follower_refused(self, peer: str, message: AppendEntriesReply) -> None:
        """RP section 5.3: after a refusal decrement nextIndex and retry. Older answers do not count: only what was sent
        after the follower's last acknowledgement had arrived tells that something it acknowledged is gone."""
        if peer in self.transfers:
            return
        if message.index <= self.match_index[peer]:
            if message.round <= self.matched_round[peer]:
                return
            self.forget_match(peer)
        elif self.probing[peer] and message.index != self.next_index[peer] - 1:
            return
        self.next_index[peer] = self.back_up(peer, message)
        self.probing[peer] = True
        self.context.note("raft.backs_up", follower=peer, refused=message.index, next=self.next_index[peer])
        # RD section 3.5: step by step, probes carry no entries until the logs are known to meet.
        self.send_append(peer, self.parameters.max_batch if self.parameters.fast_backtracking else 0)

    def forget_match(self, peer: str) -> None:
        """The follower lost entries it had acknowledged (its disk failed): it counts from nothing again."""
        self.context.note("raft.follower_lost_log", follower=peer, match=self.match_index[peer])
        self.match_index[peer] = 0
        self.count_again()

    def on_install_snapshot(self, sender: str, message: InstallSnapshot) -> None:
        """RP Figure 13, receiver. It is a leader's message like any other."""
        if (message.term != self.term or self.leader != sender) and not self.accepts_leader(
            sender, message.term
        ):
            self.context.send(sender, InstallSnapshotReply(self.term, message.last_index, 0, False))
            return
        if self.parameters.leader_stickiness:
            self.heard_at = self.context.now
        self.restart_election_timer()
        self.context.send(sender, self.take_chunk(sender, message))

    def on_install_snapshot_reply(self, sender: str, message: InstallSnapshotReply) -> None:
        """RP section 7, leader: the next part; after the last one the entries that follow."""
        if message.term > self.term:
            self.follow_term(sender, message.term)
        if self.role != LEADER or message.term != self.term or sender not in self.transfers:
            return
        self.heard_tick[sender] = self.tick
        if self.chunk_arrived(sender, message):
            self.follower_installed(sender, message.last_index)

    def follower_installed(self, peer: str, index: int) -> None:
        """The follower is where the snapshot ends. (All of that is committed: there is nothing to count.)"""
        self.match_index[peer] = max(index, self.match_index[peer])
        self.matched_round[peer] = self.round
        self.next_index[peer] = self.match_index[peer] + 1
        self.probing[peer] = False
        if peer in self.uncounted:
            self.learner_stores(peer, index)
        if peer in self.match_index:
            self.send_append(peer, self.parameters.max_batch)

    def on_request(self, request: Request) -> None:
        """RP section 8; RD chapter 6. Only the leader takes requests; others point at it.

        before_durable: safe, "retry" says that nothing was done, and what was executed is on a majority's disks.
        """
        kind = request.kind
        if kind == "get" and self.parameters.read_mode == "local":
            self.answer_read(request)
        elif self.role != LEADER:
            self.context.reply(request, "retry", None, self.leader or None, True)
        elif self.transfer_to:
            self.context.reply(request, "retry", None, self.transfer_to, True)
        elif kind not in state_machine.KINDS:
            self.context.reply(request, "fail")
        elif kind == "get" and self.parameters.read_mode != "log":
            self.read(request)
        elif request.session and (before := self.executed_before(request)) is not None:
            self.context.reply(request, "ok", before[0], None, True)
        else:
            self.append_as_leader(request)
            if self.parameters.leader_disk == "parallel":
                self.replicate()
