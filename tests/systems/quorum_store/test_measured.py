"""No charts posing as systems: cut a link, slow a node, stop a clock, and the metrics of the run follow."""

from __future__ import annotations

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.quorum_store.drawn import NAMES, experiment, measured, run, verdict

NODES = NAMES[:5]


def test_a_cut_link_costs_the_hints_and_the_conflicts_of_what_passes_no_more() -> None:
    plain = experiment({"n": 5, "r": 1, "w": 1, "sloppy": True}, names=NODES, keys=40, rate=20)
    cut = {"at_s": 2, "do": "cut", "from": "anna", "to": "bo"}
    whole, apart = run(plain, until_s=6), run({**plain, "faults": [cut]}, until_s=6)
    assert measured(whole, "keys_differing") == 0
    assert measured(apart, "keys_differing") > 0
    assert measured(apart, "conflicts") > measured(whole, "conflicts")


def test_a_slow_node_costs_latency_where_everybody_must_answer() -> None:
    slow = [{"at_s": 2, "do": "slow", "target": "cleo", "service_ms": 30}]
    found = {}
    for mode in ("majority", "all"):
        plain = experiment({"n": 3, "mode": mode}, names=NAMES[:3], clients=("anna",), rate=4)
        before, after = run(plain), run({**plain, "faults": slow})
        found[mode] = measured(after, "latency_p50_ms") / measured(before, "latency_p50_ms")
    assert found["majority"] < 1.5 < 2 < found["all"]


def test_a_stopped_clock_costs_the_writes_of_its_node() -> None:
    plain = experiment({"mode": "majority"}, names=NAMES[:3], clients=("bo",), keys=1, mix={"put": 1})
    other = {"client": "other", "at": "anna", "to": "anna", "operation": "put", "key": "k0", "at_s": 3}
    plain["operations"] = [other]
    stopped = [{"at_s": 1, "do": "clock", "target": "bo", "rate": 0.01}]
    right, wrong = run(plain), run({**plain, "faults": stopped})
    assert verdict(right, "no_lost_ack") == "holds"
    assert measured(wrong, "lost_acknowledged") > 0


def test_a_copy_is_behind_for_as_long_as_its_link_takes() -> None:
    far = {"default": {"latency_ms": 5}, "between": [{"from": "anna", "to": "bo", "latency_ms": 70}]}
    plain = experiment({"mode": "local"}, names=NAMES[:3], clients=("anna",), keys=1, mix={"put": 1}, rate=4)
    world = run({**plain, "topology": {**plain["topology"], "links": far}})
    assert measured(world, "copy_behind_ms_max", node="bo") == 70
    assert measured(world, "copy_behind_ms_max", node="cleo") == 5
    assert measured(world, "copy_behind_ms_max", node="anna") is None


def test_the_divergence_meter_rises_while_apart_and_falls_to_zero_after_the_heal() -> None:
    """Along the run, as keyframes carry it; only those that keep a key are compared."""
    plain = experiment(
        {"n": 3, "r": 1, "w": 1, "vnodes": 16}, names=NAMES[:5], clients=NAMES[:5], keys=40, stop_s=12
    )
    plain["faults"] = [
        {"at_s": 3, "do": "partition", "groups": [list(NAMES[:2]), list(NAMES[2:5])]}, {"at_s": 6, "do": "heal"},
    ]  # fmt: skip
    world = World(parse(plain, SYSTEMS))
    seen = {}
    for second in (2, 5, 11):
        world.run_until(second * 1_000_000)
        seen[second] = world.metrics_now()["keys_differing"]
    assert seen[5] > 5
    assert seen[11] == 0
    assert seen[2] <= 2
