"""Nothing is painted: on a topology drawn here, cutting one link, slowing one node or stopping one clock shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.systems.microservices.kit import client, metric, node, process, recipe, run

PARAMETERS = {"service_ms": 4, "timeout_ms": 300, "health_check_s": 0.5}


def street(*faults: dict[str, Any]) -> dict[str, Any]:
    """A door before a kiosk and a balancer with five stalls, one of them far away in name only."""
    stalls = [node(f"stall-{letter}") for letter in "abcde"]
    nodes = [
        node("arch", "gateway", routes={"sweet": "kiosk", "sour": "stalls"}),
        node(
            "kiosk",
            "service",
            calls=["stall-a"],
            breaker={"window_s": 2, "sleep_s": 1, "minimum_requests": 5},
        ),
        node("stalls", "balancer", backends=[one["id"] for one in stalls[1:]]),
        *stalls,
    ]
    workload = [client("arch", "sweets", operation="sweet"), client("arch", "sours", operation="sour")]
    return {**recipe(nodes, workload, list(faults), 8), "parameters": PARAMETERS}


def figures(*faults: dict[str, Any]) -> dict[str, Any]:
    world = run(street(*faults))
    names = ("success_share", "latency_p99_ms")
    found = {
        f"{name} {who}": metric(world, name, client=who) for name in names for who in ("sweets", "sours")
    }
    counts = [process(world, f"stall-{letter}").received for letter in "abcde"]
    health = metric(world, "healthy_on_dashboard", from_s=1)
    return {**found, "calls": counts, "healthy": health, "openings": metric(world, "breaker_openings")}


@pytest.fixture(scope="module")
def calm() -> dict[str, Any]:
    return figures()


def test_without_faults_everybody_is_served(calm: dict[str, Any]) -> None:
    assert (calm["success_share sweets"], calm["success_share sours"]) == (1, 1)
    assert (calm["healthy"], calm["openings"]) == (4, 0)


def test_a_cut_link_shows_only_where_it_is_used(calm: dict[str, Any]) -> None:
    cut = figures({"at_s": 2, "do": "cut", "from": "kiosk", "to": "stall-a"})
    assert cut["success_share sweets"] < 0.4
    assert cut["openings"] >= 1
    assert cut["success_share sours"] == 1
    other = figures({"at_s": 2, "do": "cut", "from": "stalls", "to": "stall-c"})
    assert other["healthy"] == 3
    assert other["calls"][2] < calm["calls"][2] / 2
    assert other["success_share sweets"] == 1


def test_a_slow_node_shows_in_the_latency(calm: dict[str, Any]) -> None:
    slow = figures({"at_s": 2, "do": "slow", "target": "stall-b", "service_ms": 40})
    assert slow["latency_p99_ms sours"] > 3 * calm["latency_p99_ms sours"]
    assert slow["latency_p99_ms sweets"] == calm["latency_p99_ms sweets"]


def test_a_stopped_clock_keeps_threads_from_their_timers(calm: dict[str, Any]) -> None:
    stopped = figures({"at_s": 2, "do": "clock", "target": "stall-a", "rate": 0.01})
    assert stopped["success_share sweets"] < 0.4
    assert stopped["success_share sours"] == 1
