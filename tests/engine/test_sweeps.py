"""Sweeps as pure logic: what is asked, when a run may end, and why pieces and order never matter."""

from __future__ import annotations

import json
import random
import statistics as reference
from typing import Any

import pytest

from simulations import catalogue
from simulations.engine import harness
from simulations.engine.experiment import Experiment, to_plain, with_overrides
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.sweeps.asked import NotThere, ask, lamps_for, metric_decided
from simulations.sweeps.batches import run_batch
from simulations.sweeps.parts import Part, decode, join
from simulations.sweeps.plan import Plan, batch_size, grid_points, pieces
from simulations.sweeps.result import Subject, command, judged, summary
from simulations.sweeps.running import run_once
from simulations.sweeps.statistics import curve, describe

SUBJECT = Subject("EL-LAN")


def plain(id: str) -> str:
    return json.dumps(to_plain(catalogue.load(id)))


def elections(plan: Plan, cuts: list[int]) -> list[Part]:
    """The plan's runs in pieces that end at these numbers (and where points end)."""
    text = plain("EL-LAN")
    found = []
    for start, stop in plan.whole_points():
        ends = [*sorted({cut for cut in cuts if start < cut < stop}), stop]
        for end in ends:
            found.append(run_batch(text, plan, start, end))
            start = end
    return found


# -- ending early -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["EL-LAN", "EL-WAN", "RA-01", "RA-02/wide"])
@pytest.mark.parametrize("name", ["election_ms", "first_round_split"])
def test_a_run_that_ends_early_gives_the_same_value(id: str, name: str) -> None:
    experiment = catalogue.load(id)
    asked = ask(experiment, [name])
    for seed in range(1, 9):
        world = World(experiment, seed, checks=lamps_for(experiment, asked))
        world.run_until(round(experiment.stop_s * 1_000_000))
        assert run_once(experiment, seed, asked).values[name] == harness.metric(world, name), seed


def test_decided_values_never_change() -> None:
    """Asked at every step of a run with several crashes, a metric that says it stands stays as it is."""
    experiment = with_overrides(
        catalogue.load("RA-01"), {"faults.2": {"at_s": 12, "do": "kill", "target": "n2"}}, SYSTEMS
    )
    asked = ask(experiment)
    for seed in (1, 2, 3):
        world = World(experiment, seed)
        stood: dict[str, Any] = {}
        for at_us in range(100_000, 15_000_001, 100_000):
            world.run_until(at_us)
            for label, (name, scope) in asked.metrics.items():
                if label not in stood and metric_decided(world, name, scope):
                    stood[label] = harness.metric(world, name, scope)
        assert {label: harness.metric(world, *asked.metrics[label]) for label in stood} == stood


def test_an_early_end_saves_most_of_the_work() -> None:
    experiment = catalogue.load("EL-LAN")
    asked = ask(experiment, ["election_ms"])
    seen: list[int] = []
    world = World(experiment, 1, checks=lamps_for(experiment, asked))
    while not metric_decided(world, *asked.metrics["election_ms"]):
        world.run_until(world.now_us + 100_000)
        seen.append(world.now_us)
    assert seen[-1] < 3_000_000 < round(experiment.stop_s * 1_000_000)


def test_narrow_questions_change_no_verdict() -> None:
    """A run that is only asked for one check says of it what the whole run says."""
    for id in ("RA-05/count_old_terms", "RA-01"):
        experiment = catalogue.load(id)
        whole = run_once(experiment, 3, ask(experiment))
        for name in whole.verdicts:
            narrow = run_once(experiment, 3, ask(experiment, [], [name]))
            assert narrow.verdicts == {name: whole.verdicts[name]}, (id, name)


def test_the_letters_are_what_simulate_says() -> None:
    experiment = catalogue.load("RA-05/count_old_terms")
    world = World(experiment, 7)
    world.run_until(round(experiment.stop_s * 1_000_000))
    letters = run_once(experiment, 7, ask(experiment)).verdicts
    assert [outcome.verdict[0] for outcome in harness.judge(world)] == list(letters.values())[
        : len(experiment.checks)
    ]


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(NotThere, match=r"metric: there is no 'election_m' \(allowed: .*election_ms"):
        ask(catalogue.load("EL-LAN"), ["election_m"])


def test_an_error_of_the_engine_is_a_failed_run() -> None:
    experiment = catalogue.load("EL-LAN")
    broken: Any = with_overrides(experiment, {}, SYSTEMS)
    broken = broken_topology(broken)
    sample = run_once(broken, 1, ask(experiment))
    assert "Error" in sample.failed
    assert set(sample.verdicts.values()) == {"f"}


