"""A worker under a lock: what it believes, and what is true. Kleppmann 2016; Hunt et al. 2010, section 2.4."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.coordination import Answer, Connect, Connected, Disconnected, SessionPing, WatchEvent
from simulations.engine.experiment.reader import parse
from simulations.engine.process import Request
from simulations.engine.registry import SYSTEMS
from simulations.engine.storage_service import StoreWrite
from simulations.engine.systems.lock_client.process import LockClient, Parameters
from simulations.engine.world import World
from tests.systems.recording import Group

SERVERS = ("a", "b", "c")


def recipe(workers: int = 2, write_at_s: tuple[float, ...] = (4,), **changes: Any) -> dict[str, Any]:
    """Three lock servers, a storage, and workers w1, w2 .. that want the lock one after the other from 1 s on."""
    nodes: list[dict[str, Any]] = [{"id": id, "processes": [{"system": "zookeeper"}]} for id in SERVERS]
    nodes.append({"id": "store"})
    nodes += [
        {
            "id": f"h{number}",
            "processes": [
                {"system": "lock_client", "id": f"w{number}",
                 "parameters": {"start_s": number, "write_at_s": list(write_at_s), "session_timeout_ms": 1000}}
            ],
        }
        for number in range(1, workers + 1)
    ]  # fmt: skip
    return {
        "format": 1,
        "id": "workers",
        "title": {"en": "Workers", "zh": "工作者"},
        "system": "fenced_storage",
        "seed": 1,
        "topology": {"nodes": nodes, "links": {"default": {"ordered": True}}},
        "initial": {"leader": "a", "term": 1},
        "stop_s": 10,
        **changes,
    }


def ran(plain: dict[str, Any], until_s: float = 10) -> World:
    world = World(parse(plain, SYSTEMS))
    world.run_until(round(until_s * 1_000_000))
    return world


def workers(world: World) -> list[LockClient]:
    found = [context.process for context in world.kernel.contexts]
    return [process for process in found if isinstance(process, LockClient)]


def roles(world: World) -> list[str]:
    return [worker.role for worker in workers(world)]


def test_one_holds_the_lock_the_others_wait_and_do_not_write() -> None:
    world = ran(recipe(3))
    assert roles(world) == ["holding", "waiting", "waiting"]
    assert [worker.acknowledged for worker in workers(world)] == [1, 0, 0]
    assert [worker.token for worker in workers(world)] == [0, 1, 2]


def test_the_lock_goes_to_the_next_when_its_holder_dies() -> None:
    world = ran(recipe(3, faults=[{"at_s": 5, "do": "kill", "target": "h1"}]))
    assert roles(world)[1:] == ["holding", "waiting"]


def test_a_holder_that_slept_learns_too_late_that_it_lost_the_lock() -> None:
    paused = {"at_s": 3, "do": "pause", "target": "h1", "for_s": 4}
    world = ran(recipe(2, (5, 8), faults=[paused]), 6.9)
    assert roles(world) == ["holding", "holding"]
    world.run_until(10_000_000)
    assert roles(world) == ["lost", "holding"]
    assert [worker.written for worker in workers(world)] == [1, 2]


@pytest.mark.parametrize(
    "fault",
    [
        {"at_s": 3, "do": "kill", "target": "a"},
        {"at_s": 3, "do": "partition", "groups": [["a"], ["rest"]]},
        {"at_s": 3, "do": "pause", "target": "a", "for_s": 5},
    ],
)
def test_a_session_outlives_the_server_that_kept_it(fault: dict[str, Any]) -> None:
    world = ran(recipe(2, (8,), faults=[fault]))
    assert roles(world) == ["holding", "waiting"]
    assert [worker.acknowledged for worker in workers(world)] == [1, 0]


def test_a_worker_that_is_cut_off_loses_the_lock_without_knowing() -> None:
    """It may write as long as it believes; the storage beside it takes it or not."""
    plain = recipe(2, (3.2, 5, 6), faults=[{"at_s": 3, "do": "cut", "from": "h1", "to": list(SERVERS)}])
    world = ran(plain)
    assert roles(world) == ["holding", "holding"]
    assert workers(world)[0].refused >= 1
    assert workers(world)[1].refused == 0
    assert world.verdicts()["no_lost_ack"].verdict == "holds"
    unchecked = ran({**plain, "parameters": {"check_token": False}})
    assert unchecked.verdicts()["no_lost_ack"].verdict == "violated"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lock": "lock"}, "lock"),
        ({"lock": "/"}, "lock"),
        ({"session_timeout_ms": 0}, "session_timeout_ms"),
        ({"start_s": -1}, "start_s, write_at_s"),
        ({"write_at_s": (1, -1)}, "start_s, write_at_s"),
    ],
)
def test_wrong_parameters_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**values)


# -- one worker, message by message -----------------------------------------------------------------------------------


def worker() -> tuple[Group, Any]:
    """A worker that asked server a for a connection."""
    directory = {"zookeeper": SERVERS, "fenced_storage": ("store",)}
    group = Group(lambda: LockClient(directory=directory), ("w",), Parameters(write_at_s=(4,)))
    group.start()
    group.fire("w", "start")
    return group, group.processes["w"]


def asked(group: Group) -> list[tuple[str, str]]:
    """Kinds and paths of what it asked for since the last look."""
    return [(one.kind, one.key) for _, one in group.contexts["w"].take() if isinstance(one, Request)]


def answers(group: Group, result: Any, sender: str = "a", behind: int = 0, outcome: str = "ok") -> None:
    """An answer to its last question, or to one that it asked before."""
    group.receive("w", sender, Answer(behind - group.processes["w"].asked, 1, outcome, result, None, 0))


def test_a_worker_holds_the_lock_when_the_queue_begins_with_its_node() -> None:
    group, server = worker()
    group.receive("w", "a", Connected(7, 2000.0))
    assert asked(group) == [("create", "/lock/w-")]
    answers(group, "/lock/w-0000000003")
    assert asked(group) == [("children", "/lock")]
    answers(group, ["w-0000000003", "v-0000000001"])
    assert asked(group) == [("exists", "/lock/v-0000000001")]
    answers(group, True)
    group.receive("w", "a", WatchEvent("/lock/u-0000000000", "deleted"))
    assert (asked(group), server.role) == ([], "waiting")
    group.receive("w", "a", WatchEvent("/lock/v-0000000001", "deleted"))
    assert asked(group) == [("children", "/lock")]
    answers(group, ["w-0000000003"])
    assert (server.role, server.token) == ("holding", 3)
    group.receive("w", "a", WatchEvent("/lock/v-0000000001", "deleted"))
    answers(group, ["v-0000000001"])
    assert (asked(group), server.role, server.token) == ([], "holding", 3)


def test_only_the_present_server_s_answer_to_the_last_question_counts() -> None:
    group, server = worker()
    group.receive("w", "b", Connected(7, 2000.0))
    assert (server.connected, asked(group)) == (False, [])
    group.receive("w", "a", Connected(7, 2000.0))
    answers(group, "/lock/w-0000000003")
    group.contexts["w"].take()
    answers(group, ["w-0000000003"], sender="b")
    answers(group, ["w-0000000003"], behind=1)
    assert (server.role, asked(group)) == ("waiting", [])
    answers(group, "NoNode", outcome="fail")
    assert (server.role, asked(group)) == ("waiting", [])
    answers(group, ["w-0000000003"])
    assert server.role == "holding"


def test_what_it_watched_was_gone_already() -> None:
    group, _ = worker()
    group.receive("w", "a", Connected(7, 2000.0))
    answers(group, "/lock/w-0000000003")
    answers(group, ["w-0000000003", "v-0000000001"])
    group.contexts["w"].take()
    answers(group, False)
    assert asked(group) == [("children", "/lock")]


@pytest.mark.parametrize(("names", "then"), [([], "create"), (["w-0000000003", "v-0000000001"], "exists")])
def test_a_worker_that_moves_looks_for_its_node_before_it_queues_again(names: list[str], then: str) -> None:
    group, server = worker()
    group.receive("w", "a", Connected(7, 2000.0))
    group.receive("w", "a", Disconnected("no_leader"))
    group.contexts["w"].take()
    group.fire("w", "connection")
    ((to, again),) = group.contexts["w"].take()
    assert (to, again.session, again.watches) == ("b", 7, ())  # type: ignore[attr-defined]
    group.receive("w", "b", Connected(7, 2000.0))
    assert asked(group) == [("children", "/lock")]
    answers(group, names, sender="b")
    assert [kind for kind, _ in asked(group)] == [then]
    if names:
        group.fire("w", "connection")
        server.connect()
        assert group.contexts["w"].take()[-1][1].watches == (("/lock/v-0000000001", "once"),)  # type: ignore[attr-defined]


def test_a_worker_that_is_turned_away_tries_every_server_in_turn() -> None:
    """Every second one was left out: of two servers the other was never tried."""
    group, _ = worker()
    tried = []
    for _ in range(4):
        ((to, _),) = group.contexts["w"].take()
        tried.append(to)
        group.receive("w", to, Disconnected("no_leader"))
        group.fire("w", "connection")
    assert tried == ["a", "b", "c", "a"]


def test_a_worker_pings_and_leaves_a_server_that_is_silent() -> None:
    group, _ = worker()
    group.receive("w", "a", Connected(7, 2000.0))
    group.contexts["w"].take()
    context = group.contexts["w"]
    for now, kind in ((600_000, SessionPing), (1_400_000, Connect)):
        context.now = now
        group.fire("w", "connection")
        assert [(to, type(one)) for to, one in context.take()] == [("a", kind)]
        assert "connection" in context.timers
    group.fire("w", "connection")
    assert [(to, type(one)) for to, one in context.take()] == [("b", Connect)]


def test_a_worker_whose_session_is_over_has_lost_the_lock_and_writes_no_more() -> None:
    group, server = worker()
    group.receive("w", "a", Connected(7, 2000.0))
    answers(group, "/lock/w-0000000003")
    answers(group, ["w-0000000003"])
    group.contexts["w"].take()
    group.fire("w", "write:0")
    assert group.contexts["w"].take() == [("store", StoreWrite(1, "file", "w.1", 3))]
    group.receive("w", "a", Connected(0, 0.0))
    group.fire("w", "write:0")
    answers(group, ["w-0000000003"])
    assert (server.role, server.token, server.session, group.contexts["w"].take()) == ("lost", -1, 0, [])
    assert "connection" not in group.contexts["w"].timers
