"""The relay: a coordinator in the data path that loses nothing and repeats nothing, and its broken twins."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.meters import Scope
from simulations.engine.systems.relay import DESCRIPTOR
from simulations.engine.systems.relay.twins import TWINS
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.failover_kit import CONSENSUS_ONLY, play, recipe, roles, verdicts
from tests.systems.nemesis import fault_lines

MASTERS = ("delhi", "dhaka", "hanoi")


def masters(
    faults: list[dict[str, Any]], standbys: int = 1, twin: str | None = None, seed: int = 1, **more: Any
) -> dict[str, Any]:
    """Three masters with a client each, a relay and its standbys; the clients stop at until_s (2 s before the end)."""
    parameters = {"takeover_ms": 1000, **more.pop("parameters", {})}
    nodes: list[dict[str, Any]] = [
        {"id": name, "processes": [{"system": "relay", "role": "master"}]} for name in MASTERS
    ]
    nodes.append({"id": "hub", "processes": [{"system": "relay", "role": "relay"}]})
    nodes += [
        {"id": f"spare{number}", "processes": [{"system": "relay", "role": "standby"}]}
        for number in range(standbys)
    ]
    stop_s = more.pop("stop_s", 8.0)
    until_s = more.pop("until_s", stop_s - 2)
    clients = [
        {"client": f"of-{name}", "at": name, "to": name, "rate": 15, "keys": 40, "stop_s": until_s}
        for name in MASTERS
    ]
    checks = [
        "no_lost_ack",
        "applied_once",
        "replicas_equal",
        {"metric": "replication_gap_ms", "at_least": 0},
    ]
    made = recipe(
        nodes, faults, system="relay", parameters=parameters, workload=clients, twin=twin, stop_s=stop_s,
        seed=seed, **more,
    )  # fmt: skip
    made["checks"] = checks
    return made


def relayed(faults: list[dict[str, Any]], standbys: int = 1, **more: Any) -> World:
    return play(masters(faults, standbys, **more))


ALL_HOLD = {"no_lost_ack": "holds", "applied_once": "holds", "replicas_equal": "holds"}
KILL = {"at_s": 2, "do": "kill", "target": "hub"}


def gap(world: World) -> float:
    """The longest standstill of replication while clients wrote, in ms."""
    return float(harness.metric(world, "replication_gap_ms", Scope(1_000_000, 6_000_000)))


def test_masters_leave_a_relay_that_stood_by_for_another_of_its_epoch() -> None:
    """A cut lets two standbys act in one epoch; when it is over one stands by, and dies."""
    parts = [["delhi", "dhaka", "spare0"], ["hanoi", "spare1"]]
    faults = [
        {"at_s": 1.9, "do": "partition", "groups": [*parts, ["hub"]], "for_s": 3},
        KILL,
        {"at_s": 5.5, "do": "kill", "target": "spare1"},
    ]
    world = relayed(faults, standbys=2, stop_s=11)
    masters: list[Any] = [world.by_id[name].process for name in MASTERS]
    assert [master.relay for master in masters] == ["spare0"] * 3
    assert verdicts(world) == ALL_HOLD


def test_a_relay_that_missed_all_takeovers_carries_the_data_when_nobody_else_is_left() -> None:
    """Its epoch is older than those of the standbys that took over and died."""
    dead = [
        {**KILL, "at_s": 1.5},
        *({"at_s": 4 + 3 * n, "do": "kill", "target": f"spare{n}"} for n in (0, 1)),
    ]
    world = relayed([*dead, {"at_s": 8, "do": "restart", "target": "hub"}], standbys=2, stop_s=13)
    assert verdicts(world) == ALL_HOLD
    masters: list[Any] = [world.by_id[name].process for name in MASTERS]
    assert [master.relay for master in masters] == ["hub"] * 3


def test_a_master_that_was_cut_off_catches_up_while_all_write_on() -> None:
    faults = [{"at_s": 2, "do": "cut", "from": "hub", "to": "dhaka", "one_way": True, "for_s": 1}]
    world = relayed(faults, until_s=8)
    masters: dict[str, Any] = {name: world.by_id[name].process for name in MASTERS}
    lags = [masters[name].counts[name] - masters["dhaka"].counts[name] for name in MASTERS]
    assert max(lags) < 5


def test_every_write_reaches_every_master_through_the_relay() -> None:
    world = relayed([])
    assert verdicts(world) == ALL_HOLD
    assert gap(world) < 300


def test_the_standby_takes_over_and_nothing_is_lost_or_repeated() -> None:
    world = relayed([KILL])
    assert verdicts(world) == ALL_HOLD
    assert roles(world)["spare0"] == "active_relay"
    assert 1000 < gap(world) < 2000
    assert harness.metric(world, "longest_gap_ms", Scope(0, 6_000_000)) < 200


def test_without_a_standby_replication_stops_and_writes_go_on() -> None:
    world = relayed([KILL], standbys=0)
    found = verdicts(world)
    assert (found["replicas_equal"], found["no_lost_ack"]) == ("violated", "holds")
    assert harness.metric(world, "acknowledged", Scope(3_000_000)) > 100


def test_writes_that_wait_for_the_relay_stop_with_it() -> None:
    world = relayed([KILL], parameters={"mode": "stop"})
    assert harness.metric(world, "longest_gap_ms", Scope(0, 6_000_000)) > 1000
    assert verdicts(world) == ALL_HOLD


def test_a_relay_that_comes_back_stands_by() -> None:
    world = relayed([{**KILL, "for_s": 2}])
    assert (roles(world)["hub"], roles(world)["spare0"]) == ("standby", "active_relay")


def test_two_relays_that_both_act_do_no_harm() -> None:
    """The standby is cut from the relay alone: it takes over while the other goes on."""
    world = relayed([{"at_s": 2, "do": "cut", "from": "hub", "to": "spare0"}])
    assert verdicts(world) == ALL_HOLD
    assert [roles(world)[id] for id in ("hub", "spare0")] == ["active_relay", "active_relay"]


@pytest.mark.parametrize(
    "fault",
    [
        {"at_s": 2, "do": "cut", "from": "hub", "to": "dhaka", "for_s": 2},
        {"at_s": 2, "do": "slow", "target": "hub", "service_ms": 15},
        {"at_s": 2, "do": "clock", "target": "spare0", "rate": 8},
    ],
    ids=["cut link", "slow relay", "fast clock"],
)
def test_a_fault_shows_in_the_metrics(fault: dict[str, Any]) -> None:
    """A cut or slow relay delays replication; a standby whose clock runs fast takes over from a living relay."""
    calm, hit = relayed([]), relayed([fault])
    assert gap(hit) > gap(calm) + 100 or roles(hit)["spare0"] != roles(calm)["spare0"]


@pytest.mark.parametrize("seed", seeds("relay_properties"))
def test_random_faults_lose_nothing_and_repeat_nothing(seed: int) -> None:
    draw = random.Random(seed * 31)
    nodes = [*MASTERS, "hub", "spare0"]
    lines = fault_lines(seed, "everything" if seed % 2 == 0 else "mixture", nodes, 11.0)
    # (Nobody leads here, there is no zone, and the clients are others.)
    words, actions = ("leader", "zone", "minority"), (*CONSENSUS_ONLY, "load", "load_normal")
    faults = [line for line in lines if line.get("target") not in words and line["do"] not in actions]
    faults = [line for line in faults if line.get("node") != "leader"]
    storage = {"default": {"write_ms": draw.choice([0, 1, 20])}}
    mode = draw.choice(["continue", "stop"])
    world = relayed(faults, seed=seed, stop_s=11.0, storage=storage, parameters={"mode": mode})
    assert verdicts(world) == ALL_HOLD, f"seed {seed}"
    assert harness.metric(world, "acknowledged", Scope(8_100_000)) > 0, f"seed {seed} stands still"


def test_who_applies_twice_is_caught() -> None:
    """Its writes arrive, their confirmations do not: it sends them again."""
    faults = [{"at_s": 2, "do": "cut", "from": "hub", "to": "delhi", "one_way": True, "for_s": 1}]
    assert verdicts(relayed(faults, twin="apply_twice"))["applied_once"] == "violated"
    assert verdicts(relayed(faults)) == ALL_HOLD


def test_who_confirms_early_is_caught() -> None:
    """The relay confirmed what it had not delivered to a master it could not reach; then it died."""
    faults = [{"at_s": 2, "do": "cut", "from": "hub", "to": "dhaka"}, {**KILL, "at_s": 3}]
    assert verdicts(relayed(faults, twin="confirm_early"))["no_lost_ack"] == "violated"
    assert verdicts(relayed(faults)) == ALL_HOLD


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_overrides_the_one_rule_it_names_and_passes_without_faults(twin: Any) -> None:
    for made in TWINS[twin.name].values():
        assert [name for name in vars(made) if not name.startswith("__")] == [twin.rule]
    assert verdicts(relayed([], twin=twin.name)) == ALL_HOLD
