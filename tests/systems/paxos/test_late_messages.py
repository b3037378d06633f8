"""What comes late, twice or out of turn, and what an earlier number or an earlier life left behind. PMS 2.2 to 3."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.paxos.messages import (
    Accept,
    Accepted,
    CatchUp,
    Heartbeat,
    Learn,
    Prepare,
    Promise,
    Refused,
)
from tests.systems.paxos.helpers import (
    answer,
    entry,
    group,
    heartbeat,
    lead,
    leads_alone,
    sent,
    single,
    values,
)

ROLES = {"p": "proposer", "q": "proposer", "a": "acceptor", "b": "acceptor", "c": "acceptor", "l": "learner"}


# ---------------------------------------------------------------- answers to earlier numbers


def test_votes_for_an_earlier_number_choose_nothing_under_a_later_one_2_2() -> None:
    cluster, first = leads_alone()
    cluster.request("n1", "put", "x", "1")
    late = Accepted(first.ballot, (1,))
    cluster.receive("n1", "n2", Prepare(first.ballot + 1, 1))
    cluster.fire("n1", "election")
    cluster.receive("n1", "n3", Promise(first.ballot, 1, (), ()))
    assert (first.role, list(first.open)) == ("leader", [1])
    cluster.receive("n1", "n2", late)
    assert values(first) == []
    cluster.receive("n1", "n2", Accepted(first.ballot, (1,)))
    assert values(first) == ["1"]


def test_promises_of_an_earlier_number_do_not_count_for_a_later_one_2_2() -> None:
    cluster = group(5)
    first = cluster.processes["n1"]
    for sender in ("n2", "n3"):
        cluster.fire("n1", "election")
        cluster.receive("n1", sender, Promise(first.ballot, 1, (), ()))
        assert first.role == "candidate"
    assert "election" in cluster.contexts["n1"].timers
    cluster.receive("n1", "n4", Promise(first.ballot, 1, (), ()))
    assert first.role == "leader"


def test_refusals_of_an_earlier_number_do_not_count_for_a_later_one_2_2() -> None:
    cluster = single(retry={"uniform": [10, 30]})
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    for sender in ("n2", "n3"):
        cluster.receive("n1", sender, Refused(cluster.processes["n1"].ballot, 9))
        assert cluster.processes["n1"].role == "candidate"
        cluster.fire("n1", "round")
    assert cluster.processes["n1"].refusals == {}


def test_a_leader_that_hears_a_refusal_of_before_its_promises_goes_on_leading() -> None:
    """An acceptor that a lease held back may have refused what a majority promised."""
    cluster, first = leads_alone()
    cluster.receive("n1", "n2", Refused(first.ballot, first.ballot))
    assert first.role == "leader"
    cluster.receive("n1", "n2", Refused(first.ballot - 1, 99))
    assert (first.role, first.highest) == ("leader", 99)
    cluster.receive("n1", "n2", Refused(first.ballot, 99))
    assert first.role == "acceptor"


@pytest.mark.parametrize(
    "message", [Accept(8, (entry(8, "A"),)), Heartbeat(8, 1, 0)], ids=["accept", "heartbeat"]
)
def test_a_leader_that_hears_a_later_one_at_work_follows_it_3(message: Any) -> None:
    cluster, first = leads_alone()
    cluster.receive("n1", "n2", message)
    assert (first.role, first.leader) == ("acceptor", "n2")
    timers = cluster.contexts["n1"].timers
    assert ("heartbeat" in timers, "election" in timers) == (False, True)


def test_a_candidate_does_not_follow_whom_it_outbids_3() -> None:
    cluster = group(0, roles=ROLES)
    cluster.processes["p"].highest = 9
    cluster.fire("p", "election")
    cluster.receive("p", "q", Heartbeat(4, 1, 0))
    assert cluster.processes["p"].role == "candidate"


def test_a_refused_proposer_is_not_followed_2_2() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", Prepare(8, 1))
    cluster.contexts["n1"].now = 1_000
    before = cluster.contexts["n1"].timers["election"]
    for message in (Prepare(3, 1), Accept(3, (entry(3, "A"),))):
        cluster.receive("n1", "n3", message)
        assert answer(cluster, "n1") == Refused(3, 8)
    assert (cluster.processes["n1"].leader, cluster.contexts["n1"].timers["election"]) == ("", before)
    cluster.receive("n1", "n3", Prepare(9, 1))
    assert cluster.contexts["n1"].timers["election"] > before


def test_a_refused_leader_steps_down_and_waits_its_turn_3() -> None:
    cluster, first = leads_alone()
    cluster.receive("n1", "n2", Refused(first.ballot, 50))
    timers = cluster.contexts["n1"].timers
    assert (first.role, first.leader, "heartbeat" in timers, "election" in timers) == (
        "acceptor",
        "",
        False,
        True,
    )
    cluster.receive("n1", "n3", Prepare(40, 1))
    cluster.fire("n1", "election")
    assert first.ballot > 50
    cluster.contexts["n1"].take()
    cluster.fire("n1", "heartbeat")
    assert sent(cluster, "n1", Heartbeat) == []


def test_a_proposer_without_votes_of_its_own_is_idle_when_it_is_refused_2_1() -> None:
    cluster = group(0, roles=ROLES)
    lead(cluster, "p")
    cluster.receive("p", "a", Refused(cluster.processes["p"].ballot, 50))
    assert cluster.processes["p"].role == "idle"


def test_a_leader_that_is_told_to_campaign_goes_on_leading() -> None:
    cluster, first = leads_alone()
    before = first.ballot
    first.on_operator("campaign", {})
    cluster.fire("n1", "election")
    assert (first.role, first.ballot) == ("leader", before)


def test_a_leader_for_the_second_time_minds_its_majority_anew() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    heartbeat(cluster, "n1", times=10)
    lead(cluster, "n2")
    cluster.isolate("n1")
    cluster.fire("n1", "election")
    assert cluster.processes["n1"].leader == ""
    cluster.receive("n1", "n2", Promise(cluster.processes["n1"].ballot, 1, (), ()))
    heartbeat(cluster, "n1", times=2)
    assert cluster.processes["n1"].role == "leader"
    heartbeat(cluster, "n1", times=4)
    assert cluster.processes["n1"].role == "acceptor"


# ---------------------------------------------------------------- repeated accept requests


def test_of_a_repeated_batch_what_is_new_gets_a_vote_2_2() -> None:
    cluster = group(3)
    server = cluster.processes["n1"]
    cluster.receive("n1", "n2", Accept(1, (entry(1, "old"),)))
    cluster.receive("n1", "n2", Accept(2, (entry(2, "B", slot=2),)))
    batch = (entry(2, "A"), entry(2, "B", slot=2), entry(2, "C", slot=3))
    cluster.receive("n1", "n2", Accept(2, batch))
    assert answer(cluster, "n1") == Accepted(2, (1, 2, 3))
    assert (server.accepted, server.votes.last) == ({one.slot: one for one in batch}, 4)


def test_a_vote_for_what_was_learned_meanwhile_is_no_longer_counted_2_3() -> None:
    cluster, first = leads_alone()
    cluster.request("n1", "put", "x", "1")
    cluster.receive("n1", "n2", Learn(first.ballot, (first.open[1],)))
    cluster.receive("n1", "n2", Accepted(first.ballot, (1,)))
    assert (values(first), first.accepted, first.tally) == (["1"], {}, {})


def test_whoever_is_no_acceptor_neither_promises_nor_votes_nor_answers_a_leader_2_1() -> None:
    cluster = group(0, roles=ROLES)
    for message in (Prepare(1, 1), Accept(1, (entry(1, "A"),)), Heartbeat(1, 1, 0)):
        cluster.receive("l", "p", message)
        assert cluster.contexts["l"].take() == []


def test_accept_requests_are_repeated_to_those_that_did_not_answer_3() -> None:
    cluster, first = leads_alone(5)
    cluster.request("n1", "put", "x", "1")
    cluster.receive("n1", "n2", Accepted(first.ballot, (1,)))
    repeated = []
    for _ in range(3):
        cluster.contexts["n1"].take()
        cluster.fire("n1", "heartbeat")
        repeated += [to for to, message in cluster.contexts["n1"].take() if isinstance(message, Accept)]
    assert repeated == ["n3", "n4", "n5"]


def test_a_whole_batch_asks_for_more_once_and_while_more_is_known_to_be_missing_2_3() -> None:
    cluster = group(3, max_batch=2)
    server = cluster.processes["n1"]
    cluster.receive("n1", "n2", Learn(1, (entry(1, "early", slot=9),)))
    assert cluster.contexts["n1"].take() == []
    server.heard_chosen = 3
    for first, asked in ((1, [3]), (1, []), (3, [])):
        cluster.receive("n1", "n2", Learn(1, (entry(1, "a", slot=first), entry(1, "b", slot=first + 1))))
        assert [message.slot for message in sent(cluster, "n1", CatchUp)] == asked


def test_a_question_gets_no_answer_while_nothing_was_chosen() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", CatchUp(0, 1))
    assert cluster.contexts["n1"].take() == []


# ---------------------------------------------------------------- disk and restart


def test_after_a_restart_the_latest_vote_for_a_slot_counts_2_5() -> None:
    cluster = single()
    for ballot, value in ((2, "A"), (3, "B")):
        cluster.receive("n1", "n2", Accept(ballot, (entry(ballot, value),)))
    cluster.start("n1")
    assert cluster.processes["n1"].durable_votes == 2
    cluster.receive("n1", "n2", Prepare(5, 1))
    assert answer(cluster, "n1").votes == (entry(3, "B"),)


def test_a_restarted_server_has_executed_what_its_log_holds_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    for number in range(3):
        cluster.request("n1", "put", "x", number)
        cluster.quiet()
        cluster.start("n2")
        learned = cluster.processes["n2"].log.last
        assert learned == number  # (what was learned since the last vote was not written)
        assert cluster.processes["n2"].data == ({"x": number - 1} if number else {})
        heartbeat(cluster, "n1", times=3)


def test_what_was_learned_is_written_once_3() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    for number in range(4):
        cluster.request("n1", "put", "x", number)
        cluster.quiet()
    cluster.start("n2")
    assert values(cluster.processes["n2"]) == ["0", "1", "2"]


def test_an_experiment_s_first_leader_proposes_what_it_had_accepted() -> None:
    cluster = group(3, disks={"n1": {"leader": True, "term": 1, "accepted": {"1": "kept"}}})
    cluster.quiet()
    assert values(cluster.processes["n1"]) == ["kept"]


def test_an_operator_makes_proposers_campaign_and_nobody_else_2_1() -> None:
    cluster = group(0, mode="single", retry="none", roles=ROLES)
    for id in ("p", "l"):
        cluster.processes[id].waiting = [entry(0, "A").command]
    for id, action, asks in (("l", "campaign", 0), ("p", "dance", 0), ("p", "campaign", 3)):
        cluster.processes[id].on_operator(action, {})
        cluster.settle(id)
        assert len(sent(cluster, id, Prepare)) == asks


def test_a_number_is_on_the_disk_of_a_proposer_without_votes_before_it_is_used_2_5() -> None:
    cluster = group(0, mode="single", retry="none", roles=ROLES)
    cluster.contexts["p"].instant = False
    cluster.request("p", "propose", argument="A")
    for acceptor in "ab":
        cluster.receive("p", acceptor, Promise(cluster.processes["p"].ballot, 1, (), ()))
    assert sent(cluster, "p", Accept) == []
    cluster.flush("p")
    assert len(sent(cluster, "p", Accept)) == 3


def test_an_own_promise_counts_when_it_is_on_the_disk_too_2_5() -> None:
    cluster = group(3)
    first = cluster.processes["n1"]
    cluster.contexts["n1"].instant = False
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", Promise(first.ballot, 1, (), ()))
    first.on_durable(cluster.contexts["n1"].written - 1)
    assert first.role == "candidate"
    cluster.flush("n1")
    assert first.role == "leader"


def test_an_own_vote_counts_when_its_own_write_is_over_2_5() -> None:
    cluster, first = leads_alone()
    cluster.contexts["n1"].instant = False
    for number in range(2):
        cluster.request("n1", "put", "x", number)
    first.on_durable(cluster.contexts["n1"].written - 1)
    assert (first.durable_votes, first.tally) == (1, {1: first.bits["n1"], 2: 0})


def test_a_proposer_that_promised_more_does_not_vote_for_its_own_number_2_2_p1a() -> None:
    cluster = single()
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    first = cluster.processes["n1"]
    cluster.receive("n1", "n2", Prepare(9, 1))
    cluster.receive("n1", "n3", Promise(first.ballot, 1, (), ()))
    assert (first.role, first.accepted, first.refusals) == ("proposer", {}, {"n1": True})
