"""What the sources claim of each mechanism, on small topologies drawn here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.systems.microservices.kit import client, metric, node, noted, process, recipe, run

BREAKER = {"window_s": 2, "minimum_requests": 10, "error_share": 0.5, "sleep_s": 2}


def broken(target: str, at_s: float = 2, share: float = 1) -> dict[str, Any]:
    return {"at_s": at_s, "do": "set_parameter", "target": target, "name": "fail_share", "value": share}


# -- timeouts, pools, retries (Release It!, chapter 5; SRE, chapter 22) ----------------------------------------------


def shop(**parameters: Any) -> dict[str, Any]:
    """A door with two routes; what is behind one of them hangs after 2 s."""
    routes = {"read": "reader", "write": "writer"}
    nodes = [
        node("door", "gateway", routes=routes, pool=12, service_ms=0, **parameters),
        node("reader", "service"),
        node("writer", "service"),
    ]
    workload = [
        client("door", "readers", operation="read", timeout_ms=9000, give_up_ms=9000),
        client("door", "writers", operation="write", timeout_ms=9000, give_up_ms=9000),
    ]
    return recipe(nodes, workload, [{"at_s": 2, "do": "pause", "target": "reader"}])


def test_without_a_timeout_one_hanging_dependency_takes_every_thread() -> None:
    world = run(shop(timeout_ms=0), notes=True)
    assert metric(world, "success_share", from_s=4, client="writers") is None  # (nobody is even answered)
    assert metric(world, "pool_exhausted_s") == pytest.approx(2.55, abs=0.2)
    assert "microservices.no_thread" in noted(world)


def test_a_timeout_frees_the_threads() -> None:
    world = run(shop(timeout_ms=200), notes=True)
    assert metric(world, "success_share", client="writers") == 1
    assert metric(world, "busy_threads_max", node="door") <= 6
    assert metric(world, "pool_exhausted_s", node="door") is None
    assert "microservices.timeout" in noted(world)


def test_a_bulkhead_keeps_the_damage_to_one_route() -> None:
    world = run(shop(timeout_ms=0, pools={"read": 6}))
    assert metric(world, "success_share", client="writers") == 1
    assert metric(world, "success_share", from_s=3, client="readers") is None


def layers(count: int, attempts: int, **parameters: Any) -> dict[str, Any]:
    """Services in a row that all retry; the last one fails."""
    names = [f"layer{number}" for number in range(count)]
    nodes = [
        node(name, "service", calls=[names[place + 1]] if place + 1 < count else [], **parameters)
        for place, name in enumerate(names)
    ]
    plain = recipe(
        nodes, [client(names[0], rate=5, timeout_ms=8000, give_up_ms=8000)], [broken(names[-1], 1)], 6
    )
    return {
        **plain,
        "parameters": {"attempts": attempts, "service_ms": 1, "backoff_ms": 1, "timeout_ms": 4000},
    }


@pytest.mark.parametrize(("count", "attempts"), [(2, 3), (3, 3), (4, 2)])
def test_attempts_multiply_by_the_layers(count: int, attempts: int) -> None:
    world = run(layers(count, attempts))
    expected = attempts ** (count - 1)
    assert metric(world, "leaf_calls_per_user_call", from_s=2, to_s=5.6) == pytest.approx(expected, rel=0.02)


def test_a_budget_bounds_the_retries() -> None:
    world = run(layers(2, 4, retry_budget=0.2))
    assert metric(world, "leaf_calls_per_user_call", from_s=4) == pytest.approx(1.2, abs=0.12)
    assert world.verdicts()["retry_budget"].verdict == "holds"


# -- breakers --------------------------------------------------------------------------------------------------------


def called(**parameters: Any) -> dict[str, Any]:
    """One service that calls another, which fails from 2 s to 6 s."""
    nodes = [
        node("front", "service", calls=["depot"], breaker=BREAKER, timeout_ms=200, **parameters),
        node("depot", "service"),
    ]
    return recipe(nodes, [client("front")], [broken("depot"), broken("depot", 6, 0)], 10)


def test_an_open_breaker_fails_fast_spares_the_dependency_and_closes_again() -> None:
    world = run(called(), notes=True)
    assert metric(world, "breaker_opened_s") == pytest.approx(3, abs=0.4)
    assert metric(world, "calls_to", from_s=3.5, to_s=5.5, node="depot") <= 2
    assert 6 <= metric(world, "breaker_closed_s") <= 8.2
    assert metric(world, "success_share", from_s=8.3) == 1
    assert {f"microservices.breaker_{state}" for state in ("open", "half_open", "closed")} <= noted(world)


def test_a_fallback_answers_while_the_breaker_is_open() -> None:
    world = run(called(fallback=True))
    assert metric(world, "success_share") == 1
    assert (
        metric(world, "latency_p50_ms", from_s=4, to_s=5.5) == 7
    )  # (its own work, and the way there and back)


def test_a_silent_dependency_opens_the_breaker_too() -> None:
    plain = called()
    world = run({**plain, "faults": [{"at_s": 2, "do": "kill", "target": "depot"}]})
    assert metric(world, "breaker_opened_s") == pytest.approx(3.2, abs=0.4)


# -- queues and shedding (SRE, chapter 21; Zhou et al. 2018) ---------------------------------------------------------


def test_newest_first_serves_somebody_in_time_under_overload() -> None:
    def share(order: str) -> float:
        nodes = [node("till", capacity=50, queue=order)]
        world = run(recipe(nodes, [client("till", rate=80, ignore_late=True)]))
        return float(metric(world, "success_share", from_s=6))

    assert share("fifo") < 0.05
    assert share("lifo") > 0.5


def test_a_request_that_nobody_waits_for_is_not_begun() -> None:
    settings: dict[str, Any] = {"capacity": 50, "queue": "fifo", "deadline_ms": 500}
    late = run(recipe([node("till", drop_expired=True, **settings)], [client("till", rate=80)]))
    assert metric(late, "latency_p99_ms") < 550
    assert metric(late, "success_share", from_s=6) > 0.5


def test_work_that_waits_too_long_crashes_an_instance_and_shedding_prevents_it() -> None:
    """20 requests a second too many: work waits 50 ms after 0.13 s, and for 2 s more until it crashes."""

    def crashed(shedding: str) -> tuple[bool, Any]:
        parameters: dict[str, Any] = {"capacity": 50, "crash_after_overload_s": 2, "shedding": shedding}
        world = run(recipe([node("till", **parameters)], [client("till", rate=70)]))
        return process(world, "till").role == "crashed", metric(world, "crashed_s", node="till")

    assert crashed("none") == (True, pytest.approx(2.15, abs=0.1))
    assert crashed("queue") == (False, None)


def test_shedding_by_priority_serves_the_important_route_whole() -> None:
    settings: dict[str, Any] = {"capacity": 50, "shedding": "priority", "priorities": {"pay": 1, "browse": 8}}
    workload = [
        client("till", "payers", operation="pay"),
        client("till", "lookers", operation="browse", rate=80),
    ]
    world = run(recipe([node("till", **settings)], workload, stop_s=16))
    assert metric(world, "success_share", from_s=4, client="payers") >= 0.98
    assert metric(world, "success_share", from_s=4, client="lookers") < 0.6
    assert world.verdicts()["important_first"].verdict == "holds"


# -- health checks and ejection (Huang et al. 2017) ------------------------------------------------------------------


def pool(count: int, faults: list[dict[str, Any]], stop_s: float = 10, **parameters: Any) -> dict[str, Any]:
    """A balancer before instances i1, i2, ..."""
    nodes = [node("lb", "balancer", **parameters), *(node(f"i{number}") for number in range(1, count + 1))]
    return recipe(nodes, [client("lb", rate=60)], faults, stop_s)


def test_a_shallow_health_check_lies_and_a_deep_one_tells() -> None:
    faults = [broken("i2")]
    shallow, deep = run(pool(3, faults)), run(pool(3, faults, health="deep"), notes=True)
    assert metric(shallow, "healthy_on_dashboard", from_s=3) == 3
    assert metric(shallow, "error_share", from_s=5) == pytest.approx(1 / 3, abs=0.03)
    assert metric(deep, "healthy_on_dashboard", from_s=5) == 2
    assert metric(deep, "error_share", from_s=5) == 0
    assert "microservices.unhealthy" in noted(deep)


def test_outliers_are_ejected_for_a_time_and_come_back() -> None:
    faults = [broken("i3", share=0.5), broken("i3", 5, 0)]
    world = run(pool(3, faults, 12, outlier_ejection=True, ejection_s=4), notes=True)
    assert metric(world, "ejected_s", node="i3") == pytest.approx(4, abs=1)
    assert {"microservices.ejected", "microservices.readmitted"} <= noted(world)
    assert process(world, "lb").ejected == ()


def test_never_more_than_half_are_ejected() -> None:
    faults = [broken(f"i{number}", share=0.2 * number) for number in (1, 2, 3)]
    world = run(pool(4, faults, outlier_ejection=True, ejection_margin=0))
    assert 1 <= len(process(world, "lb").ejected) <= 2


@pytest.mark.parametrize("phi", [0, 8])
def test_a_dead_instance_is_found_by_missed_checks_or_by_suspicion(phi: float) -> None:
    faults = [{"at_s": 4, "do": "kill", "target": "i1", "for_s": 3}]
    world = run(pool(2, faults, 10, phi=phi, health_check_s=0.5))
    assert metric(world, "healthy_on_dashboard", from_s=0, to_s=3.9) == 2
    assert metric(world, "healthy_on_dashboard", from_s=4, to_s=7) == 1
    assert metric(world, "success_share", from_s=7) == 1
    assert process(world, "lb").healthy == ("i1", "i2")


@pytest.mark.parametrize("policy", ["round_robin", "random", "least_requests"])
def test_policies_spread_the_requests(policy: str) -> None:
    world = run(pool(3, [], 5, policy=policy))
    counts = [process(world, f"i{number}").received for number in (1, 2, 3)]
    assert sum(counts) == 299
    assert min(counts) > 60


def test_the_least_loaded_policy_avoids_a_slow_instance() -> None:
    faults = [{"at_s": 1, "do": "set_parameter", "target": "i1", "name": "service_ms", "value": 400}]
    turns, loads = run(pool(2, faults)), run(pool(2, faults, policy="least_requests"))
    assert process(loads, "i1").received < process(turns, "i1").received / 2


# -- the open platform: a door with keys, a cache and a database -----------------------------------------------------


def platform(faults: list[dict[str, Any]]) -> dict[str, Any]:
    nodes = [
        node("api", "gateway", routes={"get": "posts", "put": "posts"}, keys={"maps": 30, "bot": 5}),
        node("posts", "service", calls=["memory"]),
        node("memory", "cache", calls=["store"], cache_ttl_s=60),
        node("store", "database"),
    ]
    workload = [
        client("api", "maps", operation="get", keys=4, arguments={"app": "maps"}),
        client("api", "bot", operation="get", keys=4, arguments={"app": "bot"}),
        client("api", "writer", operation="put", rate=2, keys=4, arguments={"app": "maps"}),
        client("api", "stranger", operation="get", rate=2),
    ]
    return recipe(nodes, workload, faults, 8, storage={"default": {"write_ms": 20}})


def test_an_app_over_its_quota_is_refused_and_nobody_else() -> None:
    world = run(platform([]), notes=True)
    assert metric(world, "success_share", client="maps") == 1
    assert metric(world, "success_share", from_s=2, client="bot") == pytest.approx(0.25, abs=0.03)
    assert metric(world, "acknowledged", client="stranger") == 0
    assert {"microservices.no_key", "microservices.over_quota"} <= noted(world)
    assert next(one.result for one in world.observer.ledger.done if one.client == "stranger") == "no_key"


def test_the_cache_answers_most_reads_and_writes_wait_for_the_disk() -> None:
    world = run(platform([]))
    cache = process(world, "memory")
    assert cache.hits > 5 * cache.misses > 0
    assert process(world, "store").written == metric(world, "acknowledged", client="writer") > 10
    assert metric(world, "latency_p50_ms", client="writer") > 20 + metric(
        world, "latency_p50_ms", client="maps"
    )


def test_the_cache_hides_a_dead_database_from_readers_for_a_while() -> None:
    plain = platform([{"at_s": 4, "do": "kill", "target": "store"}])
    workload = [one for one in plain["workload"] if one["client"] != "writer"]
    world = run({**plain, "workload": workload})
    assert metric(world, "success_share", from_s=4.1, client="maps") == 1


# -- containers and rollouts (Burns et al. 2016; SRE workbook, chapter 16) -------------------------------------------


def fleet(count: int, faults: list[dict[str, Any]], stop_s: float, **parameters: Any) -> dict[str, Any]:
    nodes = [node("lb", "balancer"), *(node(f"box{number}", "container") for number in range(1, count + 1))]
    settings = {"service_ms": 1, "restart_s": 0.5, "rollback_after_s": 2, "health_check_s": 0.5, **parameters}
    return {**recipe(nodes, [client("lb", rate=50)], faults, stop_s), "parameters": settings}


def deploy(version: str, at_s: float = 1) -> dict[str, Any]:
    arguments = {"version": version}
    return {"at_s": at_s, "do": "command", "target": "lb", "name": "deploy", "arguments": arguments}


@pytest.mark.parametrize("way", ["all_at_once", "rolling", "canary"])
def test_a_good_version_reaches_every_container(way: str) -> None:
    world = run(fleet(3, [deploy("v2")], 12, deploy=way, canary_share=0.2))
    assert [process(world, f"box{number}").version for number in (1, 2, 3)] == ["v2"] * 3
    assert process(world, "lb").rollout == "done"
    if way != "all_at_once":
        assert metric(world, "success_share") == 1


@pytest.mark.parametrize(("way", "worst"), [("all_at_once", 1), ("rolling", 1 / 3), ("canary", 0.2)])
def test_a_bad_version_is_rolled_back_and_hits_no_more_users_than_its_step(way: str, worst: float) -> None:
    world = run(fleet(3, [deploy("bad")], 9, deploy=way, canary_share=0.2), notes=True)
    assert {process(world, f"box{number}").version for number in (1, 2, 3)} == {"v1"}
    assert metric(world, "error_share_max", from_s=1) == pytest.approx(worst, abs=0.03)
    assert metric(world, "rolled_back_s") < 6
    assert metric(world, "success_share", from_s=metric(world, "rolled_back_s")) == 1
    assert {"microservices.rolls_back", "microservices.rolled_back"} <= noted(world)


@pytest.mark.parametrize("way", ["rolling", "canary"])
def test_a_version_that_fails_its_health_checks_goes_no_further_though_nobody_asks_it(way: str) -> None:
    few = fleet(3, [deploy("bad")], 12, deploy=way, canary_share=0.2)
    few["workload"] = [client("lb", rate=1)]
    few["parameters"] |= {"health": "deep"}
    world = run(few, notes=True)
    assert {process(world, f"box{number}").version for number in (1, 2, 3)} == {"v1"}
    assert process(world, "lb").rollout == "rolled back"
    assert "microservices.rolls_back_unhealthy" in noted(world)


def test_a_good_version_is_not_taken_back_for_the_time_it_was_starting() -> None:
    world = run(fleet(2, [deploy("v2")], 25, restart_s=3, health_check_s=1, rollback_after_s=0.1), notes=True)
    assert "microservices.unhealthy" in noted(world)
    assert process(world, "lb").rollout == "done"
    assert {process(world, f"box{number}").version for number in (1, 2)} == {"v2"}


def test_a_bad_link_of_a_chain_is_found_though_the_others_fail_with_it() -> None:
    world = run(fleet(3, [deploy("bad", 3)], 12, chain=6))
    assert {process(world, f"box{number}").version for number in (1, 2, 3)} == {"v1"}
    assert metric(world, "success_share", from_s=8) == 1


def test_orders_to_deploy_that_get_lost_are_repeated() -> None:
    lost = {"at_s": 0.5, "do": "cut", "from": "lb", "to": "box2", "for_s": 3}
    world = run(fleet(2, [lost, deploy("v2")], 12, deploy="all_at_once"))
    assert process(world, "box2").version == "v2"
    assert process(world, "lb").rollout == "done"


def test_a_rollout_whose_balancer_dies_is_taken_back() -> None:
    dies = {"at_s": 2.5, "do": "kill", "target": "lb", "for_s": 0.5}
    world = run(fleet(3, [deploy("bad"), dies], 8, deploy="all_at_once", rollback_after_s=60), notes=True)
    assert {process(world, f"box{number}").version for number in (1, 2, 3)} == {"v1"}
    assert metric(world, "success_share", from_s=5) == 1
    assert "microservices.rollout_interrupted" in noted(world)


def test_a_supervisor_restarts_what_dies_with_growing_pauses() -> None:
    world = run(fleet(1, [deploy("crashing")], 12, deploy="all_at_once", rollback_after_s=60), notes=True)
    # Lives of 0.2 s, pauses of 0.5, 1, 2, 4, 8 s: a constant pause would have made fifteen restarts.
    assert metric(world, "restarts") == 5
    assert "microservices.restarts" in noted(world)


def test_a_supervisor_dies_with_its_node() -> None:
    faults = [
        {"at_s": 1, "do": "command", "target": "box1", "name": "crash"},
        {"at_s": 4, "do": "kill", "target": "box2"},
    ]
    world = run(fleet(2, faults, 8))
    assert process(world, "box1").role == "running"
    assert metric(world, "running_at_end") == 2  # (the balancer and box1)


def test_what_was_deployed_survives_a_restart_of_the_node() -> None:
    faults = [deploy("v7"), {"at_s": 6, "do": "kill", "target": "box1", "for_s": 1}]
    assert process(run(fleet(1, faults, 9)), "box1").version == "v7"


# -- chains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("nodes", "chain"), [(1, 7), (3, 7), (7, 7)])
def test_every_request_passes_all_services_of_a_chain(nodes: int, chain: int) -> None:
    links = [node(f"link{number}", "chain") for number in range(nodes)]
    plain = recipe(links, [client("link0", rate=10)], stop_s=3)
    world = run({**plain, "parameters": {"chain": chain, "service_ms": 1}})
    received = [process(world, f"link{number}").received for number in range(nodes)]
    assert sum(received) == chain * metric(world, "acknowledged")
