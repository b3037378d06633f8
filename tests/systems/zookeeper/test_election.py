"""The election, vote by vote: which votes count, and when it is over. ZI; FastLeaderElection.java."""

from __future__ import annotations

import pytest

from simulations.engine.systems.zookeeper.messages import (
    Notification,
)
from tests.systems.zookeeper.helpers import candidate, ensemble, names, sent


def looks(leader: str, round: int = 1) -> Notification:
    return Notification(leader, 0, 0, round, "looking")


def test_votes_of_one_round_do_not_count_in_the_next() -> None:
    for again in (True, False):
        group, server = candidate()
        for sender in ("s2", "s3"):
            group.receive("s1", sender, looks("s3"))
        assert "finalize" in group.contexts["s1"].timers
        if again:
            server.look_for_leader("told")
            assert server.votes == {"s1": ("s1", 0, 0)}
        else:
            group.receive("s1", "s4", looks("s3", 5))
            assert server.votes == {"s4": ("s3", 0, 0), "s1": ("s3", 0, 0)}
            assert server.proposal == ("s3", 0, 0)
        assert "finalize" not in group.contexts["s1"].timers


def test_an_election_that_lost_its_quorum_is_not_over() -> None:
    group, server = candidate()
    for timer in ("finalize", "notify"):
        group.fire("s1", timer)
        assert server.role == "looking"


def test_who_looks_asks_again_less_and_less_often() -> None:
    group, _ = candidate()
    context = group.contexts["s1"]
    waits = []
    for _ in range(5):
        waits.append((context.timers["notify"] - context.now) // 200_000)
        group.fire("s1", "notify")
        assert [to for to, _ in context.take()] == names(5)[1:]
    assert waits == [1, 2, 4, 8, 8]


def test_only_who_looks_is_told_who_leads() -> None:
    group, _ = ensemble()
    for state, answers in (("following", 0), ("leading", 0), ("looking", 1)):
        group.receive("s2", "s3", Notification("s1", 1, 0, 1, state))
        assert len(sent(group, "s2", Notification)) == answers
    group.fire("s2", "notify")
    assert group.contexts["s2"].take() == []


@pytest.mark.parametrize(
    ("told", "joins"),
    [
        ({"s2": ("s2", "leading"), "s3": ("s2", "following"), "s4": ("s2", "following")}, True),
        ({"s4": ("s5", "following"), "s2": ("s2", "leading"), "s3": ("s2", "following")}, False),
        ({"s3": ("s2", "following"), "s4": ("s2", "following"), "s5": ("s2", "following")}, False),
        ({"s3": ("s2", "following"), "s4": ("s2", "following"), "s2": ("s2", "following")}, False),
        (
            {"s2": ("s5", "leading"), "s3": ("s2", "following"), "s4": ("s2", "following")}
            | {"s5": ("s2", "following")},
            False,
        ),
        ({"s3": ("s1", "following"), "s4": ("s1", "following"), "s5": ("s1", "following")}, False),
    ],
)
def test_a_leader_is_joined_when_a_quorum_follows_it_and_it_says_so_itself(
    told: dict[str, tuple[str, str]], joins: bool
) -> None:
    group, server = candidate()
    for sender, (leader, state) in told.items():
        group.receive("s1", sender, Notification(leader, 4, 0, 7, state))
    assert (server.role, server.leader, server.round) == (
        ("following", "s2", 7) if joins else ("looking", "", 1)
    )


def test_only_the_one_of_two_that_the_oracle_names_may_go_on_alone() -> None:
    """ZooKeeper's Oracle Quorum; and only while it heard of nobody else."""
    for oracle, licensed in (({"s1": 1}, True), ({"s1": 0, "s2": 1}, False), ({}, False)):
        group, server = candidate(2, oracle=oracle)
        assert server.is_licensed() is licensed
        group.receive("s1", "s2", looks("s1"))
        group.fire("s1", "notify")
        assert server.role == "looking"
    server.voters, server.alone = ("s1", "s2", "s3"), True
    assert not server.has_quorum(["s1"])


def test_who_is_not_counted_is_told_what_is_later_and_what_is_the_same_once() -> None:
    group, server = candidate()
    server.voters = ("s1", "s2")
    word = ("s1", server.round)
    for leader, round, answers in ((*word, 1), (*word, 0), ("s3", 0, 1), ("s3", 1, 0), ("s3", 9, 0)):
        group.receive("s1", "s4", looks(leader, round))
        assert len(sent(group, "s1", Notification)) == answers, (leader, round)
    group.fire("s1", "notify")
    group.contexts["s1"].take()
    group.receive("s1", "s4", looks(*word))
    assert len(sent(group, "s1", Notification)) == 1
    assert server.votes == {"s1": ("s1", 0, 0)}
