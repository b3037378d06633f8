"""Primary-replica under random faults, its broken twins, and faults that show in its metrics."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from simulations.engine import harness
from simulations.engine.meters import Scope
from simulations.engine.systems.primary_replica.descriptor import DESCRIPTOR
from simulations.engine.systems.primary_replica.parameters import Parameters
from simulations.engine.systems.primary_replica.twins import TWINS
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.failover_kit import DATABASES, coordinator, database, nemesis, play, recipe, verdicts

LATE = Scope(8_000_000)


@pytest.mark.parametrize("seed", seeds("failover_properties"))
def test_synchronous_under_any_coordinator_loses_nothing_and_has_one_primary(seed: int) -> None:
    world = play(nemesis(seed, "sync"))
    found = verdicts(world)
    assert "violated" not in found.values(), f"play(nemesis({seed}, 'sync')): {found}"
    assert found["no_lost_ack"] == found["no_split_brain"] == "holds"
    assert harness.metric(world, "acknowledged", LATE) > 0, f"play(nemesis({seed}, 'sync')) stands still"


@pytest.mark.parametrize("seed", seeds("failover_properties"))
def test_semi_synchronous_may_lose_writes_but_never_has_two_histories(seed: int) -> None:
    world = play(nemesis(seed, "semi_sync"))
    found = verdicts(world)
    assert found["one_history_per_epoch"] == "holds", f"play(nemesis({seed}, 'semi_sync')): {found}"
    assert harness.metric(world, "acknowledged", LATE) > 0, f"play(nemesis({seed}, 'semi_sync')) stands still"


# -- twins --------------------------------------------------------------------------------------------------------

SENTINEL = coordinator("sentinel", quorum=2, down_after_ms=500, ping_ms=100, election_ms=100)


def cut_off(twin: str | None, **parameters: Any) -> World:
    """The primary is alone for a while, with a client beside it; then it rejoins."""
    nodes = [database(name, SENTINEL) for name in DATABASES[:3]]
    clients = [
        {"client": f"of-{id}", "at": id, "to": to, "rate": 20, "keys": 50}
        for id, to in (("paris", "paris"), ("rome", "hint"))
    ]
    faults = [{"at_s": 2, "do": "partition", "groups": [["paris"], ["rome", "oslo"]], "for_s": 2}]
    made = recipe(nodes, faults, parameters=parameters, workload=clients, leader="paris", twin=twin, stop_s=6)
    return play(made)


def switched(twin: str | None) -> World:
    """An operator makes rome the primary while paris is well; each has a client of its own."""
    nodes = [{"id": name} for name in DATABASES[:3]]
    clients = [{"client": f"of-{id}", "at": id, "to": id, "rate": 20, "keys": 50} for id in ("paris", "rome")]
    faults = [{"at_s": 2, "do": "promote", "target": "rome"}]
    return play(recipe(nodes, faults, workload=clients, leader="paris", twin=twin, stop_s=4))


def test_who_ignores_epochs_is_caught() -> None:
    assert verdicts(switched("ignore_epochs"))["no_split_brain"] == "violated"
    assert verdicts(switched(None))["no_split_brain"] == "holds"


def test_who_keeps_its_tail_is_caught() -> None:
    assert verdicts(cut_off("keep_tails"))["one_history_per_epoch"] == "violated"
    assert verdicts(cut_off(None))["one_history_per_epoch"] == "holds"


def dying(twin: str | None) -> World:
    """Semi-synchronous; the primary dies while its replicas are 60 ms behind; an operator promotes another."""
    faults = [{"at_s": 2, "do": "kill", "target": "paris"}, {"at_s": 2.5, "do": "promote", "target": "rome"}]
    parameters = {"mode": "semi_sync", "replication_lag_ms": 60}
    nodes = [{"id": name} for name in DATABASES[:3]]
    return play(recipe(nodes, faults, parameters=parameters, leader="paris", twin=twin, stop_s=5))


def test_who_answers_before_its_replicas_is_caught() -> None:
    assert verdicts(dying("answer_before_replicas"))["no_lost_ack"] == "violated"
    assert verdicts(dying(None))["no_lost_ack"] == "holds"


@pytest.mark.parametrize("twin", sorted(TWINS))
def test_a_twin_passes_a_run_without_faults(twin: str) -> None:
    nodes = [{"id": name} for name in DATABASES]
    world = play(recipe(nodes, [], parameters={"mode": "semi_sync"}, leader="oslo", twin=twin, stop_s=3))
    assert set(verdicts(world).values()) == {"holds"}


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_overrides_the_one_rule_it_names(twin: Any) -> None:
    for made in TWINS[twin.name].values():
        assert [name for name in vars(made) if not name.startswith("__")] == [twin.rule]


# -- faults show ----------------------------------------------------------------------------------------------------


def four(fault: dict[str, Any] | None, **parameters: Any) -> dict[str, Any]:
    """Four databases under writes; what the clients saw."""
    nodes = [{"id": name} for name in DATABASES]
    settings = {"mode": "sync", **parameters}
    world = play(recipe(nodes, [fault] if fault else [], parameters=settings, leader="bern", stop_s=5))
    names = ("acknowledged", "longest_gap_ms", "latency_p99_ms")
    return {name: harness.metric(world, name) for name in names}


def test_a_cut_link_stops_synchronous_writes() -> None:
    calm, hit = four(None), four({"at_s": 2, "do": "cut", "from": "bern", "to": "rome", "for_s": 1.5})
    assert calm["longest_gap_ms"] < 200
    assert hit["longest_gap_ms"] > 1400


def test_a_clock_that_jumps_back_holds_no_entry_back() -> None:
    fault = {"at_s": 2, "do": "clock", "target": "bern", "jump_ms": -60_000}
    assert four(fault, replication_lag_ms=60)["longest_gap_ms"] < 300


def test_a_slow_replica_slows_synchronous_writes() -> None:
    calm, hit = four(None), four({"at_s": 1, "do": "slow", "target": "oslo", "service_ms": 20})
    assert hit["latency_p99_ms"] > 1.5 * calm["latency_p99_ms"]


def test_a_clock_that_runs_fast_makes_semi_synchronous_fall_back_early() -> None:
    """The timeout is the primary's own time: at fifty times the speed a second is 20 ms, and a replica is 60 away."""
    fault = {"at_s": 1, "do": "clock", "target": "bern", "rate": 50}
    lag = {"mode": "semi_sync", "semi_sync_timeout_ms": 1000}
    slow = {"at_s": 0.5, "do": "delay", "from": "bern", "extra_ms": 60}
    nodes = [{"id": name} for name in DATABASES]
    runs = [
        play(recipe(nodes, [slow, *more], parameters=lag, leader="bern", stop_s=3)) for more in ([], [fault])
    ]
    p50 = [harness.metric(world, "latency_p50_ms", Scope(1_500_000)) for world in runs]
    assert p50[1] < p50[0] / 2


def test_replication_lag_times_rate_is_what_a_crash_costs() -> None:
    """Lost acknowledged writes = lag x rate, on another topology and at other numbers than the catalogue's."""
    for lag_ms in (200, 500):
        nodes = [{"id": name} for name in DATABASES]
        clients = [{"client": "writer", "at": "rome", "rate": 100, "keys": 400, "in_flight": 50}]
        faults = [
            {"at_s": 3, "do": "kill", "target": "bern"},
            {"at_s": 3.5, "do": "promote", "target": "rome"},
        ]
        parameters = {"replication_lag_ms": lag_ms}
        world = play(recipe(nodes, faults, parameters=parameters, workload=clients, leader="bern", stop_s=5))
        lost = harness.metric(world, "lost_acknowledged")
        assert 0.9 * lag_ms / 10 <= lost <= 1.1 * lag_ms / 10 + 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "some"), ("fencing", "yes"), ("window", 0), ("detect_ms", 0), ("fence_delay_ms", {"n1": -1})],
)
def test_a_wrong_parameter_is_named(field: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: value}, Parameters)
