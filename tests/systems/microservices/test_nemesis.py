"""Random faults on a platform with every mechanism switched on: the checks hold, and it recovers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.budget import seeds
from tests.systems.microservices.kit import client, metric, node, recipe, run
from tests.systems.nemesis import CALM_S, fault_lines

NODES = ["door", "desk", "lb", "box1", "box2", "box3", "memory", "store"]
CHECKS = ("retry_budget", "breaker_closes", "important_first", "deep_health")
BREAKER = {"window_s": 2, "minimum_requests": 6, "sleep_s": 0.5, "half_open_calls": 2, "half_open_s": 1}


def platform(seed: int, profile: str) -> dict[str, Any]:
    """A door, a desk that asks a cache and a fleet, and a database behind the cache."""
    nodes = [
        node(
            "door",
            "gateway",
            routes={"get": "desk", "put": "desk"},
            pools={"put": 10},
            keys={"app": 60},
            timeout_ms=700,
        ),
        node("desk", "service", calls=["lb", "memory"], attempts=3, retry_budget=0.2, breaker=BREAKER),
        node("lb", "balancer", health="deep", outlier_ejection=True, phi=6),
        *(
            node(f"box{number}", "container", shedding="priority", crash_after_overload_s=1)
            for number in (1, 2, 3)
        ),
        node("memory", "cache", calls=["store"], attempts=2, retry_budget=0.2),
        node("store", "database"),
    ]
    workload = [
        client("door", "c1", operation="get", keys=5, retries=2, arguments={"app": "app"}),
        client("door", "c2", operation="put", keys=5, rate=10, arguments={"app": "app"}),
    ]
    stop_s = 10.0
    deploy = {"at_s": 1, "do": "command", "target": "lb", "name": "deploy", "arguments": {"version": "bad"}}
    faults = [deploy, *fault_lines(seed, profile, NODES, stop_s)]
    plain = recipe(nodes, workload, faults, stop_s, storage={"default": {"write_ms": 2}})
    plain["topology"]["regions"] = [{"id": "region", "zones": [{"id": "zone"}]}]
    for one in nodes:
        one["zone"] = "zone"
    plain["topology"]["links"]["default"] = {
        "latency_ms": {"uniform": [0.5, 3]},
        "loss": 0.002,
        "duplicate": 0.02,
    }
    settings = {
        "timeout_ms": 150,
        "health_check_s": 0.2,
        "restart_s": 0.2,
        "rollback_after_s": 1,
        "service_ms": 2,
    }
    return {**plain, "seed": seed, "parameters": settings}


def recovers(seed: int, profile: str) -> None:
    world = run(platform(seed, profile))
    verdicts = {name: world.verdicts()[name].verdict for name in CHECKS}
    replay = f"replay: run(platform({seed}, {profile!r}))"
    assert "violated" not in verdicts.values(), f"{replay}: {verdicts}"
    assert metric(world, "success_share", from_s=10 - CALM_S + 2) > 0.9, replay


@pytest.mark.parametrize("profile", ["mixture", "everything"])
@pytest.mark.parametrize("seed", seeds("microservices_nemesis"))
def test_random_faults_break_no_mechanism_and_it_recovers(seed: int, profile: str) -> None:
    recovers(seed, profile)


@pytest.mark.parametrize("seed", [48, 269])
def test_a_bad_version_that_faults_kept_from_being_asked_does_not_reach_every_container(seed: int) -> None:
    """Its deep health checks failed, so it got no request; no request failed, so it was taken for good."""
    recovers(seed, "mixture")
