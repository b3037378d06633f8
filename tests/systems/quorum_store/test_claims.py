"""What Dynamo, Cassandra, ABD and PACELC say of such a store, one test per claim."""

from __future__ import annotations

import pytest

from simulations.engine.experiment import ExperimentError, parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.quorum_store.parameters import Parameters
from simulations.engine.systems.quorum_store.placement import owners
from simulations.engine.systems.quorum_store.versions import Version, concurrent, descends, siblings
from simulations.engine.world import World
from tests.systems.quorum_store.drawn import NAMES, experiment, measured, run, verdict
from tests.systems.quorum_store.test_twins import get, put, scripted

ALONE = {"at_s": 2, "do": "partition", "groups": [["anna"], ["bo", "cleo"]], "for_s": 2}


def result(world: World, client: str) -> list[object]:
    return [op.result for op in world.observer.ledger.done if op.client == client and op.outcome == "ok"]


# -- Dynamo 4.2, 4.3: the ring


def test_a_key_has_n_different_owners_and_a_new_node_takes_its_share() -> None:
    before = {f"k{number}": owners(f"k{number}", NAMES[:5], 3, 32) for number in range(2000)}
    after = {key: owners(key, NAMES[:6], 3, 32) for key in before}
    assert all(len(set(found)) == 3 for found in before.values())
    gained = sum("finn" in found for found in after.values())
    assert 0.4 < gained / len(after) < 0.6
    assert all(set(after[key]) - set(found) <= {"finn"} for key, found in before.items())


# -- Dynamo 4.4: vector clocks


def test_a_version_that_has_seen_another_replaces_it_and_others_are_siblings() -> None:
    first = Version("1", 10, "a", (("a", 10),))
    second = Version("2", 20, "a", (("a", 20),))
    other = Version("3", 15, "b", (("a", 10), ("b", 15)))
    assert descends(second.clock, first.clock)
    assert not descends(first.clock, second.clock)
    assert concurrent(second, other)
    assert siblings([first, second, other]) == (other, second)
    assert siblings([other, first]) == (other,)


def test_writes_on_both_sides_of_a_partition_become_siblings_or_one_of_them_is_gone() -> None:
    lines = [put("left", "anna", "l", 2.5), put("right", "bo", "r", 2.6), get("reader", "cleo", 5)]
    parameters = {"r": 1, "w": 1, "sloppy": True}
    both = run(scripted({**parameters, "conflicts": "siblings"}, lines, faults=[ALONE]))
    last = run(scripted(parameters, lines, faults=[ALONE]))
    assert result(both, "reader") == [["l", "r"]]
    assert result(last, "reader") == ["r"]
    assert measured(both, "conflicts") > 0
    assert measured(last, "conflicts") > 0


# -- last write wins trusts clocks


def test_a_clock_that_is_behind_loses_acknowledged_writes_and_two_rounds_do_not() -> None:
    lines = [put("ahead", "anna", "old", 1), put("behind", "bo", "new", 2), get("reader", "cleo", 3)]
    for mode, seen, kept in (("majority", "old", "violated"), ("linearizable", "new", "holds")):
        world = run(scripted({"mode": mode}, lines, clocks={"bo": {"offset_ms": -5000}}))
        assert result(world, "reader") == [seen]
        assert verdict(world, "no_lost_ack") == kept
        assert verdict(world, "linearizable") == kept


# -- strict and sloppy quorums, Dynamo 4.6


def test_a_strict_quorum_refuses_where_a_sloppy_one_answers() -> None:
    plain = {"clients": ("anna", "bo"), "names": NAMES[:3], "faults": [{**ALONE, "for_s": 3}], "stop_s": 9}
    strict = run(experiment({"mode": "linearizable"}, **plain))
    sloppy = run(experiment({"r": 1, "w": 1, "sloppy": True}, **plain))
    alone = {"client": "c-anna", "from_us": 2_100_000, "to_us": 4_900_000}
    assert measured(strict, "acknowledged", **alone) == 0
    assert measured(strict, "availability", client="c-bo") == 1
    assert measured(sloppy, "availability") == 1
    assert [verdict(world, "linearizable") for world in (strict, sloppy)] == ["holds", "violated"]
    assert verdict(sloppy, "replicas_equal") == "holds"


