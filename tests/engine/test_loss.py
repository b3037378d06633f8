"""When was it lost: other futures of a world, and the curve that steps up where a planted loss was decided."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import pytest

from simulations import catalogue
from simulations.engine.experiment import Experiment, parse
from simulations.engine.futures import other_future
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.sweeps import loss
from simulations.sweeps.batches import run_batch
from simulations.sweeps.plan import Loss, Plan
from tests.engine.planted import PLANTED, SLOW_SHARE, STOP_US, WRITE_S, lossy_seed, plain


@lru_cache(maxsize=1)
def seed() -> int:
    return lossy_seed()


def planned(points: int = loss.POINTS, seeds: int = loss.SEEDS, **named: Any) -> Plan:
    asked = Loss(seed(), named.pop("check", "no_lost_ack"), STOP_US, **named)
    return Plan(seed() + 1, seeds, [{}] * points, loss=asked)


def curve(plan: Plan, text: str = "") -> dict[str, Any]:
    pieces = plan.whole_points()
    return loss.curve(plan, [run_batch(text or plain(), plan, start, stop) for start, stop in pieces])


# -- other futures -----------------------------------------------------------------------------------------------


def told(world: World) -> tuple[Any, ...]:
    return world.events, world.verdicts(), world.metrics_now(), world.kernel.streams


def lines_of(world: World) -> list[tuple[int, Any, Any]]:
    """When the lines of the script fired since the world records, whom they hit, or why they did not."""
    events = world.take_chunk().plain()["events"]
    told = [(event[1], event[5]) for event in events if isinstance(event[5], dict) and "script" in event[5]]
    return [(at_us, line.get("resolved"), line.get("skipped")) for at_us, line in told]


def raft() -> Experiment:
    return catalogue.load("RA-01")


def test_from_the_beginning_another_future_is_the_run_of_that_seed() -> None:
    fork = other_future(World(raft(), 1), 7)
    fresh = World(raft(), 7)
    for world in (fork, fresh):
        world.run_until(3_000_000)
    assert told(fork) == told(fresh)


def test_a_future_is_decided_by_its_seed_and_leaves_the_past_and_the_world_alone() -> None:
    world = World(raft(), 1)
    world.run_until(2_000_000)
    before, digest = told(world.fork()), world.digest()
    futures = [other_future(world, number) for number in (7, 7, 8)]
    assert all(one.history == world.history for one in futures)
    for one in futures:
        one.run_until(3_000_000)
    assert futures[0].digest() == futures[1].digest() != futures[2].digest()
    assert (told(world), world.digest()) == (before, digest)


def test_the_draws_of_the_fault_script_stay() -> None:
    drawn = {
        **PLANTED,
        "faults": [{"every_s": 0.1, "do": "pause", "target": "random", "for_s": 0.01, "probability": 0.5}],
    }
    world = World(parse(drawn, SYSTEMS), 1)
    world.run_until(500_000)
    struck = []
    for number in (1, 2, 3):
        one = other_future(world, number)
        one.record("full")
        one.run_until(STOP_US)
        struck.append(lines_of(one))
    assert struck[0] == struck[1] == struck[2]
    assert {skipped for _, _, skipped in struck[0]} == {None, "chance"}


def test_a_world_whose_future_was_drawn_anew_is_not_saved() -> None:
    with pytest.raises(ValueError, match="drawn anew"):
        other_future(World(raft(), 1), 2).save()


# -- the curve ---------------------------------------------------------------------------------------------------


def test_the_curve_steps_up_where_the_loss_was_decided() -> None:
    found = curve(planned())
    points, step = found["points"], found["step"]
    assert (len(points), {point["runs"] for point in points}) == (40, {50})
    spacing = points[1]["at_us"]
    truth = WRITE_S * 1_000_000
    assert step["from_us"] - spacing <= truth <= step["to_us"] + spacing
    assert all(point["share"] < 3 * SLOW_SHARE for point in points if point["at_us"] < truth)
    assert all(point["share"] == 1 for point in points if point["at_us"] > truth + spacing)
    assert truth < points[-1]["at_us"] < STOP_US, "the points end where the violation showed"
    assert found["failed"] == 0


def test_the_pieces_and_their_order_change_nothing() -> None:
    plan = planned(points=5, seeds=4)
    whole = curve(plan)
    loss._paths.clear()
    starts = range(0, plan.runs, 2)
    assert whole == loss.curve(plan, [run_batch(plain(), plan, at, at + 2) for at in reversed(starts)])


def test_the_metric_says_the_same_as_the_check() -> None:
    check, metric = (curve(planned(points=4, seeds=6, check=name)) for name in ("no_lost_ack", loss.METRIC))
    assert check["points"] == metric["points"]


def test_commands_count() -> None:
    # Somebody lets the primary wait for its replica before the write: nothing acknowledged can be lost any more.
    command = (1_000_000, 0, {"do": "set_parameter", "target": ["n1"], "name": "mode", "value": "sync"})
    found = curve(planned(points=5, seeds=6, commands=[command]))
    assert [point["share"] for point in found["points"]] == [0.0] * 5
    assert found["step"] is None
    assert loss.curve(planned(), [])["points"] == []


def test_a_run_that_cannot_be_gone_through_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "EVENTS_PER_RUN_MAX", 10)
    monkeypatch.setattr(loss, "SLICE_EVENTS", 5)
    tried: list[Any] = []
    begin = loss.Path._begin

    def counted(path: loss.Path) -> World:
        tried.append(path)
        return begin(path)

    monkeypatch.setattr(loss.Path, "_begin", counted)
    plan = planned(points=3, seeds=2, commands=[(2_300_000, 0, {"do": "kill", "target": ["n2"]})])
    parts = [run_batch(plain(), plan, start, stop) for start, stop in plan.whole_points()]
    found = loss.curve(plan, parts)
    assert (found["points"], found["failed"], len(tried)) == ([], 6, 1)
    assert "events" in parts[0].failed[0]


def test_wilsons_interval() -> None:
    # Published examples: 0 of 50, 5 of 10.
    assert loss.wilson(0, 50) == (0.0, 0.0713)
    assert loss.wilson(5, 10) == (0.2366, 0.7634)
    assert loss.wilson(50, 50) == (0.9287, 1.0)


def test_the_points_are_spread_evenly_and_include_both_ends() -> None:
    times = loss.moments(1_000_003, 7)
    assert (times[0], times[-1], len(times)) == (0, 1_000_003, 7)
    assert {b - a for a, b in pairwise(times)} <= {166_667, 166_668, 166_666}
