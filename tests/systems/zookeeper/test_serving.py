"""A server and its clients, message by message: connections, sessions, order, sync(). ZP: Programmer's Guide."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.coordination import Answer, Connect, Connected, Disconnected, SessionPing, SessionPong
from simulations.engine.process import Reply, Request
from simulations.engine.systems.zookeeper.learner import encode_snapshot
from simulations.engine.systems.zookeeper.messages import (
    Ack,
    AckEpoch,
    AckNewLeader,
    FollowerInfo,
    Forward,
    Node,
    Notification,
    Reconfigure,
    Revalidate,
    Revalidated,
    Snapshot,
    SyncReply,
    SyncRequest,
    Txn,
    zxid_of,
)
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.presets import preset
from simulations.engine.systems.zookeeper.process import ZooKeeper
from tests.systems.recording import Group, RecordingContext
from tests.systems.zookeeper.helpers import ensemble, names, sent

FIRST = 10
"""The number of the client's connection; its requests have the numbers after it."""


def connected(id: str) -> tuple[Group, Any, int]:
    """Client c has a session at a server of three; s1 leads."""
    group, _ = ensemble()
    group.heal()
    group.receive(id, "c", Connect(FIRST, 0))
    group.quiet()
    return group, group.processes[id], group.processes[id].connections["c"]


def ask(group: Group, id: str, session: int, sequence: int, kind: str = "set", value: Any = None) -> None:
    """Request number ``sequence`` of the client reaches a server."""
    request = Request(sequence, 1, "c", session, sequence, kind, "/a", value)
    group.processes[id].on_request(request)
    group.settle(id)


def to_client(group: Group, id: str) -> list[Any]:
    return [message for to, message in group.contexts[id].take() if to == "c"]


def told_at_last(group: Group, id: str) -> list[Any]:
    """What a server tells the client until nothing is under way."""
    told: list[Any] = []
    moving = True
    while moving:
        told += [message for to, message in group.contexts[id].sent if to == "c"]
        moving = group.step()
    return told


# ---------------------------------------------------------------- connections


def test_a_connection_is_opened_once_and_by_the_latest_number() -> None:
    group, server, session = connected("s1")
    for number in (FIRST, FIRST - 1):
        group.receive("s1", "c", Connect(number, 0))
        group.quiet()
        assert server.connections == {"c": session}
    group.receive("s1", "c", Connect(FIRST + 10, 0, timeout_ms=500))
    assert server.connections == {}
    group.quiet()
    assert server.connections["c"] != session
    assert server.next_request == {"c": FIRST + 11}
    assert server.tree.sessions[server.connections["c"]].timeout_ms == 500


def test_an_earlier_connection_leaves_nothing_to_the_next() -> None:
    group, server, session = connected("s2")
    group.isolate("s2")
    ask(group, "s2", session, FIRST + 1, "watch")
    ask(group, "s2", session, FIRST + 2, value=1)
    ask(group, "s2", session, FIRST + 3, "sync")
    ask(group, "s2", session, FIRST + 9, value=2)
    group.receive("s2", "c", SessionPing(session, FIRST + 9))
    books = ("connections", "pending", "syncs", "next_request", "ahead", "gaps", "data_watches")
    assert all(getattr(server, name) for name in books)
    group.receive("s2", "c", Connect(FIRST + 10, session))
    assert not any(getattr(server, name) for name in books)
    assert server.resuming["c"][0] == session


def test_a_server_without_a_leader_serves_nobody() -> None:
    group, server, session = connected("s2")
    group.receive("s2", "d", Connect(1, 0))
    group.receive("s2", "e", Connect(1, session))
    ask(group, "s2", session, FIRST + 1, value=1)
    group.contexts["s2"].take()
    server.on_operator("campaign", {})
    assert server.role == "looking"
    told = [
        (to, message.reason)
        for to, message in group.contexts["s2"].take()
        if isinstance(message, Disconnected)
    ]
    assert told == [("c", "no_leader"), ("d", "no_leader"), ("e", "no_leader")]
    books = ("connections", "connecting", "resuming", "pending", "next_request")
    assert not any(getattr(server, name) for name in books)
    ask(group, "s2", session, FIRST + 2, value=1)
    ask(group, "s2", 0, 1, "get")
    assert [reply.outcome for reply in sent(group, "s2", Reply)] == ["retry", "retry"]
    group.receive("s2", "c", Connect(FIRST + 10, session))
    group.receive("s2", "c", SessionPing(session, 0))
    assert [message.reason for message in to_client(group, "s2")] == ["no_leader", "unknown_connection"]


