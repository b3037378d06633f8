"""Disasters by name: each cause has its warning time and leaves of the disks what it leaves."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.experiment import parse
from simulations.engine.experiment.vocabulary import DISASTERS
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.systems.drawn import drawn

LOST_S = 5


def struck(cause: str, **arguments: Any) -> tuple[World, float]:
    """A pair in two regions of which one is lost by this cause: the world, and after how many seconds it went."""
    plain = drawn("primary_replica", ["anna", "bo"], {"mode": "sync"}, stop_s=60)
    plain["topology"]["regions"] = [{"id": one, "zones": [{"id": f"{one}-z"}]} for one in ("hill", "dale")]
    plain["topology"]["nodes"] = [{"id": "anna", "zone": "hill-z"}, {"id": "bo", "zone": "dale-z"}]
    plain["initial"] = {"leader": "anna", "term": 1}
    plain["workload"] = [{"client": "c", "at": "bo", "operation": "put", "rate": 20, "keys": 9}]
    line = {"at_s": LOST_S, "do": "region_outage", "target": "hill", "cause": cause, **arguments}
    plain["faults"] = [line, {"at_s": 50, "do": "restore_place", "target": "hill"}]
    world = World(parse(plain, SYSTEMS))
    for tenth in range(450):
        world.run_until(tenth * 100_000)
        if world.kernel.hosts["anna"].state == "down":
            return world, tenth / 10 - LOST_S
    raise AssertionError(f"{cause} took nothing")


def on_disk(world: World) -> int:
    """Entries that a node which may never come back has on its disk."""
    log = world.by_id["anna"].disk.logs.get("log")
    return log.last if log is not None else 0


@pytest.mark.parametrize("cause", DISASTERS)
def test_a_cause_has_its_warning_and_leaves_what_it_leaves(cause: str) -> None:
    world, after_s = struck(cause)
    assert after_s == pytest.approx(DISASTERS[cause].warning_s, abs=0.11)
    assert on_disk(world) == (
        0 if DISASTERS[cause].disk == "lost" else pytest.approx(100, abs=20 * (after_s + 1))
    )


def test_a_line_may_say_otherwise() -> None:
    world, after_s = struck("fire", warning_s=3, disk="kept")
    assert after_s == pytest.approx(3, abs=0.11)
    assert on_disk(world) > 0
