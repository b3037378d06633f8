"""One nemesis run of ZooKeeper (or of a twin): what a seed means, and what the checks say."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.checks.base import Verdict
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.zookeeper import invariants, promises, properties
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes
from tests.systems.nemesis import experiment

MIX: dict[str, float] = {"put": 3, "get": 2, "create": 1, "delete": 1}
PROFILES = ("mixture", "mixture", "leader_storm", "everything")
CHECKS = {
    name: check
    for name, check in {**properties.CHECKS, **promises.CHECKS, **invariants.CHECKS}.items()
    if name not in ("linearizable", "fresh_reads", "trees_identical", "mutual_exclusion", "locks_in_order")
}
"""What holds of every run. Links that reorder may turn round what a client sent, so that is only judged on others."""


def recipe(seed: int, twin: str | None = None) -> dict[str, Any]:
    """The experiment of a seed: profile, parameters, disk and network are drawn from it."""
    draw = random.Random(seed * 7919)
    reliable = draw.random() < 0.6
    plain = experiment(
        seed,
        "zookeeper",
        {
            "tick_ms": draw.choice([40, 100]),
            "session_timeout_ms": draw.choice([300, 800]),
            "committed_log": draw.choice([0, 3, 500]),
            "finalize_ms": draw.choice([0, 20, 50]),
            "container_check_ms": 200,
        },
        servers=draw.choice([3, 4, 5]),
        twin=twin,
        stop_s=8.0,
        disk_ms=draw.choice([0, 1, 30]),
        mix=MIX,
        profile=PROFILES[seed % len(PROFILES)],
        duplicate=draw.choice([0.05, 0.3]),
        reorder=draw.choice([0.05, 0.2]),
    )
    if reliable:
        links = plain["topology"]["links"]["default"]
        links |= {"loss": 0, "duplicate": 0, "reorder": 0, "ordered": True}
    for number, workload in enumerate(plain["workload"]):
        workload |= {"session": False, "arguments": {"ephemeral": True} if number else {}}
    return plain


def run(seed: int, twin: str | None = None) -> tuple[World, dict[str, Verdict]]:
    """Run a seed to its end with every check; notes are kept."""
    plain = recipe(seed, twin)
    read = parse(plain, SYSTEMS)
    checks = {name: made() for name, made in CHECKS.items()}
    if not plain["topology"]["links"]["default"].get("ordered"):
        del checks["fifo_client_order"]
    world = World(read, systems=SYSTEMS, checks=checks)
    keep_notes(world)
    world.run_until(int(read.stop_s * 1_000_000))
    return world, world.observer.verdicts()


def membership_recipe(seed: int) -> dict[str, Any]:
    """Voters, a joiner and an observer whose membership is changed now and then while everything fails (then a change
    may be refused), and once when all is well again."""
    draw = random.Random(seed * 104729)
    plain = experiment(
        seed,
        "zookeeper",
        {"tick_ms": 40, "session_timeout_ms": 400, "committed_log": draw.choice([3, 500]), "finalize_ms": 20},
        servers=5,
        stop_s=8.0,
        disk_ms=draw.choice([0, 1, 30]),
        mix={"put": 1},
    )
    plain["topology"]["links"]["default"] |= {"loss": 0, "duplicate": 0, "reorder": 0, "ordered": True}
    for node, role in zip(plain["topology"]["nodes"][3:], ("joiner", "observer"), strict=True):
        node["processes"] = [{"system": "zookeeper", "role": role}]
    nodes = [node["id"] for node in plain["topology"]["nodes"]]
    for _ in range(6):
        change = {
            draw.choice(["add", "remove"]): [draw.choice(nodes)],
            draw.choice(["add", "remove"]): [draw.choice(nodes)],
        }
        plain["faults"].append(
            {
                "at_s": round(draw.uniform(0.5, 5.5), 3),
                "do": "configure",
                "target": "leader",
                "wait_s": 0.5,
                **change,
            }
        )
    plain["faults"].append(
        {"at_s": 6.5, "do": "configure", "target": "leader", "wait_s": 0.5, "add": [nodes[0]]}
    )
    return plain


def run_membership(seed: int) -> tuple[World, dict[str, Verdict]]:
    """Run a seed of changing membership to its end with every check; notes are kept."""
    read = parse(membership_recipe(seed), SYSTEMS)
    world = World(read, systems=SYSTEMS, checks={name: made() for name, made in CHECKS.items()})
    keep_notes(world)
    world.run_until(int(read.stop_s * 1_000_000))
    return world, world.observer.verdicts()
