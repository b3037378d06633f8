"""Random crashes: nothing acknowledged is lost while a copy or a disk remains; each twin is caught by its check."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine.process import Twin
from simulations.engine.systems.shared_nothing.descriptor import DESCRIPTOR
from tests.budget import seeds
from tests.systems.drawn import run, verdict
from tests.systems.shared_nothing.kit import SERVERS, cluster
from tests.systems.shared_nothing.test_claims import BACKED_UP, LOST, RESTORED


def crashes(draw: random.Random, servers: list[str], stop_s: float, lose: bool) -> list[dict[str, Any]]:
    """One server after the other crashes and comes back; with ``lose`` some lose their disk, and the next crash waits
    until the copy may be complete."""
    lines: list[dict[str, Any]] = []
    at = 1.0
    while at < stop_s - 4:
        node, lasts = draw.choice(servers), draw.choice([0.02, 0.2, 0.6, 1.0])
        disk = draw.choice(["kept", "torn", "lost"] if lose else ["kept", "torn"])
        lines += [
            {"at_s": round(at, 3), "do": "kill", "target": node},
            {"at_s": round(at + lasts, 3), "do": "restart", "target": node, "disk": disk},
        ]
        at += lasts + (draw.uniform(1.5, 2.0) if lose else draw.uniform(0.0, 0.5))
    return lines


def recipe(seed: int) -> dict[str, Any]:
    """With two copies disks may be lost, one at a time; with one they are kept, and several may be down."""
    draw = random.Random(seed * 7919)
    servers = [f"s{number}" for number in range(1, draw.choice([2, 3, 5]) + 1)]
    replicas = seed % 2 + 1
    faults = crashes(draw, servers, 12.0, lose=replicas == 2)
    links = {"default": {"latency_ms": {"uniform": [1, 10]}, "duplicate": 0.05, "reorder": 0.05}}
    plain = cluster({"replicas": replicas}, faults, servers=servers, rate=40, keys=20, seed=seed, stop_s=12)
    plain["topology"]["links"] = links
    plain["storage"] = {"default": {"write_ms": draw.choice([0, 1, 8])}}
    return plain


@pytest.mark.parametrize("seed", seeds("shared_nothing_properties"))
def test_nothing_acknowledged_is_lost(seed: int) -> None:
    world = run(recipe(seed))
    found = {name: verdict(world, name) for name in ("no_lost_ack", "one_server_per_shard")}
    assert found == dict.fromkeys(found, "holds"), f"seed {seed}: {world.verdicts()}"


SHOWN_BY: dict[str, dict[str, Any]] = {
    "skips_tail": cluster(BACKED_UP, RESTORED, extra=("backup_store",), rate=150, stop_s=9),
    "waits_for_no_copy": cluster({"replicas": 2}, LOST, stop_s=8),
    "serves_empty_disk": cluster(
        {"replicas": 2}, [line for line in LOST if line["at_s"] != 5] + [{**LOST[2], "at_s": 3.52}], stop_s=7
    ),
}


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_every_twin_is_caught_by_its_check(twin: Twin) -> None:
    plain = SHOWN_BY[twin.name]
    for check in twin.caught_by:
        assert verdict(run(plain), check) == "holds"
        assert verdict(run({**plain, "twin": twin.name}), check) == "violated"


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_without_faults_no_twin_is_noticed(twin: Twin) -> None:
    plain = cluster({}, [], servers=SERVERS, stop_s=3)
    assert verdict(run({**plain, "twin": twin.name}), "no_lost_ack") == "holds"
