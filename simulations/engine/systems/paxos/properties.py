"""What must hold of Paxos: PMS 2.1 and 2.2, and the invariants of Lamport's TLA+ models Voting and Paxos.

Judged from outside, on votes that are on acceptors' disks: what is lost in a crash was never a vote. A slot is judged
while it is among the last ``WINDOW``; of older ones only the chosen value is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.checks.no_lost_ack import NoLostAck
from simulations.engine.chunks import Chunks
from simulations.engine.process import Process
from simulations.engine.systems.paxos.messages import Entry
from simulations.engine.systems.paxos.parameters import MULTI
from simulations.engine.systems.paxos.process import Paxos
from simulations.engine.systems.paxos.state import IDLE, LEADING

ROLE, BALLOT, PROMISED, VOTES, CHOSEN = range(5)
"""Places in ``State.watched``."""

WINDOW = 256

Watched = tuple[Any, ...]
Vote = tuple[int, int, Any]
"""(number of the proposal, acceptor, value)"""


def value_of(entry: Entry) -> Any:
    """What makes two proposals the same value: the operation, however often it was attempted."""
    return None if entry.command is None else entry.command.operation


class Votes(Check):
    """Base: the votes of the last slots. ``promised``: acceptor -> its promise; ``seen``: acceptor -> votes read;
    ``votes``: slot -> all votes for it, in order; ``old``: slots up to here were let go; ``supported``: a number that
    a majority promised; ``every``: judge also votes that only repeat another acceptor's."""

    every: ClassVar[bool] = False
    votes: dict[int, tuple[Vote, ...]] = {}
    promised: dict[int, int] = {}
    seen: dict[int, int] = {}
    old: int = 0
    highest: int = 0
    supported: int = -1

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        count = after[VOTES]
        starts = before[ROLE] == IDLE
        if count == before[VOTES] and before[PROMISED] == after[PROMISED] and not starts:
            return
        if not process.is_acceptor:
            return
        self.promised[process_index] = after[PROMISED]
        first = min(self.seen.get(process_index, 0), count) if starts else before[VOTES]
        self.seen[process_index] = count
        quorum = len(process.acceptors) // 2 + 1
        votes = process.votes
        while first < count:
            first += 1
            self.add(at_us, event, process_index, votes[first], quorum, not starts)

    def add(self, at_us: int, event: int, acceptor: int, entry: Entry, quorum: int, judged: bool) -> None:
        """One more vote. ``judged``: it was cast in this life, not found on the disk."""
        slot, ballot, command = entry.slot, entry.term, entry.command
        if slot <= self.old:
            self.late(at_us, event, entry)
            return
        vote = (ballot, acceptor, None if command is None else command.operation)
        earlier = self.votes.get(slot, ())
        if vote in earlier:
            return
        self.votes[slot] = (*earlier, vote)
        if judged:
            self.judged += 1
            # Usual: another acceptor casts the same vote as the one before it, which was judged.
            if self.every or not earlier or earlier[-1][0] != ballot or earlier[-1][2] != vote[2]:
                self.judge(at_us, event, slot, vote, earlier, quorum)
        self.counted(at_us, event, slot, vote, quorum)
        if slot > self.highest:
            self.highest = slot
            while self.old < slot - WINDOW:
                self.old += 1
                self.votes.pop(self.old, None)
                self.let_go(self.old)

    def majority_promised(self, ballot: int, quorum: int) -> bool:
        """Whether a majority promised this number or a higher one. Remembered for the last number."""
        if ballot == self.supported:
            return True
        if sum(promise >= ballot for promise in self.promised.values()) < quorum:
            return False
        self.supported = ballot
        return True

    def judge(
        self, at_us: int, event: int, slot: int, vote: Vote, earlier: tuple[Vote, ...], quorum: int
    ) -> None:
        """A vote was cast after these earlier ones in its slot."""

    def counted(self, at_us: int, event: int, slot: int, vote: Vote, quorum: int) -> None:
        """A vote counts, whenever it was cast."""

    def late(self, at_us: int, event: int, entry: Entry) -> None:
        """A vote for a slot that was let go."""

    def let_go(self, slot: int) -> None:
        """The votes of the next slot in order are forgotten."""


