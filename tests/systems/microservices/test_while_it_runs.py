"""Parameters that people change while a system runs."""

from __future__ import annotations

from typing import Any

from tests.systems.microservices.kit import client, metric, node, process, recipe, run


def change(at_s: float, target: str, name: str, value: Any) -> dict[str, Any]:
    return {"at_s": at_s, "do": "set_parameter", "target": target, "name": name, "value": value}


def test_ejection_can_be_switched_on() -> None:
    nodes = [node("lb", "balancer"), *(node(f"i{number}") for number in (1, 2, 3))]
    faults = [change(1, "i2", "fail_share", 1), change(4, "lb", "outlier_ejection", True)]
    world = run(recipe(nodes, [client("lb", rate=60)], faults, 9))
    assert 4 < metric(world, "ejected_s", node="i2") <= 6.1
    assert metric(world, "error_share", from_s=6.5) == 0


def test_health_checks_can_be_switched_on() -> None:
    nodes = [node("lb", "balancer", health_check_s=0), node("i1"), node("i2")]
    faults = [{"at_s": 1, "do": "kill", "target": "i1"}, change(4, "lb", "health_check_s", 0.5)]
    world = run(recipe(nodes, [client("lb")], faults, 9))
    assert metric(world, "healthy_on_dashboard", to_s=4) == 2
    assert process(world, "lb").healthy == ("i2",)


def test_a_bulkhead_that_is_taken_down_strands_nobody() -> None:
    nodes = [node("till", pools={"call": 1}, service_ms=200)]
    patient = client("till", rate=10, timeout_ms=9000, give_up_ms=9000)
    world = run(recipe(nodes, [{**patient, "stop_s": 3}], [change(3, "till", "pools", {})], 6))
    assert metric(world, "acknowledged") == 29
    assert process(world, "till").waiting == process(world, "till").busy == 0


def test_more_threads_begin_at_once_with_what_waits() -> None:
    nodes = [node("till", pool=1, service_ms=500)]
    patient = client("till", rate=10, timeout_ms=9000, give_up_ms=9000)
    world = run(recipe(nodes, [{**patient, "stop_s": 2}], [change(3, "till", "pool", 50)], 4))
    assert metric(world, "acknowledged") == 19


def test_a_breaker_keeps_its_state_when_something_else_is_changed() -> None:
    breaker = {"window_s": 2, "minimum_requests": 5, "sleep_s": 60}
    nodes = [node("front", "service", calls=["back"], breaker=breaker), node("back", fail_share=1)]
    world = run(recipe(nodes, [client("front")], [change(4, "front", "timeout_ms", 300)], 6))
    assert process(world, "front").breaker == "open"
    assert metric(world, "breaker_openings") == 1


def test_a_changed_breaker_begins_anew() -> None:
    breaker = {"window_s": 2, "minimum_requests": 5, "sleep_s": 60}
    nodes = [node("front", "service", calls=["back"], breaker=breaker), node("back", fail_share=1)]
    faults = [change(3, "back", "fail_share", 0), change(4, "front", "breaker", {**breaker, "sleep_s": 1})]
    world = run(recipe(nodes, [client("front")], faults, 6))
    assert metric(world, "success_share", from_s=4.2) == 1
    assert process(world, "front").breaker == "closed"
