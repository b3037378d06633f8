"""One nemesis run of Raft (or of a twin): what a seed means, and what the checks say."""

from __future__ import annotations

import random
from typing import Any

from simulations.engine.checks.base import Verdict
from simulations.engine.checks.linearizability import Model, check
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.raft.properties import CHECKS
from simulations.engine.world import World
from tests.systems.nemesis import experiment

MIX: dict[str, float] = {"put": 1, "get": 1}
PROFILES = ("mixture", "leader_storm", "vote_storm")


def lease_recipe(seed: int) -> dict[str, Any]:
    """Lease reads with what makes them safe: stickiness, a lease below the election timeout, and true clocks."""
    parameters = {"read_mode": "lease", "lease_ms": 136, "leader_stickiness": True, "pre_vote": seed % 2 == 0}
    return experiment(seed, "raft", parameters, servers=5, stop_s=8.0, mix=MIX, profile="true_clocks")


def recipe(seed: int, twin: str | None = None) -> dict[str, Any]:
    """The experiment of a seed: profile, parameters, disk and network are drawn from it."""
    draw = random.Random(seed * 7919)
    profile = PROFILES[seed % len(PROFILES)]
    mixed = profile == "mixture"
    disk_ms = draw.choice([0, 1, 30, 30]) if mixed else 0
    # (Timeouts that differ by less than a disk write takes would elect nobody.)
    timeouts = [[150, 300], [150, 180]] if disk_ms < 30 else [[150, 300]]
    parameters = {
        "pre_vote": mixed and draw.random() < 0.5,
        "leader_stickiness": mixed and draw.random() < 0.5,
        "leader_noop": draw.random() < (0.7 if mixed else 0.1),
        "check_quorum": draw.random() < 0.5,
        # (One step back per slow round trip would take longer than the calm at the end.)
        "fast_backtracking": draw.random() < 0.5 or profile == "vote_storm",
        "leader_disk": draw.choice(["serial", "parallel"]),
        "election_timeout_ms": draw.choice(timeouts),
        "read_mode": draw.choice(["read_index", "read_index", "log"]),
    }
    return experiment(
        seed,
        "raft",
        parameters,
        servers=draw.choice(
            {"mixture": [3, 4, 5], "leader_storm": [3, 5, 5], "vote_storm": [3, 3, 4]}[profile]
        ),
        twin=twin,
        stop_s=8.0,
        disk_ms=disk_ms,
        mix=MIX,
        profile=profile,
        rate=4 if profile == "vote_storm" else 20,
        latency_ms=(5, 60) if profile == "vote_storm" else (1, 10),
        duplicate=draw.choice([0.05, 0.3]),
        reorder=draw.choice([0.05, 0.2]),
    )


def run(seed: int, twin: str | None = None) -> tuple[World, dict[str, Verdict]]:
    """Run a seed to its end with every check of Raft."""
    return run_recipe(recipe(seed, twin))


def run_recipe(plain: dict[str, Any]) -> tuple[World, dict[str, Verdict]]:
    """Run an experiment to its end with every check of Raft."""
    read = parse(plain, SYSTEMS)
    world = World(read, systems=SYSTEMS, checks={name: made() for name, made in CHECKS.items()})
    world.run_until(int(read.stop_s * 1_000_000))
    return world, world.observer.verdicts()


class NoteIds:
    """A recorder that only remembers which notes there were."""

    def __init__(self, world: World) -> None:
        self.kernel = world.kernel
        self.seen: set[str] = set()
        self.kernel.recorder, self.kernel.notes = self, []

    def executed(self, event: Any, context: Any) -> None:
        self.seen.update(id for id, *_ in self.kernel.notes or ())
        self.kernel.notes = []

    def observed(self, notes: Any) -> None:
        """What checks saw is not kept."""

    def dropped(self, event: Any, reason: str) -> None:
        """Nothing is noted then."""

    def commanded(self, event: Any, outcome: Any) -> None:
        """Nothing is noted then that a later event would not show."""


def notes_of(seed: int) -> set[str]:
    """The notes that occur in a seed."""
    read = parse(recipe(seed), SYSTEMS)
    world = World(read, systems=SYSTEMS)
    found = NoteIds(world)
    world.run_until(int(read.stop_s * 1_000_000))
    return found.seen


def linearizable(world: World) -> str:
    """What the client history says: holds | violated | unknown."""
    return check(world.observer.ledger.history(), Model()).verdict