def test_a_client_that_has_seen_more_is_sent_away_zp() -> None:
    group, server, session = connected("s2")
    newest = server.state_zxid()
    group.receive("s2", "c", Connect(FIRST + 10, session, seen=newest + 1))
    assert to_client(group, "s2") == [Disconnected("behind")]
    group.receive("s2", "c", Connect(FIRST + 20, session, seen=newest))
    assert to_client(group, "s2") == []
    assert "c" in server.resuming


# ---------------------------------------------------------------- sessions that move


@pytest.mark.parametrize("to", ["s1", "s3"])
def test_a_session_moves_with_its_client_and_the_leader_knows_zp(to: str) -> None:
    group, _, session = connected("s2")
    leader, server = group.processes["s1"], group.processes[to]
    assert leader.owners == {session: "s2"}
    group.receive(to, "c", Connect(FIRST + 10, session))
    group.quiet()
    assert (leader.owners, server.connections) == ({session: to}, {"c": session})
    before = leader.log.last
    group.receive("s1", "s2", Forward(1, Request(1, 1, "c", session, FIRST + 1, "set", "/a", 1)))
    assert leader.log.last == before
    assert "zookeeper.late" in group.contexts["s1"].take_notes()


@pytest.mark.parametrize("to", ["s1", "s3"])
def test_a_session_that_is_over_is_not_taken_up(to: str) -> None:
    group, _, session = connected("s2")
    group.receive(to, "c", Connect(FIRST + 10, session + 1))
    assert [message.session for message in told_at_last(group, to)] == [0]
    assert "c" not in group.processes[to].connections


def test_only_the_leader_s_answer_for_this_session_takes_it_up() -> None:
    group, _, session = connected("s2")
    group.receive("s3", "c", Connect(FIRST + 10, session))
    group.contexts["s3"].take()
    server = group.processes["s3"]
    group.receive("s3", "s2", Revalidated("c", session, True))
    assert (server.connections, list(server.resuming)) == ({}, ["c"])
    group.receive("s3", "s1", Revalidated("d", session, True))
    assert (server.connections, list(server.resuming)) == ({}, ["c"])
    group.receive("s3", "s1", Revalidated("c", session, True))
    assert to_client(group, "s3") == [Connected(session, 2000.0, server.state_zxid())]
    group.receive("s3", "c", Connect(FIRST + 20, session + 1))
    group.receive("s3", "s1", Revalidated("c", session, True))
    assert server.connections == {}
    group.receive("s3", "c", Connect(FIRST + 30, session))
    group.receive("s3", "s1", Revalidated("c", session, False))
    assert (server.connections, to_client(group, "s3")[-1].session) == ({}, 0)


def test_whoever_does_not_lead_knows_of_no_session() -> None:
    group, _, session = connected("s2")
    for id in ("s3", "s1"):
        server = group.processes[id]
        if id == "s1":
            server.look_for_leader("told")
        group.contexts[id].take()
        before = server.log.last
        group.receive(id, "s2", Revalidate("c", session))
        group.receive(id, "s2", SyncRequest("c", 1))
        group.receive(id, "s2", Forward(1, Request(1, 1, "c", session, FIRST + 1, "set", "/a", 1)))
        assert (group.contexts[id].take(), server.log.last) == ([], before)


def test_what_a_server_passes_on_counts_when_it_has_the_history() -> None:
    group, leader = ensemble()
    group.receive("s1", "s2", FollowerInfo(9, 1))
    group.receive("s1", "s2", Forward(1, Request(1, 1, "x", 0, 1, "set", "/a", 1)))
    assert leader.log.last == 0


def test_a_leader_takes_nothing_up_before_its_epoch_is_established() -> None:
    group = Group(ZooKeeper, names(5), Parameters())
    group.start("s1")
    group.contexts |= {id: RecordingContext(id) for id in names(5)[1:]}
    leader = group.processes["s1"]
    leader.settle(leader.own_vote())
    for message in (FollowerInfo(1, 0), AckEpoch(1, 0, 0)):
        for sender in ("s2", "s3"):
            group.receive("s1", sender, message)
    group.receive("s1", "s2", AckNewLeader(1, 1, 0))
    assert (leader.zab_state, sorted(leader.current)) == ("SYNCHRONIZATION", ["s1", "s2"])
    group.contexts["s1"].take()
    request = Request(1, 1, "x", 0, 1, "set", "/a", 1)
    for asked in (Forward(1, request), Revalidate("c", 1), SyncRequest("c", 1)):
        group.receive("s1", "s2", asked)
        assert (leader.log.last, group.contexts["s1"].take()) == (0, [])
    group.receive("s1", "s3", AckNewLeader(1, 1, 0))
    group.receive("s1", "s2", Forward(1, request))
    assert leader.log.last == 1


