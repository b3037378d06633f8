"""One test per claim of the paper, with its section. What the dissertation adds: test_dissertation.py.

RP: Ongaro and Ousterhout, extended version. RD: Ongaro's dissertation. Tables: tests/data/raft_paper_cases.json.
"""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    RequestVote,
)
from tests.systems.raft.helpers import (
    acks,
    answer,
    elect,
    entries,
    facts,
    group,
    heartbeat,
    sent,
    stored,
    terms_of,
    vote,
    vote_request,
)
from tests.systems.recording import FixedRandom, Group

TABLES = facts("raft_paper_cases.json")["raft_paper_test_tables"]


# ---------------------------------------------------------------- RP 5.1: terms


@pytest.mark.parametrize("role", ["follower", "candidate", "leader"])
def test_a_higher_term_makes_anyone_a_follower_5_1(role: str) -> None:
    cluster = group(3)
    if role != "follower":
        cluster.fire("n1", "election")
    if role == "leader":
        cluster.quiet()
    assert cluster.processes["n1"].role == role
    cluster.receive("n1", "n2", AppendEntries(9, 0, 0, (), 0, 1))
    assert (cluster.processes["n1"].role, cluster.processes["n1"].term) == ("follower", 9)


def test_a_message_of_an_older_term_is_refused_5_1() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", AppendEntries(5, 0, 0, (), 0, 1))
    cluster.contexts["n1"].take()
    cluster.receive("n1", "n3", AppendEntries(4, 0, 0, entries(4), 0, 1))
    reply = sent(cluster, "n1", AppendEntriesReply)[0]
    assert (reply.success, reply.term, cluster.processes["n1"].last_index) == (False, 5, 0)


def test_a_server_starts_as_follower_5_2() -> None:
    assert group(1).processes["n1"].role == "follower"


# ---------------------------------------------------------------- RP 5.2: elections


def test_heartbeats_go_out_before_any_client_writes_5_2() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.fire("n1", "heartbeat")
    beats = sent(cluster, "n1", AppendEntries)
    assert [beat.entries for beat in beats] == [(), ()]


def test_an_election_starts_with_a_new_term_and_a_vote_for_oneself_5_2() -> None:
    cluster = group(3)
    cluster.fire("n1", "election")
    server = cluster.processes["n1"]
    assert (server.role, server.term, server.voted_for, server.votes) == ("candidate", 1, "n1", {"n1": True})
    assert len(sent(cluster, "n1", RequestVote)) == 2


def test_a_candidate_starts_over_when_its_election_brings_nobody_5_2() -> None:
    cluster = group(3)
    cluster.fire("n1", "election")
    cluster.contexts["n1"].take()
    cluster.fire("n1", "election")
    assert (cluster.processes["n1"].role, cluster.processes["n1"].term) == ("candidate", 2)
    assert [message.term for message in sent(cluster, "n1", RequestVote)] == [2, 2]


@pytest.mark.parametrize("row", TABLES["TestLeaderElectionInOneRoundRPC"]["rows"])
def test_one_round_of_answers_decides_an_election_5_2(row: list[Any]) -> None:
    size, granted, denied, state = row
    cluster = group(size)
    cluster.fire("n1", "election")
    for number in range(granted):
        cluster.receive("n1", f"n{number + 2}", vote(1))
    for number in range(granted, granted + denied):
        cluster.receive("n1", f"n{number + 2}", vote(1, granted=False))
    assert cluster.processes["n1"].role == state.lower()
    assert cluster.processes["n1"].term == 1


def test_one_vote_per_term_first_come_first_served_5_2() -> None:
    cluster = group(3)
    for candidate, granted in (("n2", True), ("n3", False), ("n2", True)):
        cluster.receive("n1", candidate, vote_request(1))
        assert answer(cluster, "n1").granted is granted
    assert cluster.processes["n1"].voted_for == "n2"


def test_a_vote_survives_a_restart_5_2() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", vote_request(1))
    cluster.start("n1")
    cluster.receive("n1", "n3", vote_request(1))
    assert answer(cluster, "n1").granted is False


def test_an_answer_of_an_older_term_says_nothing_of_what_a_follower_stores_5_3() -> None:
    """It may have given that up for another leader since."""
    cluster = group(3, logs={"n1": [1, 1]})
    elect(cluster, "n1")
    leader = cluster.processes["n1"]
    cluster.isolate("n1")
    cluster.request("n1", "put")
    cluster.receive("n1", "n2", stored(leader.term - 1, leader.last_index))
    assert leader.match_index["n2"] == leader.last_index - 1
    assert leader.commit_index < leader.last_index


