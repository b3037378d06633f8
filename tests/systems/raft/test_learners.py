"""Learners and catching up. RD section 4.2.1; what etcd calls learner and ZooKeeper observer."""

from __future__ import annotations

from simulations.engine.systems.raft.changes import ROUNDS_MAX
from simulations.engine.systems.raft.messages import RequestVote
from tests.systems.raft.helpers import cluster, configure, heartbeat, names, stored
from tests.systems.recording import Group

THREE = names(3)


def with_learner() -> Group:
    made = cluster(THREE, 4)
    configure(made, "n1", add="n4", role="learner")
    heartbeat(made, "n1")
    return made


def test_a_learner_gets_the_log_and_applies_it_rd_4_2_1() -> None:
    made = with_learner()
    made.request("n1", "put", "x", 7)
    made.quiet()
    heartbeat(made, "n1")
    assert made.processes["n4"].role == "learner"
    assert made.processes["n4"].data == {"x": 7}
    assert made.processes["n4"].state_hash == made.processes["n1"].state_hash


def test_a_learner_is_not_counted_rd_4_2_1() -> None:
    made = with_learner()
    leader = made.processes["n1"]
    made.request("n1", "put")
    made.contexts["n1"].take()
    made.receive("n1", "n4", stored(leader.term, leader.last_index, leader.round))
    assert leader.match_index["n4"] == leader.last_index > leader.commit_index
    made.receive("n1", "n2", stored(leader.term, leader.last_index, leader.round))
    assert leader.commit_index == leader.last_index


def test_the_answers_of_learners_confirm_no_read_and_keep_no_leader_rd_4_2_1() -> None:
    made = cluster(THREE, 4, check_quorum=True)
    configure(made, "n1", add="n4", role="learner")
    made.isolate("n1", "n4")
    operation = made.request("n1", "get")
    made.quiet()
    heartbeat(made, "n1", times=4)
    assert operation not in [reply.operation for reply in made.replies]
    assert made.processes["n1"].role == "follower"


def test_a_learner_neither_campaigns_nor_is_asked_rd_4_2_1() -> None:
    made = with_learner()
    made.fire("n4", "election")
    assert made.processes["n4"].role == "learner"
    made.fire("n2", "election")
    assert [to for to, m in made.contexts["n2"].sent if isinstance(m, RequestVote)] == ["n1", "n3"]


def test_a_learner_is_promoted_when_it_has_caught_up_and_not_before_rd_4_2_1() -> None:
    made = cluster(THREE, 4)
    made.isolate("n4")
    configure(made, "n1", add="n4", role="learner")
    assert configure(made, "n1", promote="n4") == ["raft.promotion_refused"]
    assert made.processes["n1"].promotions_refused == 1
    made.heal()
    heartbeat(made, "n1", times=4)
    assert "raft.configuration_appended" in configure(made, "n1", promote="n4")
    assert made.processes["n1"].voters == tuple(names(4))
    assert made.processes["n4"].role == "follower"


def test_a_voter_can_become_a_learner_and_a_voter_again_rd_4_2_1() -> None:
    made = cluster(names(4), 4)
    configure(made, "n1", members=THREE, add="n4", role="learner")
    heartbeat(made, "n1", times=2)
    assert (made.processes["n1"].learners, made.processes["n4"].role) == (("n4",), "learner")
    made.isolate("n4")
    made.request("n1", "put")
    made.quiet()
    made.heal()
    heartbeat(made, "n1", times=4)
    assert "raft.configuration_appended" in configure(made, "n1", promote="n4")
    assert (made.processes["n1"].rounds, made.processes["n1"].caught_up) == ({}, [])


def test_a_leader_that_is_named_among_those_who_join_need_not_catch_up() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", add=["n1", "n4"])
    heartbeat(made, "n1", times=2)
    assert made.processes["n1"].voters == tuple(names(4))


def test_who_is_added_without_a_role_votes_only_after_it_caught_up_rd_4_2_1() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", quiet=False, add="n4")
    leader = made.processes["n1"]
    assert (leader.joining, leader.voters) == ("n4", tuple(THREE))
    made.quiet()
    assert (leader.joining, leader.voters) == ("", tuple(names(4)))


