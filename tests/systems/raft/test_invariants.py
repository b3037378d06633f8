"""The invariants of the TLA+ models: each fires on a handmade history or on a twin, and is silent on correct Raft."""

from __future__ import annotations

from functools import cache

import pytest

from simulations.engine.checks.base import Verdict
from simulations.engine.experiment.reader import parse
from simulations.engine.registry import SYSTEMS
from simulations.engine.systems.raft.invariants import (
    CHECKS,
    CommittedPrefixesAgree,
    LeaderHasNewest,
    MoreUpToDateIsCorrect,
)
from simulations.engine.world import World
from tests.budget import seeds
from tests.systems.raft.campaign import recipe
from tests.systems.raft.test_checks import Play

SEEDS = 120


@cache
def verdicts(seed: int, twin: str | None = None) -> dict[str, Verdict]:
    """What all of them say of one seed of the nemesis."""
    read = parse(recipe(seed, twin), SYSTEMS)
    world = World(read, systems=SYSTEMS, checks={name: made() for name, made in CHECKS.items()})
    world.run_until(round(read.stop_s * 1_000_000))
    return world.observer.verdicts()


@pytest.mark.parametrize("seed", seeds("raft_invariants"))
def test_they_are_silent_on_correct_raft(seed: int) -> None:
    found = verdicts(seed)
    assert {name: verdict.values for name, verdict in found.items() if verdict.verdict == "violated"} == {}
    assert found["committed_is_durable"].judged
    assert found["more_up_to_date_is_correct"].judged


@pytest.mark.parametrize(
    ("twin", "check"),
    [
        ("count_vote_twice", "committed_prefixes_agree"),
        ("count_prior_term", "more_up_to_date_is_correct"),
        ("acknowledge_before_disk", "committed_is_durable"),
        ("truncate_without_conflict", "committed_is_durable"),
    ],
)
def test_a_twin_makes_it_fire(twin: str, check: str) -> None:
    caught = next(
        (seed for seed in range(1, SEEDS + 1) if verdicts(seed, twin)[check].verdict == "violated"), None
    )
    assert caught is not None
    assert verdicts(caught)[check].verdict != "violated"


def test_committed_prefixes_that_differ_are_seen() -> None:
    play = Play(CommittedPrefixesAgree())
    play.change(0, [(1, "a"), (1, "b")], term=1, commit_index=2)
    play.change(1, [(1, "a"), (2, "x")], term=2, commit_index=1)
    assert play.verdicts() == {"holds"}
    play.change(1, commit_index=2)
    assert play.verdicts() == {"violated"}
    assert play.checks[0].verdict().values == {"process": "n2", "index": 2}


def test_a_commit_index_beyond_the_log_is_judged_as_far_as_the_log_goes() -> None:
    play = Play(CommittedPrefixesAgree())
    play.change(0, [(1, "a")], term=1, commit_index=9)
    play.change(1, [(1, "a"), (1, "b")], term=1, commit_index=2)
    assert play.verdicts() == {"holds"}


def test_a_leader_without_the_newest_entry_of_its_term_is_seen() -> None:
    play = Play(LeaderHasNewest())
    play.change(0, [(1, "a"), (2, "b")], term=2, role="leader")
    play.change(1, [(1, "a"), (2, "b")], term=2)
    assert play.verdicts() == {"holds"}
    play.change(1, [(1, "a"), (2, "b"), (2, "c")])
    assert play.verdicts() == {"violated"}


def test_a_deposed_leader_is_not_bound_by_newer_terms() -> None:
    play = Play(LeaderHasNewest())
    play.change(0, [(1, "a")], term=1, role="leader")
    play.change(1, [(1, "a"), (2, "b"), (2, "c")], term=2, role="leader")
    play.change(0, [(1, "a"), (1, "tail")])
    assert play.verdicts() == {"holds"}


def test_an_up_to_date_log_without_a_committed_entry_is_seen() -> None:
    play = Play(MoreUpToDateIsCorrect())
    play.change(0, [(1, "a"), (2, "b")], term=2, commit_index=2)
    play.change(1, [(1, "a")], term=2)
    assert play.verdicts() == {"unknown"}, "a log that is behind need not hold it"
    play.change(1, [(1, "a"), (1, "x"), (3, "y")], term=3)
    assert play.verdicts() == {"violated"}


def test_what_a_crashed_server_had_does_not_count() -> None:
    play = Play(MoreUpToDateIsCorrect())
    play.change(1, [(3, "y")], term=3)
    play.checks[0].crashed(1, 1, 1)
    play.change(0, [(1, "a")], term=1, commit_index=1)
    assert play.verdicts() == {"unknown"}


def test_a_newcomer_that_knows_of_a_commit_before_it_has_its_entry_is_no_false_alarm() -> None:
    """n2 is being filled by the leader of term 4, which committed everything by an entry that n2 has not got yet."""
    play = Play(MoreUpToDateIsCorrect())
    play.change(0, [(1, "a"), (3, "tail")], term=3)
    play.change(1, [(1, "a"), (1, "b")], term=4, commit_index=2)
    assert play.verdicts() == {"unknown"}
    play.change(1, [(1, "a"), (1, "b"), (4, "c")], term=4, commit_index=3)
    play.change(0, [(1, "a"), (1, "x"), (4, "y")], term=4)
    assert play.verdicts() == {"violated"}