def test_a_commit_index_never_falls_figure_2() -> None:
    """A heartbeat names an entry that is known to match, which may be far behind what is committed."""
    cluster = group(3)
    cluster.receive("n1", "n2", AppendEntries(1, 0, 0, entries(1, 1), 2, 1))
    cluster.receive("n1", "n2", AppendEntries(1, 0, 0, (), 3, 2))
    assert cluster.processes["n1"].commit_index == 2


def test_a_term_survives_a_restart_without_a_vote_figure_2() -> None:
    cluster = group(3)
    cluster.receive("n1", "n2", AppendEntries(4, 0, 0, (), 0, 1))
    cluster.start("n1")
    assert (cluster.processes["n1"].term, cluster.processes["n1"].voted_for) == (4, "")


def test_a_vote_leaves_only_when_it_is_on_disk_figure_2() -> None:
    cluster = group(3)
    cluster.contexts["n1"].instant = False
    cluster.receive("n1", "n2", vote_request(1))
    assert cluster.contexts["n1"].take() == []
    cluster.flush("n1")
    assert answer(cluster, "n1").granted is True


@pytest.mark.parametrize("term", [1, 2])
def test_a_candidate_follows_a_legitimate_leader_5_2(term: int) -> None:
    cluster = group(3)
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", AppendEntries(term, 0, 0, (), 0, 1))
    server = cluster.processes["n1"]
    assert (server.role, server.leader, server.term) == ("follower", "n2", term)


def test_a_repeated_vote_counts_once_5_2() -> None:
    cluster = group(5)
    cluster.fire("n1", "election")
    for _ in range(3):
        cluster.receive("n1", "n2", vote(1))
    assert cluster.processes["n1"].role == "candidate"


def test_election_timeouts_are_random_in_their_range_5_2() -> None:
    cluster = group(3, election_timeout_ms=(150, 300))
    deadlines = []
    for fraction in (0.0, 0.5, 1.0):
        cluster.contexts["n1"].random = FixedRandom(fraction)
        cluster.receive("n1", "n2", AppendEntries(1, 0, 0, (), 0, 1))
        deadlines.append(cluster.contexts["n1"].timers["election"])
    assert deadlines == [150_000, 225_000, 300_000]


def test_refusing_a_vote_does_not_restart_the_election_timer_5_2() -> None:
    cluster = group(3, logs={"n1": [1, 1]})
    cluster.contexts["n1"].now = 100_000
    before = cluster.contexts["n1"].timers["election"]
    cluster.receive("n1", "n2", vote_request(2, 1, 1))
    assert cluster.contexts["n1"].timers["election"] == before
    cluster.receive("n1", "n3", vote_request(2, 2, 1))
    assert cluster.contexts["n1"].timers["election"] > before


# ---------------------------------------------------------------- RP 5.3: replication


def test_a_leader_replicates_and_commits_client_writes_5_3() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    operation = cluster.request("n1", "put", "x", "1")
    assert cluster.processes["n1"].commit_index == 0
    cluster.quiet()
    assert cluster.processes["n1"].commit_index == 1
    assert acks(cluster) == [operation]
    heartbeat(cluster, "n1")
    assert [cluster.processes[id].data for id in cluster.ids] == [{"x": "1"}] * 3


@pytest.mark.parametrize("row", TABLES["TestLeaderAcknowledgeCommit"]["rows"])
def test_an_entry_commits_when_a_majority_stores_it_5_3(row: list[Any]) -> None:
    size, others, committed = row
    cluster = group(size)
    elect(cluster, "n1")
    cluster.request("n1", "put", "x", "1")
    for number in range(others):
        cluster.receive("n1", f"n{number + 2}", stored(1, 1))
    assert (cluster.processes["n1"].commit_index == 1) is committed


def test_followers_learn_the_commit_index_from_the_next_append_5_3() -> None:
    cluster = group(3)
    cluster.receive("n2", "n1", AppendEntries(1, 0, 0, entries(1, 1), 1, 1))
    assert cluster.processes["n2"].commit_index == 1
    cluster.receive("n2", "n1", AppendEntries(1, 2, 1, (), 9, 2))
    assert cluster.processes["n2"].commit_index == 2


