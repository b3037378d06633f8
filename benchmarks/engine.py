"""How fast the engine is, as ratios to H (see hold.py): rates, decay with history, checkpoints."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.hold import ROUNDS, paired
from simulations import wire
from simulations.collecting import only_the_young_collected
from simulations.engine.experiment import Experiment, parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World

FIVE = ("one_leader_per_term", "log_matching", "leader_completeness", "state_machine_safety", "no_lost_ack")
SECOND = 1_000_000


def experiment(nodes: int = 5, **changes: Any) -> Experiment:
    """The benchmark's cluster: latency 1-10 ms, 1% loss and duplication, one write each 10 ms, disk 1 ms."""
    return parse(
        {
            "format": 1,
            "id": f"bench-{nodes}",
            "title": {"en": "Benchmark", "zh": "基准测试"},
            "system": "raft",
            "parameters": {
                "heartbeat_ms": 50, "election_timeout_ms": [150, 300], "pre_vote": True, "check_quorum": True,
                "leader_stickiness": True, "leader_noop": True,
            },
            "topology": {
                "regions": [{"id": "r", "zones": [{"id": "a"}]}],
                "nodes": [{"id": f"n{i}", "zone": "a"} for i in range(1, nodes + 1)],
                "links": {"default": {"latency_ms": {"uniform": [1, 10]}, "loss": 0.01, "duplicate": 0.01}},
            },
            "storage": {"default": {"write_ms": 1}},
            "workload": [{"client": "c1", "at": "n1", "rate": 100, "session": True}],
            "stop_s": 3600,
            **changes,
        },
        SYSTEMS,
    )  # fmt: skip


@dataclass(frozen=True)
class Effort:
    """How much is measured: events and pairs per rate, log entries of a long history, rounds of timed calls."""

    events: int = 12_000
    rounds: int = ROUNDS
    entries: int = 50_000
    calls: int = 200


FULL = Effort()
QUICK = Effort(events=2_000, rounds=3, entries=2_000, calls=20)


def world_of(nodes: int = 5, record: str = "checks", checks: Iterable[str] = FIVE) -> World:
    """The benchmark's cluster two seconds after its start, with these checks unless ``record`` is none."""
    made = {name: SYSTEMS["raft"].checks[name]() for name in checks}
    world = World(experiment(nodes), record=record, checks=made if record != "none" else {})
    world.run_until(2 * SECOND)
    return world


class Running:
    """A world that is moved a number of events at a time; measures events per second of CPU time.

    ``each``: what is done every 1,000 events.
    """

    def __init__(self, world: World, events: int, each: Callable[[World], Any] | None = None) -> None:
        self.world, self.events, self.each = world, events, each
        self.virtual_us = 0
        self.cpu_s = 0.0

    def __call__(self) -> float:
        world, began, at = self.world, self.world.events, self.world.now_us
        start = time.process_time()
        while world.events - began < self.events:
            world.run_until(world.now_us + 60 * SECOND, budget=1000)
            if self.each is not None:
                self.each(world)
        spent = time.process_time() - start
        self.virtual_us += world.now_us - at
        self.cpu_s += spent
        return (world.events - began) / spent


def rate_of(world: World, each: Callable[[World], Any] | None, effort: Effort) -> dict[str, float]:
    """Events per second of a world from here on, and the ratio to H."""
    gc.collect()
    gc.freeze()
    running = Running(world, effort.events, each)
    with only_the_young_collected():  # as processes that only simulate do
        ratio, per_second, h = paired(running, effort.rounds, effort.events * 4)
    gc.unfreeze()
    virtual = running.virtual_us / SECOND / running.cpu_s
    return {"ratio": ratio, "events_per_s": per_second, "H": h, "virtual_s_per_cpu_s": virtual}


def rate(
    nodes: int = 5,
    record: str = "checks",
    each: Callable[[World], Any] | None = None,
    effort: Effort = FULL,
    checks: Iterable[str] = FIVE,
) -> dict[str, float]:
    """Events per second of a cluster, and the ratio to H."""
    return rate_of(world_of(nodes, record, checks), each, effort)


def consensus(system: str) -> World:
    """The same five nodes, clients and disks under another system, with the checks of its lamps. Links are reliable:
    ZooKeeper's stand for TCP connections, and loss would measure how each repairs it."""
    links = {"default": {"latency_ms": {"uniform": [1, 10]}, "ordered": True}}
    nodes = [{"id": f"n{i}", "zone": "a"} for i in range(1, 6)]
    places = [{"id": "r", "zones": [{"id": "a"}]}]
    world = World(
        experiment(
            system=system, parameters={}, topology={"regions": places, "nodes": nodes, "links": links}
        ),
        record="checks",
    )
    world.run_until(2 * SECOND)
    return world


def checkpoint(world: World) -> World:
    """A fork that nobody will change."""
    return world.fork()


def traced(world: World) -> bytes:
    """The trace since the last call as viewers get it: taken, encoded, compressed."""
    return wire.encode_chunk(world.take_chunk())


def aged(entries: int) -> World:
    """The benchmark's cluster after so many log entries."""
    world = world_of()
    while world.kernel.contexts[0].process.log.last < entries:  # type: ignore[attr-defined]
        world.run_until(world.now_us + 10 * SECOND)
    return world


def times_us(*calls: Callable[[], Any], rounds: int = 200) -> list[float]:
    """Median time of each call in microseconds; they take turns, so that a busy moment hits all of them."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, found, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) * 1e6 for times in found]


def checkpoint_figures(young: World, old: World, effort: Effort) -> dict[str, float]:
    """Times of fork, save and load in microseconds, and the sizes of the saved worlds in bytes."""
    saved = young.save()
    fewer = max(3, effort.calls // 20)
    fork, fork_old = times_us(young.fork, old.fork, rounds=effort.calls)
    save, load = times_us(young.save, lambda: World.load(young.experiment, saved), rounds=fewer)
    return {
        "fork_us": fork,
        "fork_old_us": fork_old,
        "save_us": save,
        "load_us": load,
        "bytes": len(saved),
        "bytes_old": len(old.save()),
    }
