"""Two-phase commit: what its sources claim, under random faults, and its broken twins."""

from __future__ import annotations

from typing import Any

import pytest

from simulations.engine.systems.two_phase_commit import DESCRIPTOR
from simulations.engine.systems.two_phase_commit.messages import Decision, Inquire, Vote, VoteRequest
from simulations.engine.systems.two_phase_commit.process import Parameters, TwoPhaseCommit
from simulations.engine.systems.two_phase_commit.twins import TWINS
from tests.budget import seeds
from tests.systems.commitment import recipe, run, verdict
from tests.systems.kept_notes import noted
from tests.systems.nemesis import experiment
from tests.systems.recording import Group

SYSTEM = "two_phase_commit"
DIRECTORY = {SYSTEM: ("c", "p", "q"), f"{SYSTEM}/coordinator": ("c",), f"{SYSTEM}/participant": ("p", "q")}


def group(**settings: Any) -> Group:
    """A coordinator c and two participants p and q."""
    made = Group(lambda: TwoPhaseCommit(directory=DIRECTORY), ("c", "p", "q"), Parameters(**settings))
    made.start()
    return made


def outcomes(cluster: Group) -> list[list[str]]:
    """What every process decided."""
    return [list(process.decided.values()) for process in cluster.processes.values()]


def kinds(cluster: Group) -> list[type]:
    return [type(message) for _, _, message in cluster.delivered]


def test_two_phases_and_everybody_commits_when_all_vote_yes() -> None:
    cluster = group()
    cluster.request("c", "commit")
    cluster.quiet()
    assert outcomes(cluster) == [["committed"]] * 3
    assert kinds(cluster) == [VoteRequest, VoteRequest, Vote, Vote, Decision, Decision]
    assert [reply.outcome for reply in cluster.replies] == ["ok"]


def test_one_vote_of_no_aborts() -> None:
    cluster = group(refuse=1)
    cluster.request("c", "commit")
    cluster.quiet()
    assert outcomes(cluster) == [["aborted"]] * 3
    assert [reply.outcome for reply in cluster.replies] == ["fail"]


def test_a_missing_vote_aborts_after_the_timeout() -> None:
    cluster = group()
    cluster.isolate("q")
    cluster.request("c", "commit")
    cluster.quiet()
    cluster.fire("c", "wait c:1.1")
    cluster.quiet()
    assert outcomes(cluster) == [["aborted"], ["aborted"], []]


def test_votes_and_decisions_are_on_disk_before_they_are_told() -> None:
    cluster = group()
    cluster.contexts["p"].instant = False
    cluster.receive("p", "c", VoteRequest("c:1.1"))
    assert cluster.contexts["p"].take() == []
    cluster.flush("p")
    assert cluster.contexts["p"].take() == [("c", Vote("c:1.1", True))]
    cluster.contexts["c"].instant = False
    cluster.request("c", "commit")
    cluster.flush("c")
    cluster.contexts["c"].take()
    for participant in ("p", "q"):
        cluster.receive("c", participant, Vote("c:1.1", True))
    assert cluster.contexts["c"].take() == []
    cluster.flush("c")
    assert len(cluster.contexts["c"].take()) == 3


def blocked() -> Group:
    """Both participants voted yes, and the coordinator died before it heard them."""
    cluster = group()
    cluster.request("c", "commit")
    cluster.step()
    cluster.crash("c")
    for participant in ("p", "q"):
        assert cluster.contexts[participant].take() == [("c", Vote("c:1.1", True))]
    return cluster


def test_without_the_coordinator_those_who_voted_yes_block() -> None:
    cluster = blocked()
    for _ in range(5):
        for participant in ("p", "q"):
            cluster.fire(participant, "wait c:1.1")
        cluster.quiet()
    assert outcomes(cluster) == [[], []]
    assert kinds(cluster).count(Inquire) == 10
    assert [process.role for process in cluster.processes.values()] == ["uncertain", "uncertain"]


