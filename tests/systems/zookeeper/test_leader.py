"""A leader, message by message: what it counts, for which epoch and on which connection. JRS phases 1 to 3; ZI."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.process import Request
from simulations.engine.systems.zookeeper.learner import encode_snapshot
from simulations.engine.systems.zookeeper.messages import (
    Ack,
    AckEpoch,
    AckNewLeader,
    Diff,
    FollowerInfo,
    Forward,
    LeaderInfo,
    Missing,
    NewLeader,
    Node,
    PingReply,
    Propose,
    Reconfigure,
    Session,
    Snap,
    Snapshot,
    Trunc,
    Txn,
    UpToDate,
    zxid_of,
)
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.presets import preset
from simulations.engine.systems.zookeeper.process import ZooKeeper
from tests.systems.recording import Group, RecordingContext
from tests.systems.zookeeper.helpers import ensemble, names, sent

# ---------------------------------------------------------------- discovery and synchronization


def prospective(count: int = 3) -> tuple[Group, Any]:
    """s1 is elected, and s2, which agreed to epoch 3 last, reports on its connection 7: they will have epoch 4."""
    group = Group(ZooKeeper, names(count), Parameters())
    group.preset("s1", *preset({"epoch": 2}))
    group.start("s1")
    group.contexts |= {id: RecordingContext(id) for id in names(count)[1:]}
    leader = group.processes["s1"]
    leader.settle(leader.own_vote())
    group.receive("s1", "s2", FollowerInfo(7, 3))
    return group, leader


def leads_again() -> tuple[Group, Any]:
    """s1 led epoch 1, with a transaction that s2 acknowledged, and is elected once more."""
    group, leader = ensemble()
    group.request("s1", "set", "/a", 1)
    group.receive("s1", "s2", Ack(1, 1))
    group.fire("s1", "ping")
    group.contexts["s1"].instant = False
    group.request("s1", "set", "/a", 1)
    leader.look_for_leader("told")
    assert not {"ping", "initialize", "silence", "connect", "laggards"} & set(group.contexts["s1"].timers)
    leader.settle(leader.own_vote())
    assert (leader.undurable, leader.half_ticks) == ([], 0)
    group.contexts["s1"].instant = True
    group.settle("s1")
    return group, leader


def test_nothing_that_was_counted_for_one_epoch_counts_for_the_next_jrs_1() -> None:
    group, leader = leads_again()
    group.contexts["s1"].now = 3_000_000
    leader.tree.sessions[5] = Session("c", 1000.0)
    assert (leader.zab_state, leader.new_epoch, leader.learner_connections) == ("DISCOVERY", 0, {})
    group.receive("s1", "s2", FollowerInfo(1, 1))
    assert leader.new_epoch == 2
    group.receive("s1", "s2", AckEpoch(1, 1, zxid_of(1, 1)))
    group.settle("s1")
    assert (leader.zab_state, leader.current, leader.acked) == (
        "SYNCHRONIZATION",
        {"s1": True},
        {"s1": 2, "s2": 0},
    )
    group.receive("s1", "s2", AckNewLeader(1, 2, 0))
    assert (leader.zab_state, leader.committed, leader.delivered) == ("BROADCAST", 2, 2)
    assert (leader.deadlines, leader.tick_at) == ({5: 4_000_000}, 3_000_000)


def test_a_leader_that_finds_in_its_history_that_it_has_no_vote_any_more_hands_over() -> None:
    group = Group(ZooKeeper, names(3), Parameters())
    change = Txn(1, 1, Reconfigure(("s2", "s3")))
    group.preset("s1", {"epoch": 1, "voters": names(3)}, {"log": [change]})
    group.start("s1")
    group.contexts |= {id: RecordingContext(id) for id in ("s2", "s3")}
    leader = group.processes["s1"]
    leader.settle(leader.own_vote())
    for message in (FollowerInfo(1, 1), AckEpoch(1, 1, zxid_of(1, 1)), AckNewLeader(1, 2, 0)):
        for sender in ("s2", "s3"):
            assert leader.role == "leading"
            group.receive("s1", sender, message)
    assert (leader.role, leader.voters) == ("looking", ("s2", "s3"))


def test_an_epoch_needs_reports_of_a_quorum_jrs_1() -> None:
    group, leader = prospective(5)
    assert leader.new_epoch == 0
    group.contexts["s1"].take()
    group.receive("s1", "s3", FollowerInfo(8, 6))
    assert leader.new_epoch == leader.accepted_epoch == 7
    group.receive("s1", "s4", FollowerInfo(9, 20))
    assert leader.new_epoch == 7
    group.receive("s1", "s2", AckEpoch(7, 1, 0))
    group.receive("s1", "s2", FollowerInfo(7, 3))
    assert (leader.new_epoch, leader.forwarding) == (7, {"s2": False})
    told = [(to, m) for to, m in group.contexts["s1"].take() if isinstance(m, LeaderInfo)]
    assert told == [("s2", LeaderInfo(7, 7)), ("s3", LeaderInfo(8, 7)), ("s4", LeaderInfo(9, 7))]


def test_only_a_new_agreement_on_the_present_connection_counts_jrs_1() -> None:
    group, leader = prospective()
    for answer in (AckEpoch(6, 1, 0), AckEpoch(7, -1, 0), AckEpoch(7, 1, 0)):
        group.receive("s1", "s2", answer)
        assert leader.zab_state == "DISCOVERY"
    group.receive("s1", "s2", FollowerInfo(8, 4))
    group.receive("s1", "s2", AckEpoch(8, 1, 0))
    assert leader.zab_state == "SYNCHRONIZATION"


@pytest.mark.parametrize(
    ("epoch", "counter", "leads"), [(3, 0, False), (2, 1, False), (2, 0, True), (1, 9, True)]
)
def test_a_leader_gives_way_to_a_newer_history_in_its_quorum_jrs_1(
    epoch: int, counter: int, leads: bool
) -> None:
    group, leader = prospective()
    group.receive("s1", "s2", AckEpoch(7, epoch, zxid_of(epoch, counter) if counter else 0))
    assert (leader.role == "leading") is leads


def test_a_newer_history_that_comes_when_the_epoch_is_settled_gives_way_jrs_2() -> None:
    group, leader = prospective()
    group.receive("s1", "s2", AckEpoch(7, 1, 0))
    group.receive("s1", "s3", FollowerInfo(9, 3))
    group.contexts["s1"].take()
    group.receive("s1", "s3", AckEpoch(9, 3, zxid_of(3, 1)))
    assert leader.role == "leading"
    assert len(sent(group, "s1", Trunc)) == 1


def test_whoever_needs_a_snapshot_waits_for_the_epoch_but_not_for_long_jrs_2() -> None:
    for established in (True, False):
        group = Group(ZooKeeper, names(5), Parameters(committed_log=1))
        group.preset("s1", *preset({"epoch": 1, "last": 3}))
        group.start("s1")
        group.contexts |= {id: RecordingContext(id) for id in names(5)[1:]}
        leader = group.processes["s1"]
        leader.settle(leader.own_vote())
        for number, sender in enumerate(("s2", "s3", "s4")):
            group.receive("s1", sender, FollowerInfo(number, 1))
        group.contexts["s1"].take()
        group.receive("s1", "s4", AckEpoch(2, 1, 0))
        for number, sender in enumerate(("s2", "s3")):
            group.receive("s1", sender, AckEpoch(number, 1, zxid_of(1, 3)))
        assert [to for to, m in group.contexts["s1"].take() if isinstance(m, NewLeader)] == ["s2", "s3"]
        assert "laggards" in group.contexts["s1"].timers
        if established:
            for number, sender in enumerate(("s2", "s3")):
                group.receive("s1", sender, AckNewLeader(number, 2, 0))
            assert (leader.delivered, "laggards" in group.contexts["s1"].timers) == (3, False)
        else:
            group.fire("s1", "laggards")
        told = [type(m) for to, m in group.contexts["s1"].take() if to == "s4"]
        assert told == [Snap if established else Diff, NewLeader]


def test_whoever_is_older_than_the_log_gets_a_snapshot_jrs_2() -> None:
    group = Group(ZooKeeper, names(3), Parameters())
    snapshot = Snapshot(3, zxid_of(1, 3), 77, {"/": Node()}, {}, tuple(names(3)))
    group.preset("s1", {"snapshot": encode_snapshot(snapshot), "epoch": 1}, {})
    group.start("s1")
    leader = group.processes["s1"]
    for zxid, way in ((zxid_of(1, 1), Snap), (zxid_of(1, 3), Diff), (zxid_of(1, 4), Trunc)):
        assert type(leader.way_to_synchronize(1, zxid, hurry=True)) is way


def test_an_epoch_is_established_by_those_that_took_its_history_jrs_2() -> None:
    group, leader = prospective()
    group.receive("s1", "s2", AckEpoch(7, 1, 0))
    group.receive("s1", "s3", FollowerInfo(9, 3))
    for sender, message in (
        ("s2", AckNewLeader(6, 4, 0)),
        ("s2", AckNewLeader(7, 3, 0)),
        ("s3", AckNewLeader(9, 4, 0)),
    ):
        group.receive("s1", sender, message)
        assert (leader.zab_state, list(leader.current)) == ("SYNCHRONIZATION", ["s1"])
    group.receive("s1", "s2", AckNewLeader(7, 4, 0))
    assert leader.zab_state == "BROADCAST"
    assert "initialize" not in group.contexts["s1"].timers


def test_a_leader_counts_itself_when_the_epoch_is_on_its_disk_jrs_2() -> None:
    group, leader = prospective()
    group.contexts["s1"].instant = False
    group.receive("s1", "s2", AckEpoch(7, 1, 0))
    leader.on_durable(group.contexts["s1"].written - 1)
    group.receive("s1", "s2", AckNewLeader(7, 4, 0))
    assert leader.zab_state == "SYNCHRONIZATION"
    group.flush("s1")
    assert leader.zab_state == "BROADCAST"


def test_a_leader_without_a_quorum_gives_up_in_time() -> None:
    group, leader = prospective()
    assert "initialize" in group.contexts["s1"].timers
    group.fire("s1", "initialize")
    assert leader.role == "looking"


@pytest.mark.parametrize(("led_before", "synchronized"), [(False, False), (True, False), (True, True)])
def test_whoever_does_not_lead_has_no_learners(led_before: bool, synchronized: bool) -> None:
    group, _ = ensemble()
    id = "s1" if led_before else "s2"
    server, connection = group.processes[id], 1
    if led_before:
        connection = server.learner_connections["s3"]
        server.look_for_leader("told")
    if not synchronized:
        server.forget_learner("s3")
    server.reconfigure(("s9",), ())
    assert group.contexts[id].take_notes()[-1] == "zookeeper.reconfig_refused_leader"
    group.contexts[id].take()
    books = (
        "learner_connections",
        "infos",
        "epoch_acks",
        "forwarding",
        "current",
        "acked",
        "heard",
        "deadlines",
    )
    before = [dict(getattr(server, name)) for name in books]
    for message in (
        AckEpoch(connection, 7, 7),
        FollowerInfo(99, 0),
        AckEpoch(connection, 7, 7),
        AckNewLeader(connection, 1, 9),
        Ack(1, 9),
        Missing(1, -9),
        PingReply(1, ()),
    ):
        group.receive(id, "s3", message)
    for timer in ("ping", "finalize"):
        group.fire(id, timer)
    assert [dict(getattr(server, name)) for name in books] == before
    assert (server.role, group.contexts[id].take()) == ("looking" if led_before else "following", [])


# ---------------------------------------------------------------- broadcast


def test_a_transaction_is_committed_when_a_quorum_of_servers_acknowledged_it_in_this_epoch_jrs_3() -> None:
    group, leader = ensemble(5)
    group.request("s1", "set", "/a", 1)
    for sender, ack in (("s2", Ack(1, 1)), ("s2", Ack(1, 1)), ("s3", Ack(0, 1)), ("s3", Ack(1, 0))):
        group.receive("s1", sender, ack)
        assert leader.committed == 0
    group.receive("s1", "s3", Ack(1, 1))
    assert leader.committed == 1


def test_an_acknowledgement_of_before_does_not_take_a_later_one_back_jrs_3() -> None:
    group, leader = ensemble(5)
    for _ in range(2):
        group.request("s1", "set", "/a", 1)
    for sender, counter in (("s2", 2), ("s2", 1), ("s3", 2)):
        group.receive("s1", sender, Ack(1, counter))
    assert leader.committed == 2


def test_a_new_connection_forgets_what_was_acknowledged_on_the_one_before() -> None:
    """The learner may have lost its disk in between. The same report a second time is no new connection."""
    group, leader = ensemble(5)
    group.request("s1", "set", "/a", 1)
    old = leader.learner_connections["s2"]
    for sender in ("s2", "s3"):
        group.receive("s1", sender, Ack(1, 0))
    group.receive("s1", "s2", Ack(1, 1))
    group.receive("s1", "s2", FollowerInfo(old, 1))
    assert leader.acked["s2"] == 1
    group.receive("s1", "s2", FollowerInfo(old + 1, 1))
    group.receive("s1", "s2", Ack(1, 1))
    group.receive("s1", "s3", Ack(1, 1))
    assert ("s2" in leader.current, leader.committed) == (False, 0)
    group.receive("s1", "s4", Ack(1, 1))
    assert leader.committed == 1


@pytest.mark.parametrize("acks", [0, 1])
def test_a_learner_is_counted_from_when_it_has_the_history_jrs_2(acks: int) -> None:
    group, leader = ensemble()
    group.receive("s1", "s2", FollowerInfo(5, 1))
    group.receive("s1", "s2", AckEpoch(5, -1, 0))
    group.request("s1", "set", "/a", 1)
    for _ in range(acks):
        group.receive("s1", "s2", Ack(1, 1))
    assert (leader.acked["s2"], leader.committed) == (acks, 0)
    group.contexts["s1"].take()
    group.receive("s1", "s2", AckNewLeader(5, 1, 1))
    assert leader.committed == 1
    assert [to for to, m in group.contexts["s1"].take() if isinstance(m, UpToDate)] == ["s2"]


def test_a_leader_s_own_copy_counts_when_its_own_write_is_over_jrs_3() -> None:
    group, leader = ensemble()
    group.contexts["s1"].instant = False
    for _ in range(2):
        group.request("s1", "set", "/a", 1)
    group.receive("s1", "s2", Ack(1, 2))
    assert leader.committed == 0
    leader.on_durable(group.contexts["s1"].written - 1)
    assert leader.committed == 1
    group.flush("s1")
    assert leader.committed == 2


def test_from_a_change_of_voters_on_quorums_of_both_sets_commit() -> None:
    group, leader = ensemble(5, voters=["s1", "s2", "s3"])
    for _ in range(2):
        group.request("s1", "set", "/a", 1)
    leader.reconfigure(("s4", "s5"), ("s1", "s2"))
    group.settle("s1")
    leader.reconfigure((), ("s2",))
    assert "zookeeper.reconfig_refused_leader" in group.contexts["s1"].take_notes()
    for sender, counter, committed in (("s2", 1, 1), ("s2", 3, 2), ("s4", 3, 2), ("s5", 3, 3)):
        group.receive("s1", sender, Ack(1, counter))
        assert leader.committed == committed, sender
    assert (leader.voters, leader.next_voters, leader.role) == (("s3", "s4", "s5"), (), "looking")
    group.start("s1")
    assert group.processes["s1"].voters == ("s3", "s4", "s5")


def test_what_a_learner_misses_of_this_epoch_is_sent_again() -> None:
    group, leader = ensemble()
    for _ in range(2):
        group.request("s1", "set", "/a", 1)
    group.contexts["s1"].take()
    group.receive("s1", "s2", Missing(0, 0))
    assert group.contexts["s1"].take() == []
    group.receive("s1", "s2", Missing(1, 1))
    assert sent(group, "s1", Propose) == [Propose(1, leader.log[2])]
    group.receive("s1", "s2", FollowerInfo(99, 1))
    group.contexts["s1"].take()
    group.receive("s1", "s2", Missing(1, 1))
    assert group.contexts["s1"].take() == []


@pytest.mark.parametrize("epoch", [0, 1])
def test_only_answers_of_this_epoch_keep_a_leader_in_office(epoch: int) -> None:
    group, leader = ensemble()
    for _ in range(12):
        assert leader.role == "leading"
        group.fire("s1", "ping")
        group.receive("s1", "s2", PingReply(epoch, ()))
    assert leader.role == ("leading" if epoch else "looking")


def test_a_command_of_a_session_that_is_over_changes_nothing_zp() -> None:
    group, leader = ensemble()
    group.receive("s1", "s2", Forward(1, Request(1, 1, "c", 5, 1, "set", "/a", 1)))
    assert (leader.log[1].error, leader.future.data.get("/a")) == ("SessionExpired", None)


def test_the_last_of_two_goes_on_alone_until_the_other_has_its_history_again() -> None:
    """ZooKeeper's Oracle Quorum."""
    group = Group(ZooKeeper, names(2), Parameters(oracle={"s1": 1}))
    for id in names(2):
        group.preset(id, *preset({"leader": id == "s1", "term": 1}))
    group.start()
    group.quiet()
    leader = group.processes["s1"]
    group.isolate("s1")
    group.request("s1", "set", "/a", 1)
    assert (leader.alone, leader.committed) == (False, 0)
    for _ in range(12):
        group.fire("s1", "ping")
    assert (leader.alone, leader.committed, list(leader.current)) == (True, 1, ["s1"])
    group.request("s1", "set", "/a", 2)
    assert leader.committed == 2
    group.receive("s1", "s2", FollowerInfo(5, 1))
    group.receive("s1", "s2", AckEpoch(5, -1, 0))
    group.request("s1", "set", "/a", 3)
    assert (leader.alone, leader.committed) == (True, 3)
    group.receive("s1", "s2", AckNewLeader(5, 1, 3))
    group.request("s1", "set", "/a", 4)
    assert (leader.alone, leader.committed) == (False, 3)
    group.receive("s1", "s2", Ack(1, 4))
    assert leader.committed == 4
