"""What Demers et al. claim of epidemics, and what a person expects who draws a cluster that gossips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simulations.engine.systems import gossip
from simulations.engine.systems.gossip import SYSTEM
from simulations.engine.systems.gossip.messages import VALUE, Digest, Push, Relay, Repair, Rumour
from simulations.engine.systems.gossip.parameters import Parameters
from simulations.engine.systems.gossip.process import Gossip
from tests.systems.drawn import assert_described, drawn, metric, noted_everywhere, run, verdict
from tests.systems.recording import Group

FIVE = ("a", "b", "c", "d", "e")


def group(*ids: str, **settings: Any) -> Group:
    made = Group(Gossip, ids or FIVE, Parameters(**settings))
    made.start()
    return made


def sent(cluster: Group, id: str, timer: str) -> list[tuple[str, Any]]:
    """What a node sends when a timer fires."""
    cluster.contexts[id].take()
    cluster.fire(id, timer)
    return cluster.contexts[id].take()


def knowing(cluster: Group) -> list[str]:
    return [id for id, process in cluster.processes.items() if process.data]


def value(origin: str, number: int) -> Rumour:
    return Rumour(VALUE, "k", number, origin, number)


def test_a_rumour_goes_to_fanout_members_a_round_and_is_new_to_each_once() -> None:
    cluster = group(fanout=2)
    cluster.request("a", "broadcast", "k", 1)
    first = sent(cluster, "a", "round")
    assert [type(message) for _, message in first] == [Push, Push]
    assert len({to for to, _ in first}) == 2
    for _ in range(2):
        cluster.receive("b", "a", first[0][1])
    assert cluster.processes["b"].values.last == 1


def test_a_rumour_dies_of_age_wherever_it_is() -> None:
    cluster = group(rumour_rounds=2)
    cluster.request("a", "broadcast", "k", 1)
    assert cluster.processes["a"].role == "spreading"
    ((to, push), *_) = sent(cluster, "a", "round")
    assert push.ages == (1,)
    cluster.receive(to, "a", push)
    ((_, last), *_) = sent(cluster, to, "round")
    assert last.ages == (2,)
    assert (cluster.processes[to].hot, cluster.processes[to].role) == ({}, "idle")
    cluster.receive("e" if to != "e" else "d", to, last)
    assert cluster.processes["e" if to != "e" else "d"].hot == {}


def test_a_rumour_dies_of_boredom_when_enough_peers_had_known_it() -> None:
    cluster = group("a", "b", death="feedback", bored_after=2)
    cluster.request("a", "broadcast", "k", 1)
    for _ in range(2):
        assert cluster.processes["a"].hot
        cluster.fire("a", "round")
        cluster.quiet()
    cluster.fire("a", "round")
    cluster.quiet()
    assert cluster.processes["a"].hot == {}


@pytest.mark.parametrize(("exchange", "expected"), [("push", "ab"), ("pull", ""), ("push_pull", "ab")])
def test_a_node_that_knows_more_gives_by_push(exchange: str, expected: str) -> None:
    cluster = group("a", "b", broadcast="none", exchange=exchange)
    cluster.request("a", "broadcast", "k", 1)
    cluster.fire("a", "repair")
    cluster.quiet()
    assert knowing(cluster) == list(expected or "a")


@pytest.mark.parametrize(("exchange", "expected"), [("push", "a"), ("pull", "ab"), ("push_pull", "ab")])
def test_a_node_that_knows_less_gets_by_pull(exchange: str, expected: str) -> None:
    cluster = group("a", "b", broadcast="none", exchange=exchange)
    cluster.request("a", "broadcast", "k", 1)
    cluster.fire("b", "repair")
    cluster.quiet()
    assert knowing(cluster) == list(expected)


def test_a_digest_claims_nothing_beyond_a_gap() -> None:
    cluster = group("a", "b", broadcast="none")
    cluster.receive("b", "a", Repair((value("a", 1), value("a", 3))))
    ((_, digest),) = sent(cluster, "b", "repair")
    assert isinstance(digest, Digest)
    assert digest.known == (("a", 1),)


def test_anti_entropy_alone_reaches_everybody_in_the_end() -> None:
    cluster = group(broadcast="none")
    cluster.request("a", "broadcast", "k", 1)
    for _ in range(4):
        for id in FIVE:
            cluster.fire(id, "repair")
            cluster.quiet()
    assert knowing(cluster) == list(FIVE)


def test_along_a_tree_every_node_is_told_once() -> None:
    cluster = group(broadcast="tree", tree_fanout=2)
    cluster.request("d", "broadcast", "k", 1)
    for _ in range(4):
        for id in FIVE:
            if cluster.processes[id].outbox:
                cluster.fire(id, "batch")
        cluster.quiet()
    assert knowing(cluster) == list(FIVE)
    assert len([message for _, _, message in cluster.delivered if isinstance(message, Relay)]) == 4


def test_who_left_is_told_nothing_more_until_it_joins_again() -> None:
    cluster = group()
    cluster.processes["a"].on_operator("configure", {"remove": ["e"]})
    assert "e" not in cluster.processes["a"].members
    push = Push(tuple(cluster.processes["a"].values), (1,))
    for id in "bcde":
        cluster.receive(id, "a", push)
    assert cluster.processes["e"].role == "left"
    assert not any("e" in cluster.processes[id].members for id in "abcd")
    cluster.processes["b"].on_operator("configure", {"add": ["e"]})
    cluster.receive("e", "b", Push(tuple(cluster.processes["b"].values), (1, 1)))
    assert cluster.processes["e"].role == "spreading"
    assert "e" in cluster.processes["b"].members


def test_what_was_acknowledged_is_on_disk_and_a_restart_is_news() -> None:
    cluster = group("a", "b")
    cluster.contexts["a"].instant = False
    cluster.request("a", "broadcast", "k", 1)
    assert cluster.contexts["a"].take() == []
    cluster.flush("a")
    cluster.crash("a")
    cluster.start("a")
    assert [news.kind for news in cluster.processes["a"].values] == ["value", "join"]


NAMES = [f"node-{letter}" for letter in "abcdefghijk"]


def rumours(
    faults: list[dict[str, Any]], settings: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    """Eleven nodes; five values, told at the first one."""
    told = [
        {"id": f"v{number}", "client": "c", "at": NAMES[0], "to": NAMES[0], "operation": "broadcast", "value": number,
         "at_s": 1 + number * 0.4}
        for number in range(5)
    ]  # fmt: skip
    checks = [
        "replicas_equal",
        {"metric": "converged_ms", "at_least": 0},
        {"metric": "rounds_to_all", "at_least": 0},
    ]
    return drawn("gossip", NAMES, settings, operations=told, faults=faults, checks=checks, **changes)


def test_on_any_topology_a_cut_is_seen_in_the_metrics_and_healed() -> None:
    cut = {
        "at_s": 0.5,
        "do": "cut",
        "from": NAMES[3],
        "to": [n for n in NAMES if n != NAMES[3]],
        "for_s": 3.5,
    }
    quiet, parted = run(rumours([])), run(rumours([cut]))
    assert metric(quiet, "rounds_to_all", operation="v0") <= 6
    assert metric(parted, "rounds_to_all", operation="v0") >= 30
    assert metric(parted, "converged_ms", from_us=4_000_000) < 1500
    assert verdict(parted, "replicas_equal") == "holds"


def test_on_any_topology_a_slow_node_is_seen_in_the_metrics() -> None:
    slow = {"at_s": 0.5, "do": "slow", "target": NAMES[7], "service_ms": 120}
    quick, late = (metric(run(rumours(faults)), "spread_p50_ms") for faults in ([], [slow]))
    assert late > quick + 80


def test_on_any_topology_a_slow_clock_is_seen_in_the_metrics() -> None:
    """The teller's rounds last ten times as long."""
    clock = {"at_s": 0.5, "do": "clock", "target": NAMES[0], "rate": 0.1}
    settings = {"repair_ms": 0, "rumour_rounds": 6}
    quick, late = (metric(run(rumours(faults, settings)), "spread_p50_ms") for faults in ([], [clock]))
    assert late > quick + 500


