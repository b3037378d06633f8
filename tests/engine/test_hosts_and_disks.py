"""Nodes, disks and clocks: what a crash takes, what waits for the disk, how a wrong clock shows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulations.engine.log import Log
from simulations.engine.process import append, drop_before, put, reset_log, truncate_from
from simulations.engine.storage import JOURNAL, Disk, Write, apply
from simulations.engine.world import World
from tests.engine.probe import Probe, heard, seen, world

SLOW = {"default": {"write_ms": 30}}


def probe(run: Any, node: str) -> Probe:
    process = run.by_id[node].process
    assert isinstance(process, Probe)
    return process


def test_a_send_waits_for_the_writes_before_it_and_only_for_those() -> None:
    run = world(storage=SLOW, operations=[(1, "n1", "write", "v", "x")])
    run.run_until(2_000_000)
    # The request comes at 1001 ms, the flush takes 30 ms, the link 10 ms.
    assert [item for item in seen(run, "n2") if "says" in item[1]] == [
        (1011.0, "n1 says before"),
        (1041.0, "n1 says after"),
    ]


def test_a_send_may_leave_before_the_write_when_it_says_so() -> None:
    run = world(storage=SLOW, operations=[(1, "n1", "early", "v", "x")])
    run.run_until(2_000_000)
    assert (1011.0, "n1 says early") in seen(run, "n2")


def test_one_flush_covers_all_that_wait_when_it_starts() -> None:
    run = world(storage=SLOW, operations=[(1, "n1", "write", "v", f"x{n}") for n in range(4)])
    run.run_until(2_000_000)
    durable = [(at, what) for at, what in seen(run, "n1") if "durable" in what]
    # The first write starts a flush alone; the three that came meanwhile share the next.
    assert durable == [(30.0, "durable 1"), (1031.0, "durable 2"), (1061.0, "durable 5")]


def test_a_crash_loses_what_was_not_durable_and_what_was_held() -> None:
    told = [(1, "n1", "write", "v", "kept"), (2, "n1", "write", "v", "lost")]
    run = world(
        storage=SLOW, operations=told, faults=[{"at_s": 2.01, "do": "kill", "target": "n1", "for_s": 1}]
    )
    run.run_until(5_000_000)
    assert probe(run, "n1").restored == "kept"
    assert probe(run, "n1").lives == 2
    assert heard(run, "n2") == ["n1 says before", "n1 says after", "n1 says before"]


@pytest.mark.parametrize(("disk", "lives", "value"), [("kept", 2, "x"), ("lost", 1, "")])
def test_a_restart_has_what_the_disk_kept(disk: str, lives: int, value: str) -> None:
    run = world(
        operations=[(1, "n1", "write", "v", "x")],
        faults=[
            {"at_s": 2, "do": "kill", "target": "n1"},
            {"at_s": 3, "do": "restart", "target": "n1", "disk": disk},
        ],
    )
    run.run_until(4_000_000)
    assert (probe(run, "n1").lives, probe(run, "n1").restored) == (lives, value)


def test_a_torn_flush_leaves_a_first_part() -> None:
    found = set()
    for seed in range(40):
        run = world(
            seed=seed,
            storage=SLOW,
            operations=[(1, "n1", "log", "l", 8)],
            faults=[
                {"at_s": 1.01, "do": "kill", "target": "n1"},
                {"at_s": 2, "do": "restart", "target": "n1", "disk": "torn"},
            ],
        )
        run.run_until(3_000_000)
        found.add(probe(run, "n1").entries)
    assert found <= set(range(9))
    assert len(found) > 3


def test_a_lying_disk_reports_what_it_does_not_keep() -> None:
    told = [(1, "n1", "write", "v", "honest"), (2, "n1", "write", "v", "pretended")]
    faults = [
        {"at_s": 1.5, "do": "disk_lie", "target": "n1"},
        {"at_s": 3, "do": "kill", "target": "n1", "for_s": 1},
    ]
    run = world(storage=SLOW, operations=told, faults=faults)
    run.run_until(5_000_000)
    assert heard(run, "n2")[-1] == "n1 says after"  # it believed the write was durable
    assert probe(run, "n1").restored == "honest"


def test_a_hanging_disk_holds_everything_until_it_is_mended() -> None:
    run = world(
        storage=SLOW,
        operations=[(2, "n1", "write", "v", "x")],
        faults=[{"at_s": 1, "do": "disk_fail", "target": "n1", "mode": "hang", "for_s": 4}],
    )
    run.run_until(4_000_000)
    assert heard(run, "n2") == ["n1 says before"]
    run.run_until(6_000_000)
    assert [item for item in seen(run, "n2") if "after" in item[1]] == [(5040.0, "n1 says after")]


def test_lost_entries_show_at_the_next_start() -> None:
    run = world(
        operations=[(1, "n1", "log", "l", 8)],
        faults=[
            {"at_s": 2, "do": "disk_lose", "target": "n1", "last_entries": 3},
            {"at_s": 3, "do": "kill", "target": "n1", "for_s": 0.5},
        ],
    )
    run.run_until(4_000_000)
    assert probe(run, "n1").entries == 5


def some_write(draw: random.Random, logs: dict[str, Log]) -> Write:
    name = draw.choice("ab")
    log = logs.get(name, Log())
    made = draw.random()
    if made < 0.7:
        return append(name, [draw.randrange(9) for _ in range(draw.randrange(1, 4))])
    if made < 0.8:
        return put(draw.choice("xy"), draw.randrange(9))
    if made < 0.9:
        return truncate_from(name, draw.randint(log.first, log.last + 1))
    if made < 0.97:
        return drop_before(name, draw.randint(log.first, log.last + 2))
    return reset_log(name, log.last + 5, 7)


@pytest.mark.parametrize("seed", range(10))
def test_whoever_reads_a_disk_finds_all_that_is_durable(seed: int) -> None:
    """However many writes wait in the journal, and in whichever copy."""
    draw, disk = random.Random(seed), Disk()
    cells: dict[str, Any] = {}
    logs: dict[str, Log] = {}
    for number in range(1, 6 * JOURNAL):
        write = some_write(draw, logs)
        apply(cells, logs, write)
        if draw.random() < 0.5:
            disk.store((write,))
        else:
            disk.waiting.append((number, (write,)))
            disk.complete(number)
        assert len(disk.journal) < JOURNAL
        if draw.random() < 0.03:
            twin = disk.fork()
            assert (disk.cells, {name: log.mark for name, log in disk.logs.items()}) == (
                cells,
                {name: log.mark for name, log in logs.items()},
            )
            assert [*map(list, disk.logs.values())] == [*map(list, logs.values())]
            disk.wipe()
            assert (disk.cells, disk.logs) == ({}, {})
            disk = twin
    assert (disk.cells, [*map(list, disk.logs.values())]) == (cells, [*map(list, logs.values())])


def test_a_paused_process_handles_everything_in_order_at_resume() -> None:
    run = world(
        operations=[(0.5, "n2", "timer", "t", 1_000_000), (1.2, "n1", "burst", "n2", 3)],
        faults=[{"at_s": 1, "do": "pause", "target": "n2", "for_s": 2}],
    )
    run.run_until(2_900_000)
    assert len([what for at, what in seen(run, "n2") if at > 1000]) == 0
    run.run_until(4_000_000)
    after = [(at, what) for at, what in seen(run, "n2") if at > 1000]
    assert after == [(3000.0, f"n1 says b{n}") for n in range(3)] + [(3000.0, "timer t")]


def test_a_restart_is_a_new_life_old_timers_never_fire() -> None:
    run = world(
        operations=[(0.5, "n1", "timer", "t", 2_000_000)],
        faults=[{"at_s": 1, "do": "kill", "target": "n1", "for_s": 0.5}],
    )
    run.run_until(5_000_000)
    assert not [what for _, what in seen(run, "n1") if "timer" in what]


def test_a_slow_cpu_makes_events_wait_in_a_queue() -> None:
    run = world(
        operations=[(1, "n1", "burst", "n2", 4)],
        faults=[{"at_s": 0.5, "do": "slow", "target": "n2", "service_ms": 100}],
    )
    run.run_until(3_000_000)
    assert [at for at, what in seen(run, "n2") if "says" in what] == [1011.0, 1111.0, 1211.0, 1311.0]


def test_outputs_leave_when_the_cpu_is_done() -> None:
    topology = {
        "nodes": [{"id": "n1", "service_ms": 50}, {"id": "n2"}],
        "links": {"default": {"latency_ms": 10}},
    }
    run = world(topology=topology, operations=[(1, "n1", "tell", "n2", "x")])
    run.run_until(2_000_000)
    assert [item for item in seen(run, "n2") if "says" in item[1]] == [(1061.0, "n1 says x")]


def test_a_clock_shows_offset_rate_and_jumps() -> None:
    run = world(
        clocks={"n1": {"offset_ms": 500, "rate": 2}},
        operations=[(1, "n1", "timer", "t", 1_000_000)],
        faults=[{"at_s": 3, "do": "clock", "target": "n1", "jump_ms": -100}],
    )
    run.run_until(4_000_000)
    host = run.kernel.hosts["n1"]
    # Told at 1.001 s true time: its clock shows 500 + 2002 ms; a local second is half a true one.
    assert [item for item in seen(run, "n1") if "timer" in item[1]] == [(3502.0, "timer t")]
    assert host.clock(run.now_us) == 500_000 + 8_000_000 - 100_000


def test_a_saved_or_copied_process_reads_the_clock_of_its_own_host() -> None:
    run = world(clocks={"n1": {"offset_ms": 500}})
    run.run_until(1_000_000)
    told: list[dict[str, Any]] = [
        {"do": "clock", "target": "n1", "jump_ms": 250},
        {"do": "clock_mend", "target": "n1"},
    ]
    for number, made in enumerate((run.fork(), World.load(run.experiment, run.save(), systems=run.systems))):
        made.command(1_500_000, told[number], 1)
        made.run_until(2_000_000)
        assert made.by_id["n1"].now - made.now_us == (750_000, 0)[number]
        assert made.by_id["n2"].now == made.now_us
    assert run.by_id["n1"].now == 1_500_000


def test_a_running_timer_keeps_its_local_time_when_the_rate_changes() -> None:
    run = world(
        operations=[(1, "n1", "timer", "t", 2_000_000)],
        faults=[{"at_s": 2.001, "do": "clock", "target": "n1", "rate": 0.5}],
    )
    run.run_until(6_000_000)
    fired = [at for at, what in seen(run, "n1") if "timer" in what]
    assert fired == [3001.0]  # local: 2001 + 1000 local ms that take 2000 true ms
    assert run.kernel.hosts["n1"].clock(4_001_000) <= 3_001_000 + 1


def test_a_cancelled_or_moved_timer_does_not_fire_early() -> None:
    told = [
        (1, "n1", "timer", "t", 500_000),
        (1.2, "n1", "timer", "t", 900_000),
        (1, "n1", "timer", "u", 500_000),
        (1.3, "n1", "cancel", "u", None),
        (1.35, "n1", "timer", "v", 800_000),
        (1.4, "n1", "timer", "v", 100_000),
    ]
    run = world(operations=told)
    run.run_until(4_000_000)
    assert [item for item in seen(run, "n1") if "timer" in item[1]] == [
        (1501.0, "timer v"),
        (2101.0, "timer t"),
    ]


def test_what_kills_a_node_kills_all_its_processes() -> None:
    topology = {
        "nodes": [{"id": "n1", "processes": ["probe", {"system": "probe", "id": "side"}]}, {"id": "n2"}],
        "links": {"default": {"latency_ms": 10}},
    }
    run = world(
        topology=topology,
        operations=[(1, "n1", "tell", "n1/side", "beside"), (5, "n2", "tell", "n1/side", "far")],
        faults=[{"at_s": 2, "do": "kill", "target": "n1", "for_s": 1}],
    )
    run.run_until(2_500_000)
    assert heard(run, "n1/side") == ["n1 says beside"]
    run.run_until(6_000_000)
    assert (probe(run, "n1").lives, probe(run, "n1/side").lives) == (2, 2)
    assert heard(run, "n1/side") == ["n2 says far"]


def test_operators_timers_and_parameters() -> None:
    run = world(
        operations=[(1, "n1", "timer", "t", 20_000_000)],
        faults=[
            {"at_s": 2, "do": "campaign", "target": "n1"},
            {"at_s": 3, "do": "fire_timer", "target": "n1", "timer": "t"},
            {"at_s": 4, "do": "set_parameter", "name": "word", "value": "loud"},
            {"at_s": 5, "do": "kill", "target": "n1", "for_s": 1},
        ],
    )
    run.run_until(7_000_000)
    what = [what for _, what in seen(run, "n2")]
    assert "parameter loud" in what
    assert probe(run, "n1").parameters.word == "loud"  # a parameter outlives the process
    run = world(
        operations=[(1, "n1", "timer", "t", 20_000_000)],
        timers="manual",
        faults=[{"at_s": 3, "do": "fire_timer", "target": "n1", "timer": "t"}],
    )
    run.run_until(25_000_000)
    assert [item for item in seen(run, "n1") if "timer" in item[1]] == [(3000.0, "timer t")]
