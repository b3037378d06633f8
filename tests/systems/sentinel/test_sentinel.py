"""Sentinel: what its documentation claims, one rule at a time and in whole runs, and its broken twins."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.failover import Ping, Promote, ReplicateFrom, Report
from simulations.engine.meters import Scope
from simulations.engine.systems.sentinel.descriptor import DESCRIPTOR
from simulations.engine.systems.sentinel.messages import AskDown, AskVote, Down, Hello, Vote
from simulations.engine.systems.sentinel.process import Parameters, Sentinel
from simulations.engine.systems.sentinel.twins import TWINS
from simulations.engine.world import World
from tests.systems.failover_kit import coordinator, database, play, recipe, roles, verdicts
from tests.systems.recording import Group

DIRECTORY: dict[str, tuple[str, ...]] = {"primary_replica": ("m", "r", "q"), "sentinel": ("s1", "s2", "s3")}


def report(role: str, epoch: int = 1, position: int = 5, source: str = "m") -> Report:
    return Report(0, role, epoch, position, epoch, source if role != "primary" else "", True)


def group(**settings: Any) -> Group:
    """Three sentinels that know a primary m and its replicas r (5 entries) and q (7)."""
    made = Group(lambda: Sentinel(directory=DIRECTORY), DIRECTORY["sentinel"], Parameters(**settings))
    made.start()
    for sentinel in DIRECTORY["sentinel"]:
        made.receive(sentinel, "m", report("primary"))
        made.receive(sentinel, "r", report("replica"))
        made.receive(sentinel, "q", report("replica", position=7))
    made.quiet()
    for context in made.contexts.values():
        context.take()
    return made


def states(cluster: Group) -> list[str]:
    return [process.role for process in cluster.processes.values()]


def sent(cluster: Group, id: str, kind: type) -> list[Any]:
    return [message for _, message in cluster.contexts[id].sent if isinstance(message, kind)]


def test_one_sentinel_that_hears_nothing_finds_it_down_only_subjectively() -> None:
    cluster = group()
    cluster.fire("s1", "down")
    cluster.quiet()
    assert states(cluster) == ["sdown", "watching", "watching"]


def test_quorum_sentinels_find_it_down_objectively() -> None:
    cluster = group()
    cluster.fire("s1", "down")
    cluster.fire("s2", "down")
    cluster.quiet()
    assert states(cluster) == ["odown", "odown", "watching"]


def test_an_answer_of_the_primary_ends_the_suspicion() -> None:
    cluster = group()
    cluster.fire("s1", "down")
    cluster.receive("s1", "m", report("primary"))
    assert states(cluster)[0] == "watching"


def test_a_primary_that_reports_as_a_replica_is_down() -> None:
    cluster = group()
    cluster.fire("s1", "down")
    cluster.receive("s1", "m", report("replica", source=""))
    assert states(cluster)[0] == "sdown"
    cluster.receive("s1", "r", report("primary"))
    assert states(cluster)[0] == "sdown"


def test_the_majority_elects_and_the_replica_that_has_most_is_promoted() -> None:
    cluster = group()
    for sentinel in ("s1", "s2"):
        cluster.fire(sentinel, "down")
    cluster.quiet()
    cluster.fire("s1", "campaign")
    cluster.quiet()
    assert states(cluster)[0] == "failing_over"
    assert cluster.contexts["s1"].timers["promotion"]
    assert cluster.processes["s1"].candidate == "q"
    cluster.receive("s1", "q", report("primary", epoch=2))
    cluster.quiet()
    assert [(process.primary, process.epoch) for process in cluster.processes.values()] == [("q", 2)] * 3
    assert states(cluster) == ["watching"] * 3


def test_quorum_finds_it_down_but_a_majority_must_vote() -> None:
    """Two of five sentinels: enough for the quorum, not for the failover."""
    cluster = group(quorum=1)
    cluster.isolate("s1")
    cluster.fire("s1", "down")
    cluster.fire("s1", "campaign")
    cluster.quiet()
    assert states(cluster)[0] == "candidate"
    cluster.fire("s1", "election")
    assert states(cluster)[0] == "odown"
    assert not sent(cluster, "s1", Promote)


def test_one_vote_an_epoch_also_after_a_restart() -> None:
    cluster = group()
    cluster.receive("s3", "s1", AskVote(5))
    cluster.contexts["s3"].take()
    cluster.start("s3")
    cluster.contexts["s3"].take()
    cluster.receive("s3", "s2", AskVote(5))
    assert cluster.contexts["s3"].take() == [("s2", Vote(5, "s1"))]


def test_the_vote_is_on_disk_before_it_is_told() -> None:
    cluster = group()
    cluster.contexts["s3"].instant = False
    cluster.receive("s3", "s1", AskVote(5))
    assert cluster.contexts["s3"].take() == []
    cluster.flush("s3")
    assert cluster.contexts["s3"].take() == [("s1", Vote(5, "s1"))]


def test_a_configuration_of_a_higher_epoch_wins_and_old_primaries_are_pointed_at_it() -> None:
    cluster = group()
    cluster.receive("s1", "s2", Hello(4, 4, "r"))
    cluster.contexts["s1"].take()
    cluster.receive("s1", "s3", Hello(3, 3, "q"))
    assert (cluster.processes["s1"].primary, cluster.processes["s1"].epoch) == ("r", 4)
    cluster.receive("s1", "m", report("primary"))
    assert cluster.contexts["s1"].take() == [("m", ReplicateFrom(4, "r"))]


def test_an_opinion_is_asked_and_given() -> None:
    cluster = group()
    cluster.fire("s2", "down")
    cluster.contexts["s2"].take()
    cluster.receive("s2", "s1", AskDown("m"))
    assert cluster.contexts["s2"].take() == [("s1", Down("m", True))]
    cluster.fire("s1", "ping")
    assert len(sent(cluster, "s1", Ping)) == 3


def candidate(quorum: int = 2) -> tuple[Group, Any]:
    """s1 campaigns in epoch 2, and nothing of it has arrived."""
    cluster = group(quorum=quorum)
    cluster.fire("s1", "down")
    cluster.receive("s1", "s2", Down("m", True))
    cluster.fire("s1", "campaign")
    first = cluster.processes["s1"]
    assert (first.role, first.vote_epoch, first.voted_for) == ("candidate", 2, "s1")
    cluster.contexts["s1"].take()
    return cluster, first


def test_votes_count_for_the_campaign_that_asked_for_them() -> None:
    cluster, first = candidate()
    for vote in (Vote(1, "s1"), Vote(2, "s3"), Vote(2, "s1")):
        assert first.role == "candidate"
        cluster.receive("s1", "s2", vote)
    assert (first.role, first.candidate) == ("failing_over", "q")
    assert "election" not in cluster.contexts["s1"].timers
    for late in ("s2", "s3"):
        cluster.receive("s1", late, Vote(2, "s1"))
    assert len(sent(cluster, "s1", Promote)) == 1


def test_votes_of_an_earlier_campaign_do_not_count_in_the_next() -> None:
    cluster, first = candidate()
    assert "election" in cluster.contexts["s1"].timers
    cluster.fire("s1", "election")
    assert (first.role, "campaign" in cluster.contexts["s1"].timers) == ("odown", True)
    cluster.fire("s1", "campaign")
    cluster.receive("s1", "s2", Vote(2, "s1"))
    assert (first.role, first.vote_epoch) == ("candidate", 3)


@pytest.mark.parametrize("message", [Vote(7, "s3"), AskVote(7)])
def test_a_candidate_that_hears_of_a_later_epoch_lost(message: Any) -> None:
    cluster, first = candidate()
    cluster.receive("s1", "s3", message)
    assert (first.role, first.vote_epoch) == ("odown", 7)
    assert first.voted_for == ("" if isinstance(message, Vote) else "s3")
    timers = cluster.contexts["s1"].timers
    assert ("election" in timers, "campaign" in timers) == (False, True)
    cluster.start("s1")
    assert cluster.processes["s1"].vote_epoch == 7


def test_a_candidate_has_given_its_vote_to_itself_also_after_a_restart() -> None:
    cluster, _ = candidate()
    for _ in range(2):
        cluster.contexts["s1"].take()
        cluster.receive("s1", "s2", AskVote(2))
        assert cluster.contexts["s1"].take() == [("s2", Vote(2, "s1"))]
        cluster.start("s1")


def test_an_epoch_that_others_tell_of_is_above_every_vote_of_before() -> None:
    cluster = group()
    cluster.receive("s1", "s2", AskVote(5))
    for epoch, kept in ((5, (5, "s2")), (4, (5, "s2")), (6, (6, ""))):
        cluster.receive("s1", "s3", Hello(epoch, 1, "m"))
        assert (cluster.processes["s1"].vote_epoch, cluster.processes["s1"].voted_for) == kept
        cluster.start("s1")
        assert (cluster.processes["s1"].vote_epoch, cluster.processes["s1"].voted_for) == kept


def test_who_suspects_nothing_does_not_campaign_and_a_voter_does_not_begin_to() -> None:
    cluster = group()
    cluster.fire("s1", "campaign")
    cluster.receive("s1", "s2", AskVote(5))
    assert (states(cluster)[0], cluster.processes["s1"].vote_epoch) == ("watching", 5)
    assert "campaign" not in cluster.contexts["s1"].timers
    cluster.fire("s1", "down")
    cluster.receive("s1", "s2", AskVote(6))
    assert states(cluster)[0] == "sdown"


def test_only_fresh_opinions_about_this_primary_count() -> None:
    cluster = group(quorum=3)
    cluster.fire("s1", "down")
    for sender, opinion, later_us, role in (
        ("s2", Down("m", True), 0, "sdown"),
        ("s3", Down("q", True), 0, "sdown"),
        ("s3", Down("m", False), 0, "sdown"),
        ("s2", Down("m", False), 0, "sdown"),
        ("s3", Down("m", True), 0, "sdown"),
        ("s2", Down("m", True), 60_000_000, "sdown"),
        ("s3", Down("m", True), 0, "odown"),
    ):
        cluster.contexts["s1"].now += later_us
        cluster.receive("s1", sender, opinion)
        assert states(cluster)[0] == role
        assert ("campaign" in cluster.contexts["s1"].timers) is (role == "odown")


def test_an_opinion_is_about_the_primary_that_was_asked_for() -> None:
    cluster = group()
    for suspects, asked, down in ((False, "m", False), (True, "q", False), (True, "m", True)):
        if suspects:
            cluster.fire("s1", "down")
        cluster.contexts["s1"].take()
        cluster.receive("s1", "s2", AskDown(asked))
        assert cluster.contexts["s1"].take() == [("s2", Down(asked, down))]


def test_a_replica_that_does_not_report_as_primary_gives_way_to_another_in_a_later_epoch() -> None:
    """When all were tried it begins anew."""
    cluster, first = candidate()
    for epoch, promoted in ((2, ["q"]), (3, ["r"]), (4, []), (5, ["q"])):
        assert first.vote_epoch == epoch
        cluster.receive("s1", "s2", Vote(epoch, "s1"))
        assert sent(cluster, "s1", Promote) == [Promote(epoch)] * len(promoted)
        assert first.role == ("failing_over" if promoted else "odown")
        assert [to for to, one in cluster.contexts["s1"].take() if isinstance(one, Promote)] == promoted
        cluster.fire("s1", "promotion")
        assert first.role == "odown"
        cluster.fire("s1", "campaign")


def test_a_new_primary_ends_every_suspicion_of_the_old_one_and_is_kept() -> None:
    cluster, first = candidate()
    cluster.receive("s1", "q", report("primary", epoch=9))
    timers = cluster.contexts["s1"].timers
    assert (first.role, first.primary, first.epoch, first.vote_epoch) == ("watching", "q", 9, 9)
    assert (first.agreed, first.votes, "down" in timers) == ({}, {}, True)
    assert not {"campaign", "election", "promotion"} & set(timers)
    told = cluster.contexts["s1"].take()
    assert [to for to, message in told if isinstance(message, Hello)] == ["s2", "s3"]
    assert [to for to, message in told if isinstance(message, ReplicateFrom)] == ["m", "r"]
    cluster.start("s1")
    again = cluster.processes["s1"]
    assert (again.primary, again.epoch, again.vote_epoch) == ("q", 9, 9)


def test_a_sentinel_tells_the_others_what_it_knows_and_asks_what_they_find() -> None:
    cluster = group()
    for suspects in (False, True):
        if suspects:
            cluster.fire("s1", "down")
        cluster.contexts["s1"].take()
        cluster.fire("s1", "ping")
        assert sent(cluster, "s1", Hello) == [Hello(1, 1, "m")] * 2
        assert sent(cluster, "s1", AskDown) == [AskDown("m")] * (2 if suspects else 0)


# -- whole runs -----------------------------------------------------------------------------------------------------

FAST = {"down_after_ms": 600, "ping_ms": 150, "election_ms": 200}
NAMES = ("kyoto", "osaka", "nara", "kobe", "tokyo")


def watched(
    faults: list[dict[str, Any]],
    sentinels: int,
    quorum: int,
    system: str = "primary_replica",
    databases: int = 3,
    **more: Any,
) -> World:
    """Databases with sentinels beside them, on the first nodes; the first database leads."""
    watcher = coordinator("sentinel", quorum=quorum, **FAST)
    nodes = [
        database(name, watcher) if number < sentinels else database(name)
        for number, name in enumerate(NAMES[:databases])
    ]
    nodes += [{"id": f"s{number}", "processes": [watcher]} for number in range(databases, sentinels)]
    return play(recipe(nodes, faults, system=system, leader="kyoto", **more))


def test_a_dead_primary_is_replaced_and_comes_back_as_a_replica() -> None:
    world = watched([{"at_s": 2, "do": "kill", "target": "kyoto", "for_s": 3}], 5, 3, databases=4)
    assert roles(world)["kyoto"] == "replica"
    assert verdicts(world)["no_split_brain"] == "holds"
    assert harness.metric(world, "leader_changes") == 1
    assert harness.metric(world, "longest_gap_ms", Scope(2_000_000)) < 4000


def test_a_cut_between_sentinels_and_primary_replaces_it() -> None:
    calm = watched([], 3, 2)
    cut = watched([{"at_s": 2, "do": "cut", "from": "kyoto", "to": ["osaka", "nara"], "for_s": 3}], 3, 2)
    assert harness.metric(calm, "leader_changes") == 0
    assert harness.metric(cut, "leader_changes") == 1


def test_a_slow_primary_is_taken_for_a_dead_one() -> None:
    world = watched([{"at_s": 2, "do": "slow", "target": "kyoto", "service_ms": 400}], 3, 2)
    assert harness.metric(world, "leader_changes") >= 1


def test_sentinels_whose_clocks_nearly_stand_still_replace_nobody() -> None:
    faults: list[dict[str, Any]] = [
        {"at_s": 2, "do": "kill", "target": "kyoto"},
        {"at_s": 1, "do": "clock", "target": ["osaka", "nara"], "rate": 0.05},
    ]
    assert harness.metric(watched(faults[:1], 3, 2), "leader_changes") == 1
    assert harness.metric(watched(faults, 3, 2), "leader_changes") == 0


# -- twins ----------------------------------------------------------------------------------------------------------


def test_without_a_majority_there_are_two_primaries() -> None:
    """Two sentinels, one beside each database, and a cut between them: example 1 of the documentation."""
    faults = [{"at_s": 2, "do": "cut", "from": "kyoto", "to": "osaka"}]
    clients = [
        {"client": f"of-{id}", "at": id, "to": id, "system": "primary_replica", "keys": 50}
        for id in ("kyoto", "osaka")
    ]
    found = {
        twin: verdicts(watched(faults, 2, 1, "sentinel", 2, twin=twin, workload=clients))["no_split_brain"]
        for twin in (None, "no_majority")
    }
    assert found == {None: "holds", "no_majority": "violated"}


def test_who_ignores_offsets_loses_acknowledged_writes() -> None:
    """One replica is cut from the primary, the other has all: the latter must lead."""
    faults = [
        {"at_s": 2, "do": "cut", "from": "kyoto", "to": "osaka"},
        {"at_s": 4, "do": "kill", "target": "kyoto"},
    ]
    found = {
        twin: verdicts(watched(faults, 5, 3, "sentinel", 3, twin=twin))["no_lost_ack"]
        for twin in (None, "ignore_offsets")
    }
    assert found == {None: "holds", "ignore_offsets": "violated"}


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_overrides_the_one_rule_it_names_and_passes_without_faults(twin: Any) -> None:
    for made in TWINS[twin.name].values():
        assert [name for name in vars(made) if not name.startswith("__")] == [twin.rule]
    world = watched([], 3, 2, "sentinel", twin=twin.name, stop_s=3)
    assert "violated" not in verdicts(world).values()
    assert harness.metric(world, "acknowledged") > 40
