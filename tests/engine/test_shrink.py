"""Shrinking: the result fails the same check, and not without any one of its faults."""

from __future__ import annotations

import random
from functools import lru_cache

import pytest

from simulations.engine.experiment import Experiment, parse, to_plain, with_overrides
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.shrink.reduce import minimize
from simulations.shrink.search import (
    Case,
    NotFailing,
    OutOfTime,
    Search,
    failing_at,
    read_case,
    standing_faults,
)
from tests.systems.raft.campaign import recipe

# (twin, check): one that needs a crash, one that needs cuts.
FAILING = [("acknowledge_before_disk", "leader_completeness"), ("read_before_commit", "linearizable")]

QUIET = {
    "format": 1,
    "id": "lossy",
    "title": {"en": "Lost heartbeats", "zh": "丢失的心跳"},
    "system": "raft",
    "parameters": {"heartbeat_ms": 50, "election_timeout_ms": [110, 140]},
    "initial": {"leader": "n1", "term": 1},
    "topology": {"preset": "one_zone_3", "links": {"default": {"latency_ms": 5, "loss": 0.2}}},
    "faults": [{"at_s": 3.9, "do": "pause", "target": "n3"}],
    "stop_s": 4,
    "checks": [{"metric": "elections", "at_most": 0}],
}


def failing(twin: str, seed: int) -> Experiment:
    """A nemesis run of a broken Raft."""
    return parse(recipe(seed, twin), SYSTEMS)


@lru_cache
def first_failing(twin: str, check: str) -> int:
    """The first seed whose nemesis catches the twin with this check."""
    return next(seed for seed in range(1, 200) if verdict(failing(twin, seed), seed, check) == "violated")


@lru_cache
def shrunk(twin: str, check: str) -> Case:
    """The smallest case of that seed, searched for once."""
    seed = first_failing(twin, check)
    return Search(failing(twin, seed), seed, check).run()


def verdict(experiment: Experiment, seed: int, check: str) -> str:
    """What a run of its own says, without anything of the search."""
    world = World(experiment, seed)
    world.run_until(round(experiment.stop_s * 1_000_000))
    return world.verdicts()[check].verdict


def without_each(experiment: Experiment) -> list[Experiment]:
    """The experiment with one script line, or one standing fault, less: every way to do so."""
    plain = to_plain(experiment)
    found = []
    for number in range(len(plain.get("faults", []))):
        lines = plain["faults"][:number] + plain["faults"][number + 1 :]
        found.append(parse({**plain, "faults": lines}, SYSTEMS))
    return found + [with_overrides(experiment, off, SYSTEMS) for off in standing_faults(experiment)]


@pytest.mark.parametrize(("twin", "check"), FAILING)
def test_the_smallest_case_fails_and_no_fault_can_go(twin: str, check: str) -> None:
    case = shrunk(twin, check)
    small = read_case(case.experiment)
    assert verdict(small, case.seed, check) == "violated"
    others = without_each(small)
    assert case.minimal
    assert 0 < len(others) == case.faults < case.from_faults
    assert [verdict(other, case.seed, check) for other in others].count("violated") == 0
    assert to_plain(small) == case.experiment


def test_what_chance_destroyed_becomes_the_fewest_single_messages() -> None:
    """Somebody campaigns because it misses heartbeats; nothing but a few of them has to be lost."""
    experiment = parse(QUIET, SYSTEMS)
    search = Search(experiment, 1, "elections <= 0")
    case = search.run()
    small = read_case(case.experiment)
    assert case.minimal
    assert [line.do for line in small.faults] == ["drop"] * case.messages
    assert {line.arguments["match"].message for line in small.faults} == {"AppendEntries"}
    assert case.messages <= 4
    assert not standing_faults(small)
    assert failing_at(small, 1, search.asked) >= 0
    assert [failing_at(other, 1, search.asked) for other in without_each(small)] == [-1] * case.messages


def test_a_search_goes_on_where_it_was_interrupted() -> None:
    twin, check = FAILING[0]
    seed = first_failing(twin, check)
    memo: dict[str, int] = {}
    slices = 0
    while True:
        slices += 1
        before = len(memo)
        try:
            case = Search(failing(twin, seed), seed, check, memo, slice_s=0.0001).run()
            break
        except OutOfTime:
            assert len(memo) > before
    assert slices > 1
    assert case == shrunk(twin, check)


def test_a_spent_budget_gives_what_was_found_and_says_so() -> None:
    twin, check = FAILING[0]
    seed = first_failing(twin, check)
    case = Search(failing(twin, seed), seed, check, tests_max=4).run()
    assert not case.minimal
    assert verdict(read_case(case.experiment), seed, check) == "violated"


@pytest.mark.parametrize("tests_max", range(1, 12))
def test_whenever_the_budget_is_spent_the_case_fails(tests_max: int) -> None:
    """Also while one kind of units is replaced by another."""
    search = Search(parse(QUIET, SYSTEMS), 1, "elections <= 0", tests_max=tests_max)
    case = search.run()
    assert not case.minimal
    assert failing_at(read_case(case.experiment), 1, search.asked) == case.at_us is not None


def test_a_run_that_holds_has_nothing_to_shrink() -> None:
    seed = first_failing(*FAILING[0])
    plain = to_plain(failing(FAILING[0][0], seed))
    correct = parse({key: item for key, item in plain.items() if key != "twin"}, SYSTEMS)
    with pytest.raises(NotFailing):
        Search(correct, seed, "leader_completeness").run()


@pytest.mark.parametrize("seed", range(40))
def test_delta_debugging_finds_a_minimal_part(seed: int) -> None:
    """Against random conditions of the form: any of some sets of items is enough."""
    draw = random.Random(seed)
    count = draw.randint(1, 24)
    enough = [
        frozenset(draw.sample(range(count), draw.randint(1, min(5, count))))
        for _ in range(draw.randint(1, 3))
    ]

    def fails(kept: list[int]) -> bool:
        return any(wanted <= set(kept) for wanted in enough)

    found = minimize(count, fails)
    assert fails(found)
    assert not any(fails([item for item in found if item != gone]) for gone in found)


def test_nothing_at_all_may_be_enough() -> None:
    assert minimize(7, lambda kept: True) == []