def test_the_leader_keeps_the_time_of_a_session_and_ends_it() -> None:
    group, leader, session = connected("s1")
    assert (leader.owners, leader.deadlines) == ({session: "s1"}, {session: 2_000_000})
    group.contexts["s1"].now = 1_000_000
    ask(group, "s1", session, FIRST + 1, value=1)
    assert leader.deadlines == {session: 3_000_000}
    group.contexts["s1"].now = 1_400_000
    group.receive("s1", "c", SessionPing(session, FIRST + 1))
    assert leader.deadlines == {session: 3_400_000}
    group.quiet()
    leader.close_session(session)
    group.settle("s1")
    assert told_at_last(group, "s1") == [Disconnected("session_over")]
    assert (leader.owners, leader.deadlines, leader.connections) == ({}, {}, {})


# ---------------------------------------------------------------- requests


def test_requests_are_taken_in_the_order_of_their_numbers_and_once() -> None:
    group, server, session = connected("s1")
    before = server.log.last
    for sequence, taken in ((2, 0), (3, 0), (1, 3), (1, 3), (2, 3), (4, 4)):
        ask(group, "s1", session, FIRST + sequence, value=sequence)
        assert server.log.last - before == taken
    assert [txn.command.argument for txn in list(server.log)[-4:]] == [1, 2, 3, 4]


def test_a_request_over_another_session_is_not_taken() -> None:
    group, server, session = connected("s1")
    before = server.log.last
    ask(group, "s1", session + 1, FIRST + 1, value=1)
    assert [reply.outcome for reply in to_client(group, "s1")] == ["retry"]
    assert server.log.last == before


def test_a_request_that_nobody_knows_fails() -> None:
    group, _, session = connected("s1")
    ask(group, "s1", session, FIRST + 1, "dance")
    assert [(reply.outcome, reply.result) for reply in to_client(group, "s1")] == [("fail", "Unimplemented")]


def test_who_has_no_session_reads_without_waiting() -> None:
    group, server, _ = connected("s2")
    ask(group, "s2", 0, 1, "get")
    assert [type(message) for message in to_client(group, "s2")] == [Answer]
    assert server.pending == {}


def test_a_client_is_answered_in_its_order_zp() -> None:
    """Reads wait behind its writes, and what was written for another attempt answers neither."""
    group, server, session = connected("s1")
    group.isolate("s1")
    for sequence, kind in ((1, "get"), (2, "set"), (3, "get"), (4, "set")):
        ask(group, "s1", session, FIRST + sequence, kind, value=sequence)
    assert [message.operation - FIRST for message in to_client(group, "s1")] == [1]
    for operation, attempt in ((FIRST + 2, 2), (FIRST + 3, 1), (FIRST + 9, 1)):
        server.answer_write(Request(operation, attempt, "c", session, 0, "set", "/a", 1), "ok", None)
        assert to_client(group, "s1") == []
    before = server.log.last
    for ahead, answered in ((1, [2, 3]), (0, [4])):
        group.receive("s1", "s2", Ack(1, before - ahead))
        assert [message.operation - FIRST for message in to_client(group, "s1")] == answered
    assert server.pending == {}


def test_a_ping_tells_of_a_connection_that_is_gone_and_of_a_request_that_got_lost() -> None:
    group, server, session = connected("s2")
    group.contexts["s2"].take()
    server.touched = {}
    for ping, kind in (
        (SessionPing(session + 1, FIRST), Disconnected),
        (SessionPing(session, FIRST), SessionPong),
        (SessionPing(session, FIRST + 1), Disconnected),
    ):
        group.receive("s2", "c", ping)
        assert [type(message) for message in to_client(group, "s2")] == [kind]
    assert (server.touched, server.connections) == ({session: True}, {})


def test_a_request_that_comes_after_a_ping_was_not_lost() -> None:
    group, _, session = connected("s2")
    group.receive("s2", "c", SessionPing(session, FIRST + 1))
    ask(group, "s2", session, FIRST + 1, "get")
    group.contexts["s2"].take()
    group.receive("s2", "c", SessionPing(session, FIRST + 2))
    assert [type(message) for message in to_client(group, "s2")] == [SessionPong]


