"""Three-phase commit: what Skeen claims, under crashes, its broken twin - and what a partition does to it."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.three_phase_commit import DESCRIPTOR
from simulations.engine.systems.three_phase_commit.messages import (
    Decision,
    Inquire,
    PreCommit,
    PreCommitted,
    Vote,
    VoteRequest,
)
from simulations.engine.systems.three_phase_commit.process import Parameters, ThreePhaseCommit
from simulations.engine.systems.three_phase_commit.twins import TWINS
from tests.budget import seeds
from tests.systems.commitment import recipe, run, verdict
from tests.systems.kept_notes import noted
from tests.systems.nemesis import experiment
from tests.systems.recording import Group

SYSTEM = "three_phase_commit"
DIRECTORY = {SYSTEM: ("c", "p", "q"), f"{SYSTEM}/coordinator": ("c",), f"{SYSTEM}/participant": ("p", "q")}
TIMER = "wait c:1.1"


def group(**settings: Any) -> Group:
    """A coordinator c and two participants p and q."""
    made = Group(lambda: ThreePhaseCommit(directory=DIRECTORY), ("c", "p", "q"), Parameters(**settings))
    made.start()
    return made


def outcomes(cluster: Group) -> list[list[str]]:
    """What every process decided."""
    return [list(process.decided.values()) for process in cluster.processes.values()]


def under_way(steps: int) -> Group:
    """A transaction after so many message delays: 2 - all have voted, 3 - all are told so, 4 - all have answered."""
    cluster = group()
    cluster.request("c", "commit")
    for _ in range(steps):
        cluster.step()
    return cluster


def test_three_phases_and_everybody_commits_when_all_vote_yes() -> None:
    cluster = group()
    cluster.request("c", "commit")
    cluster.quiet()
    kinds = [type(message) for _, _, message in cluster.delivered]
    assert kinds[::2] == [VoteRequest, Vote, PreCommit, PreCommitted, Decision]
    assert outcomes(cluster) == [["committed"]] * 3
    assert [reply.outcome for reply in cluster.replies] == ["ok"]


def test_one_vote_of_no_aborts() -> None:
    cluster = group(refuse=1)
    cluster.request("c", "commit")
    cluster.quiet()
    assert outcomes(cluster) == [["aborted"]] * 3


@pytest.mark.parametrize(
    ("steps", "outcome"), [(1, "aborted"), (2, "aborted"), (3, "committed"), (4, "committed")]
)
def test_nobody_blocks_when_the_coordinator_dies(steps: int, outcome: str) -> None:
    cluster = under_way(steps)
    cluster.crash("c")
    cluster.contexts["c"].take()
    for participant in ("p", "q"):
        cluster.fire(participant, TIMER)
    assert outcomes(cluster) == [[outcome]] * 2


def test_a_coordinator_that_comes_back_adopts_what_the_others_decided() -> None:
    cluster = under_way(3)
    cluster.crash("c")
    for participant in ("p", "q"):
        cluster.fire(participant, TIMER)
    cluster.start("c")
    cluster.quiet()
    assert sorted(outcomes(cluster)) == [["committed"]] * 3


@pytest.mark.parametrize(("steps", "outcome"), [(0, "aborted"), (2, "committed")])
def test_a_coordinator_does_not_wait_for_a_dead_participant(steps: int, outcome: str) -> None:
    cluster = under_way(steps)
    cluster.crash("q")
    cluster.quiet()
    cluster.fire("c", TIMER)
    cluster.quiet()
    assert outcomes(cluster) == [[outcome]] * 2


def test_a_participant_is_more_patient_than_the_coordinator() -> None:
    cluster = under_way(1)
    assert cluster.contexts["p"].timers[TIMER] == 2 * cluster.contexts["c"].timers[TIMER]


def test_a_participant_that_was_down_asks_instead_of_deciding() -> None:
    cluster = under_way(2)
    cluster.start("q")
    for _ in range(3):
        cluster.contexts["q"].take()
        cluster.fire("q", TIMER)
    assert ("c", Inquire("c:1.1")) in cluster.contexts["q"].sent
    assert cluster.processes["q"].decided == {}
    cluster.receive("q", "p", Decision("c:1.1", True))
    assert cluster.processes["q"].decided == {"c:1.1": "committed"}


def test_a_partition_makes_two_outcomes() -> None:
    """The one that was not told aborts, the one that was commits: Skeen's protocol assumes that this cannot be."""
    cluster = under_way(2)
    cluster.isolate("p")
    cluster.quiet()
    cluster.fire("p", TIMER)
    cluster.fire("c", TIMER)
    cluster.quiet()
    assert outcomes(cluster) == [["committed"], ["aborted"], ["committed"]]


@pytest.mark.parametrize("seed", seeds("commitment_properties"))
def test_crashes_alone_never_make_two_outcomes(seed: int) -> None:
    world = run(recipe(SYSTEM, seed, crashes_only=True))
    assert verdict(world) == "holds"
    last = [operation for operation in world.observer.ledger.done if operation.invoked_us > 6_000_000]
    assert any(operation.outcome == "ok" for operation in last)


def test_a_network_that_fails_does() -> None:
    assert any(verdict(run(recipe(SYSTEM, seed))) == "violated" for seed in range(1, 11))


@pytest.mark.parametrize("note", ["decides_alone", "answer_missing", "recovers", "presumes_abort"])
def test_the_crashes_lead_there_sometimes(note: str) -> None:
    for seed in range(1, 21):
        world = run(recipe(SYSTEM, seed, crashes_only=True))
        if f"{SYSTEM}.{note}" in noted(world):
            return
    raise AssertionError(f"{note} never happened in 20 seeds")


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_is_caught_and_overrides_the_one_rule_it_names(twin: Any) -> None:
    runs = {seed: recipe(SYSTEM, seed, twin.name, crashes_only=True) for seed in range(1, 21)}
    caught = next((seed for seed, plain in runs.items() if verdict(run(plain)) == "violated"), None)
    assert caught is not None
    assert verdict(run(recipe(SYSTEM, caught, crashes_only=True))) == "holds"
    for made in TWINS[twin.name].values():
        assert [name for name in vars(made) if not name.startswith("__")] == [twin.rule]


@pytest.mark.parametrize("twin", [None, *TWINS])
def test_a_twin_passes_a_run_without_faults(twin: str | None) -> None:
    plain = experiment(3, SYSTEM, {}, servers=4, twin=twin, stop_s=4.0, disk_ms=1, faults=False)
    plain["checks"] = ["atomic_commitment"]
    assert verdict(run(plain)) == "holds"
