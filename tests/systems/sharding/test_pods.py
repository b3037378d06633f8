"""Pods behind a balancer: how requests are shared out, how the autoscaler decides, what faults do to both."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.sharding.autoscaler import Autoscaler
from simulations.engine.systems.sharding.meters import totals
from simulations.engine.systems.sharding.parameters import Parameters
from simulations.engine.world import World
from tests.systems.recording import RecordingContext
from tests.systems.sharding.helpers import verdicts

JUDGED: list[Any] = [
    "steady_scaling",
    *({"metric": name, "at_least": 0} for name in ("pods_max", "scale_reversals", "overload_s")),
]


def pods(
    *,
    pools: int = 2,
    rate: float = 60,
    stop_s: float = 20,
    faults: list[dict[str, Any]] | None = None,
    parameters: dict[str, Any] | None = None,
    twin: str | None = None,
    seed: int = 1,
    autoscaler: bool = False,
) -> World:
    """A front, several pools of two pods each that do 20 requests a second, and perhaps an autoscaler."""
    kinds = {"front": "balancer", **{f"pool{n}": "pod_pool" for n in range(1, pools + 1)}}
    if autoscaler:
        kinds["boss"] = "autoscaler"
    made: dict[str, Any] = {
        "format": 1,
        "id": "pods",
        "title": {"en": "Pods", "zh": "Pod"},
        "seed": seed,
        "system": "sharding",
        "parameters": {"pods": 2, "pod_rps": 20, "sync_s": 5, "pod_start_s": 4, "stabilization_s": 20}
        | (parameters or {}),
        "topology": {
            "nodes": [
                {"id": id, "processes": [{"system": "sharding", "role": role}]} for id, role in kinds.items()
            ],
            "links": {"default": {"latency_ms": 1}},
        },
        "workload": [
            {"client": "users", "at": "front", "to": "front", "operation": "call", "rate": rate, "stay": True,
             "arrival": "poisson", "retries": 0, "timeout_ms": 1500, "in_flight": 2000}
        ],
        "faults": faults or [],
        "stop_s": stop_s,
        "checks": JUDGED,
    }  # fmt: skip
    if twin:
        made["twin"] = twin
    world = World(parse(made, SYSTEMS))
    world.run_until(round(stop_s * 1_000_000))
    return world


def metric(world: World, name: str, **scope: Any) -> Any:
    return harness.metric(world, name, Scope(**scope))


# -- balancing ----------------------------------------------------------------------------------------------------


def test_two_choices_are_nearly_as_good_as_knowing_all_queues_and_far_better_than_one() -> None:
    """Mitzenmacher 2001."""
    worst = {
        policy: metric(
            pods(pools=4, rate=140, stop_s=12, parameters={"policy": policy, "pod_queue": 50}),
            "latency_p99_ms",
        )
        for policy in ("random", "power_of_two", "least_outstanding", "round_robin")
    }
    assert worst["least_outstanding"] <= worst["power_of_two"] < 0.6 * worst["random"]
    assert worst["round_robin"] < worst["random"]


def test_round_robin_sends_as_much_to_a_pool_that_is_far_and_least_outstanding_less() -> None:
    far = [{"at_s": 2, "do": "delay", "to": "pool1", "latency_ms": 300}]
    shares = {}
    for policy in ("round_robin", "least_outstanding"):
        world = pods(faults=far, parameters={"policy": policy, "pod_queue": 50})
        served = [world.by_id[pool].process.served for pool in ("pool1", "pool2")]  # type: ignore[attr-defined]
        shares[policy] = served[0] / sum(served)
    assert shares["round_robin"] > 0.48
    assert shares["least_outstanding"] < 0.44


def test_a_full_queue_refuses_at_once() -> None:
    world = pods(rate=160, parameters={"pod_queue": 4})
    failed = [one for one in world.observer.ledger.done if one.outcome == "fail"]
    assert len(failed) > 500
    assert max((one.returned_us or 0) - one.invoked_us for one in failed) < 10_000
    assert metric(world, "latency_p99_ms") < 4 * 50 + 10
    assert metric(world, "overload_s", from_us=5_000_000) == 15


# -- faults change what is measured -----------------------------------------------------------------------------------


def test_a_cut_link_a_slow_node_and_a_stopped_clock_change_the_metrics() -> None:
    good = pods()
    cut = pods(faults=[{"at_s": 5, "do": "cut", "from": "front", "to": "pool2", "for_s": 5}])
    slow = pods(faults=[{"at_s": 5, "do": "slow", "target": "pool2", "service_ms": 20}])
    stopped = pods(faults=[{"at_s": 5, "do": "clock", "target": "pool2", "rate": 0.01}])
    assert metric(good, "success_share") > 0.99
    assert metric(cut, "success_share", from_us=5_000_000, to_us=11_000_000) < 0.9
    assert metric(slow, "latency_p99_ms") > 1.2 * metric(good, "latency_p99_ms")
    assert metric(stopped, "success_share", from_us=6_000_000) < 0.8


# -- the autoscaler -------------------------------------------------------------------------------------------------


def scaler(**settings: Any) -> Autoscaler:
    made = Autoscaler(parameters=Parameters(**settings))
    made.context = RecordingContext("boss")
    return made


@pytest.mark.parametrize(
    ("now", "ratio", "desired"),
    [(4, 3.0, 12), (4, 1.1, 4), (4, 1.11, 5), (4, 0.9, 4), (12, 0.3, 4), (10, 0.75, 8), (3, 0.0, 1)],
)
def test_desired_is_pods_times_metric_over_target_rounded_up(now: int, ratio: float, desired: int) -> None:
    """Kubernetes documentation: ceil(currentReplicas x currentMetric / desiredMetric), tolerance 0.1."""
    assert scaler(tolerance=0.1).desired(now, ratio) == desired


@pytest.mark.parametrize(("now", "desired", "allowed"), [(4, 12, 8), (2, 12, 6), (10, 12, 12), (10, 50, 20)])
def test_growth_is_at_most_double_or_four_more(now: int, desired: int, allowed: int) -> None:
    assert scaler().limited(now, desired) == allowed


def test_the_highest_recommendation_of_the_window_counts_when_shrinking() -> None:
    boss = scaler(stabilization_s=300)
    decided = []
    for at_s, desired in ((0, 12), (15, 5), (290, 4), (301, 3), (320, 3)):
        boss.context.now = at_s * 1_000_000  # type: ignore[misc]
        decided.append(boss.stabilized(12, desired))
    assert decided == [12, 12, 12, 5, 4]


SURGE = [
    {"at_s": 20, "do": "load", "target": "users", "rate": 100},
    {"at_s": 60, "do": "load", "target": "users", "rate": 30},
]


@cache
def surge(noise: float = 0, twin: str | None = None) -> World:
    """Pods of 10 requests a second under a load that triples for 40 s."""
    settings = {"pod_rps": 10, "noise": noise}
    return pods(autoscaler=True, rate=30, stop_s=90, faults=SURGE, parameters=settings, twin=twin)


def test_pods_follow_the_load_late_and_go_after_the_window() -> None:
    world = surge()
    assert 10 <= metric(world, "pods_max") <= 12
    assert 5 <= metric(world, "overload_s", from_us=20_000_000, to_us=60_000_000) <= 20
    first_grown = next(at for at, wanted, _ in totals(world) if wanted > 4)
    first_ready = next(at for at, _, ready in totals(world) if ready > 4)
    assert first_ready - first_grown >= 4_000_000
    assert totals(world)[-1][1] < 6
    assert verdicts(world)["steady_scaling"] == "holds"


def test_a_slow_clock_of_the_autoscaler_makes_the_overload_longer() -> None:
    slow = [*SURGE, {"at_s": 15, "do": "clock", "target": "boss", "rate": 0.2}]
    late = pods(autoscaler=True, rate=30, stop_s=60, faults=slow, parameters={"pod_rps": 10})
    span = {"from_us": 20_000_000, "to_us": 60_000_000}
    assert metric(late, "overload_s", **span) > metric(surge(), "overload_s", **span)


def test_without_the_window_a_noisy_measurement_makes_pods_flap_and_the_twin_is_caught() -> None:
    steady, twin = surge(noise=0.2), surge(noise=0.2, twin="no_stabilization")
    assert verdicts(steady)["steady_scaling"] == "holds"
    assert verdicts(twin)["steady_scaling"] == "violated"
    assert metric(twin, "scale_reversals") > metric(steady, "scale_reversals")


def test_without_an_autoscaler_nothing_scales() -> None:
    settings = {"pod_rps": 10, "autoscaler": False}
    world = pods(autoscaler=True, rate=30, stop_s=60, faults=SURGE[:1], parameters=settings)
    assert metric(world, "pods_max") == 4
    assert metric(world, "overload_s", from_us=20_000_000, to_us=60_000_000) >= 35