# ---------------------------------------------------------------- sync()


def test_a_sync_waits_for_what_the_leader_has_under_way_zi() -> None:
    group, leader = ensemble(5)
    group.receive("s1", "s2", SyncRequest("c", 1))
    assert sent(group, "s1", SyncReply) == [SyncReply("c", 1, 0)]
    for number in range(2):
        group.request("s1", "set", "/a", number)
        group.receive("s1", "s2", SyncRequest("c", 2 + number))
    for counter, replies in ((1, [SyncReply("c", 2, 1)]), (2, [SyncReply("c", 3, 2)])):
        assert sent(group, "s1", SyncReply) == []
        for sender in ("s2", "s3"):
            group.receive("s1", sender, Ack(1, counter))
        assert sent(group, "s1", SyncReply) == replies
    assert leader.syncs_later == []


@pytest.mark.parametrize("id", ["s1", "s2"])
def test_a_sync_is_over_when_the_server_has_delivered_as_much_zi(id: str) -> None:
    group, server, session = connected(id)
    group.isolate("s1")
    group.contexts[id].take()
    group.request("s1", "set", "/a", 1)
    ask(group, id, session, FIRST + 1, "sync")
    ask(group, id, session, FIRST + 2, "get")
    if id == "s2":
        reached = group.processes["s1"].log.last
        group.receive("s2", "s3", SyncReply("c", FIRST + 1, 0))
        assert list(server.syncs["c"]) == [FIRST + 1]
        group.receive("s2", "s1", SyncReply("c", FIRST + 1, reached))
        assert (to_client(group, "s2"), server.syncs_at) == ([], [(reached, "c", FIRST + 1)])
        group.contexts["s1"].take()
        server.store((group.processes["s1"].log[reached],))
        group.settle("s2")
        server.learn_commit(reached - server.base)
    else:
        assert to_client(group, "s1") == []
        group.receive("s1", "s2", Ack(1, server.log.last - server.base))
    assert [(one.operation - FIRST, one.result) for one in to_client(group, id)] == [(1, None), (2, 1)]
    assert (server.syncs_at, server.syncs["c"]) == ([], {})


# ---------------------------------------------------------------- starting


def test_an_experiment_s_first_leader_is_chosen_for_its_first_life_alone() -> None:
    group, _ = ensemble()
    for id in names(3):
        group.start(id)
        assert group.processes[id].role == "looking"


def test_who_waits_for_the_first_leader_takes_its_word_alone() -> None:
    group = Group(ZooKeeper, names(3), Parameters())
    group.preset("s2", *preset({"leader": False, "term": 1, "voters": names(3)}))
    group.start("s2")
    server = group.processes["s2"]
    for sender, leader, state, follows in (
        ("s3", "s1", "following", False),
        ("s3", "s1", "leading", False),
        ("s1", "s1", "looking", False),
        ("s9", "s9", "leading", False),
        ("s1", "s1", "leading", True),
    ):
        group.receive("s2", sender, Notification(leader, 0, 0, 1, state))
        assert (server.leader == "s1") is follows
    assert "bootstrap" not in group.contexts["s2"].timers


def test_who_waits_in_vain_for_the_first_leader_looks_for_one() -> None:
    group = Group(ZooKeeper, names(3), Parameters())
    group.preset("s2", *preset({"leader": False, "term": 1, "voters": names(3)}))
    group.start("s2")
    group.fire("s2", "bootstrap")
    server = group.processes["s2"]
    group.receive("s2", "s3", Notification("s3", 0, 0, server.round, "looking"))
    assert (server.role, server.proposal[0]) == ("looking", "s3")


def test_a_restarted_server_goes_on_from_its_snapshot_with_its_voters() -> None:
    group = Group(ZooKeeper, names(3), Parameters())
    voters = ("s1", "s3")
    snapshot = Snapshot(3, zxid_of(1, 3), 77, {"/": Node(), "/x": Node(7)}, {}, voters)
    group.preset("s1", {"snapshot": encode_snapshot(snapshot), "voters": list(voters)}, {})
    group.start("s1")
    first = group.processes["s1"]
    first.store((Txn(1, 4, Reconfigure(voters)),))
    group.settle("s1")
    group.start("s1")
    server = group.processes["s1"]
    assert (server.delivered, server.committed, server.log.last) == (3, 3, 4)
    assert (server.data["/x"].data, server.next_voters) == (7, ())
