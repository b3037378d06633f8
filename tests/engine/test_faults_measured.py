"""What faults cost the clients, whether replicas agree, and what sessions may rely on: in real runs, and by hand."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.checks import availability
from simulations.engine.checks.convergence import Convergence, differing
from simulations.engine.checks.guarantees import CHECKS as GUARANTEES
from simulations.engine.checks.history import Operation
from simulations.engine.experiment import parse
from simulations.engine.meters import Scope
from simulations.engine.world import World
from tests.systems.drawn import drawn
from tests.systems.drawn import run as run_drawn


def experiment(faults: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Five servers, 50 writes a second, these faults."""
    return {
        "format": 1,
        "id": "measured",
        "title": {"en": "Measured", "zh": "测量"},
        "seed": 3,
        "system": "raft",
        "parameters": {},
        "topology": {"preset": "one_zone_5"},
        "workload": [{"client": "c1", "at": "n2", "operation": "put", "rate": 50, "keys": 5}],
        "initial": {"leader": "n1", "term": 1},
        "faults": faults,
        "stop_s": 12,
        "checks": ["no_lost_ack", {"metric": "converged_ms", "from_s": 1, "at_most": 60_000}],
        **changes,
    }


def run(plain: dict[str, Any]) -> World:
    world = World(parse(plain))
    world.run_until(round(plain["stop_s"] * 1_000_000))
    return world


def test_a_crashed_leader_costs_an_election_and_no_data() -> None:
    (found,) = availability.reports(run(experiment([{"at_s": 4, "do": "kill", "target": "n1", "for_s": 3}])))
    assert (found.do, found.hit, found.at_s, found.ended_s) == ("kill", ("n1",), 4.0, 7.0)
    assert found.rto_s is not None
    assert 0.15 < found.rto_s < 1.0
    assert found.recovered
    assert (found.lost_operations, found.rpo_s) == (0, 0.0)
    assert found.before.goodput == pytest.approx(50, abs=2)
    assert found.after is not None
    assert found.after.goodput == pytest.approx(50, abs=2)
    assert found.during.latency_p99_ms is not None
    assert found.before.latency_p99_ms is not None
    assert found.during.latency_p99_ms > 2 * found.before.latency_p99_ms


def test_without_a_majority_nothing_recovers() -> None:
    world = run(experiment([{"at_s": 4, "do": "kill", "target": ["n1", "n3", "n4"]}]))
    (found,) = availability.reports(world)
    assert not found.recovered
    assert found.ended_s is None
    assert found.after is None
    assert found.rto_s == pytest.approx(8.0, abs=0.1)
    assert found.during.goodput < 0.2, "what was on its way may still arrive"
    assert found.during.error_share is not None
    assert found.during.error_share > 0.95
    assert harness.metric(world, "rto_s") == found.rto_s
    assert harness.metric(world, "error_share", Scope(7_000_000)) == 1.0


def test_each_fault_has_its_own_report() -> None:
    faults = [
        {"at_s": 3, "do": "kill", "target": "leader", "for_s": 1},
        {"at_s": 6, "do": "pause", "target": "n5", "for_s": 1},
    ]
    world = run(experiment(faults))
    leader, spare = availability.reports(world)
    assert leader.rto_s is not None
    assert spare.rto_s is not None
    assert leader.rto_s > 3 * spare.rto_s
    assert harness.metric(world, "rto_s", Scope(5_000_000)) == spare.rto_s
    assert world.results()["faults"][1]["do"] == "pause"