class OneVote(Votes):
    """OneVote (Voting.tla): an acceptor votes for one value in a ballot."""

    name: ClassVar[str] = "one_vote"
    every: ClassVar[bool] = True

    def judge(
        self, at_us: int, event: int, slot: int, vote: Vote, earlier: tuple[Vote, ...], quorum: int
    ) -> None:
        if any(known[0] == vote[0] and known[1] == vote[1] for known in earlier):
            self.violate(at_us, event, "paxos.two_votes", slot=slot, ballot=vote[0])


class OneValuePerBallot(Votes):
    """OneValuePerBallot (Voting.tla): all votes of a ballot are for one value."""

    name: ClassVar[str] = "one_value_per_ballot"

    def judge(
        self, at_us: int, event: int, slot: int, vote: Vote, earlier: tuple[Vote, ...], quorum: int
    ) -> None:
        if any(known[0] == vote[0] and known[2] != vote[2] for known in earlier):
            self.violate(at_us, event, "paxos.two_values", slot=slot, ballot=vote[0])


class OneValueChosen(Votes):
    """Consistency (Voting.tla), PMS 2: only one value is chosen. ``chosen``: slot -> (ballot, value); ``settled``: the
    same of the slots that were let go; ``found``: (time, slot) whenever a value became chosen."""

    name: ClassVar[str] = "one_value_chosen"
    speaks: ClassVar[bool] = True
    chosen: dict[int, tuple[int, Any]] = {}
    settled: Chunks[tuple[int, Any] | None] = msgspec.field(default_factory=Chunks)
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    one_by_one: bool = False

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        self.one_by_one = process.mode != MULTI
        super().changed(at_us, event, process_index, before, after, process)

    def counted(self, at_us: int, event: int, slot: int, vote: Vote, quorum: int) -> None:
        ballot, _, value = vote
        votes = self.votes[slot]
        if len(votes) < quorum or self.chosen.get(slot) == (ballot, value):
            return
        if sum(known[0] == ballot and known[2] == value for known in votes) < quorum:
            return
        known = self.chosen.get(slot)
        if known is None:
            self.chosen[slot] = (ballot, value)
            self.found.append((at_us, slot))
            if self.one_by_one:
                self.said.append(("paxos.became_chosen", {"slot": slot, "ballot": ballot, "votes": quorum}))
        elif known[1] != value:
            self.violate(at_us, event, "paxos.two_chosen", slot=slot, first=known[0], second=ballot)

    def late(self, at_us: int, event: int, entry: Entry) -> None:
        """P2b: a higher-numbered vote for a settled slot is for the chosen value."""
        known = self.settled[entry.slot - 1]
        if known is not None and entry.term > known[0] and value_of(entry) != known[1]:
            self.violate(at_us, event, "paxos.two_chosen", slot=entry.slot, first=known[0], second=entry.term)

    def let_go(self, slot: int) -> None:
        self.settled.append(self.chosen.pop(slot, None))


class VotesSafe(Votes):
    """VotesSafe (Voting.tla): whoever votes (b, v) does so when v is safe at b - for every lower ballot c some quorum
    has voted (c, v) or can never vote in c."""

    name: ClassVar[str] = "votes_safe"

    def judge(
        self, at_us: int, event: int, slot: int, vote: Vote, earlier: tuple[Vote, ...], quorum: int
    ) -> None:
        ballot, _, value = vote
        if any(known[0] == ballot for known in earlier) or (
            not earlier and self.majority_promised(ballot, quorum)
        ):
            return
        if not self.is_safe(ballot, value, earlier, quorum):
            self.violate(at_us, event, "paxos.unsafe_vote", slot=slot, ballot=ballot)

    def is_safe(self, ballot: int, value: Any, earlier: tuple[Vote, ...], quorum: int) -> bool:
        """SafeAt(b, v). Of the ballots without votes the highest is the hardest to exclude."""
        voted = sorted({known[0] for known in earlier if known[0] < ballot})
        silent = ballot - 1
        while silent in voted:
            silent -= 1
        if sum(promise > silent for promise in self.promised.values()) < quorum:
            return False
        return all(self.is_safe_in(lower, value, earlier, quorum) for lower in voted)

    def is_safe_in(self, lower: int, value: Any, earlier: tuple[Vote, ...], quorum: int) -> bool:
        """Whether a quorum voted for the value in this ballot or can never vote in it."""
        voters = {known[1] for known in earlier if known[0] == lower}
        same = {known[1] for known in earlier if known[0] == lower and known[2] == value}
        barred = [a for a, promise in self.promised.items() if promise > lower and a not in voters]
        return len(same) + len(barred) >= quorum


