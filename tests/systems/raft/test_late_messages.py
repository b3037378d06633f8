"""What comes late, twice or out of turn - messages, refusals, votes - and what an earlier leadership left behind."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.raft.messages import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshotReply,
    PreVoteReply,
    RequestVoteReply,
)
from tests.systems.raft.helpers import (
    answer,
    cluster,
    elect,
    entries,
    group,
    heartbeat,
    names,
    sent,
    stored,
    vote,
    vote_request,
)
from tests.systems.recording import Group


def refused(made: Group, index: int, round: int = 1) -> AppendEntriesReply:
    """A follower of n1's whose log is empty refuses what follows an index."""
    return AppendEntriesReply(made.processes["n1"].term, False, index, round, 0, 1)


def six_ahead(**settings: Any) -> Group:
    """n1 leads with six entries that the others lack; nothing has arrived anywhere."""
    made = group(3, logs={"n1": [1] * 6}, **settings)
    made.fire("n1", "election")
    made.receive("n1", "n3", vote(2))
    made.contexts["n1"].take()
    return made


# ---------------------------------------------------------------- terms and votes


@pytest.mark.parametrize(
    "message",
    [
        PreVoteReply(9, 1, False),
        RequestVoteReply(9, False),
        AppendEntriesReply(9, False, 0, 1),
        InstallSnapshotReply(9, 1, 0, False),
    ],
    ids=lambda message: type(message).__name__,
)
@pytest.mark.parametrize("role", ["pre_candidate", "candidate", "leader"])
def test_a_higher_term_in_any_answer_makes_anyone_a_follower_rp_5_1(role: str, message: Any) -> None:
    made = group(3, pre_vote=role == "pre_candidate")
    made.fire("n1", "election")
    if role == "leader":
        made.quiet()
    assert made.processes["n1"].role == role
    made.receive("n1", "n2", message)
    assert (made.processes["n1"].role, made.processes["n1"].term) == ("follower", 9)


@pytest.mark.parametrize("term", [0, 1])
def test_a_candidate_of_no_higher_term_deposes_no_leader_rp_5_1(term: int) -> None:
    made = group(3)
    elect(made, "n1")
    made.receive("n1", "n2", vote_request(term, 9, 9))
    assert answer(made, "n1") == RequestVoteReply(1, False)
    assert made.processes["n1"].role == "leader"


def test_whoever_follows_a_leader_keeps_the_vote_it_gave_in_that_term_rp_5_2() -> None:
    made = group(3)
    made.receive("n1", "n2", vote_request(1))
    made.receive("n1", "n2", AppendEntries(1, 0, 0, (), 0, 1))
    made.receive("n1", "n3", vote_request(1))
    assert answer(made, "n1").granted is False


def test_votes_of_one_campaign_do_not_count_in_the_next_rp_5_2() -> None:
    made = group(5)
    made.fire("n1", "election")
    made.receive("n1", "n2", vote(1))
    made.fire("n1", "election")
    made.receive("n1", "n3", vote(2))
    assert made.processes["n1"].role == "candidate"
    made.receive("n1", "n4", vote(2))
    assert made.processes["n1"].role == "leader"


@pytest.mark.parametrize("pre_vote", [True, False])
def test_whoever_campaigns_names_no_leader_and_minds_the_time_rp_5_2(pre_vote: bool) -> None:
    made = group(3, pre_vote=pre_vote)
    elect(made, "n1")
    assert (made.processes["n1"].leader, made.processes["n2"].leader) == ("n1", "n1")
    made.fire("n2", "election")
    assert made.processes["n2"].leader == ""
    assert "election" in made.contexts["n2"].timers


def test_pre_votes_that_come_when_a_leader_is_heard_again_start_no_election_rd_9_6() -> None:
    made = group(3, pre_vote=True)
    elect(made, "n1")
    made.fire("n2", "election")
    made.receive("n2", "n1", AppendEntries(1, 0, 0, (), 0, 1))
    for voter in ("n1", "n3"):
        made.receive("n2", voter, PreVoteReply(1, 2, True))
    assert (made.processes["n2"].role, made.processes["n2"].term) == ("follower", 1)


@pytest.mark.parametrize(("granted", "role"), [(True, "candidate"), (False, "follower")])
def test_one_pre_vote_of_five_servers_decides_nothing_rd_9_6(granted: bool, role: str) -> None:
    made = group(5, pre_vote=True)
    made.fire("n1", "election")
    voters = ["n2", "n3"] if granted else ["n2", "n3", "n4"]
    for voter in voters:
        assert made.processes["n1"].role == "pre_candidate"
        made.receive("n1", voter, PreVoteReply(0, 1, granted))
    assert made.processes["n1"].role == role


# ---------------------------------------------------------------- acknowledgements and refusals


def test_an_older_acknowledgement_does_not_turn_the_pipeline_back_rd_10_2_2() -> None:
    made = group(3, max_in_flight=2)
    elect(made, "n1")
    leader = made.processes["n1"]
    for _ in range(4):
        made.request("n1", "put")
    assert leader.next_index["n2"] == 3
    made.contexts["n1"].take()
    made.receive("n1", "n2", stored(1, 1))
    assert [(message.prev_index, len(message.entries)) for message in sent(made, "n1", AppendEntries)] == [
        (2, 2)
    ]
    assert leader.next_index["n2"] == 5