def test_what_a_disk_lost_is_charged_to_the_fault_that_lost_it() -> None:
    """A single server that answers, crashes and loses the end of its log."""
    plain = experiment(
        [
            {"at_s": 2, "do": "pause", "target": "n5", "for_s": 0.5},
            {"at_s": 5, "do": "kill", "target": ["n1", "n2", "n3"]},
            {"at_s": 5.1, "do": "disk_lose", "target": ["n1", "n2", "n3"], "last_entries": 20},
            {"at_s": 5.2, "do": "restart", "target": ["n1", "n2", "n3"]},
        ],
        topology={"preset": "one_zone_3"},
    )
    plain["faults"][0]["target"] = "n3"
    world = run(plain)
    assert world.verdicts()["no_lost_ack"].verdict == "violated"
    first, second = availability.reports(world)
    assert first.lost_operations == 0
    assert second.lost_operations is not None
    assert 10 <= second.lost_operations <= 20
    assert second.rpo_s == pytest.approx(second.lost_operations / 50, abs=0.15)
    assert harness.metric(world, "rpo_s") == second.rpo_s


def test_a_run_without_faults_has_no_reports() -> None:
    world = run(experiment([], stop_s=2))
    assert availability.reports(world) == []
    assert harness.metric(world, "rto_s") is None
    assert harness.metric(world, "rpo_s") is None


def test_a_fork_keeps_books_of_its_own() -> None:
    world = World(parse(experiment([{"at_s": 1, "do": "kill", "target": "n5", "for_s": 1}], stop_s=4)))
    world.run_until(1_500_000)
    fork = world.fork()
    fork.run_until(4_000_000)
    assert world.faults.past[0].ended_us is None
    assert fork.faults.past[0].ended_us == 2_000_000
    restored = World.load(world.experiment, world.save())
    assert restored.faults.past == world.faults.past


# -- replicas -----------------------------------------------------------------------------------------------------


def test_a_minority_differs_while_it_is_cut_off_and_converges_after_the_heal() -> None:
    cut = [{"at_s": 3, "do": "partition", "groups": [["n4", "n5"], ["n1", "n2", "n3"]]}]
    workload = [{"client": "c1", "at": "n2", "operation": "put", "rate": 50, "keys": 5, "stop_s": 5}]
    apart = run(experiment(cut, stop_s=7, checks=["replicas_equal"], workload=workload))
    assert apart.verdicts()["replicas_equal"].verdict == "violated"
    assert apart.verdicts()["replicas_equal"].values["keys"] == harness.metric(apart, "keys_differing") > 0
    healed = run(experiment([*cut, {"at_s": 8, "do": "heal"}], workload=workload))
    assert harness.metric(healed, "keys_differing") == 0
    took = harness.metric(healed, "converged_ms", Scope(8_000_000))
    assert took is not None
    assert 10 < took < 1000
    assert harness.metric(healed, "converged_ms", Scope(11_000_000)) == 0.0


def test_replicas_that_are_empty_are_compared_only_when_something_was_written() -> None:
    """Nothing written: nothing to compare. Written and gone from all of them: equal, whatever else is wrong with it."""
    workload = [{"client": "c1", "at": "n2", "operation": "get", "rate": 50, "keys": 5}]
    read = run(experiment([], stop_s=2, checks=["replicas_equal"], workload=workload))
    assert (read.verdicts()["replicas_equal"].verdict, read.verdicts()["replicas_equal"].judged) == (
        "unknown",
        0,
    )
    workload[0]["operation"] = "put"
    written = run(experiment([], stop_s=2, checks=["replicas_equal"], workload=workload))
    assert written.verdicts()["replicas_equal"].judged == 5
    for context in written.processes_of("raft"):
        context.process.data = {}  # type: ignore[attr-defined]
    assert written.verdicts()["replicas_equal"].verdict == "holds"


def test_the_keys_that_differ() -> None:
    class Replica:
        def __init__(self, **data: Any) -> None:
            self.data = data

    class Part(Replica):
        def owns(self, key: str) -> bool:
            return key == "a"

    assert differing([]) == differing([Replica(a=1, b=2), Replica(a=1, b=2)]) == []
    assert differing([Replica(a=1, b=2), Replica(a=1, b=3), Replica(a=1)]) == ["b"]
    assert differing([Replica(), Replica(a=None)]) == ["a"]
    assert differing([Replica(a=1, b=2), Part(a=1), Replica(a=1, b=2)]) == []


