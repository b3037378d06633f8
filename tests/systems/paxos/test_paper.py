"""One test per claim of "Paxos Made Simple" (PMS), section 2: choosing one value."""

from __future__ import annotations

import pytest

from simulations import catalogue
from simulations.engine.systems.paxos.messages import (
    Accept,
    Accepted,
    Learn,
    Prepare,
    Promise,
    Refused,
)
from simulations.engine.systems.paxos.process import Paxos
from simulations.engine.world import World
from tests.systems.paxos.helpers import (
    answer,
    entry,
    group,
    sent,
    single,
    values,
)
from tests.systems.recording import Group

ROLES = {"p": "proposer", "q": "proposer", "a": "acceptor", "b": "acceptor", "c": "acceptor", "l": "learner"}


def proposed(cluster: Group, id: str) -> list[str]:
    """Values of the accept requests that a process sends now, once for each acceptor."""
    return [str(message.entries[0].command.argument) for message in sent(cluster, id, Accept)]


# ---------------------------------------------------------------- 2.2: choosing a value


def test_a_single_proposed_value_is_chosen_2_2() -> None:
    cluster = single()
    cluster.request("n1", "propose", argument="A")
    cluster.quiet()
    assert [values(process) for process in cluster.processes.values()] == [["A"]] * 3
    assert cluster.replies[0].result == "A"


