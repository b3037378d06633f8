"""One nemesis run of Paxos (or of a twin): what a seed means, and what the checks say."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.checks.base import Verdict
from simulations.engine.checks.linearizability import Model, check
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.paxos import invariants, properties
from simulations.engine.world import World
from tests.systems.kept_notes import keep_notes
from tests.systems.nemesis import experiment

CHECKS = {**properties.CHECKS, **invariants.CHECKS}
MIX: dict[str, float] = {"put": 1, "get": 1}
PROFILES = ("mixture", "leader_storm", "vote_storm")


def lease_recipe(seed: int) -> dict[str, Any]:
    """Lease reads with what makes them safe: clocks that tell the truth."""
    parameters = {"leader_lease_ms": 120}
    return experiment(seed, "paxos", parameters, servers=5, stop_s=8.0, mix=MIX, profile="true_clocks")


def recipe(seed: int, twin: str | None = None) -> dict[str, Any]:
    """The experiment of a seed: profile, parameters, disk and network are drawn from it."""
    draw = random.Random(seed * 7919)
    profile = PROFILES[seed % len(PROFILES)]
    mixed = profile == "mixture"
    parameters = {
        "mode": "basic" if seed % 7 == 0 else "multi",
        "check_quorum": draw.random() < 0.5,
        "disk_between_phases": draw.random() < 0.7,
        "retry": draw.choice([{"uniform": [10, 200]}, {"uniform": [50, 400]}]),
        "max_batch": draw.choice([1, 3, 100]),
    }
    return experiment(
        seed,
        "paxos",
        parameters,
        servers=draw.choice(
            {"mixture": [3, 4, 5], "leader_storm": [3, 5, 5], "vote_storm": [3, 3, 4]}[profile]
        ),
        twin=twin,
        stop_s=8.0,
        disk_ms=draw.choice([0, 1, 30, 30]) if mixed else 0,
        mix=MIX,
        profile=profile,
        rate=4 if profile == "vote_storm" else 20,
        latency_ms=(5, 60) if profile == "vote_storm" else (1, 10),
        duplicate=draw.choice([0.05, 0.3]),
        reorder=draw.choice([0.05, 0.2]),
    )


def run(seed: int, twin: str | None = None) -> tuple[World, dict[str, Verdict]]:
    """Run a seed to its end with every check of Paxos."""
    return run_recipe(recipe(seed, twin))


def run_recipe(plain: dict[str, Any]) -> tuple[World, dict[str, Verdict]]:
    """Run an experiment to its end with every check of Paxos; notes are kept."""
    read = parse(plain, SYSTEMS)
    world = World(read, systems=SYSTEMS, checks={name: made() for name, made in CHECKS.items()})
    keep_notes(world)
    world.run_until(int(read.stop_s * 1_000_000))
    return world, world.observer.verdicts()


def linearizable(world: World) -> str:
    """What the client history says: holds | violated | unknown."""
    return check(world.observer.ledger.history(), Model()).verdict


ROLES = ("proposer", "proposer", "acceptor", "acceptor", "acceptor", "learner")


def separate_recipe(seed: int) -> dict[str, Any]:
    """Proposers, acceptors and a learner on nodes of their own."""
    draw = random.Random(seed * 104729)
    parameters = {"mode": draw.choice(["multi", "multi", "basic"]), "leader_lease_ms": 0}
    plain = experiment(
        seed, "paxos", parameters, servers=6, stop_s=8.0, disk_ms=draw.choice([0, 1, 30]), mix=MIX
    )
    for node, role in zip(plain["topology"]["nodes"], ROLES, strict=True):
        node["processes"] = [{"system": "paxos", "role": role}]
    return plain


def single_recipe(seed: int) -> dict[str, Any]:
    """One value: every server proposes its own, now and then, while everything fails."""
    draw = random.Random(seed * 15485863)
    parameters = {
        "mode": "single",
        "retry": draw.choice(["at_once", "distinguished", {"uniform": [20, 300]}]),
    }
    servers = draw.choice([3, 4, 5])
    plain = experiment(
        seed, "paxos", parameters, servers=servers, stop_s=8.0, disk_ms=draw.choice([0, 1, 30])
    )
    plain["workload"] = []
    plain["operations"] = [
        {"client": f"c{number}", "at": f"n{number % servers + 1}", "to": "nearest", "operation": "propose",
         "value": f"v{number}", "at_s": round(draw.uniform(0.2, 6.5), 3)}
        for number in range(12)
    ]  # fmt: skip
    return plain
