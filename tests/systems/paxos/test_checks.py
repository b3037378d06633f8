"""Each check of Paxos fires on a handmade history that breaks its rule, and stays silent on what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue
from simulations.engine.checks.base import Check
from simulations.engine.checks.history import Operation
from simulations.engine.process import Request
from simulations.engine.systems.paxos.messages import Entry
from simulations.engine.systems.paxos.parameters import BASIC
from simulations.engine.systems.paxos.process import Paxos
from simulations.engine.systems.paxos.properties import (
    CHECKS,
    WINDOW,
    OneValueChosen,
    OneValuePerBallot,
    OneVote,
    PaxosNoLostAck,
    ShowsSafe,
    SlotAgreement,
    VotesSafe,
)
from simulations.engine.world import World
from tests.systems.paxos.helpers import entry

IDS = ("a", "b", "c")


class Play:
    """Acceptors whose state the test writes by hand; a check sees each change as the harness would show it."""

    def __init__(self, *checks: Check, forks: bool = False) -> None:
        self.checks = list(checks)
        self.servers = [Paxos(id=id, role="acceptor", acceptors=IDS) for id in IDS]
        self.event = 0
        self.forks = forks

    def change(self, place: int, **fields: Any) -> None:
        """One event: give the process these fields."""
        server = self.servers[place]
        before = watched(server)
        for name, value in fields.items():
            setattr(server, name, value)
        self.see(place, before)

    def promise(self, ballot: int, *places: int) -> None:
        for place in places:
            self.change(place, promised=ballot)

    def vote(self, ballot: int, value: str | None, *places: int, slot: int = 1) -> None:
        """The acceptors vote, and their disks hold it."""
        for place in places:
            server = self.servers[place]
            before = watched(server)
            server.votes.append(entry(ballot, value, slot))
            server.durable_votes = server.votes.last
            server.promised = max(server.promised, ballot)
            self.see(place, before)

    def see(self, place: int, before: tuple[Any, ...]) -> None:
        self.event += 1
        server = self.servers[place]
        for check in self.checks:
            check.changed(self.event * 1000, self.event, place, before, watched(server), server)
        if self.forks:
            self.checks = [check.fork() for check in self.checks]

    def restart(self, place: int, keep: bool = True) -> None:
        """A new life, from the disk or from nothing."""
        old = self.servers[place]
        fresh = Paxos(id=old.id, acceptors=IDS)
        before = watched(fresh)
        if keep:
            fresh.votes, fresh.durable_votes, fresh.promised = old.votes, old.durable_votes, old.promised
        fresh.role = "acceptor"
        self.servers[place] = fresh
        for check in self.checks:
            check.crashed(self.event * 1000, self.event, place)
        self.see(place, before)

    def verdicts(self) -> dict[str, str]:
        running = dict(enumerate(self.servers))
        for check in self.checks:
            check.look(self.event * 1000, self.event, running)
        return {check.name: check.verdict().verdict for check in self.checks}


def watched(server: Paxos) -> tuple[Any, ...]:
    return (server.role, server.ballot, server.promised, server.durable_votes, server.log.last)


def all_checks() -> list[Check]:
    return [made() for made in CHECKS.values() if made is not PaxosNoLostAck]


def verdict(play: Play) -> str:
    (found,) = play.verdicts().values()
    return found


def test_two_chosen_values_are_seen_with_the_event_that_decides() -> None:
    play = Play(OneValueChosen())
    play.vote(1, "A", 0, 1)
    assert verdict(play) == "holds"
    play.vote(2, "B", 1)
    assert verdict(play) == "holds"
    play.vote(2, "B", 2)
    found = play.checks[0].verdict()
    assert (found.verdict, found.event, found.at_us) == ("violated", 4, 4000)
    assert found.values == {"slot": 1, "first": 1, "second": 2}


def test_the_same_value_may_be_chosen_again_with_a_higher_number() -> None:
    play = Play(*all_checks())
    play.promise(1, 0, 1)
    play.vote(1, "A", 0, 1)
    play.promise(2, 1, 2)
    play.vote(2, "A", 1, 2)
    assert set(play.verdicts().values()) <= {"holds", "unknown"}


def test_a_forgotten_vote_still_counts() -> None:
    play = Play(OneValueChosen())
    play.vote(1, "A", 0, 1)
    play.restart(1, keep=False)
    play.vote(2, "B", 1, 2)
    assert verdict(play) == "violated"


def test_a_restart_that_keeps_the_disk_adds_nothing() -> None:
    play = Play(OneValueChosen(), OneVote())
    play.vote(1, "A", 0)
    play.restart(0)
    play.restart(0)
    assert play.checks[0].votes == {1: ((1, 0, entry(1, "A").command.operation),)}  # type: ignore[attr-defined, union-attr]


def test_when_a_value_became_chosen_is_remembered() -> None:
    check = OneValueChosen()
    play = Play(check)
    play.vote(1, "A", 0)
    play.vote(1, "B", 0, slot=2)
    play.vote(1, "A", 2)
    assert list(check.found) == [(3000, 1)]


@pytest.mark.parametrize(("made", "other"), [(OneVote, 0), (OneValuePerBallot, 0), (OneValuePerBallot, 1)])
def test_a_second_value_of_one_number_is_seen(made: type[Check], other: int) -> None:
    play = Play(made())
    play.vote(1, "A", 0)
    play.vote(1, "B", other)
    assert verdict(play) == "violated"


def test_a_second_vote_that_repeats_anothers_is_seen() -> None:
    play = Play(OneVote())
    play.vote(1, "A", 0)
    play.vote(1, "B", 1)
    play.vote(1, "B", 0)
    assert verdict(play) == "violated"


def test_two_acceptors_with_two_values_each_vote_once() -> None:
    play = Play(OneVote())
    play.vote(1, "A", 0)
    play.vote(1, "B", 1)
    assert verdict(play) == "holds"


def test_a_vote_before_a_majority_left_the_lower_numbers_is_unsafe() -> None:
    for promised, expected in (((0,), "violated"), ((0, 1), "holds")):
        play = Play(VotesSafe())
        play.promise(3, *promised)
        play.vote(3, "A", 0)
        assert verdict(play) == expected, promised


def test_a_vote_against_a_value_that_may_be_chosen_is_unsafe() -> None:
    for value, expected in (("A", "holds"), ("B", "violated")):
        play = Play(VotesSafe())
        play.promise(1, 0, 1)
        play.vote(1, "A", 0)
        play.promise(2, 0, 2)
        play.vote(2, value, 2)
        assert verdict(play) == expected, value


def test_a_proposal_must_take_the_highest_vote_of_a_majority() -> None:
    for value, expected in (("B", "holds"), ("A", "violated"), ("C", "violated")):
        play = Play(ShowsSafe())
        play.promise(1, 0, 1, 2)
        play.vote(1, "A", 0)
        play.promise(2, 1, 2)
        play.vote(2, "B", 1)
        play.promise(3, 0, 1)
        play.vote(3, value, 0)
        assert verdict(play) == expected, value


def test_a_proposal_with_free_choice_needs_a_majority_without_votes() -> None:
    play = Play(ShowsSafe())
    play.promise(1, 0, 1)
    play.vote(1, "A", 0)
    play.promise(2, 1, 2)
    play.vote(2, "B", 1)
    assert verdict(play) == "holds"


def test_votes_that_an_experiment_gave_are_not_judged_but_count() -> None:
    play = Play(OneValueChosen(), VotesSafe(), ShowsSafe())
    for place in (0, 1):
        play.servers[place] = Paxos(id=IDS[place], acceptors=IDS)
        before = watched(play.servers[place])
        play.servers[place].votes.append(entry(5, "A"))
        play.servers[place].durable_votes = 1
        play.servers[place].role, play.servers[place].promised = "acceptor", 5
        play.see(place, before)
    assert play.checks[0].found.tail == [(2000, 1)]  # type: ignore[attr-defined]
    assert set(play.verdicts().values()) == {"unknown"}


def test_two_processes_that_know_different_values_are_seen() -> None:
    play = Play(SlotAgreement())
    for place, value in ((0, "A"), (1, "B")):
        before = watched(play.servers[place])
        play.servers[place].log.append(entry(1, value))
        play.see(place, before)
    assert verdict(play) == "violated"


def test_the_same_value_learned_from_different_numbers_agrees() -> None:
    play = Play(SlotAgreement())
    for place, ballot in ((0, 1), (1, 2)):
        before = watched(play.servers[place])
        play.servers[place].log.append(entry(ballot, "A"))
        play.see(place, before)
    assert verdict(play) == "holds"


def test_a_late_vote_against_a_settled_slot_is_seen() -> None:
    for ballot, value, expected in ((9, "A", "holds"), (0, "B", "holds"), (9, "B", "violated")):
        play = Play(OneValueChosen())
        play.vote(1, "A", 0, 1)
        play.vote(1, None, 0, slot=WINDOW + 5)
        assert len(play.checks[0].votes) == 1  # type: ignore[attr-defined]
        play.vote(ballot, value, 2)
        assert verdict(play) == expected, (ballot, value)


def test_checks_fork_with_the_world() -> None:
    play = Play(*all_checks(), forks=True)
    play.promise(1, 0, 1, 2)
    for slot in range(1, 300):
        play.vote(1, "A", 0, 1, slot=slot)
    origin = [check.fork() for check in play.checks]
    play.vote(2, "B", 0, 1, 2, slot=299)
    assert play.verdicts()["one_value_chosen"] == "violated"
    assert [check.verdict().verdict for check in origin] == [*["holds"] * 5, "unknown"]


def request(operation: int) -> Request:
    return Request(operation, 1, "c1", 0, operation, "put", "x", operation)


def test_no_lost_ack_reads_the_leaders_log_and_what_is_under_way() -> None:
    check = PaxosNoLostAck()
    leader = Paxos(id="a", role="leader", ballot=3)
    leader.log.append(Entry(1, 1, request(1)))
    for operation in (1, 2):
        check.completed(0, 0, Operation(operation, "c1", "x", "put", outcome="ok"))
    check.look(0, 0, {0: leader})
    assert (check.verdict().verdict, check.lost) == ("violated", 1)
    leader.open = {2: Entry(3, 2, request(2))}
    check.look(0, 0, {0: leader})
    assert check.verdict().verdict == "unknown"
    leader.log.append(Entry(3, 2, request(2)))
    check.look(0, 0, {0: leader})
    assert check.verdict().verdict == "holds"


def test_where_everybody_proposes_no_lost_ack_asks_whether_anybody_knows() -> None:
    check = PaxosNoLostAck()
    proposer, other = (Paxos(id=id, role="leader", ballot=3, mode=BASIC) for id in "ab")
    check.completed(0, 0, Operation(1, "c1", "x", "put", outcome="ok"))
    check.look(0, 0, {0: proposer, 1: other})
    assert (check.verdict().verdict, check.lost) == ("violated", 1)
    other.accepted = {1: Entry(4, 1, request(1))}
    check.look(0, 0, {0: proposer, 1: other})
    assert check.verdict().verdict == "unknown"
    proposer.log.append(Entry(4, 1, request(1)))
    check.look(0, 0, {0: proposer, 1: other})
    assert check.verdict().verdict == "holds"


def test_no_lost_ack_leaves_proposals_to_the_single_slot_alone() -> None:
    check = PaxosNoLostAck()
    check.completed(0, 0, Operation(1, "c1", "x", "propose", outcome="ok", result="B"))
    check.look(0, 0, {0: Paxos(id="a", role="leader")})
    assert check.verdict().verdict == "unknown"


def test_the_moment_a_value_is_chosen_is_told_though_no_process_knows() -> None:
    """PX-01: at 61 ms the disks of a, b and c hold A; its proposer is dead, and nobody else was told."""
    world = World(catalogue.load("PX-01"), record="full")
    world.run_until(300_000)
    told = [
        (event[1], note)
        for event in world.take_chunk().plain()["events"]
        for note in event[7] or ()
        if len(note) == 3
    ]
    assert [(at, note[0], note[1]["slot"]) for at, note in told] == [(told[0][0], "paxos.became_chosen", 1)]
    assert 59_000 <= told[0][0] <= 63_000
    running = [
        one.process for one in world.kernel.contexts if one.host is not None and one.host.state != "down"
    ]
    assert all(isinstance(process, Paxos) and not process.log.last for process in running)
