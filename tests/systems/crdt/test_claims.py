"""What the sources claim of mergeable types, and what a person expects who draws a cluster of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.engine.systems import crdt
from simulations.engine.systems.crdt import SYSTEM, preset
from simulations.engine.systems.crdt.messages import Merge, Merged
from simulations.engine.systems.crdt.parameters import Parameters
from simulations.engine.systems.crdt.process import Crdt
from simulations.engine.systems.crdt.properties import Update, wrong
from simulations.engine.systems.crdt.types import Atom, Counted, Stamped
from tests.systems.drawn import assert_described, drawn, metric, noted_everywhere, run, verdict
from tests.systems.recording import Group


def group(*ids: str, **settings: Any) -> Group:
    made = Group(Crdt, ids or ("p", "q"), Parameters(**settings))
    made.start()
    return made


def sync(cluster: Group) -> None:
    for id in cluster.processes:
        cluster.fire(id, "sync")
    cluster.quiet()


def shown(cluster: Group, key: str = "cart") -> list[Any]:
    return [process.data.get(key) for process in cluster.processes.values()]


def test_a_replica_answers_without_asking_anybody() -> None:
    cluster = group()
    cluster.request("p", "add", "cart", "milk")
    cluster.request("p", "get", "cart")
    assert [message for _, message in cluster.contexts["p"].sent if isinstance(message, Merge)] == []
    cluster.step()
    assert [reply.result for reply in cluster.replies] == [True, ["milk"]]


def test_an_addition_wins_over_a_concurrent_removal() -> None:
    cluster = group()
    cluster.request("p", "add", "cart", "milk")
    sync(cluster)
    cluster.request("p", "remove", "cart", "milk")
    cluster.request("q", "add", "cart", "milk")
    sync(cluster)
    assert shown(cluster) == [["milk"], ["milk"]]


def test_replicas_that_give_a_key_different_types_at_once_agree_on_one_and_the_loss_is_seen() -> None:
    cluster = group("p", "q", "r")
    cluster.request("p", "increment", "x", 1)
    cluster.request("q", "put", "x", "v")
    cluster.request("r", "add", "x", "milk")
    sync(cluster)
    sync(cluster)
    assert shown(cluster, "x") == [["milk"]] * 3
    cluster.start("p")
    assert cluster.processes["p"].data == {"x": ["milk"]}
    sure = tuple(Update("x", kind, value, 1, 2, True) for kind, value in (("put", "v"), ("add", "milk")))
    assert list(wrong(sure, (), ["milk"])) == ["put v"]


def test_what_was_removed_can_be_added_again() -> None:
    cluster = group()
    for kind in ("add", "remove", "add"):
        cluster.request("p", kind, "cart", "milk")
        sync(cluster)
    assert shown(cluster) == [["milk"], ["milk"]]


def test_a_counter_counts_what_both_sides_did_alone_and_nothing_twice() -> None:
    cluster = group()
    for _ in range(3):
        cluster.request("p", "increment", "likes", 2)
        cluster.request("q", "decrement", "likes", 1)
    atom = Atom("likes", "counter", "p", Counted(6, 0))
    for _ in range(4):
        cluster.receive("q", "p", Merge(1, 3, (atom,)))
    sync(cluster)
    assert shown(cluster, "likes") == [3, 3]


def test_the_later_clock_wins_and_a_tie_goes_by_name_everywhere_alike() -> None:
    cluster = group()
    cluster.contexts["p"].now = cluster.contexts["q"].now = 1000
    cluster.request("p", "put", "name", "first")
    cluster.request("q", "put", "name", "second")
    sync(cluster)
    assert shown(cluster, "name") == ["second", "second"]
    cluster.receive("p", "q", Merge(1, 9, (Atom("name", "register", "value", Stamped(999, "q", "old")),)))
    assert shown(cluster, "name")[0] == "second"


def test_deltas_send_only_what_the_peer_has_not_confirmed() -> None:
    cluster = group()
    for element in ("a", "b", "c"):
        cluster.request("p", "add", "cart", element)
    sync(cluster)
    cluster.request("p", "add", "cart", "d")
    cluster.contexts["p"].take()
    cluster.fire("p", "sync")
    ((_, message),) = cluster.contexts["p"].take()
    assert isinstance(message, Merge)
    assert len(message.atoms) == 1
    cluster.receive("p", "q", Merged(message.life, message.number))
    cluster.fire("p", "sync")
    assert cluster.contexts["p"].take() == []


def test_the_whole_state_is_sent_every_time_otherwise() -> None:
    cluster = group(replication="state")
    for element in ("a", "b", "c"):
        cluster.request("p", "add", "cart", element)
    sync(cluster)
    cluster.contexts["p"].take()
    cluster.fire("p", "sync")
    ((_, message),) = cluster.contexts["p"].take()
    assert isinstance(message, Merge)
    assert len(message.atoms) == 3


def test_what_was_acknowledged_is_on_disk() -> None:
    cluster = group()
    cluster.contexts["p"].instant = False
    cluster.request("p", "add", "cart", "milk")
    assert cluster.contexts["p"].take() == []
    cluster.flush("p")
    assert len(cluster.contexts["p"].take()) == 1
    cluster.crash("p")
    cluster.start("p")
    assert cluster.processes["p"].data == {"cart": ["milk"]}


def test_a_request_that_comes_again_is_not_carried_out_again() -> None:
    cluster = group()
    cluster.request("p", "increment", "likes", 1)
    cluster.operations -= 1
    cluster.request("p", "increment", "likes", 1)
    assert shown(cluster, "likes")[0] == 1


@pytest.mark.parametrize(
    ("kind", "key", "value", "problem"),
    [
        ("cas", "x", None, "operation: "),
        ("increment", "likes", "many", "value: "),
        ("put", "cart", "x", "key: "),
    ],
)
def test_what_does_not_fit_is_refused_by_name(kind: str, key: str, value: Any, problem: str) -> None:
    cluster = group()
    cluster.request("p", "add", "cart", "milk")
    cluster.request("p", kind, key, value)
    cluster.step()
    assert cluster.replies[-1].outcome == "fail"
    assert str(cluster.replies[-1].result).startswith(problem)


def test_not_even_after_a_restart() -> None:
    cluster = group()
    cluster.request("p", "increment", "likes", 1)
    cluster.crash("p")
    cluster.start("p")
    cluster.operations -= 1
    cluster.request("p", "increment", "likes", 1)
    assert cluster.processes["p"].data == {"likes": 1}


def carts(nodes: list[str], faults: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
    """A client at every node adds to one cart."""
    clients = [
        {"client": f"c-{node}", "at": node, "to": node, "operation": "append", "rate": 8, "stop_s": 4}
        for node in nodes
    ]
    checks = [
        "replicas_equal",
        {"metric": "atoms_sent", "at_least": 1},
        {"metric": "converged_ms", "at_least": 0},
    ]
    return drawn("crdt", nodes, settings, workload=clients, faults=faults, checks=checks)


NODES = ["ann", "bob", "cid", "dee", "eve"]


def test_on_any_topology_a_cut_is_seen_in_the_metrics_and_healed() -> None:
    cut = {"at_s": 1, "do": "cut", "from": "bob", "to": ["ann", "cid", "dee", "eve"], "for_s": 3.5}
    quiet, parted = run(carts(NODES, [])), run(carts(NODES, [cut]))
    assert metric(parted, "converged_ms", from_us=2_000_000) > 2_400
    assert metric(quiet, "converged_ms", from_us=2_000_000) < 2_400
    assert verdict(parted, "replicas_equal") == verdict(parted, "no_lost_update") == "holds"


def test_on_any_topology_a_slow_node_is_seen_in_the_metrics() -> None:
    slow = {"at_s": 1, "do": "slow", "target": "dee", "service_ms": 60}
    worlds = [run(carts(NODES, faults)) for faults in ([], [slow])]
    quick, late = (metric(world, "latency_p99_ms", client="c-dee") for world in worlds)
    assert late > quick + 40


def test_on_any_topology_a_wrong_clock_is_seen_in_what_is_kept() -> None:
    """A register goes by clocks: who is an hour late never wins, although everybody was told ok."""
    puts = [
        {
            "client": f"c-{node}",
            "at": node,
            "operation": "put",
            "key": "x",
            "value": node,
            "at_s": at,
            "to": node,
        }
        for node, at in (("ann", 1), ("cid", 3))
    ]
    late = {"cid": {"offset_ms": -3_600_000}}
    plain = drawn("crdt", ["ann", "cid"], operations=puts, checks=[{"metric": "updates_lost", "at_least": 0}])
    part = {"at_s": 0.5, "do": "partition", "groups": [["ann"], ["cid"]], "for_s": 3}
    right, wrong = (run({**plain, "faults": [part], "clocks": clocks}) for clocks in ({}, late))
    assert (metric(right, "updates_lost"), metric(wrong, "updates_lost")) == (0, 1)
    assert [metric(world, "value_at_end", key="x") for world in (right, wrong)] == ["cid", "ann"]


def test_deltas_cost_less_than_states() -> None:
    sent = [metric(run(carts(NODES, [], replication=how)), "atoms_sent") for how in ("delta", "state")]
    assert sent[0] * 5 < sent[1]


def test_the_page_is_told_what_a_replica_is() -> None:
    assert_described(SYSTEM, list(group().processes.values()))
    noted_everywhere(SYSTEM, Path(crdt.__file__).parent)


@pytest.mark.parametrize(
    ("field", "value"), [("cart", "bag"), ("replication", "luck"), ("sync_ms", 0), ("fanout", -1)]
)
def test_a_wrong_parameter_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**{field: value})  # type: ignore[arg-type]


def test_a_wrong_preset_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^price: "):
        preset({"price": 1.5})