@pytest.mark.parametrize("row", TABLES["TestFollowerCheckMsgApp"]["rows"])
def test_a_follower_checks_the_entry_before_5_3(row: list[Any]) -> None:
    prev_term, prev_index, accept = row
    cluster = group(3, logs={"n1": [1, 2]})
    cluster.receive("n1", "n2", AppendEntries(2, prev_index, prev_term, (), 1, 1))
    assert sent(cluster, "n1", AppendEntriesReply)[0].success is accept


@pytest.mark.parametrize("row", TABLES["TestFollowerAppendEntries"]["rows"])
def test_only_a_conflict_truncates_5_3(row: list[Any]) -> None:
    prev_index, prev_term, given, expected = row
    cluster = group(3, logs={"n1": [1, 2]})
    term = max(2, *[term for _, term in given])
    cluster.receive(
        "n1", "n2", AppendEntries(term, prev_index, prev_term, entries(*[t for _, t in given]), 0, 1)
    )
    assert terms_of(cluster.processes["n1"]) == expected
    cluster.start("n1")
    assert terms_of(cluster.processes["n1"]) == expected


FIGURE_7 = facts("raft_paper_cases.json")["fig7"]


def figure_7(**settings: Any) -> Group:
    """RP Figure 7 as drawn: n1 leads term 8; n2..n7 are the followers a..f."""
    logs = {"n1": FIGURE_7["leader_log_terms"], "n7": FIGURE_7["followers"]["f"]}
    for number, name in enumerate("abcde", 2):
        logs[f"n{number}"] = FIGURE_7["followers"][name]
    cluster = Group(
        type(group(1).processes["n1"]), [f"n{n}" for n in range(1, 8)], group(1, **settings).parameters
    )
    from simulations.engine.systems.raft import preset

    for id, terms in logs.items():
        cluster.preset(id, *preset({"log": terms, "term": 8, "leader": id == "n1"}))
    cluster.start()
    return cluster


@pytest.mark.parametrize(
    ("fast", "expected"),
    [(False, [1, 6, 0, 0, 5, 7]), (True, [1, 1, 0, 0, 2, 2])],
)
def test_the_leader_repairs_the_logs_of_figure_7_5_3(fast: bool, expected: list[int]) -> None:
    cluster = figure_7(fast_backtracking=fast)
    assert cluster.processes["n1"].role == "leader"
    cluster.quiet()
    refused = [
        sum(
            isinstance(message, AppendEntriesReply) and not message.success and sender == f"n{number}"
            for sender, _, message in cluster.delivered
        )
        for number in range(2, 8)
    ]
    assert refused == expected
    assert [len(cluster.processes[id].log) for id in ("n4", "n5")] == [11, 12]
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert {tuple(terms_of(cluster.processes[id])) for id in cluster.ids} == {
        (*FIGURE_7["leader_log_terms"], 8)
    }


def test_c_and_d_of_figure_7_cannot_be_won_by_the_leaders_log_5_4_1() -> None:
    granted = {}
    for name, terms in FIGURE_7["followers"].items():
        cluster = group(3, logs={"n1": terms})
        cluster.receive("n1", "n2", vote_request(9, 10, 6))
        granted[name] = answer(cluster, "n1").granted
    assert granted == {"a": True, "b": True, "c": False, "d": False, "e": True, "f": True}


def test_lost_appends_are_sent_again_5_3() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    cluster.isolate("n3")
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    cluster.heal()
    heartbeat(cluster, "n1", times=3)
    assert cluster.processes["n3"].data == {"x": "1"}


def test_a_follower_that_lost_its_disk_is_filled_again_5_3() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    for value in "abc":
        cluster.request("n1", "put", "x", value)
        cluster.quiet()
    cluster.contexts["n3"].disk.wipe()
    cluster.start("n3")
    heartbeat(cluster, "n1", times=4)
    assert terms_of(cluster.processes["n3"]) == [1, 1, 1]
    assert cluster.processes["n1"].copies == {}


# ---------------------------------------------------------------- RP 5.4: safety


@pytest.mark.parametrize("row", TABLES["TestVoter"]["rows"])
def test_a_vote_needs_an_up_to_date_log_5_4_1(row: list[Any]) -> None:
    log, last_term, last_index, reject = row
    cluster = group(2, logs={"n1": log})
    cluster.receive("n1", "n2", vote_request(3, last_index, last_term))
    assert answer(cluster, "n1").granted is not reject


