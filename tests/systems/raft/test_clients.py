"""One test per claim about clients: sessions, reads, leases. With its section.

RP: Ongaro and Ousterhout, extended version. RD: Ongaro's dissertation.
"""

from __future__ import annotations

import pytest

from simulations.engine.sessions import SESSION_WINDOW
from simulations.engine.systems.raft.messages import (
    AppendEntries,
)
from tests.systems.raft.helpers import (
    acks,
    answer,
    elect,
    group,
    hand_over,
    heartbeat,
    stored,
    terms_of,
    vote_request,
)


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
