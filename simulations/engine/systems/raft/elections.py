"""Raft, the rules of leadership: roles, votes, quorum, transfer.

RP sections 5.1, 5.2 and 5.4.1; RD sections 3.10, 4.2.3, 6.2 and 9.6.
"""

from __future__ import annotations

from simulations.engine.process import put
from simulations.engine.systems.raft import quorum
from simulations.engine.systems.raft.commitment import Commitment
from simulations.engine.systems.raft.messages import PreVote, RequestVote, TimeoutNow
from simulations.engine.systems.raft.state import CANDIDATE, LEADER, PRE_CANDIDATE


class Elections(Commitment):
    """How leadership is gained, kept, handed over and lost."""

    __slots__ = ()

    def become_follower(self, term: int, leader: str = "") -> None:
        """Figure 2, all servers: a higher term makes anyone a follower. Also how a leader steps down."""
        was_leader = self.role == LEADER
        self.role = self.resting_role()
        self.leader = leader
        self.votes = {}
        if term > self.term:
            self.term = term
            self.voted_for = ""
            self.persist_vote()
        if was_leader:
            self.forget_leadership()
            self.restart_election_timer()

    def follow_term(self, sender: str, term: int) -> None:
        """RP section 5.1: a message of a higher term; whoever leads gives way to it."""
        if self.role == LEADER:
            self.context.note("raft.deposed", by=sender, term=term, mine=self.term)
        self.become_follower(term)

    def forget_leadership(self) -> None:
        """Leader-only state ends with the role. Waiting clients get no answer: theirs may still commit."""
        self.context.cancel_timer("heartbeat")
        self.context.cancel_timer("transfer")
        self.next_index, self.match_index, self.probing = {}, {}, {}
        self.heard_tick, self.sent_round = {}, {}
        self.answered_round, self.matched_round = {}, {}
        self.copies, self.undurable = {}, []
        self.confirming, self.lease_until = 0, None
        self.reads_next, self.reads_confirming, self.reads_confirmed = [], [], []
        self.transfer_to, self.handed_over, self.shared_index = "", False, 0
        self.rounds, self.caught_up, self.allowance, self.transfers = {}, [], {}, {}
        if self.joining:
            self.joining = ""
            self.take_others()

    def become_pre_candidate(self) -> None:
        """RD section 9.6: ask whether an election could be won before disturbing anyone; no term rises."""
        self.role = PRE_CANDIDATE
        self.leader = ""
        self.votes = {self.id: True}
        self.context.note("raft.pre_campaign", term=self.term + 1)
        self.restart_election_timer()
        question = PreVote(self.term + 1, self.last_index, self.last_term)
        for peer in self.electors():
            self.context.send(peer, question)
        if self.quorum == 1 and self.record_vote(self.id, True) == quorum.WON:
            self.become_candidate()

    def become_candidate(self, transfer: bool = False) -> None:
        """RP section 5.2: increment the term, vote for yourself, ask all others. RD section 9.3: the write of the own
        vote goes on while the others write theirs; it counts when it is durable (``count_own_vote``).

        before_durable: safe, nobody can win without the own vote, and so without a durable term; after a crash the
        late answers are honest votes for this server's log as it still is. For that the log must be durable: one that
        lost its end could win the same term again with votes that its longer self was given.
        """
        self.role = CANDIDATE
        self.leader = ""
        self.term += 1
        self.voted_for = self.id
        self.votes = {}
        self.vote_write = self.persist_vote()
        self.context.note("raft.campaign", term=self.term)
        self.restart_election_timer()
        question = RequestVote(self.term, self.last_index, self.last_term, transfer)
        log_is_durable = self.log_write <= self.durable_write
        for peer in self.electors():
            self.context.send(peer, question, log_is_durable)

    def count_own_vote(self) -> None:
        """The own vote is on the disk."""
        if self.record_vote(self.id, True) == quorum.WON:
            self.become_leader()

    def become_leader(self) -> None:
        """RP section 5.3: nextIndex starts just after the leader's log; a first append asserts authority."""
        self.role = LEADER
        self.leader = self.id
        if self.votes:
            self.context.note("raft.elected", term=self.term, votes=sum(self.votes.values()))
        else:
            self.context.note("raft.leads_from_start", term=self.term)
        self.context.cancel_timer("election")
        for peer in self.others:
            self.begin_serving(peer)
        self.term_start = self.last_index + 1
        self.durable_index = 0
        self.undurable = [(self.log_write, self.last_index)]
        self.take_durable(self.durable_write)
        if self.parameters.leader_noop:
            self.append_as_leader(None)
        self.round += 1
        for peer in self.others:
            self.send_append(peer, self.parameters.max_batch)
        if self.parameters.read_mode == "lease":
            self.start_confirming()
        self.context.set_timer("heartbeat", self.heartbeat_us)

    def begin_serving(self, peer: str) -> None:
        """RP Figure 2: what a leader knows of a follower at first."""
        self.next_index[peer] = self.last_index + 1
        self.match_index[peer] = 0
        self.probing[peer] = True
        self.heard_tick[peer] = self.tick
        self.sent_round[peer] = self.answered_round[peer] = self.matched_round[peer] = self.round
        if peer in self.uncounted:
            self.rounds[peer] = (1, self.last_index, self.context.now)

    def restart_election_timer(self) -> None:
        """RP section 5.2: a fresh random timeout each time, so that split votes are rare."""
        context = self.context
        context.set_timer("election", context.random.integer(self.election_low_us, self.election_high_us))

    def persist_vote(self) -> int:
        """Figure 2: currentTerm and votedFor are on stable storage before any answer. The number of the write."""
        return self.context.persist(put("term", self.term), put("voted_for", self.voted_for))

    # --- votes ---

    def log_is_behind(self, last_term: int, last_index: int) -> bool:
        """RP section 5.4.1: a candidate is behind if its last term is lower, or equal and its log shorter."""
        if last_term != self.last_term:
            return last_term < self.last_term
        return last_index < self.last_index

    def hears_a_leader(self) -> bool:
        """RD section 4.2.3: was a leader (or am I one) heard within the minimum election timeout?"""
        if not self.parameters.leader_stickiness:
            return False
        if self.role == LEADER:
            return True
        if self.heard_at is None:
            return False
        return 0 <= self.context.now - self.heard_at < self.election_low_us

    def voted_for_another(self, candidate: str) -> bool:
        """RP section 5.2: at most one vote per term, first come first served."""
        return self.voted_for not in ("", candidate)

    def grants_vote(self, candidate: str, message: RequestVote) -> bool:
        """RP sections 5.2 and 5.4.1. The receiver has already taken over a higher term."""
        note = self.context.note
        if message.term < self.term:
            note("raft.vote_refused_term", candidate=candidate, term=message.term, mine=self.term)
            return False
        if self.voted_for_another(candidate):
            note("raft.vote_refused_voted", candidate=candidate, term=self.term, voted_for=self.voted_for)
            return False
        if self.log_is_behind(message.last_term, message.last_index):
            self.note_log_behind("raft.vote_refused_log", candidate, message)
            return False
        note("raft.vote_granted", candidate=candidate, term=self.term)
        return True

    def grants_pre_vote(self, candidate: str, message: PreVote) -> bool:
        """RD section 9.6: would I vote, without changing anything. Several may be granted in one term."""
        note = self.context.note
        if message.term < self.term:
            note("raft.pre_vote_refused_term", candidate=candidate, term=message.term, mine=self.term)
            return False
        if self.hears_a_leader():
            note("raft.pre_vote_refused_leader", candidate=candidate, leader=self.leader)
            return False
        if self.log_is_behind(message.last_term, message.last_index):
            self.note_log_behind("raft.pre_vote_refused_log", candidate, message)
            return False
        note("raft.pre_vote_granted", candidate=candidate, term=message.term)
        return True

    def note_log_behind(self, note: str, candidate: str, message: PreVote | RequestVote) -> None:
        self.context.note(
            note,
            candidate=candidate,
            last_term=message.last_term,
            last_index=message.last_index,
            my_last_term=self.last_term,
            my_last_index=self.last_index,
        )

    def record_vote(self, voter: str, granted: bool) -> str:
        """RP section 5.2: one vote per server, however often its answer arrives: won | lost | pending. In a joint
        configuration both majorities are needed (RP section 6)."""
        self.votes[voter] = granted
        return quorum.joint_vote_result(self.voters, self.old_voters, self.votes)

    # --- keeping and handing over ---

    def hears_a_quorum(self) -> bool:
        """CheckQuorum, RD section 6.2: a majority answered within the last election timeout."""
        oldest = self.tick - self.silent_ticks
        return self.heard_enough(self.voters, oldest) and self.heard_enough(self.old_voters, oldest)

    def heard_enough(self, voters: tuple[str, ...], oldest: int) -> bool:
        """Whether a majority of these voters answered since that tick. No voters: yes."""
        heard_tick, heard = self.heard_tick, 0
        for voter in voters:
            if voter == self.id or heard_tick[voter] >= oldest:
                heard += 1
        return not voters or heard >= quorum.majority(len(voters))

    def start_transfer(self, target: str) -> None:
        """RD section 3.10: stop taking requests, bring the target up to date, tell it to campaign at once."""
        self.context.note("raft.transfer", to=target)
        self.transfer_to, self.shared_index = target, self.durable_index
        self.lease_until = None
        self.context.set_timer("transfer", self.election_high_us)
        self.hurry_successor()

    def hurry_successor(self) -> None:
        """RD section 3.10: only a target that holds all that ever left this server is sent TimeoutNow.

        A serial leader's entries that wait for its disk are known to nobody, so they need not be waited for.
        """
        if self.match_index[self.transfer_to] >= self.replicable_index():
            self.handed_over = True
            # Before durable: the message promises nothing about this server's writes.
            self.context.send(self.transfer_to, TimeoutNow(self.term), before_durable=True)

    def abort_transfer(self) -> None:
        """RD section 3.10: after about an election timeout the leader goes on as before."""
        self.context.note("raft.transfer_aborted", to=self.transfer_to)
        self.context.cancel_timer("transfer")
        self.transfer_to = ""
        if self.parameters.leader_disk == "serial":
            self.replicate()