def broken_topology(experiment: Experiment) -> Any:
    """Something that only goes wrong while it runs: a fault whose arguments are missing."""
    import msgspec

    line = msgspec.structs.replace(experiment.faults[0], do="cut", target=[], arguments={"from": 7}, at_s=1.0)
    return msgspec.structs.replace(experiment, faults=[line])


# -- pieces and order ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_pieces_and_their_order_never_matter(seed: int) -> None:
    draw = random.Random(seed)
    plan = Plan(5, 12, grid_points({"ineligible": [0, 2]}), ["election_ms"])
    whole = summary(SUBJECT, plan, elections(plan, []), curves=True)
    parts = [decode(part.encode()) for part in elections(plan, draw.sample(range(24), 6))]
    parts += draw.sample(parts, 2)  # done twice
    draw.shuffle(parts)
    assert summary(SUBJECT, plan, parts, curves=True) == whole
    assert whole["runs"] == 24
    assert [point["runs"] for point in whole["points"]] == [12, 12]


def test_missing_pieces_stay_missing() -> None:
    parts = [Part(0, 2, {"c": "hv"}, {"m": [1, 2]}), Part(5, 1, {"c": "v"}, {"m": [9]})]
    joined = join(parts)
    assert [(part.start, part.stop) for part in joined] == [(0, 2), (5, 6)]
    found = summary(SUBJECT, Plan(100, 10), parts)
    assert found["runs"] == 3
    assert found["checks"]["c"]["first_violation"]["seed"] == 101


def test_sizes() -> None:
    assert pieces(3, 10, 3) == [(3, 6), (6, 9), (9, 10)]
    assert batch_size(10, 0.1, 0.5) == 50
    assert batch_size(1, 30.0, 0.5) == 1
    assert batch_size(5, 0.0, 0.5) == 500


# -- statistics ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_statistics_are_those_of_the_sorted_list(seed: int) -> None:
    draw = random.Random(seed)
    values = [round(draw.expovariate(0.01), 3) for _ in range(draw.randint(1, 400))]
    found = describe([*values, None])
    ordered = sorted(values)
    assert found["n"] == len(values)
    assert found["none"] == 1
    assert found["mean"] == round(reference.fmean(values), 6)
    assert (found["min"], found["max"]) == (ordered[0], ordered[-1])
    for name, share in (("p10", 10), ("p50", 50), ("p90", 90), ("p99", 99)):
        value = found[name]
        assert sum(one <= value for one in values) * 100 >= share * len(values)
        assert sum(one < value for one in values) * 100 < share * len(values)


def test_texts_and_nothing() -> None:
    assert describe(["a", "b", "a", None]) == {"n": 3, "none": 1, "values": {"a": 2, "b": 1}}
    assert describe([])["p50"] is None
    assert describe([None])["mean"] is None


def test_of_numbers_by_key_every_key_counts_whichever_run_had_it() -> None:
    found = describe([{"a": 1}, None, {"a": 3, "b": 5}])
    assert (found["n"], found["none"], found["values"]) == (2, 1, {"a": 2.0, "b": 5.0})
    assert (found["b"]["n"], found["b"]["none"]) == (1, 1)


def test_curves_rise_to_one() -> None:
    values = [float(value % 37) for value in range(5000)]
    found = curve(values)
    assert len(found) <= 201
    assert found == sorted(found)
    assert found[-1] == [36.0, 1.0]
    assert all(share == round(sum(one <= value for one in values) / 5000, 6) for value, share in found[-1:])


# -- expectations and commands ------------------------------------------------------------------------------------


def test_the_command_replays_with_every_setting() -> None:
    subject = Subject("EL-LAN", {"disk_ms": 4, "election_timeout_ms": [150, 300]})
    found = command(subject, {"ineligible": 2}, 17)
    assert found == (
        "manage.py simulate EL-LAN --seed 17 --set disk_ms=4 --set 'election_timeout_ms=[150,300]' --set ineligible=2"
    )


def test_expectations_are_judged_on_their_own_seeds() -> None:
    line = catalogue.load("RA-01").expect_sweep[2]
    good = Part(0, line.seeds, {"no_lost_ack": "h" * line.seeds}, {})
    assert judged(line, [good])["verdict"] == "holds"
    bad = Part(0, line.seeds, {"no_lost_ack": "h" * (line.seeds - 1) + "v"}, {})
    assert judged(line, [bad])["verdict"] == "violated"
    assert judged(line, [Part(0, 3, {"no_lost_ack": "hhh"}, {})])["verdict"] == "unknown"