def test_a_refusal_of_before_the_last_acknowledgement_tells_nothing_rp_5_3() -> None:
    made = group(3)
    elect(made, "n1")
    leader = made.processes["n1"]
    for _ in range(2):
        made.request("n1", "put")
    made.quiet()
    assert leader.match_index["n2"] == 2
    before = leader.round
    made.receive("n1", "n2", refused(made, 1, before))
    assert leader.match_index["n2"] == 2
    made.receive("n1", "n2", refused(made, 1, before + 1))
    assert leader.match_index["n2"] == 0


def test_what_a_follower_lost_is_not_counted_twice_when_it_has_it_again_rp_5_3() -> None:
    made = group(5)
    elect(made, "n1")
    leader = made.processes["n1"]
    made.request("n1", "put")
    made.receive("n1", "n2", stored(1, 1))
    made.fire("n1", "heartbeat")
    made.receive("n1", "n2", refused(made, 1, leader.round))
    made.receive("n1", "n2", stored(1, 1, leader.round))
    assert (leader.match_index["n2"], leader.commit_index) == (1, 0)
    made.receive("n1", "n3", stored(1, 1, leader.round))
    assert leader.commit_index == 1


def test_a_refusal_of_an_earlier_probe_does_not_undo_a_later_one_rp_5_3() -> None:
    made = six_ahead(fast_backtracking=False)
    leader = made.processes["n1"]
    for index in (6, 5):
        made.receive("n1", "n2", refused(made, index))
        assert leader.next_index["n2"] == index
    made.contexts["n1"].take()
    made.receive("n1", "n2", refused(made, 6))
    assert (leader.next_index["n2"], made.contexts["n1"].take()) == (5, [])


def test_a_refusal_in_the_pipeline_stops_it_wherever_it_has_got_to_rp_5_3() -> None:
    made = group(3)
    elect(made, "n1")
    leader = made.processes["n1"]
    for _ in range(4):
        made.request("n1", "put")
    assert (leader.next_index["n2"], leader.probing["n2"]) == (5, False)
    made.receive("n1", "n2", refused(made, 2))
    assert (leader.next_index["n2"], leader.probing["n2"]) == (1, True)


@pytest.mark.parametrize(("fast", "carried"), [(True, 6), (False, 0)])
def test_probes_that_go_back_step_by_step_carry_no_entries_rd_3_5(fast: bool, carried: int) -> None:
    made = six_ahead(fast_backtracking=fast)
    made.receive("n1", "n2", refused(made, 6))
    assert [len(message.entries) for message in sent(made, "n1", AppendEntries)] == [carried]


# ---------------------------------------------------------------- what an earlier leadership left


def test_copies_counted_in_an_earlier_leadership_commit_nothing_in_a_later_one_rp_5_3() -> None:
    """n2's copies are of entries that gave way to another leader's."""
    made = group(5)
    elect(made, "n1")
    leader = made.processes["n1"]
    for _ in range(2):
        made.request("n1", "put")
    made.receive("n1", "n2", stored(1, 2))
    made.receive("n1", "n3", AppendEntries(2, 0, 0, entries(2), 0, 1))
    made.fire("n1", "election")
    for voter in ("n3", "n4"):
        made.receive("n1", voter, vote(3))
    made.request("n1", "put")
    assert (leader.role, leader.last_index, leader.durable_index) == ("leader", 2, 2)
    for id, committed in (("n3", 0), ("n4", 2)):
        assert leader.commit_index == 0
        made.receive("n1", id, stored(3, 2))
        assert leader.commit_index == committed


def test_what_only_a_leader_knows_ends_with_its_office_figure_2() -> None:
    made = cluster(names(3), 3, read_mode="lease", lease_ms=100)
    heartbeat(made, "n1", times=2)
    fields = (
        "next_index", "match_index", "probing", "heard_tick", "sent_round", "answered_round", "matched_round", "copies",
        "undurable", "confirming", "lease_until", "reads_next", "reads_confirming",
    )  # fmt: skip
    leader, made.contexts["n1"].instant = made.processes["n1"], False
    made.isolate("n1")
    made.request("n1", "put")
    made.contexts["n1"].now = 100_000
    made.request("n1", "get")
    heartbeat(made, "n1")
    made.request("n1", "get")
    made.receive("n1", "n2", stored(leader.term, leader.last_index, 1))
    fresh = type(leader)()
    assert all(getattr(leader, name) != getattr(fresh, name) for name in fields)
    made.receive("n1", "n2", AppendEntries(9, 0, 0, (), 0, 1))
    assert {name: getattr(leader, name) for name in fields} == {name: getattr(fresh, name) for name in fields}
    assert "heartbeat" not in made.contexts["n1"].timers
    assert "election" in made.contexts["n1"].timers


def test_a_transfer_ends_with_the_office_rd_3_10() -> None:
    made = group(3)
    elect(made, "n1")
    leader = made.processes["n1"]
    leader.start_transfer("n2")
    assert (leader.transfer_to, leader.handed_over, "transfer" in made.contexts["n1"].timers) == (
        "n2",
        True,
        True,
    )
    made.receive("n1", "n2", AppendEntries(2, 0, 0, (), 0, 1))
    assert (leader.transfer_to, leader.handed_over, "transfer" in made.contexts["n1"].timers) == (
        "",
        False,
        False,
    )
