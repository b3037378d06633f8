"""What the sources claim of multi-leader replication, and what a person expects who draws a cluster of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.engine.systems import multi_leader
from simulations.engine.systems.multi_leader import SYSTEM
from simulations.engine.systems.multi_leader.messages import Changes, Hello, Outcome, Received, Version
from simulations.engine.systems.multi_leader.parameters import Parameters
from simulations.engine.systems.multi_leader.process import MultiLeader
from simulations.engine.systems.multi_leader.versions import joined, knows, later, without_ancestors
from tests.systems.drawn import assert_described, drawn, metric, noted_everywhere, run, verdict
from tests.systems.recording import Group


def group(*ids: str, **settings: Any) -> Group:
    made = Group(MultiLeader, ids or ("p", "q"), Parameters(**settings))
    made.start()
    made.quiet()
    return made


def ship(cluster: Group) -> None:
    for id in cluster.processes:
        cluster.fire(id, "ship")
    cluster.quiet()


def conflict(policy: str) -> Group:
    """Two leaders change one row; q's clock is later."""
    cluster = group(policy=policy)
    cluster.contexts["q"].now = 5
    cluster.request("p", "put", "row", "one")
    cluster.request("q", "put", "row", "two")
    ship(cluster)
    return cluster


def shown(cluster: Group, key: str = "row") -> list[Any]:
    return [process.data.get(key) for process in cluster.processes.values()]


def version(origin: str, number: int, stamp: int, **vector: int) -> Version:
    known = joined(tuple(sorted(vector.items())), ((origin, number),))
    return Version("row", "put", f"{origin}{number}", origin, number, stamp, known, (), number)


def test_every_leader_accepts_writes_alone_and_tells_the_others_later() -> None:
    cluster = group()
    cluster.request("p", "put", "row", "one")
    assert [type(message).__name__ for _, message in cluster.contexts["p"].take()] == ["Reply"]
    assert shown(cluster) == ["one", None]
    ship(cluster)
    assert shown(cluster) == ["one", "one"]


def test_last_write_wins_keeps_the_later_clock_everywhere() -> None:
    assert shown(conflict("lww")) == ["two", "two"]


def test_siblings_keep_both_until_somebody_who_saw_both_writes() -> None:
    cluster = conflict("siblings")
    assert shown(cluster) == [["one", "two"], ["one", "two"]]
    assert cluster.processes["p"].role == "conflicted"
    cluster.request("p", "put", "row", "three")
    ship(cluster)
    assert shown(cluster) == ["three", "three"]
    assert cluster.processes["q"].role == "in_step"


def test_a_mergeable_type_unites_them() -> None:
    cluster = conflict("crdt")
    assert shown(cluster) == [["one", "two"], ["one", "two"]]


def test_with_one_owner_a_row_is_changed_in_one_place_only() -> None:
    cluster = group(policy="single_owner")
    owner = cluster.processes["p"].owner_of("row")
    (other,) = {"p", "q"} - {owner}
    cluster.request(other, "put", "row", "one")
    assert cluster.processes[other].own.last == 0
    cluster.quiet()
    assert [reply.outcome for reply in cluster.replies] == ["ok"]
    assert Outcome in {type(message) for _, _, message in cluster.delivered}
    assert cluster.processes[owner].own.last == 1


def test_a_name_that_is_taken_here_is_refused_and_one_that_is_taken_elsewhere_is_not() -> None:
    cluster = group()
    for id in ("p", "p", "q"):
        cluster.request(id, "create", "user/li", id)
    cluster.request("q", "update", "nobody", "x")
    cluster.step()
    assert [reply.outcome for reply in cluster.replies] == ["ok", "fail", "ok", "fail"]


def test_version_vectors_tell_newer_from_concurrent() -> None:
    a, b = version("p", 1, 9), version("q", 1, 1)
    after_both = version("p", 2, 0, q=1)
    assert not knows(a, b)
    assert knows(after_both, a)
    assert without_ancestors((a,), b) == (a, b)
    assert without_ancestors((a, b), after_both) == (after_both,)
    assert without_ancestors((after_both,), a) == (after_both,)


def test_equal_timestamps_are_decided_alike_everywhere() -> None:
    a, b = version("p", 1, 7), version("q", 1, 7)
    assert (later(b, a), later(a, b)) == (True, False)


def test_changes_are_read_in_order_and_what_is_missing_is_sent_again() -> None:
    cluster = group()
    for value in ("one", "two", "three"):
        cluster.request("p", "put", value, value)
    cluster.contexts["p"].take()
    cluster.fire("p", "ship")
    ((_, batch),) = cluster.contexts["p"].take()
    assert isinstance(batch, Changes)
    cluster.receive("q", "p", Changes("p", 2, batch.versions[1:]))
    assert cluster.contexts["q"].take() == [("p", Received("p", 0))]
    cluster.fire("p", "resend")
    cluster.quiet()
    assert cluster.processes["q"].received == {"p": 3}


