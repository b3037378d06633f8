"""A storage behind a lock: fencing tokens, durable ones, and what is lost without them. Kleppmann 2016."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.experiment.reader import parse
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.storage_service import StoreReply, StoreWrite
from simulations.engine.systems.fenced_storage.process import FencedStorage, Parameters
from simulations.engine.world import World
from tests.systems.recording import Group


def storage(check_token: bool = True) -> Group:
    group = Group(FencedStorage, ("store",), Parameters(check_token))
    group.start()
    return group


def write(group: Group, value: str, token: int, key: str = "k") -> bool:
    """Whether a write was stored."""
    context = group.contexts["store"]
    group.processes["store"].on_message("w", StoreWrite(1, key, value, token))
    group.flush("store")
    ((_, reply),) = context.take()
    assert isinstance(reply, StoreReply)
    return reply.stored


def test_an_older_token_is_refused_an_equal_or_newer_one_is_not() -> None:
    group = storage()
    assert [write(group, "a", 33), write(group, "b", 34), write(group, "c", 34), write(group, "d", 33)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert group.processes["store"].values == {"k": "c"}


def test_keys_are_fenced_apart() -> None:
    group = storage()
    assert write(group, "a", 9, "x")
    assert write(group, "b", 1, "y")


def test_without_the_check_whoever_comes_last_wins() -> None:
    group = storage(check_token=False)
    assert write(group, "new", 34)
    assert write(group, "old", 33)
    assert group.processes["store"].values == {"k": "old"}


def test_tokens_survive_a_restart() -> None:
    group = storage()
    assert write(group, "new", 34)
    group.start("store")
    assert not write(group, "old", 33)
    assert group.processes["store"].values == {"k": "new"}


def test_tokens_count_that_came_while_nobody_looked() -> None:
    """The check of tokens is switched on while it runs."""
    group = storage(check_token=False)
    assert write(group, "new", 34)
    assert write(group, "old", 33)
    group.processes["store"].parameters = Parameters(True)
    assert not write(group, "old", 33)


def writer(at_s: float, token: int, client: str) -> dict[str, Any]:
    return {
        "client": client, "at": "n1", "operation": "put", "key": "k", "value": client, "at_s": at_s,
        "arguments": {"token": token},
    }  # fmt: skip


def recipe(**changes: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "id": "storage",
        "title": {"en": "Storage", "zh": "存储"},
        "system": "fenced_storage",
        "topology": {"nodes": [{"id": "n1"}]},
        "operations": [writer(1, 34, "new"), writer(3, 33, "old")],
        "stop_s": 5,
        **changes,
    }


def verdict(plain: dict[str, Any]) -> str:
    world = World(parse(plain, SYSTEMS))
    world.run_until(5_000_000)
    return world.verdicts()["no_lost_ack"].verdict


@pytest.mark.parametrize("twin", [None, "forgets_tokens"])
def test_the_twin_is_caught_after_a_restart_and_not_without_one(twin: str | None) -> None:
    more = {"twin": twin} if twin else {}
    assert verdict(recipe(**more)) == "holds"
    restarted = recipe(faults=[{"at_s": 2, "do": "kill", "target": "n1", "for_s": 0.5}], **more)
    assert verdict(restarted) == ("violated" if twin else "holds")


SLOW = {"storage": {"default": {"write_ms": 500}}, "parameters": {"check_token": False}}


def once(at_s: float, token: int, client: str) -> dict[str, Any]:
    return {**writer(at_s, token, client), "retries": 0}


def test_a_write_that_a_crash_took_was_never_acknowledged() -> None:
    """It waited for the disk behind another one, which got there."""
    killed = [{"at_s": 1.4, "do": "kill", "target": "n1", "for_s": 0.5}]
    several = [once(0.8, 1, "first"), once(1, 34, "new"), writer(3, 33, "old")]
    assert verdict(recipe(**SLOW, operations=several)) == "violated"
    assert verdict(recipe(**SLOW, operations=several, faults=killed)) == "holds"


def test_every_write_of_one_flush_is_judged() -> None:
    """The first keeps the disk busy, so that the next two get there together."""
    several = [once(1, 1, "first"), once(1.1, 34, "new"), once(1.2, 33, "old")]
    assert verdict(recipe(**SLOW, operations=several)) == "violated"
    assert verdict(recipe(**SLOW, operations=several[:2])) == "holds"
    assert verdict(recipe(**SLOW, operations=[])) == "unknown"


def test_the_check_tells_keys_and_storages_apart() -> None:
    other = [{**writer(3, 33, "old"), "key": "j"}, {**writer(3, 33, "there"), "at": "n2", "to": "n2"}]
    plain = recipe(operations=[{**writer(1, 34, "new"), "to": "n1"}, *other])
    plain["topology"] = {"nodes": [{"id": "n1"}, {"id": "n2"}]}
    assert verdict(plain) == "holds"


def measured(plain: dict[str, Any], *names: str) -> list[Any]:
    plain["checks"] = ["no_lost_ack", *({"metric": name, "at_least": 0} for name in names)]
    world = World(parse(plain, SYSTEMS))
    world.run_until(5_000_000)
    return [harness.metric(world, name, Scope()) for name in names]


def test_what_was_overwritten_is_lost_since_it_was_acknowledged() -> None:
    """A second before the fault."""
    paused = [{"at_s": 2, "do": "pause", "target": "n1", "for_s": 0.1}]
    plain = recipe(parameters={"check_token": False}, faults=paused)
    assert measured(plain, "lost_acknowledged", "rpo_s") == [1, pytest.approx(1, abs=0.01)]


def test_a_write_without_a_token_is_older_than_any() -> None:
    bare = {**writer(3, 0, "bare"), "arguments": {}}
    assert measured(recipe(operations=[bare]), "acknowledged", "failed") == [1, 0]
    assert measured(recipe(operations=[writer(1, 1, "a"), bare]), "acknowledged", "failed") == [1, 1]


def test_refusals_are_counted_over_all_lives() -> None:
    late = [writer(at_s, 33, f"late{n}") for n, at_s in enumerate((1.5, 1.7, 3))]
    killed = [{"at_s": 2, "do": "kill", "target": "n1", "for_s": 0.5}]
    plain = recipe(operations=[writer(1, 34, "new"), *late], faults=killed)
    assert measured(plain, "writes_fenced_off") == [3]


def test_an_unknown_request_fails() -> None:
    plain = recipe(operations=[{**writer(1, 2, "a"), "operation": "delete"}])
    world = World(parse(plain, SYSTEMS))
    world.run_until(5_000_000)
    (found,) = world.history.operations.values()
    assert (found.outcome, found.result) == ("fail", "Unimplemented")


def test_plain_clients_are_answered_too() -> None:
    plain = recipe(
        operations=[writer(1, 2, "a"), writer(2, 1, "b"), {**writer(3, 0, "c"), "operation": "get"}]
    )
    world = World(parse(plain, SYSTEMS))
    world.run_until(5_000_000)
    found = world.history.operations
    assert [(found[id].outcome, found[id].result) for id in sorted(found)] == [
        ("ok", None), ("fail", "Fenced"), ("ok", "a"),
    ]  # fmt: skip
