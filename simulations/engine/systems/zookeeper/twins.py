"""Broken on purpose: each overrides one rule and passes every run in which that rule does not matter."""

from __future__ import annotations

from simulations.engine.process import Request, append
from simulations.engine.systems.zookeeper.messages import Ack, AckNewLeader
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.systems.zookeeper.state import BROADCAST


class KeepsDatabase(ZooKeeper):
    """The tree is kept over an election with proposals that were never committed (as in ZOOKEEPER-2845)."""

    __slots__ = ()

    def look_for_leader(self, reason: str) -> None:
        if self.zab_state == BROADCAST:
            for index in range(self.delivered + 1, self.log.last + 1):
                self.tree.apply(self.log[index])
        super().look_for_leader(reason)


class AcksBeforeDisk(ZooKeeper):
    """NEWLEADER is acknowledged while the history is still on its way to the disk (as in ZOOKEEPER-4646)."""

    __slots__ = ()

    def acknowledge_leader(self, message: AckNewLeader) -> None:
        self.context.send(self.leader, message, before_durable=True)  # the defect


class AcksProposalsEarly(ZooKeeper):
    """A proposal is acknowledged while it is still on its way to the disk."""

    __slots__ = ()

    def acknowledge(self) -> None:
        ack = Ack(self.epoch, self.log.last - self.base)
        self.context.send(self.leader, ack, before_durable=True)  # the defect


class ForgetsEpoch(ZooKeeper):
    """acceptedEpoch is not written to the disk, so a restarted server agrees to the same epoch again."""

    __slots__ = ()

    def accept_epoch(self, epoch: int) -> None:
        self.accepted_epoch = epoch


class SkipsGaps(ZooKeeper):
    """Whatever proposal comes is written down next, although one before it is missing."""

    __slots__ = ()

    def take_early(self) -> int:
        known = {
            self.log[index].counter for index in range(max(self.base + 1, self.log.first), self.log.last + 1)
        }
        taken = [txn for counter, txn in sorted(self.early.items()) if counter not in known]
        self.early = {}
        for txn in taken:
            self.log.append(txn)
        if taken:
            self.context.persist(append("log", taken))
        return len(taken)


class ProposesToCurrent(SkipsGaps):
    """Proposals go only to those that acknowledged NEWLEADER, and nobody misses what was proposed before (an ambiguity
    of JRS)."""

    __slots__ = ()

    def hears_proposals(self, learner: str) -> bool:
        return super().hears_proposals(learner) and learner in self.current


class CommitsEarly(ZooKeeper):
    """One acknowledgement less than a quorum is enough."""

    __slots__ = ()

    def held_by_quorum(self, voters: tuple[str, ...]) -> int:
        held = sorted((self.acked.get(voter, 0) for voter in voters), reverse=True)
        return held[max(0, len(voters) // 2 - 1)]


class OldServerSpeaks(ZooKeeper):
    """Requests that a client sent before it moved to another server are still carried out."""

    __slots__ = ()

    def is_late(self, server: str, request: Request) -> bool:
        return False


class ServesBehind(ZooKeeper):
    """A server takes clients that have seen a newer state than it has."""

    __slots__ = ()

    def is_behind(self, seen: int) -> bool:
        return False


class CommitsWhatIsAcked(ZooKeeper):
    """A learner that comes late may deliver all that it acknowledged, committed or not (an ambiguity of JRS)."""

    __slots__ = ()

    def committed_for(self, learner: str) -> int:
        return self.acked[learner]


TWINS: dict[str, type[ZooKeeper]] = {
    "keeps_database": KeepsDatabase,
    "acks_before_disk": AcksBeforeDisk,
    "acks_proposals_early": AcksProposalsEarly,
    "forgets_epoch": ForgetsEpoch,
    "skips_gaps": SkipsGaps,
    "proposes_to_current": ProposesToCurrent,
    "commits_early": CommitsEarly,
    "commits_what_is_acked": CommitsWhatIsAcked,
    "old_server_speaks": OldServerSpeaks,
    "serves_behind": ServesBehind,
}