def slow_round(made: Group, late_us: int) -> None:
    """The leader takes one more entry, and the newcomer stores everything so much later."""
    leader = made.processes["n1"]
    made.request("n1", "put")
    made.contexts["n1"].take()
    made.contexts["n1"].now += late_us
    made.receive("n1", "n4", stored(leader.term, leader.last_index, leader.round))


def test_a_round_longer_than_an_election_timeout_is_not_enough_rd_4_2_1() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", quiet=False, add="n4")
    leader = made.processes["n1"]
    slow_round(made, 200_000)
    assert leader.joining == "n4"
    slow_round(made, 100_000)
    assert leader.joining == ""
    assert "n4" in leader.voters


def test_a_server_that_stays_slow_is_not_let_in_rd_4_2_1() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", quiet=False, add="n4")
    for _ in range(ROUNDS_MAX):
        slow_round(made, 200_000)
    assert made.contexts["n1"].take_notes()[-1] == "raft.joining_given_up"
    assert made.processes["n1"].voters == tuple(THREE)
    assert "n4" not in made.processes["n1"].match_index


def test_a_silent_newcomer_does_not_keep_others_out_rd_4_2_1() -> None:
    made = cluster(THREE, 5)
    made.isolate("n4")
    configure(made, "n1", add="n4")
    heartbeat(made, "n1")
    assert configure(made, "n1", add="n5") == ["raft.change_refused_pending"]
    heartbeat(made, "n1", times=40)
    assert "raft.configuration_appended" in configure(made, "n1", add="n5")


def test_joining_ends_with_the_leadership() -> None:
    made = cluster(THREE, 4)
    made.isolate("n4")
    configure(made, "n1", add="n4")
    leader = made.processes["n1"]
    leader.become_follower(leader.term + 1)
    assert (leader.joining, leader.others) == ("", ("n2", "n3"))


def test_a_learner_can_be_removed_and_added_as_voter() -> None:
    made = with_learner()
    configure(made, "n1", remove="n4")
    assert made.processes["n1"].learners == ()
    configure(made, "n1", add="n4", role="voter")
    assert made.processes["n1"].voters == tuple(names(4))


def test_a_newcomer_that_answers_without_the_log_has_not_caught_up_rd_4_2_1() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", quiet=False, add="n4")
    leader = made.processes["n1"]
    made.receive("n1", "n4", stored(leader.term, 0, leader.round))
    assert (leader.joining, leader.voters) == ("n4", tuple(THREE))


def test_a_slow_learner_stays_a_learner_rd_4_2_1() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", quiet=False, add="n4", role="learner")
    for _ in range(ROUNDS_MAX + 1):
        slow_round(made, 200_000)
    assert "raft.joining_given_up" not in made.contexts["n1"].take_notes()


def test_a_learner_that_fell_behind_again_is_not_promoted_rd_4_2_1() -> None:
    made = with_learner()
    leader = made.processes["n1"]
    made.contexts["n1"].now = 1_000_000
    assert leader.is_caught_up("n4")
    for _ in range(2):
        made.request("n1", "put")
    made.receive("n1", "n4", stored(leader.term, leader.last_index - 1, leader.round))
    made.contexts["n1"].now += 150_001
    assert configure(made, "n1", quiet=False, promote="n4") == ["raft.promotion_refused"]
    made.contexts["n1"].now -= 1
    assert "raft.configuration_appended" in configure(made, "n1", quiet=False, promote="n4")


def test_one_learner_s_promotion_leaves_another_caught_up_rd_4_2_1() -> None:
    made = cluster(THREE, 5)
    for id in ("n4", "n5"):
        configure(made, "n1", add=id, role="learner")
        heartbeat(made, "n1", times=2)
    assert configure(made, "n1", quiet=False, promote="n4") == ["raft.configuration_appended"]
    assert made.processes["n1"].is_caught_up("n5")
    assert not made.processes["n1"].is_caught_up("n4")
