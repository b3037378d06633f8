"""Fast leader election: who has the newest history leads. ZI, "Leader election"; FastLeaderElection.java.

A vote names a server with its current epoch and last zxid; the highest (epoch, zxid, server id) wins. Ids are compared
by their place in the experiment, as the numbers of ``myid`` files would be.
"""

from __future__ import annotations

from collections.abc import Collection

from simulations.engine.process import Message
from simulations.engine.systems.zookeeper.messages import Notification
from simulations.engine.systems.zookeeper.state import ELECTION, LEADING, LOOKING, OBSERVER, State, Vote

NOTIFY_TICKS_MAX = 8
NOBODY: Vote = ("", -1, -1)


def is_majority(voters: Collection[str], ids: Collection[str]) -> bool:
    """Whether these are more than half of the voters."""
    return 2 * sum(1 for voter in voters if voter in ids) > len(voters)


class Election(State):
    """LOOKING."""

    __slots__ = ()

    # -- quorums --------------------------------------------------------------------------------------------------

    def has_quorum(self, ids: Collection[str]) -> bool:
        """More than half of the voters; while a reconfiguration is not committed, of the new ones too. The last of two
        servers may go on alone when the oracle licenses it (ZooKeeper's Oracle Quorum)."""
        if is_majority(self.voters, ids) and (not self.next_voters or is_majority(self.next_voters, ids)):
            return True
        return self.alone and self.is_licensed()

    def is_licensed(self) -> bool:
        return len(self.voters) == 2 and self.is_voter and self.parameters.oracle.get(self.id) == 1

    def is_counted(self, server: str) -> bool:
        """Whether its word counts here: a voter, or one by a reconfiguration that is not committed."""
        return server in self.voters or server in self.next_voters

    # -- rules ----------------------------------------------------------------------------------------------------

    def rank(self, vote: Vote) -> tuple[int, int, int]:
        """(epoch, zxid, id): the order of votes."""
        return vote[1], vote[2], self.number_of(vote[0])

    def number_of(self, server: str) -> int:
        """A server's id, as a number."""
        order = self.directory.get("zookeeper") or tuple(sorted((self.id, *self.peers)))
        return order.index(server) if server in order else -1

    def own_vote(self) -> Vote:
        """Everybody votes for itself first. Those without a vote name nobody."""
        return (self.id, self.epoch, self.last_zxid) if self.is_voter else NOBODY

    @property
    def takes_votes(self) -> bool:
        """Whether it takes over better votes and tells them. A joiner does: a server that holds a reconfiguration that
        is not committed may count on it. Only observers do not."""
        return self.is_voter or self.kind != OBSERVER

    def supporters(self, vote: Vote) -> list[str]:
        return [server for server, other in self.votes.items() if other == vote]

    # -- looking --------------------------------------------------------------------------------------------------

    def look_for_leader(self, reason: str) -> None:
        """A new round of the election."""
        self.context.note(f"zookeeper.looking_{reason}")
        self.stop_serving()
        self.role, self.zab_state, self.leader = LOOKING, ELECTION, ""
        self.alone = False
        self.round += 1
        self.votes, self.outside = {}, {}
        for timer in ("ping", "initialize", "silence", "connect", "finalize", "laggards"):
            self.context.cancel_timer(timer)
        self.notify_us = self.tick_us
        self.vote_for(self.own_vote())
        self.context.set_timer("notify", self.notify_us)

    def stop_serving(self) -> None:
        """Nobody is served while there is no leader. Given by the part that serves."""

    def vote_for(self, vote: Vote) -> None:
        """Change the vote, and tell everybody."""
        self.proposal = vote
        self.context.cancel_timer("finalize")
        if self.takes_votes and vote != NOBODY:
            self.votes[self.id] = vote
        self.notify_all()
        self.count_votes()

    def notify_all(self) -> None:
        self.answered = {}
        for peer in self.peers:
            if self.is_counted(peer):
                self.notify(peer)

    def notify(self, to: str) -> None:
        self.context.send(to, self.notification())

    def notification(self) -> Message:
        leader, epoch, zxid = self.proposal
        return Notification(leader, epoch, zxid, self.round, self.role)

    def on_notify_timer(self) -> None:
        """Nobody decided yet: ask again, less and less often."""
        if self.role != LOOKING:
            return
        if self.is_licensed() and list(self.votes) == [self.id]:
            self.context.note("zookeeper.licensed")
            self.alone = True
            self.settle(self.own_vote())
            return
        self.notify_us = min(
            2 * self.notify_us, NOTIFY_TICKS_MAX * self.tick_us if self.is_voter else self.tick_us
        )
        self.notify_all()
        self.context.set_timer("notify", self.notify_us)

    def on_notification(self, sender: str, message: Notification) -> None:
        """A vote of somebody, who is looking or tells how it is."""
        if self.role != LOOKING:
            if message.state == LOOKING:
                self.notify(sender)
            return
        if message.state == LOOKING:
            self.hear_of_candidate(sender, message)
        elif self.is_counted(sender):
            self.hear_of_leader(sender, message)

    def hear_of_candidate(self, sender: str, message: Notification) -> None:
        """Another one looks: the better vote wins, of the later round."""
        vote: Vote = (message.leader, message.epoch, message.zxid)
        if not self.is_counted(sender):
            self.answer_uncounted(sender, message, vote)
            return
        if not self.takes_votes:
            return  # (it only joins those that are led already)
        if message.round < self.round:
            self.notify(sender)
            return
        if message.round > self.round:
            self.round = message.round
            self.votes = {}
            best = max(vote, self.own_vote(), key=self.rank)
            self.votes[sender] = vote
            self.vote_for(best)
        elif self.rank(vote) > self.rank(self.proposal):
            self.votes[sender] = vote
            self.vote_for(vote)
        elif self.votes.get(sender) != vote:  # (one that is told again must not put the end off)
            self.votes[sender] = vote
            self.count_votes()

    def answer_uncounted(self, sender: str, message: Notification, vote: Vote) -> None:
        """Whoever is not counted here may count this server, and is told what is later than its own word; that the word
        is the same, once until this server asks again. So two that do not count each other come to an end."""
        mine, other = (self.round, self.rank(self.proposal)), (message.round, self.rank(vote))
        if mine > other or (mine == other and sender not in self.answered):
            self.answered[sender] = True
            self.notify(sender)

    def count_votes(self) -> None:
        """A quorum for one vote: wait a little for a better one, then it is settled."""
        if self.proposal != NOBODY and self.has_quorum(self.supporters(self.proposal)):
            self.context.set_timer("finalize", round(self.parameters.finalize_ms * 1000))

    def on_finalize_timer(self) -> None:
        if self.role == LOOKING and self.has_quorum(self.supporters(self.proposal)):
            self.settle(self.proposal)

    def hear_of_leader(self, sender: str, message: Notification) -> None:
        """Others have a leader already: join when a quorum of them follows it and it says so itself."""
        self.outside[sender] = message
        leader = message.leader
        named = self.outside.get(leader)
        if leader == self.id or named is None or named.state != LEADING or named.leader != leader:
            return
        followers = [server for server, told in self.outside.items() if told.leader == leader]
        if self.has_quorum(followers) or self.is_needed_by(named, followers):
            self.round = max(self.round, message.round)
            self.settle((leader, message.epoch, message.zxid))

    def is_needed_by(self, leader: Notification, followers: list[str]) -> bool:
        """A quorum there may be none here: this server may hold a change of voters that is not committed, or not
        know the last one yet. So it joins whom its own vote has elected too: else it would elect others by turns for
        ever, and follow nobody. And where its own word makes the quorum of the next voters, nobody else's will."""
        if leader.round == self.round and self.proposal[0] == leader.leader:
            return True
        if not self.next_voters:
            return False
        return is_majority(self.voters, followers) and is_majority(self.next_voters, [*followers, self.id])

    def settle(self, vote: Vote) -> None:
        """The election is over for this server."""
        self.proposal = vote
        self.context.cancel_timer("notify")
        self.context.cancel_timer("finalize")
        self.context.note("zookeeper.elected", leader=vote[0], epoch=vote[1], round=self.round)
        if vote[0] == self.id:
            self.lead()
        else:
            self.follow(vote[0])

    def lead(self) -> None:
        """Phase 1 as the prospective leader. Given by the leader's part."""

    def follow(self, leader: str) -> None:
        """Phase 1 as a learner. Given by the learner's part."""
