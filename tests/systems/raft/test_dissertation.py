"""One test per claim that the dissertation adds to the paper, with its section.

RP: Ongaro and Ousterhout, extended version. RD: Ongaro's dissertation. Clients, membership and snapshots have their
own files.
"""

from __future__ import annotations

import pytest

from simulations.engine.systems.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    LeadershipWanted,
    PreVoteReply,
    RequestVoteReply,
    TimeoutNow,
)
from tests.systems.raft.helpers import (
    acks,
    answer,
    elect,
    entries,
    group,
    hand_over,
    heartbeat,
    pre_vote_request,
    sent,
    stored,
    vote,
    vote_request,
)


def test_leadership_moves_by_timeout_now_rd_3_10() -> None:
    cluster = group(3, leader_stickiness=True, pre_vote=True, leader_noop=True)
    elect(cluster, "n1")
    hand_over(cluster, "n1", "n2")
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert (cluster.replies[-1].outcome, cluster.replies[-1].hint) == ("retry", "n2")
    assert (cluster.processes["n2"].role, cluster.processes["n1"].role) == ("leader", "follower")
    assert "raft.timeout_now" in cluster.contexts["n2"].take_notes()


def test_a_transfer_waits_for_a_complete_log_rd_3_10() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.request("n1", "put", "x", "1")
    cluster.contexts["n1"].take()
    hand_over(cluster, "n1", "n2")
    assert sent(cluster, "n1", TimeoutNow) == []
    cluster.receive("n1", "n2", stored(1, 1))
    assert len(sent(cluster, "n1", TimeoutNow)) == 1


def test_a_transfer_that_fails_is_given_up_rd_3_10() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.isolate("n2")
    hand_over(cluster, "n1", "n2")
    assert "transfer" in cluster.contexts["n1"].timers
    cluster.fire("n1", "transfer")
    operation = cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert operation in acks(cluster)


def test_only_a_leader_that_is_not_handing_over_already_hands_over_rd_3_10() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.isolate("n2", "n3")
    cluster.receive("n2", "n3", LeadershipWanted(1))
    assert cluster.processes["n2"].transfer_to == ""
    hand_over(cluster, "n1", "n2")
    hand_over(cluster, "n1", "n3")
    assert cluster.processes["n1"].transfer_to == "n2"


def test_a_leader_that_is_told_to_campaign_goes_on_leading() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.processes["n1"].on_operator("campaign", {})
    assert (cluster.processes["n1"].role, cluster.processes["n1"].term) == ("leader", 1)
    cluster.processes["n2"].on_operator("campaign", {})
    assert (cluster.processes["n2"].role, cluster.processes["n2"].term) == ("candidate", 2)


def test_a_parallel_leader_hands_over_no_earlier_than_its_last_entry_arrived_rd_3_10() -> None:
    cluster = group(3, leader_noop=True, leader_disk="parallel")
    elect(cluster, "n1")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put", "x", "1")
    hand_over(cluster, "n1", "n2")
    assert sent(cluster, "n1", TimeoutNow) == []


def test_a_leader_that_hands_over_gives_up_its_lease_at_once_rd_3_10() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    heartbeat(cluster, "n1", times=2)
    assert cluster.processes["n1"].holds_lease()
    hand_over(cluster, "n1", "n2")
    assert not cluster.processes["n1"].holds_lease()


def test_a_serial_leader_waits_for_no_entry_that_nobody_else_knows_when_it_hands_over_rd_3_10() -> None:
    cluster = group(3, leader_noop=True, leader_disk="serial")
    elect(cluster, "n1")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put", "x", "1")
    hand_over(cluster, "n1", "n2")
    assert len(sent(cluster, "n1", TimeoutNow)) == 1


def test_what_a_serial_leader_writes_while_it_hands_over_stays_with_it_rd_3_10() -> None:
    cluster = group(3, leader_noop=True, leader_disk="serial")
    elect(cluster, "n1")
    heartbeat(cluster, "n1")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put", "x", "1")
    hand_over(cluster, "n1", "n2")
    cluster.contexts["n1"].take()
    cluster.processes["n1"].on_durable(cluster.contexts["n1"].written)
    assert not any(message.entries for message in sent(cluster, "n1", AppendEntries))
    cluster.fire("n1", "transfer")
    assert [len(message.entries) for message in sent(cluster, "n1", AppendEntries)] == [1, 1]


def test_a_leader_that_told_another_to_campaign_takes_no_lease_again_rd_3_10() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    cluster.isolate("n2")
    hand_over(cluster, "n1", "n2")
    assert [to for to, m in cluster.contexts["n1"].sent if isinstance(m, TimeoutNow)] == ["n2"]
    cluster.quiet()
    cluster.fire("n1", "transfer")
    heartbeat(cluster, "n1", times=2)
    assert not cluster.processes["n1"].holds_lease()
    operation = cluster.request("n1", "get")
    cluster.quiet()
    assert operation in acks(cluster)


def test_voters_that_hear_a_leader_ignore_candidates_rd_4_2_3() -> None:
    cluster = group(3, leader_stickiness=True)
    elect(cluster, "n1")
    cluster.receive("n2", "n3", vote_request(5, 9, 9))
    assert (cluster.processes["n2"].term, cluster.processes["n2"].leader) == (1, "n1")
    cluster.contexts["n2"].now = 150_000
    cluster.receive("n2", "n3", vote_request(5, 9, 9))
    assert (cluster.processes["n2"].term, cluster.processes["n2"].voted_for) == (5, "n3")


