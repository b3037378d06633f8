"""What clients may rely on: tree, sessions, watches, sync(), recipes. ZP: ZooKeeper Programmer's Guide; ZC: Recipes."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.harness import metric
from simulations.engine.meters import Scope
from simulations.engine.process import Request
from simulations.engine.systems.zookeeper.messages import Forward, Revalidated
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.process import ZooKeeper
from tests.systems.kept_notes import keep_notes, noted
from tests.systems.recording import Group
from tests.systems.zookeeper.helpers import operation, ran, recipe, results, server, verdict

PLAIN = {"set_creates": False, "create_parents": False}


WITH_FAR = {
    "nodes": [{"id": "s1"}, {"id": "s2"}, {"id": "s3"}, {"id": "far", "bare": True}],
    "links": {"default": {"latency_ms": 10, "ordered": True}},
}


def told(*lines: tuple[str, str, Any, dict[str, Any]], parameters: dict[str, Any] | None = None) -> list[Any]:
    """What a client is told, one operation every 100 ms."""
    operations = [
        operation(1 + number / 10, kind, key, value=value, arguments=arguments)
        for number, (kind, key, value, arguments) in enumerate(lines)
    ]
    return results(ran(recipe(operations=operations, parameters=parameters or {}), 4))


def test_versions_guard_writes() -> None:
    found = told(
        ("create", "/a", "x", {}),
        ("set", "/a", "y", {"version": 0}),
        ("set", "/a", "z", {"version": 0}),
        ("delete", "/a", None, {"version": 0}),
        ("delete", "/a", None, {"version": 1}),
        ("exists", "/a", None, {}),
    )
    assert found == [
        ("ok", "/a"), ("ok", {"version": 1}), ("fail", "BadVersion"), ("fail", "BadVersion"), ("ok", None),
        ("ok", False),
    ]  # fmt: skip


def test_a_server_alone_makes_nothing_that_nobody_asked_for() -> None:
    found = told(
        ("set", "/a", 1, {}),
        ("create", "/a/b", 1, {}),
        ("stat", "/a", None, {}),
        ("ls", "/a", None, {}),
        parameters=PLAIN,
    )
    assert found == [("fail", "NoNode")] * 4


def test_a_node_with_children_cannot_be_deleted_nor_made_twice() -> None:
    found = told(
        ("create", "/a/b", 1, {}),
        ("delete", "/a", None, {}),
        ("create", "/a", None, {}),
        ("ls", "/a", None, {}),
    )
    assert found == [("ok", "/a/b"), ("fail", "NotEmpty"), ("fail", "NodeExists"), ("ok", ["b"])]


def test_sequential_nodes_are_numbered_by_their_parent() -> None:
    found = told(
        ("create", "/q/n-", 1, {"sequential": True}),
        ("create", "/q/n-", 2, {"sequential": True}),
        ("delete", "/q/n-0000000001", None, {}),
        ("create", "/q/n-", 3, {"sequential": True}),
    )
    assert [result for _, result in found] == ["/q/n-0000000000", "/q/n-0000000001", None, "/q/n-0000000002"]


def test_ephemeral_nodes_have_no_children() -> None:
    found = told(("create", "/e", 1, {"ephemeral": True}), ("create", "/e/c", 1, {}))
    assert found == [("ok", "/e"), ("fail", "NoChildrenForEphemerals")]


def test_a_write_that_was_under_way_when_its_session_moved_is_not_sent_again() -> None:
    """It was: the session moves for a read, and the write took effect at both servers."""
    plain = recipe(
        storage={"default": {"write_ms": 30}},
        operations=[operation(2, "set", "/x", to="s1", value=1), operation(2.02, "get", "/y", to="s2")],
    )
    world = ran(plain)
    assert results(world) == [("unknown", "ConnectionLoss"), ("ok", None)]
    assert server(world, "s3").data["/x"].version == 0


def test_a_write_that_was_passed_on_to_an_earlier_epoch_is_not_taken() -> None:
    world = ran(recipe(), 1)
    leader = server(world, "s1")
    before = leader.log.last
    request = Request(1, 1, "c1", 0, 1, "set", "/a", 1)
    leader.on_message("s2", Forward(leader.epoch - 1, request))
    assert leader.log.last == before
    leader.on_message("s2", Forward(leader.epoch, request))
    assert leader.log.last == before + 1


@pytest.mark.parametrize(("sender", "note"), [("s2", "zookeeper.repeated"), ("s3", "zookeeper.late")])
def test_a_request_that_is_not_taken_says_why(sender: str, note: str) -> None:
    world = ran(recipe(), 1)
    leader = server(world, "s1")
    request = Request(1, 1, "c1", 5, 1, "set", "/a", 1)
    leader.on_message("s2", Forward(leader.epoch, request))
    before = leader.log.last
    keep_notes(world)
    leader.on_message(sender, Forward(leader.epoch, request))
    assert (leader.log.last, noted(world)) == (before, {note})


def test_a_write_to_a_server_that_forgot_the_connection_is_unknown() -> None:
    plain = recipe(
        operations=[
            operation(1, "set", "/x", server="s2", value=1),
            operation(2, "set", "/x", server="s2", value=2),
        ],
        faults=[{"at_s": 1.95, "do": "kill", "target": "s2", "for_s": 0.01}],
    )
    assert results(ran(plain)) == [("ok", {"version": 0}), ("unknown", "ConnectionLoss")]


@pytest.mark.parametrize("key", ["/a/", "/a//b", "/a/../b", "/a/./b"])
def test_paths_that_are_none_are_refused(key: str) -> None:
    assert told(("create", key, 1, {})) == [("fail", "BadArguments")]


def test_wrong_options_are_refused() -> None:
    found = told(
        ("create", "/a", 1, {"ttl_ms": "long"}), ("create", "/a", 1, {"ephemeral": True, "container": True})
    )
    assert found == [("fail", "BadArguments")] * 2


def test_containers_and_outlived_nodes_go_by_themselves() -> None:
    plain = recipe(
        parameters={"container_check_ms": 200},
        operations=[
            operation(1, "create", "/c/child", value=1),
            operation(1.1, "create", "/t", value=1, arguments={"ttl_ms": 500}),
            operation(1.4, "ls", "/"),
            operation(2, "delete", "/c/child"),
            operation(3, "ls", "/"),
        ],
    )
    found = results(ran(plain))
    assert (found[2], found[4]) == (("ok", ["c", "t"]), ("ok", []))


def test_an_ephemeral_node_lives_as_long_as_its_session_not_its_connection() -> None:
    """ZP, sessions: the client moves to another server, and its session with it."""
    plain = recipe(
        operations=[
            operation(1, "create", "/e", at="s3", arguments={"ephemeral": True}),
            operation(7, "exists", "/e", "c2"),
        ],
        faults=[{"at_s": 2, "do": "kill", "target": "s3"}],
    )
    world = ran(plain)
    assert results(world)[1] == ("ok", True)
    assert metric(world, "session_expired_seen_s", Scope()) is None


def test_a_session_that_ended_while_the_leaders_answer_was_held_is_not_taken_up() -> None:
    world = ran(recipe(operations=[operation(0.5, "set", "/x", "c", at="s2", value=1)]), 1)
    follower = server(world, "s2")
    session = next(iter(follower.tree.sessions))
    follower.resuming["c"], follower.greeted["c"] = (session, 0, ()), 1_000_000
    del follower.connections["c"], follower.tree.sessions[session]
    follower.on_revalidated("s1", Revalidated("c", session, True))
    assert "c" not in follower.connections


def test_a_leaders_clock_that_is_set_back_makes_no_session_live_longer() -> None:
    plain = recipe(
        operations=[operation(1, "create", "/e", at="far", arguments={"ephemeral": True})],
        topology=WITH_FAR,
        faults=[
            {"at_s": 2, "do": "partition", "groups": [["far"], ["rest"]]},
            {"at_s": 2, "do": "clock", "target": "s1", "jump_ms": -1900},
        ],
    )
    assert "/e" not in server(ran(plain, 5), "s1").data


def test_sessions_survive_the_leader() -> None:
    plain = recipe(
        operations=[
            operation(1, "create", "/e", at="s2", arguments={"ephemeral": True}),
            operation(7, "exists", "/e", "c2"),
        ],
        faults=[{"at_s": 2, "do": "kill", "target": "leader"}],
    )
    assert results(ran(plain))[1] == ("ok", True)


def test_a_watch_fires_once_a_lasting_one_every_time() -> None:
    for mode, events in (("once", 1), ("persistent", 3), ("persistent_recursive", 3)):
        lines = [
            operation(1, "set", "/a", value=0),
            operation(2, "watch", "/a", "w", arguments={"mode": mode}),
        ]
        lines += [operation(3 + number / 10, "set", "/a", value=number) for number in range(3)]
        assert metric(ran(recipe(operations=lines)), "watch_events", Scope(client="w")) == events, mode


def test_a_recursive_watch_sees_what_happens_below() -> None:
    """Also that the container in between goes when it is empty."""
    lines = [
        operation(1, "create", "/a"),
        operation(2, "watch", "/a", "w", arguments={"mode": "persistent_recursive"}),
        operation(3, "create", "/a/b/c"),
        operation(3.1, "delete", "/a/b/c"),
    ]
    world = ran(recipe(operations=lines))
    assert [event[1:] for event in world.by_id["w"].process.events] == [  # type: ignore[attr-defined]
        ("/a/b", "created"), ("/a/b/c", "created"), ("/a/b/c", "deleted"), ("/a/b", "deleted"),
    ]  # fmt: skip


def test_a_watch_on_children_tells_of_the_list_alone() -> None:
    lines = [
        operation(1, "create", "/a/b"),
        operation(2, "ls", "/a", "w", arguments={"watch": True}),
        operation(3, "set", "/a/b", value=1),
        operation(3.1, "create", "/a/c"),
    ]
    world = ran(recipe(operations=lines))
    assert [event[1:] for event in world.by_id["w"].process.events] == [("/a", "child")]  # type: ignore[attr-defined]


def test_a_watch_moves_with_its_client_and_misses_nothing() -> None:
    """ZP, watches: what changed while the client was on its way is told at once."""
    lines = [
        operation(1, "set", "/a", value=0),
        operation(1.5, "watch", "/a", "w", at="s3"),
        operation(2.1, "set", "/a", value=1),
    ]
    world = ran(recipe(operations=lines, faults=[{"at_s": 2, "do": "kill", "target": "s3"}]))
    assert metric(world, "watch_events", Scope(client="w")) == 1


@pytest.mark.parametrize(
    ("before", "meanwhile", "change"),
    [("set", "delete", "deleted"), ("delete", "set", "created"), ("set", "set", "changed")],
)
def test_a_watch_that_moves_tells_what_became_of_its_node(before: str, meanwhile: str, change: str) -> None:
    """SetWatches keeps apart watches on nodes and on what is not there."""
    lines = [
        operation(1, before, "/a", value=0),
        operation(1.5, "watch", "/a", "w", at="s3"),
        operation(2.1, meanwhile, "/a", value=1),
    ]
    world = ran(recipe(operations=lines, faults=[{"at_s": 2, "do": "kill", "target": "s3"}]))
    assert [event[1:] for event in world.by_id["w"].process.events] == [("/a", change)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["naive", "predecessor"])
def test_who_waits_for_a_lock_misses_no_release_while_it_moves(name: str) -> None:
    arguments = {"recipe": name, "hold_ms": 1000}
    lines = [
        operation(1, "lock", "/lock", "a", arguments=arguments),
        operation(1.3, "lock", "/lock", "b", at="s3", timeout_ms=9000, give_up_ms=9000, arguments=arguments),
    ]
    world = ran(recipe(operations=lines, faults=[{"at_s": 2, "do": "kill", "target": "s3"}]))
    assert results(world)[1][0] == "ok"


def test_a_client_never_goes_back_in_time() -> None:
    lines = [
        operation(1, "set", "/x", to="s1", value=0),
        operation(3, "set", "/x", to="s1", value=1),
        operation(3.1, "get", "/x", to="s3"),
    ]
    drop = {"at_s": 2, "do": "drop", "match": {"message": "Propose", "to": "s3"}, "for_s": 2}
    assert results(ran(recipe(operations=lines, faults=[drop])))[2] == ("ok", 1)


def test_sync_makes_the_next_read_as_new_as_the_leader() -> None:
    delay = {"at_s": 2, "do": "delay", "from": "s1", "to": "s3", "one_way": True, "latency_ms": 500}
    lines = [
        operation(1, "set", "/x", value=0),
        operation(3, "set", "/x", value=1),
        operation(3.1, "sync", "/x", "b", server="s3", timeout_ms=2000, give_up_ms=4000),
        operation(3.12, "get", "/x", "b", server="s3", timeout_ms=2000, give_up_ms=4000),
    ]
    assert results(ran(recipe(operations=lines, faults=[delay])))[3] == ("ok", 1)


def test_reads_of_a_client_wait_for_its_writes() -> None:
    lines = [
        operation(1, "set", "/x", value=0),
        operation(2, "set", "/x", value=1),
        operation(2.001, "get", "/x"),
    ]
    assert results(ran(recipe(operations=lines)))[2] == ("ok", 1)


def test_a_write_whose_connection_breaks_is_unknown_and_never_sent_again() -> None:
    lines = [operation(2, "set", "/x", at="s3", value=1), operation(4, "stat", "/x", "c2")]
    cut = {"when": {"event": "request", "after_s": 2, "count": 1}, "do": "kill", "target": "s3"}
    found = results(ran(recipe(operations=lines, faults=[cut])))
    assert found[0] == ("unknown", "ConnectionLoss")
    assert found[1][1]["version"] == 0


def test_the_herd_wakes_for_a_naive_lock_only() -> None:
    for recipe_name, wakeups in (("naive", 10), ("predecessor", 4)):
        workers = {
            "client": "w", "at": "s2", "count": 5, "operation": "lock", "key": "/lock", "loop": "closed",
            "in_flight": 1, "operations": 1, "timeout_ms": 20000, "give_up_ms": 20000,
            "arguments": {"recipe": recipe_name, "hold_ms": 200},
        }  # fmt: skip
        world = ran(recipe(workload=[workers], checks=["mutual_exclusion", "locks_in_order"]))
        assert metric(world, "lock_wakeups", Scope()) == wakeups, recipe_name
        assert verdict(world, "mutual_exclusion") == "holds"


def test_a_lock_goes_on_when_its_holder_dies_with_its_session() -> None:
    """The holder's node is cut off; its session ends, and the next in the queue gets the lock."""
    lines = [
        operation(1, "lock", "/lock", "a", at="far", give_up_ms=9000),
        operation(1.5, "lock", "/lock", "b", at="s2", timeout_ms=9000, give_up_ms=9000),
    ]
    nodes = [{"id": id} for id in ("s1", "s2", "s3")] + [{"id": "far", "bare": True}]
    plain = recipe(
        topology={"nodes": nodes, "links": {"default": {"latency_ms": 10, "ordered": True}}},
        operations=lines,
        faults=[{"at_s": 2, "do": "partition", "groups": [["far"], ["rest"]]}],
    )
    assert results(ran(plain)) == [("ok", 0), ("ok", 1)]