def test_a_replica_that_never_got_anything_differs_from_one_that_did() -> None:
    """Only what changes is told to checks: what a process begins with must count as well."""
    cut = {"at_s": 0, "do": "partition", "groups": [["a"], ["b", "c"]]}
    plain = drawn(
        "multi_leader",
        ["a", "b", "c"],
        workload=[{"client": "c1", "at": "a", "to": "a", "operation": "put", "rate": 10, "stop_s": 3}],
        faults=[cut, {"at_s": 4, "do": "kill", "target": "c", "for_s": 1}],
        checks=["replicas_equal", {"metric": "converged_ms", "at_least": 0}],
    )
    apart = run_drawn(plain)
    assert apart.verdicts()["replicas_equal"].verdict == "violated"
    assert harness.metric(apart, "converged_ms", Scope(1_000_000)) is None
    assert harness.metric(apart, "converged_ms", Scope(5_500_000)) is None
    healed = run_drawn({**plain, "faults": [*plain["faults"], {"at_s": 5, "do": "heal"}]})
    took = harness.metric(healed, "converged_ms", Scope(5_000_000))
    assert took is not None
    assert 0 < took < 1000


def test_turns_are_noted_once() -> None:
    meter = Convergence()

    class Replica:
        def __init__(self, state_hash: int) -> None:
            self.state_hash = state_hash

    for at_us, index, state_hash in ((1, 0, 7), (2, 1, 7), (3, 1, 8), (4, 2, 9), (5, 0, 8), (6, 2, 8)):
        meter.changed(at_us, at_us, index, (), (), Replica(state_hash))
    assert list(meter.turns) == [(3, False), (6, True)]
    meter.changed(7, 7, 0, (), (), Replica(10))
    meter.crashed(8, 1, 0)
    assert list(meter.turns)[2:] == [(7, False), (8, True)]


# -- sessions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(GUARANTEES))
def test_a_guarantee_names_the_event_that_breaks_it(name: str) -> None:
    check = GUARANTEES[name]()
    assert check.verdict().verdict == "unknown"
    lines = [("put", 1, None), ("put", 2, None), ("get", None, 2), ("get", None, 1)]
    for number, (kind, argument, result) in enumerate(lines):
        operation = Operation(number, "c1", "x", kind, argument, number * 10)
        check.invoked(number * 10, 2 * number, operation)
        check.completed(number * 10 + 5, 2 * number + 1, operation.completed(number * 10 + 5, "ok", result))
        if number == 2:
            assert check.verdict().verdict != "violated"
            check = check.fork()
    verdict = check.verdict()
    assert (verdict.verdict, verdict.event, verdict.at_us) == ("violated", 7, 35)
    assert verdict.values["operation"] == 3


def test_stale_reads_count_in_their_scope() -> None:
    slow = World(parse(experiment([], stop_s=1)))
    slow.run_until(1_000_000)
    assert harness.metric(slow, "stale_reads") == 0
    assert harness.metric(slow, "staleness_ms_max") is None


def test_a_repeated_operation_ends_after_its_count_and_its_last_result_is_told() -> None:
    puts = {
        "id": "puts",
        "client": "c2",
        "at": "n1",
        "operation": "put",
        "key": "x",
        "at_s": 2,
        "every_s": 0.1,
    }
    read = {"id": "read", "client": "c2", "operation": "get", "key": "x", "at_s": 4}
    plain = experiment([], workload=[], operations=[{**puts, "count": 3}, read], stop_s=5)
    world = run(plain)
    assert harness.metric(world, "acknowledged", Scope(client="c2")) == 4
    assert harness.metric(world, "result", Scope(operation="read")) == "c2.3"
    assert harness.metric(world, "result", Scope(operation="other")) is None
