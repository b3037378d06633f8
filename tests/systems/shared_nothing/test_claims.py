"""What the sources claim of sharing nothing, soft state and partial failure; what a person expects who draws it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.engine.systems import shared_nothing
from simulations.engine.systems.shared_nothing import SYSTEM
from simulations.engine.systems.shared_nothing.holder import Holder
from simulations.engine.systems.shared_nothing.messages import Copied, Copy
from simulations.engine.systems.shared_nothing.parameters import Parameters
from simulations.engine.systems.shared_nothing.properties import ServedOnce
from simulations.engine.systems.shared_nothing.router import shard_of
from tests.systems.drawn import assert_described, metric, noted_everywhere, run, verdict
from tests.systems.shared_nothing.kit import SERVERS, cluster, group, server

MILLION = 1_000_000


def key_of(shard: int, shards: int = 2) -> str:
    return next(f"k{number}" for number in range(100) if shard_of(f"k{number}", shards) == shard)


def test_every_key_is_in_exactly_one_place() -> None:
    world = run(cluster({}, []))
    held = [set(server(world, id).values) for id in SERVERS]
    assert all(held)
    assert not held[0] & held[1] | held[0] & held[2] | held[1] & held[2]


def test_a_server_passes_on_what_it_does_not_hold_and_answers_itself() -> None:
    made = group()
    made.request("p", "put", key_of(1), "x")
    made.quiet()
    assert made.processes["q"].values == {key_of(1): "x"}
    assert [reply.outcome for reply in made.replies] == ["ok"]
    assert made.processes["p"].values == {}


def test_a_dead_shard_concerns_its_own_keys_only() -> None:
    world = run(cluster({}, [{"at_s": 2, "do": "kill", "target": "bell"}]))
    span = {"from_us": 2_500_000}
    assert [metric(world, "availability", node=id, **span) for id in SERVERS] == [1, 0, 1]
    assert 0.2 < metric(world, "failed_share", **span) < 0.45


def test_a_write_waits_for_every_running_copy() -> None:
    made = group(replicas=2)
    made.contexts["p"].take()
    made.request("p", "put", key_of(0), "x")
    ((to, copy),) = made.contexts["p"].take()
    assert (to, type(copy)) == ("q", Copy)
    made.receive("q", "p", copy)
    assert made.contexts["q"].take() == [("p", Copied(0, 1))]
    made.receive("p", "q", Copied(0, 1))
    assert len(made.contexts["p"].take()) == 1


def test_a_copy_is_confirmed_when_it_is_on_disk() -> None:
    made = group(replicas=2)
    made.request("p", "put", key_of(0), "x")
    ((_, copy),) = [item for item in made.contexts["p"].take() if isinstance(item[1], Copy)]
    made.contexts["q"].take()
    made.contexts["q"].instant = False
    made.receive("q", "p", copy)
    assert made.contexts["q"].take() == []
    made.flush("q")
    assert len(made.contexts["q"].take()) == 1


def test_who_has_been_silent_is_waited_for_no_more_and_its_standby_serves() -> None:
    made = group(replicas=2)
    made.request("p", "put", key_of(0), "x")
    made.step()
    made.crash("q")
    made.contexts["p"].now += MILLION
    made.fire("p", "expire")
    made.quiet()
    assert [reply.outcome for reply in made.replies] == ["ok"]
    assert made.processes["p"].in_status("serving") == (0, 1)


def test_a_retry_at_the_standby_is_not_carried_out_twice() -> None:
    made = group(replicas=2)
    made.request("p", "append", key_of(0), "x")
    made.quiet()
    made.crash("p")
    made.contexts["q"].now += MILLION
    made.fire("q", "expire")
    made.operations -= 1
    made.request("q", "append", key_of(0), "x")
    assert made.processes["q"].values == {key_of(0): "x"}


LOST = [
    {"at_s": 3.5, "do": "kill", "target": "cray"},
    {"at_s": 3.5, "do": "disk_lose", "target": "cray", "everything": True},
    {"at_s": 5, "do": "restart", "target": "cray"},
]
RESTORE = {"at_s": 7, "do": "restore_backup", "target": "cray"}
RESTORED = [*LOST, RESTORE]
BACKED_UP: dict[str, Any] = {"backup_every_s": 1.5, "restore_keys_per_s": 200}


def test_an_empty_disk_is_not_served_while_a_backup_exists() -> None:
    world = run(cluster(BACKED_UP, LOST, extra=("backup_store",), stop_s=7))
    assert metric(world, "role_at_end", node="cray") == "empty"
    assert metric(world, "availability", node="cray", from_us=5_500_000) == 0


def test_an_operator_restores_what_was_backed_up_at_a_limited_rate_and_the_rest_is_lost() -> None:
    world = run(cluster(BACKED_UP, RESTORED, extra=("backup_store",), stop_s=10))
    assert verdict(world, "backup_restored") == "holds"
    assert verdict(world, "no_lost_ack") == "violated"
    assert 0.2 < metric(world, "rpo_s") < 0.6  # the last backup was taken half a second before
    restored = server(world, "cray").restored
    assert 3.4 + restored / 200 < metric(world, "rto_s") < 4.3 + restored / 200


def test_a_restore_goes_back_to_the_point_in_time_that_is_asked_for() -> None:
    key = key_of(2, 3)
    back = [{"at_s": 5, "do": "restore_backup", "target": "cray", "to_s": 2}]
    puts = [
        {"client": "one", "at": "cray", "operation": "put", "key": key, "value": value, "at_s": at}
        for value, at in (("early", 1), ("late", 3))
    ]
    world = run(cluster(BACKED_UP, back, extra=("backup_store",), rate=0, operations=puts, stop_s=8))
    assert server(world, "cray").values == {key: "early"}


def test_with_copies_a_lost_disk_costs_a_moment_and_no_data() -> None:
    world = run(cluster({"replicas": 2}, LOST, stop_s=8))
    assert (verdict(world, "no_lost_ack"), verdict(world, "one_server_per_shard")) == ("holds", "holds")
    assert metric(world, "rto_s") < 1
    assert set(server(world, "cray").status.values()) == {"standby"}


def test_who_serves_a_shard_twice_is_judged_by_the_moment_of_the_question_alone() -> None:
    check, one, two = ServedOnce(), *(Holder(id=id, status={0: "serving"}) for id in ("one", "two"))
    for running, said in (({0: one, 1: two}, "violated"), ({0: one}, "holds"), ({}, "unknown")):
        check.look(0, 0, running)
        assert check.verdict().verdict == said


DIRECTORY: dict[str, Any] = {"directory": True, "refresh_s": 1, "ttl_s": 2.5, "degraded_answers": True}


def test_the_directory_is_rebuilt_from_heartbeats_alone() -> None:
    wiped = [
        {"at_s": 3, "do": "kill", "target": "directory"},
        {"at_s": 3.1, "do": "restart", "target": "directory", "disk": "lost"},
    ]
    world = run(cluster(DIRECTORY, wiped, extra=("directory",)))
    assert 100 < metric(world, "directory_rebuilt_ms", from_us=3 * MILLION) < 1110
    assert server(world, "directory").writes.last == 0
    assert verdict(world, "no_lost_ack") == "holds"


def test_users_of_a_dead_shard_get_degraded_answers_that_say_so() -> None:
    world = run(cluster(DIRECTORY, [{"at_s": 2, "do": "kill", "target": "ada"}], extra=("directory",)))
    late = {"from_us": 2_500_000}
    assert 0.2 < metric(world, "degraded_share", **late) < 0.45
    assert metric(world, "unaffected_share", **late) + metric(world, "degraded_share", **late) > 0.98
    assert metric(world, "degraded_share", to_us=2 * MILLION, from_us=500_000) == 0


def test_soft_state_that_is_not_refreshed_expires() -> None:
    world = run(cluster(DIRECTORY, [{"at_s": 2, "do": "kill", "target": "ada"}], extra=("directory",)))
    assert sorted(server(world, "directory").heard) == ["bell", "cray"]


def test_on_any_topology_a_cut_is_seen_in_the_metrics() -> None:
    servers = ["n1", "n2", "n3", "n4", "n5"]
    cut = {"at_s": 2, "do": "cut", "from": "n1", "to": "n4"}
    world = run(cluster({}, [cut], servers=servers))
    shares = [metric(world, "availability", node=id, from_us=2_500_000) for id in servers]
    assert shares == [1, 1, 1, 0, 1]


def test_on_any_topology_a_slow_node_is_seen_in_the_metrics() -> None:
    slow = {"at_s": 1, "do": "slow", "target": "bell", "service_ms": 15}
    quick, late = (metric(run(cluster({}, faults)), "latency_p99_ms") for faults in ([], [slow]))
    assert late > quick + 10


def test_on_any_topology_a_slow_clock_is_seen_in_what_a_lost_disk_costs() -> None:
    """A server whose clock runs slow takes its backups late."""
    clock = {"at_s": 0.1, "do": "clock", "target": "cray", "rate": 0.3}
    worlds = [
        run(cluster(BACKED_UP, [*more, *RESTORED], extra=("backup_store",), stop_s=10))
        for more in ([], [clock])
    ]
    on_time, late = (metric(world, "lost_acknowledged") for world in worlds)
    assert 0 < on_time * 1.5 < late


def test_the_page_is_told_what_every_part_is() -> None:
    world = run(cluster({}, [], extra=("directory", "backup_store"), stop_s=1))
    assert_described(SYSTEM, [server(world, id) for id in ("ada", "directory", "backup_store")])
    noted_everywhere(SYSTEM, Path(shared_nothing.__file__).parent)


@pytest.mark.parametrize(
    ("field", "value"),
    [("shards", 0), ("replicas", 11), ("ttl_s", 0.05), ("patience_ms", 0), ("restore_keys_per_s", 0)],
)
def test_a_wrong_parameter_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("part", "expected"), [({"keys": "k1, k2"}, "holds"), ({"to_s": 3}, "unknown")])
def test_a_restore_of_a_part_is_not_blamed_for_the_rest(part: dict[str, Any], expected: str) -> None:
    faults = [*LOST, {**RESTORE, **part}]
    world = run(cluster({"backup_every_s": 1}, faults, extra=("backup_store",), stop_s=10))
    assert verdict(world, "backup_restored") == expected
