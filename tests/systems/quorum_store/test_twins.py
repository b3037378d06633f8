"""Every twin is caught by a check that it names, where the correct store passes the same script."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.registry import SYSTEMS
from tests.budget import seeds
from tests.systems.quorum_store.drawn import experiment, run, under_nemesis, verdict

AWAY = [{"at_s": 1, "do": "kill", "target": "cleo"}, {"at_s": 3, "do": "restart", "target": "cleo"}]
THREE = {"names": ("anna", "bo", "cleo")}
NO_HELP = {"read_repair": "none", "hint_window_s": 0}


def put(client: str, at: str, value: str, at_s: float, **more: Any) -> dict[str, Any]:
    line = {
        "client": client,
        "at": at,
        "to": at,
        "operation": "put",
        "key": "x",
        "value": value,
        "at_s": at_s,
    }
    return {**line, "stay": True, **more}


def get(client: str, at: str, at_s: float, **more: Any) -> dict[str, Any]:
    line = {"client": client, "at": at, "to": at, "operation": "get", "key": "x", "at_s": at_s}
    return {**line, "stay": True, **more}


def scripted(parameters: dict[str, Any], operations: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return experiment(parameters, clients=(), operations=operations, **{**THREE, "stop_s": 6, **more})


def hints() -> dict[str, Any]:
    return experiment({"read_repair": "none"}, mix={"put": 1}, keys=200, faults=AWAY, **THREE)


def backwards() -> dict[str, Any]:
    lines = [put("w", "anna", "first", 0.5), put("w", "anna", "second", 2)]
    reads = [get(f"r{n}", "bo", 4 + n / 10) for n in range(5)]
    return scripted({"w": 2, "r": 2, "hint_window_s": 0}, [*lines, *reads], faults=AWAY)


def strict() -> dict[str, Any]:
    lines = [put("w", "anna", "first", 0.5), put("w", "anna", "second", 2, give_up_ms=900)]
    cut = [{"at_s": 1.9, "do": "partition", "groups": [["anna"], ["bo", "cleo"]], "for_s": 3}]
    return scripted({"read_repair": "none"}, [*lines, get("r", "bo", 3)], faults=cut)


def arrivals() -> dict[str, Any]:
    late = [{"at_s": 0.4, "do": "delay", "from": "anna", "to": "cleo", "one_way": True, "latency_ms": 100}]
    lines = [put("one", "anna", "one", 0.5), put("two", "bo", "two", 0.52)]
    return scripted({"w": 1, "r": 1, **NO_HELP}, lines, faults=late)


def half_written() -> dict[str, Any]:
    """A write reaches its coordinator only; one reader asks that one, a later reader asks others."""
    slow = [
        {"at_s": 0.9, "do": "delay_message", "match": {"message": "Write", "from": "anna"}, "extra_ms": 2000}
    ]
    apart = {"at_s": 1.3, "do": "partition", "groups": [["anna"], ["bo", "cleo"]], "for_s": 1}
    lines = [
        put("w", "anna", "new", 1, timeout_ms=4000, give_up_ms=4000),
        get("r1", "bo", 1.1),
        get("r2", "cleo", 1.4),
    ]
    hear_anna_first = {"at_s": 0.9, "do": "delay", "from": "bo", "to": "cleo", "latency_ms": 60}
    return scripted(
        {"mode": "linearizable", "read_repair": "none"}, lines, faults=[*slow, hear_anna_first, apart]
    )


def power() -> dict[str, Any]:
    topology = {
        "nodes": [{"id": "front", "processes": [{"system": "quorum_store", "role": "coordinator"}]},
                  *({"id": name} for name in THREE["names"])],
        "links": {"default": {"latency_ms": 5}},
    }  # fmt: skip
    client = {
        "client": "c",
        "at": "front",
        "to": "front",
        "operation": "put",
        "rate": 50,
        "keys": 50,
        "stop_s": 3,
    }
    faults = [
        {"at_s": 2, "do": "kill", "target": list(THREE["names"])},
        {"at_s": 2.1, "do": "restart", "target": list(THREE["names"])},
        {"at_s": 2.1, "do": "kill", "target": "front"},
    ]
    return experiment(
        {"hint_window_s": 0}, topology=topology, workload=[client], faults=faults,
        storage={"default": {"write_ms": 60}},
    )  # fmt: skip


def moving() -> dict[str, Any]:
    names = ("anna", "bo", "cleo", "dan", "eve")
    faults = [
        {"at_s": 3, "do": "configure", "target": "anna", "add": "eve"},
        {"at_s": 6, "do": "configure", "target": "anna", "remove": "bo"},
    ]
    shared = {"members": list(names[:4])}
    return experiment(
        {"read_repair": "none", "stream_keys_per_s": 5000}, names=names, clients=("anna",), rate=40, keys=150,
        faults=faults, initial={"shared": shared}, stop_s=11,
    )  # fmt: skip


def trees() -> dict[str, Any]:
    repair = {"at_s": 8, "do": "command", "target": "cleo", "name": "repair"}
    return experiment(dict(NO_HELP), mix={"put": 1}, keys=200, faults=[*AWAY, repair], **THREE)


def retried() -> dict[str, Any]:
    """A write gets stuck at its first coordinator, is read, is overwritten, and only then tried again elsewhere."""
    stuck = {"at_s": 0.9, "do": "drop", "match": {"message": "Write", "from": "anna"}, "for_s": 1}
    lines = [
        put("w", "anna", "v", 1, to="nearest", stay=False, timeout_ms=300),
        get("r1", "bo", 1.06),
        put("u", "cleo", "u", 1.15),
        get("r2", "cleo", 1.25),
        *(get(f"r{n}", "bo", 1.3 + n / 20) for n in range(3, 12)),
    ]
    return scripted({"mode": "linearizable"}, lines, faults=[stuck])


SCRIPTS = {
    "drops_hints": hints,
    "repairs_backwards": backwards,
    "hints_count_as_writes": strict,
    "arrival_decides": arrivals,
    "no_write_back": half_written,
    "acks_before_disk": power,
    "streams_nothing": moving,
    "trees_always_match": trees,
    "forgets_fences": retried,
}
CAUGHT_BY = {twin.name: twin.caught_by for twin in SYSTEMS["quorum_store"].descriptor.twins}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_twin_is_caught_where_the_store_passes(name: str) -> None:
    plain = SCRIPTS[name]()
    correct, broken = run(plain), run({**plain, "twin": name})
    assert [verdict(correct, check) for check in CAUGHT_BY[name]] == ["holds"] * len(CAUGHT_BY[name])
    assert "violated" in [verdict(broken, check) for check in CAUGHT_BY[name]]


def test_one_answer_less_than_the_quorum_is_caught_by_random_faults() -> None:
    checks = CAUGHT_BY["one_ack_less"]
    worlds = [
        under_nemesis(seed, {"mode": "linearizable"}, twin="one_ack_less") for seed in seeds("quorum_twins")
    ]
    assert all(any(verdict(world, check) == "violated" for world in worlds) for check in checks)


def test_every_twin_has_its_script() -> None:
    assert {*SCRIPTS, "one_ack_less"} == set(CAUGHT_BY) == set(SYSTEMS["quorum_store"].twins)
