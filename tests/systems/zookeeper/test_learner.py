"""A learner, message by message: whose word it takes, in which epoch and on which connection. JRS phases 1 to 3; ZI."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.zookeeper.messages import (
    Ack,
    AckEpoch,
    AckNewLeader,
    Commit,
    Diff,
    Inform,
    LeaderInfo,
    Missing,
    NewLeader,
    Node,
    Ping,
    PingReply,
    Propose,
    Reconfigure,
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
from tests.systems.recording import Group
from tests.systems.zookeeper.helpers import names, sent, txn

# ---------------------------------------------------------------- discovery and synchronization

CONNECTION, EPOCH = 1, 2
RIGHT = ("s2", CONNECTION, EPOCH)
WRONG = [("s3", CONNECTION, EPOCH), ("s2", CONNECTION + 1, EPOCH), ("s2", CONNECTION, EPOCH - 1)]


def learner(*steps: str) -> tuple[Group, Any]:
    """s1, with two transactions of epoch 1, follows s2 and has agreed to epoch 2; then these steps of phase 2."""
    group = Group(ZooKeeper, names(3), Parameters())
    group.preset("s1", *preset({"epoch": 1, "last": 2}))
    group.start("s1")
    server = group.processes["s1"]
    server.follow("s2")
    server.connection = CONNECTION
    group.receive("s1", "s2", LeaderInfo(CONNECTION, EPOCH))
    for kind in steps:
        hears(group, kind, *RIGHT)
    group.contexts["s1"].take()
    return group, server


def hears(group: Group, kind: str, sender: str, connection: int, epoch: int) -> None:
    """s1 hears of a history that keeps the first transaction and has another one behind it."""
    after = (txn(EPOCH - 1, 9),)
    snapshot = Snapshot(1, zxid_of(1, 1), 77, {"/": Node()}, {}, ("s1", "s2", "s3"))
    message = {
        "DIFF": Diff(connection, epoch, after),
        "TRUNC": Trunc(connection, epoch, 1, zxid_of(1, 1), after),
        "SNAP": Snap(connection, epoch, snapshot, after),
        "NEWLEADER": NewLeader(connection, epoch, 3),
        "UPTODATE": UpToDate(connection, epoch, 3),
    }[kind]
    group.receive("s1", sender, message)


def state(server: Any) -> Any:
    return (server.log.mark, server.history_complete, server.epoch, server.zab_state, server.committed)


BEFORE = {"DIFF": [], "TRUNC": [], "SNAP": [], "NEWLEADER": ["DIFF"], "UPTODATE": ["DIFF", "NEWLEADER"]}


@pytest.mark.parametrize("kind", BEFORE)
def test_a_learner_takes_its_history_from_its_leader_s_present_connection_and_epoch_jrs_2(kind: str) -> None:
    group, server = learner(*BEFORE[kind])
    before = state(server)
    for sender, connection, epoch in WRONG:
        hears(group, kind, sender, connection, epoch)
        assert (state(server), group.contexts["s1"].take()) == (before, [])
    hears(group, kind, *RIGHT)
    assert state(server) != before


@pytest.mark.parametrize("kind", BEFORE)
def test_a_learner_that_has_the_history_takes_no_other_jrs_2(kind: str) -> None:
    for steps in (["DIFF", "NEWLEADER"], ["DIFF", "NEWLEADER", "UPTODATE"]):
        if steps[-1] == "NEWLEADER" and kind in ("NEWLEADER", "UPTODATE"):
            continue
        group, server = learner(*steps)
        before = state(server)
        hears(group, kind, *RIGHT)
        assert (state(server), group.contexts["s1"].take()) == (before, [])


@pytest.mark.parametrize(
    ("kind", "zxids", "delivered"),
    [("DIFF", [(1, 1), (1, 2), (1, 9)], 0), ("TRUNC", [(1, 1), (1, 9)], 0), ("SNAP", [(1, 9)], 1)],
)
def test_the_history_that_was_taken_is_on_the_disk_jrs_2(kind: str, zxids: list[Any], delivered: int) -> None:
    group, _ = learner(kind)
    for _ in range(2):
        server = group.processes["s1"]
        assert [(one.term, one.counter) for one in server.log] == zxids
        assert (server.log.last, server.delivered) == (len(zxids) + delivered, delivered)
        group.start("s1")


def test_the_epoch_becomes_current_behind_its_history_alone_jrs_2() -> None:
    group, server = learner()
    for kind in ("UPTODATE", "NEWLEADER", "UPTODATE"):
        hears(group, kind, *RIGHT)
        assert (server.epoch, server.zab_state) == (1, "SYNCHRONIZATION")
        assert group.contexts["s1"].take() == []
    hears(group, "DIFF", *RIGHT)
    assert (server.epoch, sent(group, "s1", AckNewLeader)) == (2, [AckNewLeader(CONNECTION, EPOCH, 0)])
    group.start("s1")
    assert (group.processes["s1"].epoch, group.processes["s1"].log.last) == (2, 3)


def test_a_learner_acknowledges_the_epoch_when_it_is_on_its_disk_jrs_2() -> None:
    group, _ = learner("DIFF")
    group.contexts["s1"].instant = False
    hears(group, "NEWLEADER", *RIGHT)
    assert sent(group, "s1", AckNewLeader) == []
    group.flush("s1")
    assert len(sent(group, "s1", AckNewLeader)) == 1


@pytest.mark.parametrize(("sender", "connection"), [("s3", CONNECTION), ("s2", CONNECTION + 1)])
def test_a_learner_agrees_to_the_epoch_of_its_leader_alone_and_once_jrs_1(
    sender: str, connection: int
) -> None:
    group, server = learner()
    server.follow("s2")
    assert "connect" in group.contexts["s1"].timers
    server.connection = CONNECTION
    group.contexts["s1"].take()
    group.receive("s1", sender, LeaderInfo(connection, 7))
    assert (server.accepted_epoch, group.contexts["s1"].take()) == (EPOCH, [])
    for acks in (1, 0):
        group.receive("s1", "s2", LeaderInfo(CONNECTION, 7))
        assert len(sent(group, "s1", AckEpoch)) == acks
    assert server.accepted_epoch == 7


def test_an_agreement_is_on_the_disk_before_it_is_told_jrs_1() -> None:
    group, server = learner()
    server.follow("s2")
    server.connection = CONNECTION
    group.contexts["s1"].take()
    group.contexts["s1"].instant = False
    group.receive("s1", "s2", LeaderInfo(CONNECTION, 7))
    assert sent(group, "s1", AckEpoch) == []
    group.flush("s1")
    assert sent(group, "s1", AckEpoch) == [AckEpoch(CONNECTION, 1, zxid_of(1, 2))]
    group.start("s1")
    assert group.processes["s1"].accepted_epoch == 7


# ---------------------------------------------------------------- broadcast


def test_proposals_are_written_in_order_and_once_jrs_3() -> None:
    group, server = learner("DIFF", "NEWLEADER", "UPTODATE")
    for counter, acknowledged in ((2, []), (1, [2]), (1, []), (2, []), (3, [3])):
        group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, counter)))
        assert [ack.counter for ack in sent(group, "s1", Ack)] == acknowledged
    assert [one.counter for one in server.log][-3:] == [1, 2, 3]


@pytest.mark.parametrize("steps", [(), ("DIFF",), ("NEWLEADER",)])
def test_proposals_of_before_the_history_wait_for_it_jrs_3(steps: tuple[str, ...]) -> None:
    group, server = learner(*steps)
    before = server.log.last
    group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, 1)))
    assert (server.log.last, group.contexts["s1"].take()) == (before, [])
    for kind in ("DIFF", "NEWLEADER"):
        if kind not in steps:
            hears(group, kind, *RIGHT)
    assert sent(group, "s1", AckNewLeader) == [AckNewLeader(CONNECTION, EPOCH, 1)]
    assert server.log.last == 4


@pytest.mark.parametrize("kind", [Propose, Inform])
def test_what_is_broadcast_waits_for_the_history_also_when_the_epoch_is_the_same_jrs_3(kind: Any) -> None:
    """A learner that connects again has the epoch already, and may lack what was proposed meanwhile."""
    group, server = learner("DIFF", "NEWLEADER", "UPTODATE")
    server.follow("s2")
    server.connection = CONNECTION
    group.receive("s1", "s2", LeaderInfo(CONNECTION, EPOCH))
    group.contexts["s1"].take()
    group.receive("s1", "s2", kind(EPOCH, txn(EPOCH, 1)))
    assert (server.log.last, group.contexts["s1"].take()) == (3, [])
    group.receive("s1", "s2", Diff(CONNECTION, EPOCH, (txn(EPOCH, 1), txn(EPOCH, 2))))
    group.receive("s1", "s2", NewLeader(CONNECTION, EPOCH, 3))
    assert [one.counter for one in server.log][-2:] == [1, 2]


def test_a_proposal_of_an_older_epoch_never_enters_the_history_jrs_3() -> None:
    group, server = learner("DIFF", "NEWLEADER", "UPTODATE")
    group.receive("s1", "s2", Propose(EPOCH - 1, txn(EPOCH - 1, 2)))
    group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, 1)))
    assert (server.log.last, server.log[4].term) == (4, EPOCH)


@pytest.mark.parametrize("wrong", [("s3", EPOCH), ("s2", EPOCH - 1)])
def test_what_another_leader_or_epoch_broadcasts_is_nothing_to_a_learner_jrs_3(
    wrong: tuple[str, int],
) -> None:
    group, server = learner("DIFF", "NEWLEADER", "UPTODATE")
    group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, 1)))
    group.contexts["s1"].take()
    for right in (False, True):
        sender, epoch = ("s2", EPOCH) if right else wrong
        group.receive("s1", sender, Propose(epoch, txn(epoch, 2)))
        assert server.log.last == (5 if right else 4)
        group.receive("s1", sender, Commit(epoch, 1))
        assert server.committed == (4 if right else 3)
        group.receive("s1", sender, Ping(epoch, 3, 2))
        assert server.committed == (5 if right else 3)
        assert (len(sent(group, "s1", PingReply)) == 1) is right
        group.receive("s1", sender, Inform(epoch, txn(epoch, 3)))
        assert server.committed == (6 if right else 3)


def test_nothing_is_delivered_before_the_leader_says_that_the_history_is_committed_jrs_2() -> None:
    group, server = learner("DIFF", "NEWLEADER")
    group.contexts["s1"].timers.pop("silence")
    group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, 1)))
    group.receive("s1", "s2", Commit(EPOCH, 1))
    group.contexts["s1"].take()
    group.receive("s1", "s2", Ping(EPOCH, 1, 1))
    assert (server.committed, server.delivered, group.contexts["s1"].take()) == (0, 0, [])
    hears(group, "UPTODATE", *RIGHT)
    assert (server.committed, server.delivered) == (3, 3)
    assert "silence" in group.contexts["s1"].timers


def test_an_older_commit_takes_nothing_back_and_a_later_one_waits_for_its_transaction_jrs_3() -> None:
    group, server = learner("DIFF", "NEWLEADER", "UPTODATE")
    for counter in (1, 2):
        group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, counter)))
    for counter, committed, delivered in ((2, 5, 5), (1, 5, 5), (3, 6, 5)):
        group.receive("s1", "s2", Commit(EPOCH, counter))
        assert (server.committed, server.delivered) == (committed, delivered)


def test_a_ping_shows_what_got_lost_on_the_way() -> None:
    group, _ = learner("DIFF", "NEWLEADER", "UPTODATE")
    group.receive("s1", "s2", Propose(EPOCH, txn(EPOCH, 1)))
    group.contexts["s1"].take()
    for ping, answers in (
        (Ping(EPOCH, 2, 0), [Missing(EPOCH, 1)]),
        (Ping(EPOCH, 1, 0), [Ack(EPOCH, 1)]),
        (Ping(EPOCH, 1, 1), []),
    ):
        group.receive("s1", "s2", ping)
        told = [message for _, message in group.contexts["s1"].take()]
        assert told == [*answers, PingReply(EPOCH, ())]


# ---------------------------------------------------------------- observers


def with_observer() -> tuple[Group, Any, Any]:
    """s1 to s3 vote, s4 observes; what s1 sends from now on arrives nowhere."""
    directory = {
        "zookeeper": tuple(names(4)),
        "zookeeper/server": tuple(names(3)),
        "zookeeper/observer": ("s4",),
    }
    group = Group(lambda: ZooKeeper(directory=directory), names(4), Parameters())
    for id in names(4):
        group.preset(id, *preset({"leader": id == "s1", "term": 1}))
    group.start()
    group.processes["s4"].kind = "observer"
    group.quiet()
    group.isolate("s1")
    return group, group.processes["s1"], group.processes["s4"]


def told_to_observer(group: Group) -> list[Any]:
    return [message for to, message in group.contexts["s1"].take() if to == "s4"]


def test_an_observer_hears_of_what_is_committed_alone() -> None:
    group, leader, observer = with_observer()
    assert (observer.role, observer.zab_state) == ("observing", "BROADCAST")
    for _ in range(2):
        group.request("s1", "set", "/a", 1)
    for sender, ack, told in (("s4", 2, []), ("s2", 1, [1]), ("s3", 2, [2])):
        group.receive("s1", sender, Ack(1, ack))
        assert told_to_observer(group) == [Inform(1, leader.log[index]) for index in told]
    group.request("s1", "set", "/a", 1)
    group.contexts["s1"].take()
    group.receive("s1", "s4", Missing(1, 1))
    assert told_to_observer(group) == [Inform(1, leader.log[2])]


def test_an_observer_misses_what_is_committed_alone() -> None:
    group, _, _ = with_observer()
    for ping, missing in ((Ping(1, 3, 0), []), (Ping(1, 3, 2), [Missing(1, 0)])):
        group.receive("s4", "s1", ping)
        assert sent(group, "s4", Missing) == missing


def test_an_observer_that_is_to_be_a_voter_hears_proposals() -> None:
    group, leader, _ = with_observer()
    leader.reconfigure(("s4",), ())
    group.settle("s1")
    assert told_to_observer(group) == [Propose(1, leader.log[1])]
    for sender in ("s2", "s4"):
        group.receive("s1", sender, Ack(1, 1))
    assert (leader.voters, told_to_observer(group)) == (tuple(names(4)), [Commit(1, 1)])
    group.request("s1", "set", "/a", 1)
    assert told_to_observer(group) == [Propose(1, leader.log[2])]


def test_an_observer_that_a_change_makes_a_voter_follows() -> None:
    group, _, observer = with_observer()
    group.receive("s4", "s1", Inform(1, Txn(1, 1, Reconfigure(("s1", "s4")))))
    assert (observer.role, observer.voters) == ("following", ("s1", "s4"))