@pytest.mark.parametrize(("acceptors", "majority"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_a_majority_is_more_than_half_2_2(acceptors: int, majority: int) -> None:
    process = group(acceptors).processes["n1"]
    assert (process.prepare_quorum, process.accept_quorum) == (majority, majority)


@pytest.mark.parametrize("silent", [0, 1, 2])
def test_a_minority_of_silent_acceptors_does_not_matter_2_2(silent: int) -> None:
    cluster = single(5)
    if silent:
        cluster.isolate(*["n4", "n5"][:silent])
    cluster.request("n1", "propose", argument="A")
    cluster.quiet()
    assert values(cluster.processes["n1"]) == ["A"]


def test_without_a_majority_nothing_is_chosen_2_2() -> None:
    cluster = single(4)
    cluster.isolate("n1", "n2")
    cluster.request("n1", "propose", argument="A")
    cluster.quiet()
    assert values(cluster.processes["n1"]) == []


def test_two_votes_of_one_acceptor_count_once_2_2() -> None:
    cluster = group(
        0, mode="single", retry="none", roles={"p": "proposer", **dict.fromkeys("abcde", "acceptor")}
    )
    cluster.request("p", "propose", argument="A")
    for acceptor in "abc":
        cluster.receive("p", acceptor, Promise(1, 1, (), ()))
    for _ in range(3):
        cluster.receive("p", "a", Accepted(1, (1,)))
        cluster.receive("p", "b", Accepted(1, (1,)))
    assert values(cluster.processes["p"]) == []
    cluster.receive("p", "c", Accepted(1, (1,)))
    assert values(cluster.processes["p"]) == ["A"]


# ---------------------------------------------------------------- 2.2: the acceptor


def test_an_acceptor_accepts_the_first_proposal_it_receives_2_2_p1() -> None:
    cluster = single()
    cluster.receive("n1", "n2", Accept(2, (entry(2, "A"),)))
    assert answer(cluster, "n1") == Accepted(2, (1,))


def test_a_promise_reports_the_highest_numbered_vote_2_2() -> None:
    cluster = single()
    cluster.receive("n1", "n2", Accept(2, (entry(2, "A"),)))
    cluster.receive("n1", "n3", Accept(3, (entry(3, "B"),)))
    cluster.receive("n1", "n2", Prepare(5, 1))
    promise = [message for _, message in cluster.contexts["n1"].take()][-1]
    assert promise == Promise(5, 1, (entry(3, "B"),), ())


def test_prepare_carries_no_value_and_stores_a_promise_only_2_2() -> None:
    cluster = single()
    cluster.receive("n1", "n2", Prepare(2, 1))
    server = cluster.processes["n1"]
    assert (server.promised, server.accepted, server.votes.last) == (2, {}, 0)
    assert Prepare.__struct_fields__ == ("ballot", "slot")


@pytest.mark.parametrize(("ballot", "kind"), [(4, Refused), (5, Promise), (6, Promise)])
def test_a_prepare_below_a_promise_gets_none_2_2(ballot: int, kind: type) -> None:
    cluster = single()
    cluster.receive("n1", "n2", Prepare(5, 1))
    cluster.receive("n1", "n3", Prepare(ballot, 1))
    assert type(answer(cluster, "n1")) is kind


@pytest.mark.parametrize(("ballot", "kind"), [(4, Refused), (5, Accepted), (6, Accepted)])
def test_an_accept_below_a_promise_gets_no_vote_2_2_p1a(ballot: int, kind: type) -> None:
    cluster = single()
    cluster.receive("n1", "n2", Prepare(5, 1))
    cluster.receive("n1", "n3", Accept(ballot, (entry(ballot, "A"),)))
    assert type(answer(cluster, "n1")) is kind
    assert bool(cluster.processes["n1"].accepted) is (kind is Accepted)


def test_a_promise_is_no_lock_a_higher_number_takes_it_2_2() -> None:
    cluster = single()
    for number in (2, 5, 8):
        cluster.receive("n1", "n2", Prepare(number, 1))
        assert isinstance(answer(cluster, "n1"), Promise)


def test_a_repeated_accept_request_is_one_vote_2_2() -> None:
    cluster = single()
    for _ in range(2):
        cluster.receive("n1", "n2", Accept(2, (entry(2, "A"),)))
        assert answer(cluster, "n1") == Accepted(2, (1,))
    assert cluster.processes["n1"].votes.last == 1


# ---------------------------------------------------------------- 2.2: the proposer (P2c)


def prepared(*reports: Promise, acceptors: str = "abc") -> list[str]:
    """What proposer p asks for after these promises, having wanted to propose "own"."""
    roles = {"p": "proposer", **dict.fromkeys(acceptors, "acceptor")}
    cluster = group(0, mode="single", retry="none", roles=roles, disks={"p": {"promised": 50, "term": 50}})
    cluster.request("p", "propose", argument="own")
    cluster.contexts["p"].take()
    ballot = cluster.processes["p"].ballot
    for acceptor, report in zip(acceptors, reports, strict=False):
        cluster.receive("p", acceptor, Promise(ballot, 1, report.votes, report.learned))
    return proposed(cluster, "p")


def report(*votes: tuple[int, str]) -> Promise:
    return Promise(0, 1, tuple(entry(ballot, value) for ballot, value in votes), ())


def test_with_no_vote_reported_the_proposer_is_free_2_2_p2c() -> None:
    assert prepared(report(), report()) == ["own"] * 3


def test_with_one_vote_reported_its_value_is_proposed_2_2_p2c() -> None:
    assert prepared(report((3, "A")), report()) == ["A"] * 3
    assert prepared(report(), report((3, "A"))) == ["A"] * 3


@pytest.mark.parametrize("swapped", [False, True])
def test_of_several_votes_the_highest_numbered_counts_2_2_p2c(swapped: bool) -> None:
    reports = [report((3, "A")), report((7, "B"))]
    assert prepared(*(reports[::-1] if swapped else reports)) == ["B"] * 3


def test_a_vote_outside_the_majority_that_answered_first_does_not_count_2_2_p2c() -> None:
    assert prepared(report(), report(), report((3, "A"))) == ["own"] * 3


def test_a_promise_of_another_number_does_not_count_2_2() -> None:
    cluster = single()
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n2", Promise(99, 1, (), ()))
    assert (cluster.processes["n1"].role, sent(cluster, "n1", Accept)) == ("candidate", [])


def test_three_ballots_the_highest_of_two_old_votes_is_the_chosen_one_2_2_p2c() -> None:
    """A with number 1 reached a alone; B with number 2 was chosen by b and c; number 3 hears a and b."""
    roles = {
        "p": "proposer",
        "q": "proposer",
        "r": "proposer",
        "a": "acceptor",
        "b": "acceptor",
        "c": "acceptor",
    }
    cluster = group(0, mode="single", retry="none", roles=roles)
    cluster.receive("a", "p", Accept(1, (entry(1, "A"),)))
    for acceptor in "bc":
        cluster.receive(acceptor, "q", Accept(2, (entry(2, "B"),)))
        cluster.contexts[acceptor].take()
    cluster.contexts["a"].take()
    cluster.cut |= {("r", "c"), ("c", "r")}
    cluster.request("r", "propose", argument="C")
    cluster.quiet()
    assert values(cluster.processes["r"]) == ["B"]


# ---------------------------------------------------------------- 2.3: learning


def test_the_proposer_informs_the_other_learners_2_3() -> None:
    cluster = group(0, mode="single", retry="none", roles=ROLES)
    cluster.request("p", "propose", argument="A")
    cluster.quiet()
    assert [values(cluster.processes[id]) for id in ROLES] == [["A"]] * len(ROLES)


def test_chosen_before_anyone_knows_2_3() -> None:
    """The proposer dies when a majority has voted and nobody was told: the next one finds the value."""
    cluster = group(0, mode="single", retry="none", roles=ROLES)
    cluster.request("p", "propose", argument="A")
    for _ in range(3):
        cluster.step()
    assert [cluster.processes[id].votes.last for id in "abc"] == [1, 1, 1]
    assert not any(values(process) for process in cluster.processes.values())
    cluster.crash("p")
    cluster.contexts["p"].take()
    cluster.request("q", "propose", argument="B")
    cluster.quiet()
    assert values(cluster.processes["q"]) == ["A"]
    assert cluster.replies[-1].result == "A"


def test_without_a_single_learn_message_later_proposals_still_agree_2_3() -> None:
    cluster = group(0, mode="single", retry="none", roles=ROLES)
    for proposer, value in (("p", "A"), ("q", "B"), ("p", "C")):
        cluster.request(proposer, "propose", argument=value)
        while any(context.sent for context in cluster.contexts.values()):
            for context in cluster.contexts.values():
                context.sent = [
                    (to, message) for to, message in context.sent if not isinstance(message, Learn)
                ]
            cluster.step()
    assert [reply.result for reply in cluster.replies] == ["A", "A", "A"]


def test_a_proposal_is_abandoned_when_no_majority_can_accept_it_2_2() -> None:
    cluster = single()
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    ballot = cluster.processes["n1"].ballot
    cluster.receive("n1", "n2", Refused(ballot, 77))
    cluster.receive("n1", "n2", Refused(ballot, 77))
    assert cluster.processes["n1"].role == "candidate"
    cluster.receive("n1", "n3", Refused(ballot, 78))
    assert (cluster.processes["n1"].role, cluster.processes["n1"].highest) == ("acceptor", 78)


# ---------------------------------------------------------------- 2.4: progress


def duel(name: str) -> list[Paxos]:
    """Five seconds of two proposers of which each prepares before the other's accept requests arrive."""
    world = World(catalogue.load(name))
    world.run_until(5_000_000)
    return [context.process for context in world.kernel.contexts if isinstance(context.process, Paxos)]


def test_a_duel_at_equal_pace_chooses_nothing_2_4() -> None:
    processes = duel("PX-02")
    assert not any(values(process) for process in processes)
    assert processes[0].ballot > 40


def test_a_distinguished_proposer_ends_the_duel_2_4() -> None:
    assert [values(process) for process in duel("PX-02/distinguished")] == [["A"]] * 3


def test_after_a_refusal_a_proposer_waits_at_random_2_4() -> None:
    cluster = single(retry={"uniform": [10, 30]})
    cluster.isolate("n1")
    cluster.contexts["n1"].random.fraction = 0.5
    cluster.request("n1", "propose", argument="A")
    for peer in ("n2", "n3"):
        cluster.receive("n1", peer, Refused(cluster.processes["n1"].ballot, 9))
    assert 10_000 <= cluster.contexts["n1"].timers["retry"] <= 30_000
    cluster.fire("n1", "retry")
    assert cluster.processes["n1"].ballot > 9


# ---------------------------------------------------------------- 2.5: implementation


def test_proposers_never_share_a_number_2_5() -> None:
    cluster = single(3)
    cluster.isolate("n1")
    cluster.isolate("n2")
    seen: dict[str, set[int]] = {id: set() for id in cluster.ids}
    for id in cluster.ids:
        cluster.request(id, "propose", argument=id)
        for highest in (0, 7, 8, 9, 100):
            cluster.processes[id].highest = highest
            cluster.processes[id].start_round()
            seen[id].add(cluster.processes[id].ballot)
            assert cluster.processes[id].ballot > highest
    assert not seen["n1"] & seen["n2"] | seen["n1"] & seen["n3"] | seen["n2"] & seen["n3"]


def test_a_promise_leaves_only_when_it_is_on_disk_2_5() -> None:
    cluster = single()
    cluster.contexts["n1"].instant = False
    cluster.receive("n1", "n2", Prepare(2, 1))
    assert cluster.contexts["n1"].take() == []
    cluster.flush("n1")
    assert isinstance(answer(cluster, "n1"), Promise)


def test_a_vote_leaves_only_when_it_is_on_disk_2_5() -> None:
    cluster = single()
    cluster.contexts["n1"].instant = False
    cluster.receive("n1", "n2", Accept(2, (entry(2, "A"),)))
    assert cluster.contexts["n1"].take() == []
    assert cluster.processes["n1"].durable_votes == 0
    cluster.flush("n1")
    assert answer(cluster, "n1") == Accepted(2, (1,))


def test_promise_and_votes_survive_a_restart_2_5() -> None:
    cluster = single()
    cluster.receive("n1", "n2", Accept(2, (entry(2, "A"),)))
    cluster.receive("n1", "n3", Prepare(6, 1))
    cluster.start("n1")
    assert cluster.processes["n1"].promised == 6
    cluster.receive("n1", "n2", Prepare(5, 1))
    assert answer(cluster, "n1") == Refused(5, 6)
    cluster.receive("n1", "n2", Prepare(8, 1))
    assert answer(cluster, "n1").votes == (entry(2, "A"),)


@pytest.mark.parametrize("between", [True, False])
def test_no_accept_request_leaves_before_the_number_is_on_disk_2_5(between: bool) -> None:
    cluster = single(disk_between_phases=between)
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "propose", argument="A")
    assert bool(sent(cluster, "n1", Prepare)) is between
    ballot = cluster.processes["n1"].ballot
    for peer in ("n2", "n3"):
        cluster.receive("n1", peer, Promise(ballot, 1, (), ()))
    assert sent(cluster, "n1", Accept) == []
    cluster.flush("n1")
    assert proposed(cluster, "n1") == ["A", "A"]


def test_a_restarted_proposer_uses_a_higher_number_2_5() -> None:
    cluster = single()
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    before = cluster.processes["n1"].ballot
    cluster.start("n1")
    cluster.request("n1", "propose", argument="A")
    assert cluster.processes["n1"].ballot > before
