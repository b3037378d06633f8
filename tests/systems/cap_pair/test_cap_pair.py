"""The pair has both C and A until the link is cut, and then one of them: Gilbert and Lynch, 2002."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import catalogue
from simulations.engine import harness
from simulations.engine.checks.history import Operation
from simulations.engine.experiment import parse, variant
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.cap_pair.properties import ENOUGH, CapDichotomy
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems import nemesis

LEFT, RIGHT = "north", "south"


def experiment(on_cut: str, faults: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    clients = [
        {"client": f"c-{node}", "at": node, "to": node, "stay": True, "mix": {"put": 1, "get": 1}, "rate": 15,
         "keys": 2, "retries": 2, "stop_s": 13}
        for node in (LEFT, RIGHT)
    ]  # fmt: skip
    return {
        "format": 1,
        "id": "drawn",
        "title": {"en": "Drawn", "zh": "测试"},
        "seed": 1,
        "system": "cap_pair",
        "parameters": {"on_cut": on_cut, "decide_after_s": 1},
        "topology": {
            "nodes": [{"id": LEFT}, {"id": RIGHT}],
            "links": {"default": {"latency_ms": {"uniform": [3, 9]}}},
        },
        "workload": clients,
        "faults": faults,
        "stop_s": 15,
        "checks": ["linearizable", "cap_dichotomy", "replicas_equal"],
        **more,
    }


def run(plain: dict[str, Any]) -> World:
    world = World(parse(plain, SYSTEMS))
    world.run_until(round(plain["stop_s"] * 1_000_000))
    return world


def verdict(world: World, name: str) -> str:
    return world.verdicts()[name].verdict


def availability(world: World, from_s: float, to_s: float) -> Any:
    return harness.metric(world, "availability", Scope(round(from_s * 1e6), round(to_s * 1e6)))


CUT = {"at_s": 3, "do": "cut", "from": LEFT, "to": RIGHT, "for_s": 6}


def test_with_a_whole_link_it_is_consistent_and_available() -> None:
    world = run(experiment("block", []))
    assert availability(world, 0, 13) == 1
    assert verdict(world, "linearizable") == "holds"
    assert verdict(world, "cap_dichotomy") == "unknown", "nobody had to choose"


def test_a_pair_that_blocks_answers_nobody_and_both_again_after_the_heal() -> None:
    world = run(experiment("block", [CUT]))
    assert availability(world, 4.5, 8.8) == 0
    assert availability(world, 9.5, 13) == 1
    assert [verdict(world, name) for name in ("linearizable", "cap_dichotomy", "replicas_equal")] == [
        "holds"
    ] * 3


def test_a_pair_that_answers_is_not_linearizable_and_agrees_again_after_the_heal() -> None:
    world = run(experiment("answer", [CUT]))
    assert availability(world, 4.5, 13) == 1
    assert verdict(world, "linearizable") == "violated"
    assert verdict(world, "cap_dichotomy") == verdict(world, "replicas_equal") == "holds"


@pytest.mark.parametrize("choice", ["block", "answer"])
def test_a_person_may_choose_before_the_time_is_over(choice: str) -> None:
    other = {"block": "answer", "answer": "block"}[choice]
    press = {"at_s": 3.5, "do": "command", "target": [LEFT, RIGHT], "name": choice}
    world = run(experiment(other, [CUT, press]))
    assert availability(world, 3.6, 8.8) == (0 if choice == "block" else 1)


def test_a_link_that_works_one_way_is_as_good_as_none() -> None:
    world = run(experiment("block", [{**CUT, "one_way": True}]))
    assert availability(world, 4.5, 8.8) == 0
    assert verdict(world, "linearizable") == "holds"


def test_a_slow_node_makes_both_slow_and_a_fast_clock_chooses_too_early() -> None:
    whole = run(experiment("block", []))
    slow = run(experiment("block", [{"at_s": 1, "do": "slow", "target": RIGHT, "service_ms": 5}]))
    assert harness.metric(slow, "latency_p50_ms") > 1.3 * harness.metric(whole, "latency_p50_ms")
    brief = {**CUT, "for_s": 0.6}
    fast = {"at_s": 1, "do": "clock", "target": LEFT, "rate": 3}
    patient, hasty = run(experiment("block", [brief])), run(experiment("block", [brief, fast]))
    assert [verdict(world, "linearizable") for world in (patient, hasty)] == ["holds", "holds"]
    assert availability(hasty, 3, 3.6) is not None
    assert harness.metric(hasty, "failed") > harness.metric(patient, "failed") == 0


@pytest.mark.parametrize("part", ["", "answer"])
def test_there_is_no_third_outcome(part: str) -> None:
    base = catalogue.load("CAP-02")
    made = variant(base, part) if part else base
    for seed in seeds("pair_choices"):
        world = World(made, seed)
        world.run_until(12_000_000)
        assert verdict(world, "cap_dichotomy") in ("holds", "unknown"), f"seed {seed}"
        assert part or verdict(world, "cap_dichotomy") == "holds", f"seed {seed}"


@pytest.mark.parametrize("seed", seeds("pair_choices"))
def test_a_pair_that_blocks_is_linearizable_under_any_faults(seed: int) -> None:
    plain = nemesis.experiment(
        seed, "cap_pair", {"decide_after_s": 0.4}, servers=2, mix={"put": 1, "get": 1}, rate=5, disk_ms=2
    )
    plain["checks"] = ["linearizable", "replicas_equal"]
    for line in plain["workload"]:
        line |= {"retries": 0, "stop_s": plain["stop_s"] - 2}
    world = run(plain)
    assert verdict(world, "linearizable") in ("holds", "unknown"), f"seed {seed}"
    assert verdict(world, "replicas_equal") == "holds", f"seed {seed}"


def test_a_write_that_is_repeated_after_its_node_blocked_happens_once() -> None:
    """Its answer is lost, the other node overwrites it, and only then its client asks again."""
    operations = [
        {"id": "first", "client": f"c-{LEFT}", "to": LEFT, "stay": True, "operation": "put", "key": "k",
         "value": "a", "at_s": 1, "timeout_ms": 3000, "give_up_ms": 9000},
        {"id": "seen", "client": f"c-{RIGHT}", "to": RIGHT, "operation": "get", "key": "k", "at_s": 3.2},
        {"id": "second", "client": f"c-{RIGHT}", "to": RIGHT, "operation": "put", "key": "k",
         "value": "b", "at_s": 3.4},
        {"id": "last", "client": f"c-{RIGHT}", "to": RIGHT, "operation": "get", "key": "k", "at_s": 4.5},
    ]  # fmt: skip
    faults = [
        {"at_s": 0.5, "do": "drop", "match": {"message": message, "from": RIGHT}, "for_s": 2.4}
        for message in ("StoreAck", "Pong")
    ]
    idle = [{"client": f"c-{node}", "at": node, "to": node, "rate": 0} for node in (LEFT, RIGHT)]
    world = run(experiment("block", faults, workload=idle, operations=operations))
    results = [one.result for one in world.history.operations.values() if one.kind == "get"]
    assert results == ["a", "b"]
    assert verdict(world, "linearizable") == "holds"


def test_who_works_at_one_node_alone_proves_no_third_way() -> None:
    plain = experiment("answer", [{**CUT, "for_s": 9}])
    plain["workload"] = plain["workload"][:1]
    world = run(plain)
    assert availability(world, 4.5, 11) == 1
    assert verdict(world, "linearizable") == "holds"
    assert verdict(world, "cap_dichotomy") == "unknown"


def test_reads_of_what_the_other_node_wrote_would_be_a_third_way() -> None:
    check = CapDichotomy(apart={0: True, 1: True})
    for number in range(2 * ENOUGH):
        kind, node = (("put", LEFT), ("get", RIGHT))[number % 2]
        value = number // 2
        asked = Operation(
            number, f"c-{node}", "k", kind, value if kind == "put" else None, invoked_us=10 * number
        )
        check.invoked(10 * number, number, asked)
        result = value if kind == "get" else None
        check.completed(10 * number + 5, number, asked.completed(10 * number + 5, "ok", result, node))
    assert check.verdict().verdict == "violated"


@pytest.mark.parametrize("name", SYSTEMS["cap_pair"].twins)
def test_a_twin_is_caught_where_the_pair_passes(name: str) -> None:
    caught_by = {twin.name: twin.caught_by for twin in SYSTEMS["cap_pair"].descriptor.twins}[name]
    on_cut = "answer" if name == "meets_without_sync" else "block"
    plain = experiment(on_cut, [CUT])
    if name == "meets_without_sync":  # (Whatever is written afterwards reaches both.)
        for line in plain["workload"]:
            line |= {"stop_s": 8, "keys": 20}
    if name == "reads_its_own_copy":  # (One reader must see what has not reached the other yet.)
        for line in plain["workload"]:
            line |= {"rate": 60, "keys": 1, "arrival": "poisson"}
    correct, broken = run(plain), run({**plain, "twin": name})
    assert [verdict(correct, check) for check in caught_by] == ["holds"]
    assert [verdict(broken, check) for check in caught_by] == ["violated"]
