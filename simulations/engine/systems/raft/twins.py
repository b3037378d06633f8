"""Raft, broken on purpose: each twin overrides one rule and nothing else."""

from __future__ import annotations

from simulations.engine.process import DiskImage, Process
from simulations.engine.systems.raft import quorum
from simulations.engine.systems.raft.messages import AppendEntriesReply, Configuration, Entry, InstallSnapshot
from simulations.engine.systems.raft.process import Raft


class ForgetsVote(Raft):
    """votedFor is not read back: after a restart it votes again in the same term."""

    def restored_vote(self, disk: DiskImage) -> str:
        return ""


class CountsVoteTwice(Raft):
    """A vote that arrives twice counts twice."""

    def record_vote(self, voter: str, granted: bool) -> str:
        self.votes[f"{voter} again" if voter in self.votes else voter] = granted
        answers = list(self.votes.values())
        if answers.count(True) >= self.quorum:
            return quorum.WON
        return quorum.LOST if answers.count(False) >= self.quorum else quorum.PENDING


class CommitsOldTerms(Raft):
    """An entry of an earlier term is committed when a majority stores it (Figure 8)."""

    def may_commit_by_counting(self, index: int) -> bool:
        return True


class AcknowledgesBeforeDisk(Raft):
    """A follower's answer leaves before its entries are durable."""

    def acknowledge(self, sender: str, reply: AppendEntriesReply) -> None:
        self.context.send(sender, reply, True)


class TruncatesWithoutConflict(Raft):
    """Everything after prevLogIndex is dropped, whether it conflicts or not."""

    def store(self, prev_index: int, entries: tuple[Entry, ...]) -> None:
        if self.last_index > prev_index:
            self.truncate_and_append(prev_index + 1, entries)
        else:
            super().store(prev_index, entries)


class ReadsBeforeCommit(Raft):
    """A new leader answers reads although it cannot know yet what is committed."""

    def committed_in_term(self) -> bool:
        return True


class ChangesWithoutGuard(Raft):
    """The bug of 2015: a leader changes one server although it committed nothing in its term yet."""

    def committed_in_own_term(self) -> bool:
        return True


class QuorumOnUnion(Raft):
    """In a joint configuration a majority of all servers decides, instead of one of the old and one of the new."""

    def electorates(self, configuration: Configuration) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(dict.fromkeys((*configuration.old, *configuration.voters))), ()


class CountsLearners(Raft):
    """A learner's copy counts towards the majority of the voters."""

    def not_counted(self, configuration: Configuration) -> tuple[str, ...]:
        return ()


class ShowsPartialSnapshot(Raft):
    """The first part of a snapshot is taken for the whole."""

    def is_complete(self, message: InstallSnapshot) -> bool:
        return True


TWINS: dict[str, dict[str, type[Process]]] = {
    "forget_vote": {"server": ForgetsVote},
    "count_vote_twice": {"server": CountsVoteTwice},
    "count_prior_term": {"server": CommitsOldTerms},
    "acknowledge_before_disk": {"server": AcknowledgesBeforeDisk},
    "truncate_without_conflict": {"server": TruncatesWithoutConflict},
    "read_before_commit": {"server": ReadsBeforeCommit},
    "single_change_without_guard": {"server": ChangesWithoutGuard},
    "quorum_on_union": {"server": QuorumOnUnion},
    "count_learners": {"server": CountsLearners},
    "partial_snapshot": {"server": ShowsPartialSnapshot},
}