def test_a_hint_on_the_next_healthy_node_counts_in_a_sloppy_quorum() -> None:
    away = [
        {"at_s": 1, "do": "kill", "target": ["cleo", "dan"]},
        {"at_s": 6, "do": "restart", "target": "down"},
    ]
    names = NAMES[:5]
    plain = {
        "names": names,
        "clients": ("anna",),
        "mix": {"put": 1},
        "keys": 60,
        "faults": away,
        "stop_s": 10,
    }
    strict = run(experiment({"n": 3, "w": 3, "r": 1}, **plain))
    sloppy = run(experiment({"n": 3, "w": 3, "r": 1, "sloppy": True}, **plain))
    span = {"from_us": 2_000_000, "to_us": 5_000_000}
    assert measured(sloppy, "acknowledged", **span) > 2 * measured(strict, "acknowledged", **span)
    assert verdict(sloppy, "no_lost_ack") == "holds"


# -- PACELC: the running system follows its slider


def test_the_slider_changes_the_latency_and_the_staleness_of_the_running_system() -> None:
    modes = ("local", "majority", "all", "linearizable")
    faults = [
        {"at_s": 5 * (number + 1), "do": "set_parameter", "name": "mode", "value": mode}
        for number, mode in enumerate(modes[1:])
    ]
    links = {"default": {"latency_ms": 40}}
    topology = {"nodes": [{"id": name} for name in NAMES[:3]], "links": links}
    plain = experiment(
        {"mode": "local"},
        topology=topology,
        names=NAMES[:3],
        faults=faults,
        stop_s=23,
        rate=20,
        keys=2,
        arrival="poisson",
    )
    world = run(plain)
    latency, stale = {}, {}
    for number, mode in enumerate(modes):
        span = {"from_us": (5 * number + 1) * 1_000_000, "to_us": (5 * number + 5) * 1_000_000}
        latency[mode] = measured(world, "latency_p99_ms", **span)
        stale[mode] = measured(world, "stale_reads", **span)
    assert latency["local"] < 5 < 80 <= latency["majority"] <= latency["all"] < 200
    assert latency["linearizable"] >= 160
    assert stale["local"] > 0
    assert stale["majority"] == stale["all"] == stale["linearizable"] == 0


# -- membership


def test_nodes_join_and_leave_while_faults_happen_and_nothing_is_lost_or_stale() -> None:
    names = NAMES[:5]
    faults = [
        {"at_s": 1, "do": "loss", "chance": 0.05},
        {"at_s": 1, "do": "duplicate", "chance": 0.1},
        {"at_s": 2, "do": "configure", "target": "anna", "add": "eve"},
        {"at_s": 2.6, "do": "kill", "target": "cleo"},
        {"at_s": 3.2, "do": "restart", "target": "cleo"},
        {"at_s": 9, "do": "configure", "target": "bo", "remove": "anna"},
        {"at_s": 9.5, "do": "pause", "target": "dan", "for_s": 0.5},
    ]
    shared = {"members": list(names[:4]), "keys": 200}
    plain = experiment(
        {"stream_keys_per_s": 300}, names=names, clients=("bo", "dan"), keys=60, rate=15, faults=faults,
        initial={"shared": shared}, stop_s=18,
    )  # fmt: skip
    world = run(plain)
    rings = {world.by_id[name].process.ring for name in names}  # type: ignore[attr-defined]
    assert [(ring.phase, ring.new) for ring in rings] == [("stable", ("bo", "cleo", "dan", "eve"))]
    assert verdict(world, "no_lost_ack") == "holds"
    assert measured(world, "stale_reads") == 0
    assert len(world.by_id["anna"].process.store) < 10  # type: ignore[attr-defined]


def test_a_leaver_that_never_answers_is_left_behind() -> None:
    names = NAMES[:4]
    faults = [
        {"at_s": 3, "do": "kill", "target": "dan"},
        {"at_s": 4, "do": "configure", "target": "anna", "remove": "dan"},
    ]
    plain = experiment({}, names=names, clients=("anna",), keys=60, rate=20, faults=faults, stop_s=14)
    world = run(plain)
    ring = world.by_id["anna"].process.ring  # type: ignore[attr-defined]
    assert (ring.phase, ring.new) == ("stable", names[:3])
    assert verdict(world, "no_lost_ack") == "holds"
    assert measured(world, "stale_reads") == 0


# -- bad input


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"n": 0}, "parameters.n"),
        ({"mode": "strong"}, "parameters.mode"),
        ({"read_repair": "sometimes"}, "parameters.read_repair"),
        ({"probe_ms": [-1]}, "parameters.probe_ms[0]"),
        ({"quorum": 2}, "parameters.quorum"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(parameters: dict[str, object], field: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse(experiment(parameters), SYSTEMS)
    assert field in str(caught.value)


def test_quorums_never_exceed_the_members() -> None:
    assert Parameters(n=5, r=4, w=9).quorums(3) == (3, 3)
    assert Parameters(n=5, r=1, w=1, linearizable=True).quorums(5) == (3, 3)
    assert Parameters(mode="local").quorums(3) == (1, 1)