def test_a_leader_that_lost_its_disk_gets_everything_back_and_counts_under_another_name() -> None:
    cluster = conflict("siblings")
    cluster.crash("p")
    cluster.contexts["p"].disk.wipe()
    cluster.contexts["p"].now = 77
    cluster.start("p")
    cluster.quiet()
    assert cluster.processes["p"].data == {"row": ["one", "two"]}
    cluster.request("p", "put", "row", "three")
    assert cluster.processes["p"].rows["row"][0].name == "p@77.1"
    ship(cluster)
    assert cluster.processes["q"].data == {"row": "three"}


def test_a_greeting_is_repeated_until_it_is_answered() -> None:
    cluster = Group(MultiLeader, ("p", "q"), Parameters())
    cluster.start("p")
    cluster.contexts["p"].take()
    cluster.fire("p", "greet")
    assert cluster.contexts["p"].take() == [("q", Hello(()))]
    cluster.start("q")
    cluster.fire("p", "greet")
    cluster.quiet()
    assert cluster.processes["p"].unmet == cluster.processes["q"].unmet == {}


def test_what_was_acknowledged_is_on_disk() -> None:
    cluster = group()
    cluster.contexts["p"].instant = False
    cluster.request("p", "put", "row", "one")
    assert cluster.contexts["p"].take() == []
    cluster.flush("p")
    cluster.crash("p")
    cluster.start("p")
    assert cluster.processes["p"].data == {"row": "one"}


def test_a_request_that_comes_again_changes_nothing() -> None:
    cluster = group()
    cluster.request("p", "append", "row", "x")
    cluster.operations -= 1
    cluster.request("p", "append", "row", "x")
    assert cluster.processes["p"].data == {"row": "x"}


NODES = ["rome", "oslo", "lima", "kyiv"]


def writers(policy: str, faults: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A client at every node writes the same three rows."""
    clients = [
        {"client": f"c-{node}", "at": node, "to": node, "rate": 10, "keys": 3, "stop_s": 4} for node in NODES
    ]
    checks = [
        "no_lost_ack",
        "replicas_equal",
        {"metric": "conflicts", "at_least": 0},
        {"metric": "converged_ms", "at_least": 0},
    ]
    return drawn(
        "multi_leader", NODES, {"policy": policy}, workload=clients, faults=faults, checks=checks, **changes
    )


def test_on_any_topology_a_cut_is_seen_in_the_metrics_and_healed() -> None:
    cut = {"at_s": 1, "do": "cut", "from": "oslo", "to": ["rome", "lima", "kyiv"], "for_s": 3.5}
    parted = run(writers("siblings", [cut]))
    assert metric(parted, "converged_ms", from_us=4_000_000) > 400
    assert metric(parted, "siblings_at_end") > 1
    assert verdict(parted, "replicas_equal") == verdict(parted, "no_lost_ack") == "holds"


def test_on_any_topology_a_slow_node_is_seen_in_the_metrics() -> None:
    slow = {"at_s": 1, "do": "slow", "target": "lima", "service_ms": 30}
    quick, late = (
        metric(run(writers("lww", faults)), "latency_p99_ms", client="c-lima") for faults in ([], [slow])
    )
    assert late > quick + 25


def test_on_any_topology_a_wrong_clock_is_seen_in_what_is_lost() -> None:
    fast = {"kyiv": {"offset_ms": 5000}}
    right, wrong = (run(writers("lww", [], clocks=clocks)) for clocks in ({}, fast))
    lost = [metric(world, "lost_acknowledged", client="c-rome") for world in (right, wrong)]
    assert lost[1] > 2 * lost[0]
    assert verdict(wrong, "replicas_equal") == "holds"


def test_one_owner_has_no_conflicts_and_others_have() -> None:
    found = [metric(run(writers(policy, [])), "conflicts") for policy in ("single_owner", "lww", "siblings")]
    assert found[0] == 0
    assert min(found[1:]) > 20


def test_the_page_is_told_what_a_leader_is() -> None:
    assert_described(SYSTEM, list(group().processes.values()))
    noted_everywhere(SYSTEM, Path(multi_leader.__file__).parent)


@pytest.mark.parametrize(("field", "value"), [("policy", "hope"), ("replication_ms", 0), ("resend_ms", -1)])
def test_a_wrong_parameter_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**{field: value})  # type: ignore[arg-type]
