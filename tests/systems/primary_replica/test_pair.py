"""Two nodes on one shared disk: who goes on, who is shot, and what the disk allows."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.meters import Scope
from simulations.engine.world import World
from tests.systems.failover_kit import play, recipe, roles, verdicts

BESIDE: list[dict[str, Any]] = [
    {"id": "san", "processes": [{"system": "primary_replica", "role": "shared_disk"}]},
    {"id": "plug", "processes": [{"system": "primary_replica", "role": "fence"}]},
]
CLIENTS = [{"client": f"at-{id}", "at": id, "rate": 20, "keys": 5} for id in ("left", "right")]


def pair(faults: list[dict[str, Any]], twin: str | None = None, **parameters: Any) -> World:
    nodes = [{"id": "left"}, {"id": "right"}, *BESIDE]
    settings = {"mode": "shared_disk", "detect_ms": 700, **parameters}
    return play(
        recipe(nodes, faults, parameters=settings, workload=CLIENTS, leader="right", twin=twin, stop_s=6)
    )


LINK = {"at_s": 2, "do": "cut", "from": "left", "to": "right"}
TO_PLUG = [{"at_s": 2, "do": "cut", "from": id, "to": "plug"} for id in ("left", "right")]


def test_when_the_active_node_dies_the_other_takes_over_with_all_that_is_on_the_disk() -> None:
    world = pair([{"at_s": 2, "do": "kill", "target": "right"}])
    assert roles(world)["left"] == "primary"
    assert verdicts(world)["no_lost_ack"] == verdicts(world)["no_split_brain"] == "holds"
    assert harness.metric(world, "acknowledged", Scope(4_000_000)) > 20


def test_a_node_that_comes_back_stands_by() -> None:
    world = pair([{"at_s": 2, "do": "kill", "target": "right", "for_s": 2}])
    assert roles(world)["right"] == "replica"
    assert harness.metric(world, "diverged") == 0


def test_without_fencing_both_write_to_the_disk() -> None:
    world = pair([LINK], fencing="none")
    assert verdicts(world)["no_split_brain"] == "violated"
    assert harness.metric(world, "diverged") >= 1


def test_a_disk_that_refuses_lower_epochs_ends_the_old_one() -> None:
    world = pair([LINK], fencing="epoch")
    assert verdicts(world)["no_split_brain"] == "holds"
    assert harness.metric(world, "diverged") == 0


def test_over_a_separate_network_nobody_goes_on_without_a_confirmation() -> None:
    world = pair([LINK, *TO_PLUG], fencing="separate_network")
    assert verdicts(world)["no_split_brain"] == "holds"
    assert harness.metric(world, "active_at_end") == 1


def test_who_waits_longer_before_it_shoots_is_shot() -> None:
    world = pair([LINK], fencing="separate_network", fence_delay_ms={"left": 0, "right": 400})
    assert (roles(world)["left"], roles(world)["right"]) == ("primary", "off")


def test_a_twin_that_goes_on_unconfirmed_is_caught() -> None:
    world = pair([LINK, *TO_PLUG], twin="go_on_unconfirmed", fencing="separate_network")
    assert verdicts(world)["no_split_brain"] == "violated"


@pytest.mark.parametrize(
    "fault",
    [
        {"at_s": 2, "do": "slow", "target": "san", "service_ms": 60},
        {"at_s": 2, "do": "clock", "target": "left", "rate": 8},
        {"at_s": 2, "do": "cut", "from": "right", "to": "san"},
    ],
    ids=["slow disk", "fast clock", "cut from the disk"],
)
def test_a_fault_shows_in_the_metrics(fault: dict[str, Any]) -> None:
    """A slow disk slows every write; a clock that runs 8 times too fast sees the partner dead; no disk, no writes."""
    calm, hit = pair([]), pair([fault])
    names = ("acknowledged", "latency_p99_ms", "leader_changes")
    assert [harness.metric(calm, name) for name in names] != [harness.metric(hit, name) for name in names]