def test_a_client_that_lost_the_answer_finds_its_place_in_the_queue() -> None:
    """Its node is proposed, but no read sees it yet: without sync() it would queue twice, and the second node would
    keep the lock from everybody once the first is given back."""
    queue = {"recipe": "predecessor", "hold_ms": 300}
    lines = [operation(2, "lock", "/lock", "a", at="s2", timeout_ms=9000, give_up_ms=9000, arguments=queue)]
    faults = [
        {"at_s": 1.9, "do": "disk_delay", "target": ["s1", "s3"], "write_ms": 1500, "for_s": 2},
        {"at_s": 2.015, "do": "kill", "target": "s2"},
    ]
    world = ran(recipe(operations=lines, faults=faults))
    assert results(world)[0][0] == "ok"
    assert "/lock" not in server(world, "s1").data  # (an empty container goes)


def test_who_is_elected_first_leads_until_its_session_ends() -> None:
    lines = [
        operation(1 + number / 10, "elect", "/boss", f"c{number}", give_up_ms=20000) for number in range(3)
    ]
    world = ran(recipe(operations=lines))
    assert results(world) == [("ok", 0), ("pending", None), ("pending", None)]
    assert len(server(world, "s1").data["/boss"].children) == 3


def test_a_barrier_opens_when_all_are_there() -> None:
    lines = [
        operation(1 + number, "barrier", "/b", f"c{number}", give_up_ms=20000, arguments={"size": 3})
        for number in range(3)
    ]
    world = ran(recipe(operations=lines))
    operations = world.history.operations
    assert results(world) == [("ok", 3)] * 3
    assert min(operations[id].returned_us or 0 for id in operations) > 3_000_000


def test_who_has_no_session_is_answered_but_gets_no_ephemeral_node() -> None:
    """Processes of other systems may ask without the client library."""
    group = Group(ZooKeeper, ("s1",), Parameters(finalize_ms=0))
    group.start()
    group.quiet()
    group.fire("s1", "finalize")
    group.quiet()
    group.request("s1", "set", "/a", 1)
    group.request("s1", "get", "/a")
    group.contexts["s1"].take()
    request = Request(9, 1, "x", 0, 0, "create", "/e", None, {"ephemeral": True})
    group.processes["s1"].on_request(request)
    group.flush("s1")
    answers = [message for to, message in group.contexts["s1"].take() if to == "x"]
    assert [(answer.outcome, answer.result) for answer in answers] == [("fail", "SessionExpired")]  # type: ignore[attr-defined]
    assert group.processes["s1"].data["/a"].data == 1
