"""Which link a message meets."""

from __future__ import annotations

from typing import Any

from simulations.engine.distributions import Distribution, constant
from simulations.engine.experiment import parse
from simulations.engine.topology import DEFAULT_LATENCY, Topology
from tests.engine.experiments import small


def topology(**links: Any) -> Topology:
    data = small()
    data["topology"] = {
        "regions": [
            {"id": "east", "zones": [{"id": "a", "racks": [{"id": "r1"}]}, {"id": "b"}]},
            {"id": "west", "zones": [{"id": "w"}]},
        ],
        "nodes": [
            {"id": "n1", "zone": "a", "rack": "r1"},
            {"id": "n2", "zone": "a"},
            {"id": "n3", "zone": "b"},
            {"id": "n4", "zone": "w"},
        ],
        **links,
    }
    return parse(data).topology


def latency(found: Topology, a: str, b: str) -> Any:
    spec = found.link(a, b)
    return spec.latency.values[0] if spec.latency.kind == "constant" else spec.latency


def test_the_default_holds_where_nothing_is_said() -> None:
    assert latency(topology(), "n1", "n4") == DEFAULT_LATENCY
    assert latency(topology(links={"default": {"latency_ms": 3}}), "n1", "n4") == 3


def test_rules_match_regions_zones_racks_and_nodes_later_ones_first() -> None:
    between = [
        {"from": "east", "to": "west", "latency_ms": 80},
        {"from": "a", "to": "b", "latency_ms": 5},
        {"from": "r1", "to": "n3", "latency_ms": 4},
        {"from": "n2", "to": "n4", "latency_ms": 70, "loss": 0.5},
    ]
    found = topology(links={"default": {"latency_ms": 1, "loss": 0.1}, "between": between})
    assert [latency(found, "n1", x) for x in ("n2", "n3", "n4")] == [1, 4, 80]
    assert [latency(found, "n2", x) for x in ("n1", "n3", "n4")] == [1, 5, 70]
    assert latency(found, "n4", "n1") == 80
    assert found.link("n2", "n4").loss == 0.5
    assert found.link("n1", "n4").loss == 0.1


def test_a_one_way_rule_leaves_the_way_back_alone() -> None:
    rule = {"from": "n1", "to": "n2", "one_way": True, "latency_ms": 500}
    found = topology(links={"default": {"latency_ms": 1}, "between": [rule]})
    assert latency(found, "n1", "n2") == 500
    assert latency(found, "n2", "n1") == 1


def test_a_rule_within_one_place() -> None:
    rule = {"from": "a", "to": "a", "latency_ms": 0.5}
    found = topology(links={"default": {"latency_ms": 9}, "between": [rule]})
    assert latency(found, "n1", "n2") == 0.5
    assert latency(found, "n1", "n3") == 9


def test_only_links_leaves_out_the_rest() -> None:
    found = topology(only_links=[["n1", "n2"], ["a", "w"]])
    connected = {
        (a, b) for a in found.node_ids() for b in found.node_ids() if found.link(a, b).connected and a < b
    }
    assert connected == {("n1", "n2"), ("n1", "n4"), ("n2", "n4")}


def test_processes_of_one_node_talk_locally() -> None:
    found = topology(links={"local": {"latency_ms": 0.2}, "default": {"latency_ms": 9}})
    assert latency(found, "n1", "n1") == 0.2


def test_a_client_is_one_millisecond_from_its_node_and_its_neighbour() -> None:
    found = topology(links={"default": {"latency_ms": 7, "loss": 0.3}})
    own, other = found.client_link("n1", "n1"), found.client_link("n1", "n2")
    assert (own.latency, own.extra_ms, own.loss) == (constant(1), 0, 0)
    assert (other.latency, other.extra_ms, other.loss) == (constant(7), 1, 0.3)


def test_a_client_may_sit_in_a_zone_or_region() -> None:
    between = [{"from": "east", "to": "west", "latency_ms": 80}]
    found = topology(links={"default": {"latency_ms": 2}, "between": between})
    assert found.client_link("w", "n1").latency == constant(80)
    assert found.client_link("west", "n4").latency == constant(2)
    assert found.client_link("a", "n1").extra_ms == 1


def test_messages_may_have_their_own_latency() -> None:
    by_message = {"Write": {"exponential": 5}, "Ack": 1}
    found = topology(links={"default": {"by_message": by_message}})
    assert found.link("n1", "n2").by_message == (
        ("Ack", constant(1)),
        ("Write", Distribution("exponential", (5,))),
    )


def test_nodes_of_a_place() -> None:
    found = topology()
    assert found.nodes_in("east") == ["n1", "n2", "n3"]
    assert found.nodes_in("a") == ["n1", "n2"]
    assert found.nodes_in("r1") == ["n1"]
    assert found.nodes_in("n4") == ["n4"]