def test_a_larger_fanout_needs_fewer_rounds_and_more_messages() -> None:
    worlds = [run(rumours([], {"fanout": fanout, "repair_ms": 0, "rumour_rounds": 8})) for fanout in (1, 5)]
    rounds = [metric(world, "spread_p50_ms") for world in worlds]
    cost = [metric(world, "messages_per_value") for world in worlds]
    assert rounds[0] > rounds[1]
    assert cost[0] < cost[1]


def test_a_round_counts_from_its_begin_and_the_messages_to_its_end() -> None:
    """To all ten others at once, 5 ms away: one round and ten messages, though each of them tells it once more."""
    one = rumours([], {"fanout": 10, "repair_ms": 0, "rumour_rounds": 2})
    world = run({**one, "operations": one["operations"][:1]})
    assert metric(world, "rounds_to_all", operation="v0") == 1
    assert metric(world, "messages_to_all", operation="v0") == 10
    assert metric(world, "messages_per_value") == 120


def test_a_node_that_joins_late_learns_everything() -> None:
    plain = rumours([{"at_s": 4, "do": "restart", "target": NAMES[9]}])
    plain["topology"]["nodes"][9]["starts"] = "off"
    world = run(plain)
    assert verdict(world, "replicas_equal") == "holds"
    assert metric(world, "role_at_end", node=NAMES[9]) == "idle"


def test_the_page_is_told_what_a_node_is() -> None:
    assert_described(SYSTEM, list(group().processes.values()))
    noted_everywhere(SYSTEM, Path(gossip.__file__).parent)


@pytest.mark.parametrize(
    ("field", "value"),
    [("broadcast", "shout"), ("death", "never"), ("exchange", "none"), ("fanout", 0), ("round_ms", 0)],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Parameters(**{field: value})  # type: ignore[arg-type]
