"""Leases, slots that a new leader inherits, and what clients are told. PMS 2.3, 3."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.process import Reply
from simulations.engine.sessions import SESSION_WINDOW
from simulations.engine.systems.paxos.messages import (
    HeartbeatReply,
    Learn,
    Prepare,
    Promise,
)
from tests.systems.paxos.helpers import (
    acknowledged,
    answer,
    entry,
    group,
    lead,
    leads_alone,
    sent,
    single,
    values,
)
from tests.systems.recording import Group

ROLES = {"p": "proposer", "q": "proposer", "a": "acceptor", "b": "acceptor", "c": "acceptor", "l": "learner"}


# ---------------------------------------------------------------- leases


def lease_of_five() -> tuple[Group, Any]:
    """n1 leads five servers and has sent two heartbeats since its lease ended."""
    cluster, first = leads_alone(5, leader_lease_ms=100)
    first.lease_until = None
    for _ in range(2):
        cluster.fire("n1", "heartbeat")
    return cluster, first


def test_a_lease_needs_a_majority_that_answers_one_heartbeat() -> None:
    cluster, first = lease_of_five()
    replies = [("n2", first.tick), ("n2", first.tick), ("n3", first.tick - 1), ("n3", first.tick)]
    for sender, round in replies:
        assert first.lease_until is None
        cluster.receive("n1", sender, HeartbeatReply(first.ballot, round))
    assert first.lease_until == 100_000


def test_an_answer_to_a_heartbeat_of_an_earlier_number_grants_no_lease() -> None:
    cluster, first = lease_of_five()
    for sender in ("n2", "n3", "n4"):
        cluster.receive("n1", sender, HeartbeatReply(first.ballot - 1, first.tick))
    assert first.lease_until is None
    first.step_down()
    cluster.receive("n1", "n2", HeartbeatReply(first.ballot, first.tick))
    assert first.lease_until is None


def test_a_later_heartbeat_renews_a_lease_and_an_earlier_one_does_not_shorten_it() -> None:
    cluster, first = lease_of_five()
    earlier = first.tick
    cluster.contexts["n1"].now = 50_000
    cluster.fire("n1", "heartbeat")
    for round in (first.tick, earlier):
        for sender in ("n2", "n3"):
            cluster.receive("n1", sender, HeartbeatReply(first.ballot, round))
        assert first.lease_until == 150_000
    cluster.contexts["n1"].now = 90_000
    cluster.fire("n1", "heartbeat")
    for sender in ("n2", "n3"):
        cluster.receive("n1", sender, HeartbeatReply(first.ballot, first.tick))
    assert first.lease_until == 190_000


def test_a_leader_without_votes_of_its_own_takes_a_lease_from_acceptors_alone() -> None:
    cluster = group(0, roles=ROLES, leader_lease_ms=100)
    lead(cluster, "p")
    first = cluster.processes["p"]
    first.lease_until = None
    cluster.contexts["p"].now = 200_000
    cluster.isolate("p")
    cluster.fire("p", "heartbeat")
    for sender, holds in (("l", False), ("a", False), ("b", True)):
        cluster.receive("p", sender, HeartbeatReply(first.ballot, first.tick))
        assert first.may_read_locally() is holds, sender


def test_who_holds_a_lease_may_prepare_again() -> None:
    cluster = group(3, leader_lease_ms=100)
    lead(cluster, "n1")
    cluster.receive("n2", "n1", Prepare(30, 1))
    assert isinstance(answer(cluster, "n2"), Promise)


# ---------------------------------------------------------------- inherited slots and clients


def test_what_a_new_leader_knows_to_be_chosen_is_not_proposed_again_3() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", Learn(1, (entry(1, "known", slot=2),)))
    cluster.fire("n1", "election")
    first = cluster.processes["n1"]
    cluster.receive("n1", "n3", Promise(first.ballot, 1, (entry(1, "bound", slot=3),), ()))
    assert [(one.slot, one.command and one.command.argument) for one in first.open.values()] == [
        (1, None),
        (3, "bound"),
    ]


def test_a_proposer_that_hears_what_was_chosen_proposes_nothing_2_3() -> None:
    cluster = single(retry="at_once")
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    first = cluster.processes["n1"]
    assert "round" in cluster.contexts["n1"].timers
    cluster.receive("n1", "n2", Promise(first.ballot, 1, (), (entry(1, "B"),)))
    assert [reply.result for reply in sent(cluster, "n1", Reply)] == ["B"]
    assert (first.role, first.open, first.log.last) == ("acceptor", {}, 1)
    assert not {"round", "retry"} & set(cluster.contexts["n1"].timers)


def test_only_the_leader_takes_commands_3() -> None:
    cluster = group(0, roles=ROLES)
    lead(cluster, "p")
    for id, kind, outcome, hint in (
        ("a", "put", "retry", "p"),
        ("q", "put", "retry", "p"),
        ("p", "propose", "fail", None),
        ("p", "dance", "fail", None),
    ):
        cluster.replies.clear()
        cluster.request(id, kind)
        cluster.quiet()
        assert [(reply.outcome, reply.hint) for reply in cluster.replies] == [(outcome, hint)]
    assert cluster.processes["p"].log.last == 0


def test_a_value_that_a_client_sends_again_is_taken_on_once() -> None:
    cluster = single()
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    first = cluster.processes["n1"]
    first.on_request(first.waiting[0])
    before = first.ballot
    cluster.request("n1", "propose", argument="B")
    assert ([one.argument for one in first.waiting], first.ballot) == (["A", "B"], before)


def test_in_basic_mode_a_client_is_answered_for_its_own_command() -> None:
    cluster = group(3, mode="basic", retry="at_once")
    cluster.isolate("n1")
    cluster.request("n1", "put", "x", "mine")
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n2", Learn(1, (entry(1, "other"),)))
    assert sent(cluster, "n1", Reply) == []
    assert len(cluster.processes["n1"].waiting) == 1


def test_in_basic_mode_a_proposer_whose_slot_was_taken_tries_the_next() -> None:
    cluster = group(3, mode="basic", retry="at_once")
    cluster.isolate("n1")
    cluster.request("n1", "put", "x", "mine")
    cluster.receive("n1", "n2", Promise(cluster.processes["n1"].ballot, 1, (), ()))
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n2", Learn(1, (entry(1, "other"),)))
    assert [message.slot for message in sent(cluster, "n1", Prepare)] == [2, 2]


@pytest.mark.parametrize("retry", ["none", "at_once"])
def test_a_proposer_answers_with_what_it_learns_from_others_2_3(retry: str) -> None:
    cluster = single(retry=retry)
    cluster.isolate("n1")
    cluster.request("n1", "propose", argument="A")
    assert ("round" in cluster.contexts["n1"].timers) is (retry != "none")
    cluster.receive("n1", "n2", Learn(1, (entry(1, "B"),)))
    assert [reply.result for reply in sent(cluster, "n1", Reply)] == ["B"]


def test_a_leader_answers_for_its_own_proposals_alone() -> None:
    cluster, first = leads_alone()
    cluster.receive("n1", "n2", Learn(0, (entry(first.ballot - 1, "other"),)))
    assert (values(first), sent(cluster, "n1", Reply)) == (["other"], [])


def test_what_was_executed_before_takes_no_other_slot() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "append", "x", "a", session=1, sequence=1)
        cluster.quiet()
    assert (cluster.processes["n1"].log.last, acknowledged(cluster)) == (1, [1, 2])


def test_an_operation_older_than_its_session_s_window_is_neither_executed_nor_answered() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    for sequence, argument in ((1, "x"), (1 + SESSION_WINDOW, "y"), (1, "x")):
        cluster.request("n1", "append", "log", argument, session=7, sequence=sequence)
        cluster.quiet()
    assert cluster.processes["n1"].data == {"log": "xy"}
    assert len(acknowledged(cluster)) == 2


def test_what_only_looks_changes_nothing() -> None:
    cluster = group(3)
    lead(cluster, "n1")
    cluster.request("n1", "put", "x", "1")
    cluster.request("n1", "get", "x")
    cluster.request("n1", "cas", "x", ("2", "3"))
    cluster.quiet()
    assert cluster.processes["n1"].data == {"x": "1"}