class ShowsSafe(Votes):
    """ShowsSafeAt (Paxos.tla): a proposal (b, v) stands on a quorum that promised b, of which v is the value of the
    highest-numbered vote below b, or none voted at all. P2c of PMS 2.2."""

    name: ClassVar[str] = "shows_safe"

    def judge(
        self, at_us: int, event: int, slot: int, vote: Vote, earlier: tuple[Vote, ...], quorum: int
    ) -> None:
        ballot, _, value = vote
        if any(known[0] == ballot for known in earlier) or (
            not earlier and self.majority_promised(ballot, quorum)
        ):
            return
        highest = {a: -1 for a, promise in self.promised.items() if promise >= ballot}
        for lower, acceptor, _ in earlier:
            if lower < ballot and highest.get(acceptor, ballot) < lower:
                highest[acceptor] = lower
        bounds = [-1, *[b for b, a, v in earlier if b < ballot and v == value and a in highest]]
        if not any(sum(b <= bound for b in highest.values()) >= quorum for bound in bounds):
            self.violate(at_us, event, "paxos.not_shown_safe", slot=slot, ballot=ballot)


class SlotAgreement(Check):
    """No two processes know different values of a slot. ``values``: what the first to learn a slot took it for."""

    name: ClassVar[str] = "slot_agreement"
    values: Chunks[Any] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        last = after[CHOSEN]
        if last == before[CHOSEN]:
            return
        self.judged += 1
        known = self.values
        log, slot = process.log, before[CHOSEN]
        while slot < last:
            slot += 1
            value = value_of(log[slot])
            if slot > len(known):
                known.append(value)
            elif known[slot - 1] != value:
                self.violate(at_us, event, "paxos.slots_differ", process=process.id, slot=slot)


def is_leader(process: Any) -> bool:
    """Whether a process proposes with a number that a majority promised."""
    return process.role in LEADING


def epoch(process: Any) -> int:
    """The number it proposes with."""
    return int(process.ballot)


def operations(process: Any) -> tuple[set[int], set[int]]:
    """Ids of the operations that a process knows: (applied, chosen or proposed but not applied yet)."""
    applied = {entry.command.operation for entry in process.log if entry.command is not None}
    known = [*process.open.values(), *process.chosen.values()]
    waiting = {entry.command.operation for entry in known if entry.command is not None}
    return applied, waiting - applied


def known_to(process: Paxos) -> set[int]:
    """Ids of the operations that a process applied, holds, or voted for as an acceptor."""
    applied, waiting = operations(process)
    votes = process.accepted.values()
    return applied | waiting | {vote.command.operation for vote in votes if vote.command is not None}


class PaxosNoLostAck(NoLostAck):
    """no_lost_ack, reading Paxos's leaders. A proposal to the single slot is answered, not carried out.

    ``elsewhere``: what anybody knows or voted for, where every proposer may propose: there a number that a majority
    promised says nothing of what was chosen with a higher one since (PMS 2.3).
    """

    elsewhere: frozenset[int] = frozenset()
    members = Paxos
    is_leader = staticmethod(is_leader)
    epoch = staticmethod(epoch)
    operations = staticmethod(operations)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        if operation.kind != "propose":
            super().completed(at_us, event, operation)

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        everybody = [
            process for process in running.values() if isinstance(process, Paxos) and process.mode != MULTI
        ]
        self.elsewhere = frozenset().union(*map(known_to, everybody))
        super().look(at_us, event, running)

    def read(self, leader: Any) -> tuple[set[int], set[int]]:
        applied, waiting = self.operations(leader)
        return applied, waiting | (self.elsewhere - applied)


CHECKS: dict[str, type[Check]] = {
    check.name: check
    for check in (
        OneValueChosen, OneVote, OneValuePerBallot, VotesSafe, ShowsSafe, SlotAgreement, PaxosNoLostAck,
    )
}  # fmt: skip
