"""One test per claim about clients and about what the dissertation adds to the paper, with its section.

RP: Ongaro and Ousterhout, extended version. RD: Ongaro's dissertation. Membership and snapshots have their own files.
"""

from __future__ import annotations

import pytest

from simulations.engine.state_machine import SESSION_WINDOW
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
    heartbeat,
    pre_vote_request,
    sent,
    stored,
    terms_of,
    vote,
    vote_request,
)
from tests.systems.recording import Group


def hand_over(cluster: Group, leader: str, target: str) -> None:
    """The operator's wish reaches the leader."""
    cluster.processes[target].leader = leader
    cluster.processes[target].on_operator("transfer", {})
    wish = answer(cluster, target)
    cluster.receive(leader, target, wish)


# ---------------------------------------------------------------- RP 8, RD 6: clients


def test_others_point_at_the_leader_8() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    heartbeat(cluster, "n1")
    cluster.request("n2", "put", "x", "1")
    cluster.quiet()
    assert (cluster.replies[-1].outcome, cluster.replies[-1].hint) == ("retry", "n1")


@pytest.mark.parametrize(("sessions", "expected"), [(True, "x"), (False, "xx")])
def test_a_session_executes_a_retried_operation_once_rd_6_3(sessions: bool, expected: str) -> None:
    cluster = group(3, sessions=sessions)
    elect(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "append", "log", "x", session=7, sequence=1)
        cluster.quiet()
    assert cluster.processes["n1"].data == {"log": expected}
    assert len(acks(cluster)) == 2


def test_an_operation_older_than_its_session_s_window_is_neither_executed_nor_answered_rd_6_3() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    for sequence, argument in ((1, "x"), (1 + SESSION_WINDOW, "y"), (1, "x")):
        cluster.request("n1", "append", "log", argument, session=7, sequence=sequence)
        cluster.quiet()
    assert cluster.processes["n1"].data == {"log": "xy"}
    assert len(acks(cluster)) == 2


def test_an_operation_that_is_in_the_log_twice_is_executed_once_rd_6_3() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "append", "log", "x", session=7, sequence=1)
    cluster.quiet()
    assert (cluster.processes["n1"].last_index, cluster.processes["n1"].data) == (2, {"log": "x"})
    assert len(acks(cluster)) == 2


def test_who_has_no_session_is_taken_for_nobody_else_rd_6_3() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "append", "log", "x", sequence=1)
        cluster.quiet()
    assert cluster.processes["n1"].data == {"log": "xx"}


def test_what_only_looks_changes_nothing() -> None:
    cluster = group(3, read_mode="log")
    elect(cluster, "n1")
    cluster.request("n1", "put", "x", "1")
    cluster.request("n1", "get", "x")
    cluster.request("n1", "cas", "x", ("2", "3"))
    cluster.quiet()
    assert cluster.processes["n1"].data == {"x": "1"}


def test_a_leader_answers_the_clients_of_its_own_term_alone_figure_2() -> None:
    cluster = group(3, leader_noop=True)
    elect(cluster, "n1")
    cluster.request("n1", "put", "x", "1")
    cluster.cut = {("n2", "n1"), ("n3", "n1")}
    cluster.quiet()
    cluster.crash("n1")
    elect(cluster, "n2")
    assert (cluster.processes["n2"].data, cluster.replies) == ({"x": "1"}, [])


def test_an_operation_that_nobody_knows_fails() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.request("n1", "dance")
    cluster.quiet()
    assert (cluster.replies[-1].outcome, cluster.processes["n1"].last_index) == ("fail", 0)


def test_a_new_leader_appends_a_no_op_rd_6_4() -> None:
    cluster = group(3, leader_noop=True, logs={"n1": [1], "n2": [1]})
    elect(cluster, "n1")
    assert terms_of(cluster.processes["n1"]) == [1, 2]
    assert cluster.processes["n1"].commit_index == 2


def test_a_read_asks_a_majority_first_rd_6_4() -> None:
    cluster = group(3, leader_noop=True)
    elect(cluster, "n1")
    cluster.request("n1", "get")
    assert not cluster.replies
    cluster.quiet()
    assert len(acks(cluster)) == 1
    cluster.isolate("n1")
    cluster.request("n1", "get")
    cluster.quiet()
    assert len(acks(cluster)) == 1


def test_a_read_is_confirmed_by_later_answers_of_different_servers_alone_rd_6_4() -> None:
    cluster = group(5, leader_noop=True)
    elect(cluster, "n1")
    heartbeat(cluster, "n1")
    leader = cluster.processes["n1"]
    cluster.isolate("n1")
    heartbeat(cluster, "n1")
    before = leader.round
    operation = cluster.request("n1", "get")
    heartbeat(cluster, "n1")
    rounds = (("n2", before), ("n3", before), ("n2", before + 1), ("n2", before), ("n2", before + 2))
    for sender, round in rounds:
        cluster.receive("n1", sender, stored(leader.term, leader.last_index, round))
    cluster.quiet()
    assert operation not in acks(cluster)
    cluster.receive("n1", "n3", stored(leader.term, leader.last_index, before + 2))
    cluster.quiet()
    assert operation in acks(cluster)


