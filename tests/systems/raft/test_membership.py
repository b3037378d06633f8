"""Membership, rule by rule, named after the sections. RP section 6; RD chapter 4 and its erratum of 2015."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.raft.messages import (
    AppendEntries,
    Configuration,
    Entry,
    RequestVote,
    TimeoutNow,
)
from tests.systems.raft.helpers import (
    cluster,
    configure,
    elect,
    group,
    heartbeat,
    names,
    stored,
    vote,
    vote_request,
)
from tests.systems.recording import Group

THREE, FOUR, FIVE = names(3), names(4), names(5)


def voters(made: Group, id: str) -> tuple[str, ...]:
    found: tuple[str, ...] = made.processes[id].voters
    return found


def asked(made: Group, id: str) -> list[str]:
    """Whom a server asks for its vote."""
    return [to for to, message in made.contexts[id].sent if isinstance(message, RequestVote)]


# ---------------------------------------------------------------- RD 4.1: the latest configuration in the log counts


def test_a_configuration_counts_as_soon_as_it_is_in_the_log_rd_4_1() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", quiet=False, add="n4", role="voter")
    leader = made.processes["n1"]
    assert (leader.voters, leader.quorum, leader.commit_index) == (tuple(FOUR), 3, leader.last_index - 1)
    made.quiet()
    assert leader.commit_index == leader.last_index
    assert voters(made, "n4") == tuple(FOUR)
    assert made.processes["n4"].role == "follower"


def test_a_configuration_that_is_overwritten_counts_no_longer_rd_4_1() -> None:
    made = group(3)
    entry = Entry(1, Configuration(("n1", "n2")))
    made.receive("n1", "n2", AppendEntries(1, 0, 0, (entry,), 0, 1))
    assert voters(made, "n1") == ("n1", "n2")
    made.receive("n1", "n3", AppendEntries(2, 0, 0, (Entry(2),), 0, 1))
    assert voters(made, "n1") == tuple(THREE)


def test_a_configuration_may_come_in_place_of_another_and_those_before_stay_rd_4_1() -> None:
    made = group(3)
    first, second, third = (
        Entry(term, Configuration(voters))
        for term, voters in enumerate((("n1", "n2"), ("n1", "n3"), ("n2", "n3")), 1)
    )
    made.receive("n1", "n2", AppendEntries(2, 0, 0, (first, second), 0, 1))
    made.receive("n1", "n3", AppendEntries(3, 1, 1, (third,), 0, 1))
    assert [index for index, _ in made.processes["n1"].configurations] == [0, 1, 2]
    assert voters(made, "n1") == ("n2", "n3")
    made.receive("n1", "n2", AppendEntries(4, 1, 1, (Entry(4),), 0, 1))
    assert voters(made, "n1") == ("n1", "n2")


def test_a_restarted_server_finds_its_configuration_in_its_log() -> None:
    made = cluster(THREE, 4)
    configure(made, "n1", add="n4", role="voter")
    made.start("n3")
    assert voters(made, "n3") == tuple(FOUR)


def test_only_members_campaign_but_everybody_votes_rd_4_1() -> None:
    made = cluster(THREE, 4)
    made.fire("n4", "election")
    assert made.processes["n4"].role == "outsider"
    assert "election" in made.contexts["n4"].timers
    made.receive("n4", "n2", vote_request(9, 9, 9))
    assert made.processes["n4"].voted_for == "n2"
    assert made.processes["n4"].role == "outsider"


# ---------------------------------------------------------------- one at a time


def test_a_change_waits_for_the_one_before_rd_4_1() -> None:
    made = cluster(THREE, 5)
    made.isolate("n1")
    configure(made, "n1", remove="n3")
    assert configure(made, "n1", remove="n2") == ["raft.change_refused_pending"]
    made.heal()
    heartbeat(made, "n1", times=3)
    assert "raft.configuration_appended" in configure(made, "n1", add="n4", role="voter")


def test_one_server_at_a_time_means_one_rd_4_1() -> None:
    made = cluster(THREE, 5)
    assert configure(made, "n1", members=FIVE, mode="single") == ["raft.change_refused_single"]
    assert "raft.configuration_appended" in configure(made, "n1", members=FIVE)
    assert voters(made, "n1") == tuple(FIVE)


def test_a_leader_changes_nothing_before_it_committed_in_its_term_rd_4_1_erratum() -> None:
    made = group(4)
    elect(made, "n1")
    assert configure(made, "n1", remove="n4") == ["raft.change_refused_term"]
    made.request("n1", "put")
    made.quiet()
    assert "raft.configuration_appended" in configure(made, "n1", remove="n4")


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ({"add": "n9"}, "raft.change_refused_stranger"),
        ({"remove": "n3", "mode": "magic"}, "raft.change_refused_arguments"),
        ({"add": "n4", "role": "king"}, "raft.change_refused_arguments"),
        ({"remove": THREE}, "raft.change_refused_nothing"),
        ({"members": THREE}, "raft.change_refused_nothing"),
        ({"promote": "n4"}, "raft.promotion_refused"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(arguments: dict[str, Any], note: str) -> None:
    made = cluster(THREE, 4)
    assert configure(made, "n1", **arguments) == [note]
    assert voters(made, "n1") == tuple(THREE)


def test_only_a_leader_changes_the_membership() -> None:
    made = cluster(THREE, 4)
    assert configure(made, "n2", remove="n3") == ["raft.change_refused_not_leader"]


# ---------------------------------------------------------------- RD 4.2.2, 4.2.3: who leaves


def test_a_leader_that_removes_itself_does_not_count_itself_rd_4_2_2() -> None:
    made = cluster(THREE, 3)
    configure(made, "n1", quiet=False, remove="n1")
    leader, index = made.processes["n1"], made.processes["n1"].last_index
    made.receive("n1", "n2", stored(leader.term, index, leader.round))
    assert leader.commit_index < index
    made.receive("n1", "n3", stored(leader.term, index, leader.round))
    assert leader.commit_index == index


def test_a_leader_steps_down_when_the_configuration_without_it_is_committed_rd_4_2_2() -> None:
    made = cluster(THREE, 3)
    notes = configure(made, "n1", remove="n1")
    assert notes[-1] == "raft.removed_itself"
    assert made.processes["n1"].role == "outsider"
    elect(made, "n2")
    made.fire("n1", "election")
    assert made.processes["n1"].role == "outsider"


def test_a_server_that_its_own_configuration_leaves_out_may_be_needed_rd_4_2_2() -> None:
    made = cluster(["n1", "n2"], 2)
    made.isolate("n1")
    configure(made, "n1", remove="n1")
    made.start("n1")
    made.heal()
    made.fire("n1", "election")
    made.quiet()
    assert "raft.removed_itself" in made.contexts["n1"].take_notes()
    assert voters(made, "n2") == ("n2",)
    elect(made, "n2")


def test_a_removed_server_hears_nothing_more_rd_4_2_3() -> None:
    made = cluster(FOUR, 4)
    configure(made, "n1", remove="n4")
    heartbeat(made, "n1")
    made.delivered.clear()
    heartbeat(made, "n1", times=3)
    assert {to for sender, to, _ in made.delivered if sender == "n1"} == {"n2", "n3"}


@pytest.mark.parametrize(("sticky", "role"), [(True, "leader"), (False, "follower")])
def test_a_removed_server_cannot_depose_a_leader_that_is_heard_rd_4_2_3(sticky: bool, role: str) -> None:
    made = cluster(FOUR, 4, leader_stickiness=sticky, pre_vote=True)
    made.cut = {("n1", "n2"), ("n1", "n3")}
    configure(made, "n1", remove="n4")
    for id in ("n2", "n3"):
        made.receive(id, "n1", AppendEntries(made.processes["n1"].term, 0, 0, (), 0, 9))
    made.fire("n4", "election")
    made.quiet()
    assert made.processes["n1"].role == role


def test_late_answers_of_a_removed_server_are_ignored() -> None:
    made = cluster(FOUR, 4)
    configure(made, "n1", remove="n4")
    made.receive("n1", "n4", stored(made.processes["n1"].term, 99, 9))
    assert "n4" not in made.processes["n1"].match_index


def test_leadership_is_not_handed_to_whom_the_cluster_does_not_know() -> None:
    made = cluster(THREE, 4)
    made.processes["n4"].leader = "n1"
    made.processes["n4"].on_operator("transfer", {})
    made.quiet()
    assert made.processes["n1"].transfer_to == ""
    made.receive("n4", "n1", TimeoutNow(made.processes["n4"].term))
    assert made.processes["n4"].role == "outsider"


# ---------------------------------------------------------------- RP 6, RD 4.3: joint consensus


def joint(made: Group) -> None:
    """n1, n2, n3 are to become n3, n4, n5, and n1 has just begun it."""
    configure(made, "n1", quiet=False, members=["n3", "n4", "n5"], mode="joint")


def test_a_joint_configuration_commits_with_both_majorities_rp_6() -> None:
    made = cluster(THREE, 5)
    joint(made)
    leader = made.processes["n1"]
    index = leader.last_index
    for id, committed in (("n2", False), ("n4", False), ("n5", True)):
        made.receive("n1", id, stored(leader.term, index, leader.round))
        assert (leader.commit_index >= index) == committed, id


def test_a_candidate_of_a_joint_configuration_needs_both_majorities_rp_6() -> None:
    made = cluster(THREE, 5)
    joint(made)
    server = made.processes["n1"]
    server.become_follower(server.term)
    made.contexts["n1"].take()
    made.fire("n1", "election")
    assert asked(made, "n1") == ["n3", "n4", "n5", "n2"]
    for id, wins in (("n2", False), ("n3", False), ("n4", True)):
        made.receive("n1", id, vote(server.term))
        assert (server.role == "leader") == wins, id


def test_the_leader_goes_from_the_joint_to_the_new_configuration_and_steps_down_rp_6() -> None:
    made = cluster(THREE, 5)
    joint(made)
    made.quiet()
    assert made.processes["n1"].role == "outsider"
    elect(made, "n4")
    heartbeat(made, "n4")
    assert {voters(made, id) for id in ("n3", "n4", "n5")} == {("n3", "n4", "n5")}


def test_a_new_leader_finishes_the_change_that_another_began_rp_6() -> None:
    made = cluster(THREE, 5)
    joint(made)
    for _ in range(6):  # (so far that the joint configuration is everywhere, and no further)
        made.step()
        if all(made.processes[id].old_voters for id in ("n2", "n3", "n4", "n5")):
            break
    made.crash("n1")
    made.contexts["n1"].take()
    made.fire("n3", "election")
    made.quiet()
    heartbeat(made, "n3", times=2)
    assert made.processes["n3"].role == "leader"
    assert {voters(made, id) for id in ("n3", "n4", "n5")} == {("n3", "n4", "n5")}
    assert not made.processes["n3"].old_voters


@pytest.mark.parametrize("silent", [("n4", "n5"), ("n2", "n3")])
def test_a_leader_of_a_joint_configuration_needs_answers_of_both_majorities_rd_6_2(
    silent: tuple[str, ...],
) -> None:
    made = cluster(THREE, 5, check_quorum=True)
    joint(made)
    made.isolate(*silent)
    heartbeat(made, "n1", times=5)
    assert made.processes["n1"].role != "leader"


def test_a_read_in_a_joint_configuration_asks_both_majorities_rd_6_4() -> None:
    made = cluster(THREE, 5)
    made.cut = {(id, "n1") for id in ("n4", "n5")}
    joint(made)
    made.quiet()
    operation = made.request("n1", "get")
    made.quiet()
    assert operation not in [reply.operation for reply in made.replies]
    made.heal()
    heartbeat(made, "n1")
    assert operation in [reply.operation for reply in made.replies]


def test_two_groups_decide_when_servers_switch_on_their_own_rp_6_figure_10() -> None:
    made = cluster(THREE, 5)
    for id in ("n3", "n4", "n5"):
        assert configure(made, id, members=FIVE, mode="direct") == ["raft.switched"]
    made.isolate("n1", "n2")
    elect(made, "n3")
    for id in ("n1", "n3"):
        made.request(id, "put")
        made.quiet()
    one, other = made.processes["n1"], made.processes["n3"]
    index = min(one.commit_index, other.commit_index)
    assert one.log.hash_at(index) != other.log.hash_at(index)
    made.start("n4")
    assert voters(made, "n4") == tuple(FIVE)


def stores(made: Group, id: str, index: int) -> None:
    """n1 hears that a server stores its log up to an index."""
    leader = made.processes["n1"]
    made.receive("n1", id, stored(leader.term, index, leader.round))


def test_the_joint_configuration_is_left_when_it_is_committed_and_no_earlier_rp_6() -> None:
    made = cluster(THREE, 5)
    made.request("n1", "put")
    joint(made)
    leader = made.processes["n1"]
    index = leader.last_index
    for id in ("n2", "n4", "n5"):
        stores(made, id, index - 1)
    assert (leader.commit_index, leader.last_index) == (index - 1, index)
    for id in ("n2", "n4", "n5"):
        stores(made, id, index)
    assert (leader.commit_index, leader.last_index, leader.old_voters) == (index, index + 1, ())


def test_a_follower_leaves_it_to_the_leader_to_end_a_joint_configuration_rp_6() -> None:
    made = cluster(THREE, 5)
    joint(made)
    leader, server = made.processes["n1"], made.processes["n2"]
    index = leader.last_index
    made.receive(
        "n2",
        "n1",
        AppendEntries(leader.term, index - 1, leader.term, (leader.log[index],), index, leader.round),
    )
    assert (server.commit_index, server.last_index) == (index, index)


def test_a_joint_configuration_uncommits_nothing_rp_6() -> None:
    """One of the new majority stores less than the old one has committed."""
    made = cluster(THREE, 5)
    for _ in range(2):
        made.request("n1", "put")
        made.quiet()
    joint(made)
    leader = made.processes["n1"]
    before = leader.commit_index
    for id, index in (("n2", leader.last_index), ("n4", before - 1)):
        stores(made, id, index)
    assert leader.commit_index == before == 3


def test_a_leader_s_own_disk_may_be_the_last_of_a_joint_majority_rd_10_2_1() -> None:
    made = cluster(THREE, 5)
    made.contexts["n1"].instant = False
    joint(made)
    leader = made.processes["n1"]
    index = leader.last_index
    for id in ("n2", "n4", "n5"):
        stores(made, id, index)
    assert leader.commit_index < index
    made.flush("n1")
    assert leader.commit_index >= index


@pytest.mark.parametrize("arguments", [{"members": FIVE}, {"remove": "n3", "mode": "joint"}])
def test_more_than_one_server_at_a_time_means_a_joint_configuration_rp_6(arguments: dict[str, Any]) -> None:
    made = cluster(THREE, 5)
    configure(made, "n1", quiet=False, **arguments)
    assert made.processes["n1"].old_voters == tuple(THREE)


def test_a_copy_on_a_removed_server_is_no_copy_rd_4_1() -> None:
    made = cluster(FIVE, 5)
    made.request("n1", "put")
    leader = made.processes["n1"]
    index = leader.last_index
    stores(made, "n4", index)
    configure(made, "n1", quiet=False, remove="n4")
    for id, committed in (("n2", False), ("n3", True)):
        stores(made, id, index)
        assert (leader.commit_index >= index) is committed, id


def test_the_answer_of_a_removed_server_confirms_no_read_rd_6_4() -> None:
    made = cluster(FIVE, 5)
    made.request("n1", "get")
    leader = made.processes["n1"]
    stores(made, "n4", leader.last_index)
    configure(made, "n1", quiet=False, remove="n4")
    for id, confirmed in (("n2", False), ("n3", True)):
        stores(made, id, leader.last_index - 1)
        assert (not leader.confirming) is confirmed, id


def test_a_read_is_confirmed_when_those_who_answered_become_a_majority_rd_6_4() -> None:
    made = cluster(FOUR, 4)
    made.request("n1", "get")
    leader = made.processes["n1"]
    stores(made, "n2", leader.last_index)
    assert leader.confirming
    configure(made, "n1", quiet=False, remove="n4")
    assert not leader.confirming


def test_a_leader_that_removes_itself_does_not_confirm_its_own_reads_rd_6_4() -> None:
    made = cluster(THREE, 3)
    configure(made, "n1", quiet=False, remove="n1")
    made.request("n1", "get")
    leader = made.processes["n1"]
    for id, confirmed in (("n2", False), ("n3", True)):
        stores(made, id, leader.last_index - 1)
        assert (not leader.confirming) is confirmed, id


def test_a_lease_ends_with_the_configuration_that_granted_it_rd_6_4_1() -> None:
    made = cluster(THREE, 4, read_mode="lease", lease_ms=100)
    heartbeat(made, "n1")
    assert made.processes["n1"].holds_lease()
    configure(made, "n1", quiet=False, add="n4", role="voter")
    assert not made.processes["n1"].holds_lease()


def test_a_leader_that_hands_over_changes_nothing_rd_3_10() -> None:
    made = cluster(THREE, 3)
    made.isolate("n2")
    made.processes["n1"].start_transfer("n2")
    assert configure(made, "n1", remove="n3") == ["raft.change_refused_not_leader"]


def test_whoever_is_removed_is_no_successor_rd_3_10() -> None:
    made = cluster(THREE, 3)
    made.isolate("n2")
    made.processes["n1"].start_transfer("n2")
    configure(made, "n1", members=["n1", "n3"], mode="direct")
    assert made.processes["n1"].transfer_to == ""


def test_a_leader_that_switches_on_its_own_serves_whom_it_switched_to_rp_6_figure_10() -> None:
    made = cluster(THREE, 5)
    configure(made, "n1", members=FIVE, mode="direct")
    heartbeat(made, "n1")
    assert made.processes["n5"].last_index == made.processes["n1"].last_index
