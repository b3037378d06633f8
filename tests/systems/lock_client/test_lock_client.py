"""A worker under a lock: what it believes, and what is true. Kleppmann 2016; Hunt et al. 2010, section 2.4."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.lock_client.process import LockClient, Parameters
from simulations.engine.world import World

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