def test_a_read_waits_for_a_commit_in_the_term_rd_6_4() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    read = cluster.request("n1", "get")
    cluster.quiet()
    assert read not in acks(cluster)
    assert "raft.read_waits" in cluster.contexts["n1"].take_notes()
    cluster.request("n1", "put", "y", "1")
    cluster.quiet()
    assert read in acks(cluster)


def test_reads_that_wait_share_one_round_rd_6_4() -> None:
    cluster = group(3, leader_noop=True)
    elect(cluster, "n1")
    cluster.delivered.clear()
    for _ in range(5):
        cluster.request("n1", "get")
    cluster.quiet()
    rounds = {message.round for _, _, message in cluster.delivered if isinstance(message, AppendEntries)}
    assert len(rounds) == 2
    assert len(acks(cluster)) == 5


def test_a_lease_answers_at_once_until_it_ends_rd_6_4_1() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    heartbeat(cluster, "n1", times=2)
    cluster.isolate("n1")
    cluster.contexts["n1"].now = 99_999
    cluster.request("n1", "get")
    cluster.quiet()
    assert len(acks(cluster)) == 1
    cluster.contexts["n1"].now = 100_000
    cluster.request("n1", "get")
    cluster.quiet()
    assert len(acks(cluster)) == 1


def test_a_lease_counts_from_when_its_round_left_rd_6_4_1() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    heartbeat(cluster, "n1")
    cluster.fire("n1", "heartbeat")
    cluster.contexts["n1"].now = 60_000
    cluster.quiet()
    assert cluster.processes["n1"].lease_until == 100_000


def test_a_lease_answers_nothing_before_a_commit_in_the_term_rd_6_4() -> None:
    cluster = group(3, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    heartbeat(cluster, "n1", times=2)
    assert cluster.processes["n1"].holds_lease()
    read = cluster.request("n1", "get")
    cluster.quiet()
    assert read not in acks(cluster)


def test_each_heartbeat_renews_a_lease_rd_6_4_1() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    heartbeat(cluster, "n1", times=2)
    cluster.contexts["n1"].now = 50_000
    heartbeat(cluster, "n1")
    assert cluster.processes["n1"].lease_until == 150_000


def test_a_lease_begins_with_the_leadership_rd_6_4_1() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    assert cluster.processes["n1"].confirming


def test_a_read_waits_for_its_majority_however_many_heartbeats_pass_rd_6_4() -> None:
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    cluster.isolate("n1")
    heartbeat(cluster, "n1")
    cluster.contexts["n1"].now = 200_000
    operation = cluster.request("n1", "get")
    heartbeat(cluster, "n1", times=2)
    cluster.heal()
    heartbeat(cluster, "n1", times=2)
    assert operation in acks(cluster)


def test_whoever_restarts_honours_a_lease_that_it_may_have_granted_rd_6_4_1() -> None:
    cluster = group(3, read_mode="lease", leader_stickiness=True)
    cluster.contexts["n2"].now = 1_000_000
    cluster.start("n2")
    cluster.receive("n2", "n3", vote_request(5, 9, 9))
    assert answer(cluster, "n2").granted is False
    cluster.contexts["n2"].now += 150_000
    cluster.receive("n2", "n3", vote_request(5, 9, 9))
    assert answer(cluster, "n2").granted is True


def test_a_leader_that_waits_for_its_successor_takes_no_lease_rd_3_10() -> None:
    """TimeoutNow leaves when the successor holds all, and no lease may be in force then."""
    cluster = group(3, leader_noop=True, read_mode="lease", lease_ms=100)
    elect(cluster, "n1")
    heartbeat(cluster, "n1", times=2)
    cluster.isolate("n2")
    cluster.request("n1", "put")
    hand_over(cluster, "n1", "n2")
    heartbeat(cluster, "n1", times=2)
    assert (cluster.processes["n1"].handed_over, cluster.processes["n1"].holds_lease()) == (False, False)


def test_a_server_alone_is_its_own_majority() -> None:
    cluster = group(1, pre_vote=True, leader_noop=True)
    elect(cluster, "n1")
    operation = cluster.request("n1", "get")
    cluster.quiet()
    assert operation in acks(cluster)


def test_a_write_is_no_local_read() -> None:
    cluster = group(3, read_mode="local")
    cluster.request("n3", "put")
    cluster.quiet()
    assert cluster.replies[-1].outcome == "retry"


def test_a_local_read_is_answered_by_anyone() -> None:
    cluster = group(3, read_mode="local")
    cluster.request("n3", "get")
    cluster.quiet()
    assert len(acks(cluster)) == 1


def test_a_read_through_the_log_is_an_entry_rd_6_4() -> None:
    cluster = group(3, read_mode="log")
    elect(cluster, "n1")
    cluster.request("n1", "get")
    cluster.quiet()
    assert (len(acks(cluster)), cluster.processes["n1"].last_index) == (1, 1)


# ---------------------------------------------------------------- RD 3.10, 4.2.3, 6.2, 9.6, 10.2.1


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