def test_a_coordinator_that_comes_back_without_a_record_aborts() -> None:
    cluster = blocked()
    cluster.start("c")
    cluster.fire("p", "wait c:1.1")
    cluster.fire("q", "wait c:1.1")
    cluster.quiet()
    assert outcomes(cluster) == [["aborted"]] * 3


def test_a_coordinator_that_comes_back_with_a_record_tells_it() -> None:
    cluster = group()
    cluster.request("c", "commit")
    cluster.step()
    cluster.step()
    cluster.contexts["c"].take()
    cluster.start("c")
    cluster.fire("p", "wait c:1.1")
    cluster.fire("q", "wait c:1.1")
    cluster.quiet()
    assert outcomes(cluster) == [["committed"]] * 3


def test_a_participant_that_knows_the_outcome_tells_the_others() -> None:
    cluster = blocked()
    cluster.receive("q", "c", Decision("c:1.1", True))
    cluster.fire("p", "wait c:1.1")
    cluster.quiet()
    assert outcomes(cluster) == [["committed"], ["committed"]]


def test_a_participant_that_has_not_voted_aborts_for_all() -> None:
    cluster = group()
    cluster.receive("p", "c", VoteRequest("c:1.1"))
    cluster.contexts["p"].take()
    cluster.crash("c")
    cluster.fire("p", "wait c:1.1")
    cluster.quiet()
    assert outcomes(cluster) == [["aborted"], ["aborted"]]
    cluster.receive("q", "c", VoteRequest("c:1.1"))
    assert cluster.contexts["q"].take() == [("c", Vote("c:1.1", False))]


def test_a_vote_survives_a_restart_and_the_participant_asks() -> None:
    cluster = blocked()
    cluster.start("p")
    assert cluster.processes["p"].uncertain == {"c:1.1": True}
    assert ("q", Inquire("c:1.1")) in cluster.contexts["p"].take()


def test_a_restarted_coordinator_uses_new_names() -> None:
    cluster = group()
    cluster.start("c")
    cluster.request("c", "commit")
    assert list(cluster.processes["c"].requests) == ["c:2.1"]


@pytest.mark.parametrize("seed", seeds("commitment_properties"))
def test_no_fault_makes_two_outcomes_and_work_goes_on(seed: int) -> None:
    world = run(recipe(SYSTEM, seed))
    assert verdict(world) == "holds"
    last = [operation for operation in world.observer.ledger.done if operation.invoked_us > 6_000_000]
    assert any(operation.outcome == "ok" for operation in last)


@pytest.mark.parametrize("note", ["blocked", "vote_missing", "presumes_abort", "votes_no"])
def test_the_faults_lead_there_sometimes(note: str) -> None:
    for seed in range(1, 21):
        if f"{SYSTEM}.{note}" in noted(run(recipe(SYSTEM, seed))):
            return
    raise AssertionError(f"{note} never happened in 20 seeds")


@pytest.mark.parametrize("twin", DESCRIPTOR.twins, ids=lambda twin: str(twin.name))
def test_a_twin_is_caught_and_overrides_the_one_rule_it_names(twin: Any) -> None:
    caught = next(
        (seed for seed in range(1, 21) if verdict(run(recipe(SYSTEM, seed, twin.name))) == "violated"), None
    )
    assert caught is not None
    assert verdict(run(recipe(SYSTEM, caught))) == "holds"
    for made in TWINS[twin.name].values():
        assert [name for name in vars(made) if not name.startswith("__")] == [twin.rule]


@pytest.mark.parametrize("twin", [None, *TWINS])
def test_a_twin_passes_a_run_without_faults(twin: str | None) -> None:
    plain = experiment(3, SYSTEM, {}, servers=4, twin=twin, stop_s=4.0, disk_ms=1, faults=False)
    plain["checks"] = ["atomic_commitment"]
    assert verdict(run(plain)) == "holds"