def test_a_leader_hears_itself_rd_4_2_3() -> None:
    cluster = group(3, leader_stickiness=True)
    elect(cluster, "n1")
    cluster.receive("n1", "n3", vote_request(5, 9, 9))
    assert answer(cluster, "n1") == RequestVoteReply(1, False)
    assert cluster.processes["n1"].role == "leader"


def test_a_clock_that_is_set_back_makes_no_leader_heard_for_longer_rd_4_2_3() -> None:
    cluster = group(3, leader_stickiness=True)
    cluster.contexts["n2"].now = 10_000_000
    elect(cluster, "n1")
    cluster.contexts["n2"].now = 0
    cluster.receive("n2", "n3", vote_request(5, 9, 9))
    assert answer(cluster, "n2").granted is True


@pytest.mark.parametrize("led_before", [False, True])
def test_a_leader_that_hears_no_majority_steps_down_rd_6_2(led_before: bool) -> None:
    """Not before an election timeout is over, also when it leads again in one life."""
    cluster = group(3, check_quorum=True)
    if led_before:
        elect(cluster, "n1")
        heartbeat(cluster, "n1", times=5)
        elect(cluster, "n2")
    cluster.isolate("n1")
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", vote(cluster.processes["n1"].term))
    heartbeat(cluster, "n1", times=3)
    assert cluster.processes["n1"].role == "leader"
    heartbeat(cluster, "n1")
    assert cluster.processes["n1"].role == "follower"
    assert "election" in cluster.contexts["n1"].timers


def test_pre_vote_leaves_the_term_alone_rd_9_6() -> None:
    cluster = group(3, pre_vote=True)
    cluster.isolate("n1")
    for _ in range(5):
        cluster.fire("n1", "election")
        cluster.quiet()
    assert (cluster.processes["n1"].role, cluster.processes["n1"].term) == ("pre_candidate", 0)
    cluster.heal()
    elect(cluster, "n1")
    assert cluster.processes["n1"].term == 1


def test_an_answer_to_an_older_question_is_no_pre_vote_rd_9_6() -> None:
    cluster = group(3, pre_vote=True, logs={"n1": [4]})
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", PreVoteReply(4, 4, True))
    assert cluster.processes["n1"].role == "pre_candidate"
    cluster.receive("n1", "n2", PreVoteReply(4, 5, True))
    assert cluster.processes["n1"].role == "candidate"


def test_pre_votes_may_go_to_several_candidates_rd_9_6() -> None:
    cluster = group(3, pre_vote=True)
    for candidate in ("n2", "n3"):
        cluster.receive("n1", candidate, pre_vote_request(1))
        assert answer(cluster, "n1").granted is True
    assert (cluster.processes["n1"].term, cluster.processes["n1"].voted_for) == (0, "")


def test_a_pre_vote_with_a_log_behind_is_refused_rd_9_6() -> None:
    cluster = group(3, pre_vote=True, logs={"n1": [1, 1]})
    cluster.receive("n1", "n2", pre_vote_request(2, 1, 1))
    assert answer(cluster, "n1").granted is False


def test_a_parallel_leader_replicates_before_its_own_disk_rd_10_2_1() -> None:
    cluster = group(3, leader_disk="parallel")
    elect(cluster, "n1")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert cluster.processes["n1"].durable_index == 0
    assert cluster.processes["n1"].commit_index == 1


def test_a_parallel_leader_does_not_count_itself_before_its_disk_rd_10_2_1() -> None:
    cluster = group(3, leader_disk="parallel")
    elect(cluster, "n1")
    cluster.isolate("n3")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert cluster.processes["n1"].commit_index == 0
    cluster.flush("n1")
    assert cluster.processes["n1"].commit_index == 1


def test_a_serial_leader_replicates_after_its_own_disk_rd_10_2_1() -> None:
    cluster = group(3, leader_disk="serial")
    elect(cluster, "n1")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert cluster.processes["n2"].last_index == 0
    cluster.fire("n1", "heartbeat")
    assert len(sent(cluster, "n1", AppendEntries)) == 2
    cluster.flush("n1")
    cluster.quiet()
    assert cluster.processes["n1"].commit_index == 1


def test_an_answer_makes_no_serial_leader_send_what_its_disk_does_not_hold_rd_10_2_1() -> None:
    cluster = group(3, leader_disk="serial")
    elect(cluster, "n1")
    cluster.contexts["n1"].instant = False
    cluster.request("n1", "put")
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n2", stored(1, 0))
    assert sent(cluster, "n1", AppendEntries) == []
    cluster.processes["n1"].probing["n2"] = True
    cluster.processes["n1"].send_append("n2", 9)
    assert [message.entries for message in sent(cluster, "n1", AppendEntries)] == [()]


def test_a_leader_counts_of_its_own_copies_those_whose_write_is_over_rd_10_2_1() -> None:
    cluster = group(3, logs={"n1": [1, 2]})
    elect(cluster, "n1")
    leader = cluster.processes["n1"]
    assert leader.durable_index == 2
    cluster.contexts["n1"].instant = False
    for _ in range(2):
        cluster.request("n1", "put")
    leader.on_durable(cluster.contexts["n1"].written - 1)
    assert leader.durable_index == 3


def test_a_follower_acknowledges_after_its_disk_figure_2() -> None:
    cluster = group(3)
    cluster.contexts["n2"].instant = False
    cluster.receive("n2", "n1", AppendEntries(1, 0, 0, entries(1), 0, 1))
    assert sent(cluster, "n2", AppendEntriesReply) == []
    cluster.flush("n2")
    assert sent(cluster, "n2", AppendEntriesReply)[0].index == 1
