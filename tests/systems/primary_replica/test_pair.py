"""Two nodes on one shared disk: who goes on, who is shot, and what the disk allows."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.failover import FenceDone, PowerOff
from simulations.engine.meters import Scope
from simulations.engine.process import Request
from simulations.engine.systems.primary_replica.devices import SharedDisk
from simulations.engine.systems.primary_replica.messages import (
    Beat,
    DiskContent,
    Entry,
    ReadDisk,
    WriteDisk,
    Written,
)
from simulations.engine.systems.primary_replica.parameters import Parameters
from simulations.engine.systems.primary_replica.process import PrimaryReplica
from simulations.engine.world import World
from tests.systems.failover_kit import play, recipe, roles, verdicts
from tests.systems.recording import Group

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


# ---------------------------------------------------------------- one node, message by message

NAMES = ("left", "right", "san", "plug")
DIRECTORY = {
    "primary_replica": NAMES,
    "primary_replica/shared_disk": ("san",),
    "primary_replica/fence": ("plug",),
}


def node(id: str = "left", active: bool = False, **settings: Any) -> tuple[Group, Any]:
    """One node of the pair; active: it has taken over an empty disk in epoch 1."""
    parameters = Parameters(**{"mode": "shared_disk", "fencing": "epoch", **settings})
    group = Group(lambda: PrimaryReplica(directory=DIRECTORY), NAMES, parameters)
    group.preset(id, {"start_as": "primary"} if active else {}, {})
    group.start(id)
    if active:
        group.receive(id, "san", DiskContent(1, ()))
        assert group.processes[id].role == "primary"
    group.contexts[id].take()
    return group, group.processes[id]


def test_a_node_is_active_with_what_the_disk_told_it_for_its_epoch() -> None:
    group, server = node()
    group.fire("left", "partner")
    assert (server.taking, server.epoch) == (True, 1)
    for epoch, role, data in ((0, "replica", {}), (1, "primary", {"x": 1}), (1, "primary", {"x": 1})):
        group.receive("left", "san", DiskContent(epoch, (("x", 1 if role == "primary" else 0),)))
        assert (server.role, server.data) == (role, data)
    group.receive("left", "san", DiskContent(1, (("x", 9),)))
    assert server.data == {"x": 1}


def test_a_node_that_waits_for_the_disk_asks_again() -> None:
    group, _ = node()
    group.fire("left", "partner")
    for active in (True, True):
        assert [type(message) for to, message in group.contexts["left"].take() if to == "san"] == [ReadDisk]
        group.fire("left", "beat")
        assert group.contexts["left"].sent[0] == ("right", Beat(1, active))


def test_a_write_is_answered_when_the_disk_has_it_and_is_one_write() -> None:
    group, server = node(active=True)
    request = Request(5, 1, "client", 0, 1, "append", "x", "1")
    for attempt in (1, 2):
        server.on_request(request)
        writes = [message for to, message in group.contexts["left"].take() if to == "san"]
        assert len(writes) == (1 if attempt == 1 else 0)
    group.fire("left", "beat")
    assert [type(message) for to, message in group.contexts["left"].take() if to == "san"] == [WriteDisk]
    for answered in (1, 0):
        group.receive("left", "san", Written(5, True))
        assert [to for to, _ in group.contexts["left"].take()] == ["client"] * answered
    assert server.data == {"x": "1"}


def test_a_node_that_the_disk_refuses_stands_by_and_answers_nobody() -> None:
    group, server = node(active=True)
    server.on_request(Request(5, 1, "client", 0, 1, "put", "x", "1"))
    group.contexts["left"].take()
    group.receive("left", "san", Written(5, False))
    assert (server.role, server.data, server.waiting, group.contexts["left"].take()) == (
        "replica",
        {},
        {},
        [],
    )


@pytest.mark.parametrize(
    ("fencing", "active", "beat", "role", "source"),
    [
        ("epoch", True, Beat(2, True), "replica", "right"),
        ("epoch", True, Beat(2, False), "primary", ""),
        ("epoch", True, Beat(1, True), "primary", ""),
        ("none", True, Beat(2, True), "primary", ""),
        ("none", False, Beat(2, True), "replica", "right"),
        ("epoch", False, Beat(0, True), "replica", "right"),
    ],
)
def test_an_active_partner_of_a_later_epoch_ends_the_office(
    fencing: str, active: bool, beat: Beat, role: str, source: str
) -> None:
    group, server = node(active=active, fencing=fencing)
    group.receive("left", "right", beat)
    assert (server.role, server.source, server.taking) == (role, source, False)


@pytest.mark.parametrize(("id", "taking"), [("left", True), ("right", False)])
def test_when_neither_is_active_the_smaller_name_begins(id: str, taking: bool) -> None:
    group, server = node(id)
    group.receive(id, "right" if id == "left" else "left", Beat(3, False))
    assert (server.taking, server.epoch) == ((True, 4) if taking else (False, 0))


@pytest.mark.parametrize(("fencing", "taking"), [("separate_network", False), ("same_network", True)])
def test_over_a_separate_network_an_order_to_shoot_is_repeated_until_it_is_confirmed(
    fencing: str, taking: bool
) -> None:
    group, server = node(fencing=fencing)
    group.fire("left", "partner")
    for timer in ("shoot", "fence"):
        group.contexts["left"].take()
        assert not server.taking
        group.fire("left", timer)
    orders = [message for to, message in group.contexts["left"].take() if to == "plug"]
    assert (len(orders), server.taking) == (0 if taking else 1, taking)
    group.receive("left", "plug", FenceDone("right"))
    assert (server.taking, server.fenced) == (True, "right")
    assert not {"shoot", "fence"} & set(group.contexts["left"].timers)


def test_a_partner_that_is_heard_again_is_not_shot() -> None:
    group, server = node(fencing="separate_network")
    group.fire("left", "partner")
    assert ("shoot" in group.contexts["left"].timers, server.linked) == (True, False)
    group.receive("left", "right", Beat(1, True))
    assert (server.linked, {"shoot", "fence"} & set(group.contexts["left"].timers)) == (True, set())


def test_a_machine_without_power_does_nothing() -> None:
    group, server = node(active=True)
    server.on_request(Request(5, 1, "client", 0, 1, "put", "x", "1"))
    group.receive("left", "plug", PowerOff("right"))
    group.contexts["left"].take()
    for message in (Written(5, True), Beat(0, False), DiskContent(1, ())):
        group.receive("left", "right", message)
    for kind in ("put", "get"):
        server.on_request(Request(6, 1, "client", 0, 1, kind, "x", "1"))
    server.on_operator("promote", {})
    assert (server.role, group.contexts["left"].take(), group.contexts["left"].timers) == ("off", [], {})


# ---------------------------------------------------------------- the disk, message by message


def disk(fencing: str = "epoch") -> Group:
    group = Group(SharedDisk, ("san",), Parameters(mode="shared_disk", fencing=fencing))
    group.start()
    return group


def writes(group: Group, number: int, epoch: int) -> bool:
    """Whether the disk takes a write of an epoch."""
    group.receive("san", "left", WriteDisk(number, Entry(epoch, number, 0, 0, "x", number)))
    ((_, answer),) = group.contexts["san"].take()
    assert isinstance(answer, Written)
    return answer.done


@pytest.mark.parametrize(("fencing", "obeys"), [("epoch", False), ("none", True)])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_disk_refuses_lower_epochs_than_the_last_that_read_it(
    fencing: str, obeys: bool, restarts: bool
) -> None:
    group = disk(fencing)
    assert writes(group, 1, 1)
    group.receive("san", "right", ReadDisk(2))
    assert group.contexts["san"].take() == [("right", DiskContent(2, (("x", 1),)))]
    if restarts:
        group.start("san")
    assert writes(group, 2, 1) is obeys
    assert writes(group, 3, 2)
    assert group.processes["san"].data == {"x": 3}


def test_what_a_disk_has_written_it_has_after_a_restart_and_does_not_write_again() -> None:
    group = disk()
    for number in (1, 2):
        assert writes(group, number, 3)
    group.start("san")
    assert writes(group, 1, 3)
    assert (group.processes["san"].data, group.processes["san"].log.last) == ({"x": 2}, 2)
    assert not writes(group, 4, 2)
