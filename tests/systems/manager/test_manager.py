"""A single manager: it replaces a dead primary, once; it can be wrong, and it can be dead."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine import harness
from simulations.engine.failover import FenceDone, FenceOrder, Promote, ReplicateFrom, Report
from simulations.engine.systems.manager import DESCRIPTOR
from simulations.engine.systems.manager.process import Manager, Parameters
from simulations.engine.systems.manager.twins import TWINS
from simulations.engine.world import World
from tests.systems.failover_kit import play, recipe, roles, verdicts
from tests.systems.recording import Group

NAMES = ("lima", "quito", "cusco")
PLUG = {"id": "plug", "processes": [{"system": "primary_replica", "role": "fence"}]}


def managed(faults: list[dict[str, Any]], plug: bool = False, twin: str | None = None, **more: Any) -> World:
    """Three databases and one manager; ``plug``: with a fence device, which the manager uses."""
    settings = {"detect_ms": 800, "ping_ms": 200, "fencing": plug}
    boss = {"id": "boss", "processes": [{"system": "manager", "parameters": settings}]}
    databases = [{"id": name, "processes": [{"system": "primary_replica"}]} for name in NAMES]
    nodes: list[dict[str, Any]] = [*databases, *([PLUG] if plug else []), boss]
    client = {"client": "writer", "at": "cusco", "system": "primary_replica", "rate": 20, "keys": 100}
    # (A twin belongs to the experiment's own system.)
    system = "manager" if twin else "primary_replica"
    return play(
        recipe(nodes, faults, system=system, twin=twin, leader="lima", workload=[client], stop_s=8, **more)
    )


KILL = {"at_s": 2, "do": "kill", "target": "lima"}


def test_a_dead_primary_is_replaced_and_the_manager_exits() -> None:
    world = managed([KILL])
    assert (roles(world)["quito"], roles(world)["boss"]) == ("primary", "done")
    assert harness.metric(world, "longest_gap_ms") < 3000


def test_after_one_failover_nobody_watches() -> None:
    world = managed([KILL, {"at_s": 5, "do": "kill", "target": "quito"}])
    assert "primary" not in roles(world).values()


def test_without_the_manager_nobody_is_promoted() -> None:
    world = managed([{"at_s": 1, "do": "kill", "target": "boss"}, KILL])
    assert harness.metric(world, "leader_changes") == 0


def test_a_cut_between_manager_and_primary_is_taken_for_death() -> None:
    world = managed([{"at_s": 2, "do": "cut", "from": "boss", "to": "lima", "for_s": 2}])
    assert harness.metric(world, "needless_failovers") == 1


def test_with_a_fence_device_the_old_primary_is_off_before_another_leads() -> None:
    world = managed([{"at_s": 2, "do": "cut", "from": "boss", "to": "lima", "for_s": 2}], plug=True)
    assert (roles(world)["lima"], harness.metric(world, "active_at_end")) == ("off", 1)
    assert verdicts(world)["no_split_brain"] == "holds"


def test_without_a_confirmation_nobody_is_promoted() -> None:
    cuts = [{"at_s": 2, "do": "cut", "from": "boss", "to": to} for to in ("lima", "plug")]
    assert harness.metric(managed(cuts, plug=True), "leader_changes") == 0
    assert harness.metric(managed(cuts[:1], plug=True), "leader_changes") == 1


DIRECTORY: dict[str, tuple[str, ...]] = {"primary_replica": ("m", "r", "q"), "manager": ("boss",)}


def fail_over(cluster: Group) -> list[Promote]:
    """The manager learns who is there, finds m silent, asks r and q, and orders; the order gets no answer."""
    for id, role, position in (("m", "primary", 9), ("r", "replica", 5), ("q", "replica", 7)):
        cluster.receive("boss", id, Report(0, role, 1, position, 1, "", True))
    cluster.contexts["boss"].now += 4_000_000
    cluster.fire("boss", "ping")
    for id, position in (("r", 5), ("q", 7)):
        cluster.receive("boss", id, Report(0, "replica", 1, position, 1, "m", False))
    cluster.fire("boss", "survey")
    cluster.fire("boss", "promotion")
    return [message for _, message in cluster.contexts["boss"].take() if isinstance(message, Promote)]


def test_no_epoch_is_given_twice_even_after_a_restart() -> None:
    """Who was told first may have obeyed unheard."""
    cluster = Group(lambda: Manager(directory=DIRECTORY), ("boss",), Parameters())
    cluster.start()
    orders = fail_over(cluster) + fail_over(cluster)
    cluster.start("boss")
    assert [order.epoch for order in orders + fail_over(cluster)] == [2, 3, 4]


def test_with_fencing_nobody_is_promoted_before_the_device_says_so_and_it_is_asked_again() -> None:
    directory = {**DIRECTORY, "primary_replica": ("m", "r", "q", "plug"), "primary_replica/fence": ("plug",)}
    cluster = Group(lambda: Manager(directory=directory), ("boss",), Parameters(fencing=True))
    cluster.start()
    boss, context = cluster.processes["boss"], cluster.contexts["boss"]
    assert boss.databases == ("m", "r", "q")
    cluster.receive("boss", "m", Report(0, "primary", 1, 9, 1, "", True))
    cluster.receive("boss", "plug", FenceDone("m"))
    assert boss.role == "watching"
    context.now += 4_000_000
    cluster.fire("boss", "ping")
    for id in ("r", "q"):
        cluster.receive("boss", id, Report(0, "replica", 1, 5, 1, "m", False))
    for timer in ("survey", "fence"):
        context.take()
        cluster.fire("boss", timer)
        assert context.take() == [("plug", FenceOrder("m"))]
        assert (boss.role, "fence" in context.timers) == ("fencing", True)
    cluster.receive("boss", "plug", FenceDone("m"))
    assert (boss.role, context.take()) == ("failing_over", [("r", Promote(2))])
    cluster.receive("boss", "q", Report(0, "replica", 1, 5, 1, "m", False))
    assert boss.role == "failing_over"
    cluster.receive("boss", "r", Report(0, "primary", 2, 6, 2, "", True))
    assert (boss.role, boss.primary) == ("done", "r")
    assert context.take() == [("m", ReplicateFrom(2, "r")), ("q", ReplicateFrom(2, "r"))]
    cluster.fire("boss", "ping")
    assert context.take() == []


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ({"at_s": 2, "do": "slow", "target": "lima", "service_ms": 900}, 1),
        ({"at_s": 2, "do": "clock", "target": "boss", "rate": 0.02}, 0),
    ],
    ids=["slow primary", "slow clock"],
)
def test_a_fault_shows_in_the_metrics(fault: dict[str, Any], changes: int) -> None:
    """A primary that is slow looks dead; a manager whose clock nearly stands still notices no death."""
    faults = [fault] if changes else [fault, {**KILL, "at_s": 3}]
    assert harness.metric(managed(faults), "leader_changes") == changes


def test_who_ignores_offsets_is_caught() -> None:
    faults = [{"at_s": 1, "do": "cut", "from": "lima", "to": "quito"}, {**KILL, "at_s": 3}]
    assert verdicts(managed(faults, twin="ignore_offsets"))["no_lost_ack"] == "violated"
    assert verdicts(managed(faults))["no_lost_ack"] == "holds"


def test_the_twin_overrides_the_one_rule_it_names_and_passes_without_faults() -> None:
    (twin,) = DESCRIPTOR.twins
    for made in TWINS[twin.name].values():
        assert [name for name in vars(made) if not name.startswith("__")] == [twin.rule]
    assert "violated" not in verdicts(managed([], twin=twin.name)).values()