@pytest.mark.parametrize("row", TABLES["TestLeaderOnlyCommitsLogFromCurrentTerm"]["rows"])
def test_only_entries_of_the_current_term_commit_by_counting_5_4_2(row: list[int]) -> None:
    index, commit = row
    cluster = group(2, logs={"n1": [1, 2]}, leader_noop=True)
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", vote(3))
    cluster.request("n1", "put", "x", "1")
    cluster.receive("n1", "n2", stored(3, index))
    assert cluster.processes["n1"].commit_index == commit


def test_figure_8_a_majority_copy_of_an_old_term_is_no_commit_5_4_2() -> None:
    cluster = group(5, logs={"n1": [1, 2], "n2": [1, 2], "n3": [1], "n4": [1], "n5": [1, 3]})
    cluster.isolate("n5")
    cluster.fire("n1", "election")
    cluster.fire("n1", "election")
    cluster.quiet()
    leader = cluster.processes["n1"]
    heartbeat(cluster, "n1", times=3)
    assert leader.role == "leader"
    assert sorted(leader.match_index.values()) == [0, 2, 2, 2]
    assert leader.commit_index == 0
    assert "raft.not_committed_old_term" in cluster.contexts["n1"].take_notes()
    cluster.heal()
    cluster.crash("n1")
    for _ in range(4):
        cluster.fire("n5", "election")
    cluster.quiet()
    cluster.request("n5", "put", "x", "1")
    cluster.quiet()
    assert [terms_of(cluster.processes[id])[:2] for id in ("n2", "n3", "n4", "n5")] == [[1, 3]] * 4


def test_figure_8_an_entry_of_the_own_term_commits_what_came_before_5_4_2() -> None:
    cluster = group(5, logs={"n1": [1, 2], "n2": [1, 2], "n3": [1], "n4": [1], "n5": [1, 3]})
    cluster.isolate("n5")
    cluster.fire("n1", "election")
    cluster.fire("n1", "election")
    cluster.quiet()
    cluster.request("n1", "put", "x", "1")
    cluster.quiet()
    assert cluster.processes["n1"].commit_index == 3
    cluster.heal()
    cluster.crash("n1")
    for _ in range(4):
        cluster.fire("n5", "election")
    cluster.quiet()
    assert cluster.processes["n5"].role != "leader"


def test_a_deposed_leaders_tail_gives_way_5_3() -> None:
    cluster = group(5, logs={"n1": []})
    elect(cluster, "n1")
    cluster.isolate("n1", "n2")
    lost = cluster.request("n1", "put", "x", "old")
    cluster.quiet()
    elect(cluster, "n3")
    kept = cluster.request("n3", "put", "x", "new")
    cluster.quiet()
    cluster.heal()
    heartbeat(cluster, "n3", times=3)
    assert [cluster.processes[id].data for id in cluster.ids] == [{"x": "new"}] * 5
    assert kept in acks(cluster)
    assert lost not in acks(cluster)
    assert len({cluster.processes[id].state_hash for id in cluster.ids}) == 1


def test_a_preset_leader_leads_only_in_its_first_life() -> None:
    cluster = figure_7()
    cluster.crash("n1")
    cluster.start("n1")
    assert cluster.processes["n1"].role == "follower"


def test_what_a_silent_follower_missed_is_sent_again_from_where_it_is_known_to_match_rp_5_3() -> None:
    cluster = group(3, leader_noop=True)
    elect(cluster, "n1")
    leader = cluster.processes["n1"]
    cluster.isolate("n2")
    for value in "abc":
        cluster.request("n1", "put", "x", value)
        cluster.quiet()
    assert leader.next_index["n2"] == leader.last_index + 1
    heartbeat(cluster, "n1", times=leader.silent_ticks + 1)
    assert (leader.probing["n2"], leader.next_index["n2"]) == (True, leader.match_index["n2"] + 1)


def test_an_append_whose_answer_is_overdue_by_two_rounds_was_lost_rp_5_3() -> None:
    cluster = group(3, leader_noop=True)
    elect(cluster, "n1")
    leader = cluster.processes["n1"]
    cluster.isolate("n2")
    cluster.request("n1", "put", "x", "a")
    cluster.quiet()
    match, sent_in = leader.match_index["n2"], leader.sent_round["n2"]
    cluster.receive("n1", "n2", stored(leader.term, match, sent_in + 1))
    assert not leader.probing["n2"]
    cluster.receive("n1", "n2", stored(leader.term, match, sent_in + 2))
    assert leader.probing["n2"]
    appended = [message for to, message in cluster.contexts["n1"].take() if to == "n2"]
    assert [len(message.entries) for message in appended if isinstance(message, AppendEntries)] == [1]
