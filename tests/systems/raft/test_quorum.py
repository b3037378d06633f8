"""Majorities against published cases, against a dumb twin, and against the counting that servers do."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import pytest

from simulations.engine.systems.raft import quorum
from tests.systems.raft.helpers import elect, facts, group, stored

CASES = facts("raft_quorum_majority.json")["cases"]
WORDS = {"VoteWon": quorum.WON, "VoteLost": quorum.LOST, "VotePending": quorum.PENDING}


def by_id(case: dict[str, Any]) -> dict[str, Any]:
    """The answers of a case by voter, without those that have not answered."""
    answers = zip(case["cfg"], case["input"], strict=True)
    return {str(voter): answer for voter, answer in answers if answer is not None}


@pytest.mark.parametrize("case", [case for case in CASES if case["cmd"] == "committed"])
def test_published_commit_case(case: dict[str, Any]) -> None:
    expected = quorum.UNBOUNDED if case["expect"] is None else case["expect"]
    assert quorum.committed_index([str(voter) for voter in case["cfg"]], by_id(case)) == expected


@pytest.mark.parametrize("case", [case for case in CASES if case["cmd"] == "vote"])
def test_published_vote_case(case: dict[str, Any]) -> None:
    votes = {voter: answer == "y" for voter, answer in by_id(case).items()}
    assert quorum.vote_result([str(voter) for voter in case["cfg"]], votes) == WORDS[case["expect"]]


def slow_committed(voters: list[str], match: dict[str, int]) -> int:
    """The definition: the highest index for which some majority has all members at or above it."""
    needed = len(voters) // 2 + 1
    groups = combinations([match.get(voter, 0) for voter in voters], needed)
    return max(min(group) for group in groups)


def slow_vote(voters: list[str], votes: dict[str, bool]) -> str:
    """The definition: won if it is won whatever the silent ones say, lost if it is lost whatever they say."""
    yes = sum(votes.get(voter, False) for voter in voters)
    best = sum(votes.get(voter, True) for voter in voters)
    if yes > len(voters) / 2:
        return quorum.WON
    return quorum.PENDING if best > len(voters) / 2 else quorum.LOST


def test_equal_to_the_definition_on_random_cases() -> None:
    draw = random.Random(7)
    for _ in range(3000):
        voters = [str(number) for number in range(draw.randint(1, 7))]
        match = {voter: draw.randint(0, 9) for voter in voters if draw.random() < 0.8}
        votes = {voter: draw.random() < 0.5 for voter in voters if draw.random() < 0.7}
        assert quorum.committed_index(voters, match) == slow_committed(voters, match)
        assert quorum.vote_result(voters, votes) == slow_vote(voters, votes)


def test_joint_decisions_need_both_majorities() -> None:
    old, new = ["1", "2", "3"], ["3", "4", "5"]
    match = {"1": 9, "2": 8, "3": 7, "4": 2, "5": 1}
    assert quorum.joint_committed_index(old, new, match) == 2
    assert quorum.joint_committed_index(old, [], match) == 8
    assert quorum.joint_vote_result(old, new, {"1": True, "2": True}) == quorum.PENDING
    assert quorum.joint_vote_result(old, new, {"1": True, "2": True, "4": False, "5": False}) == quorum.LOST
    assert quorum.joint_vote_result(old, new, {"1": True, "3": True, "4": True}) == quorum.WON
    assert quorum.joint_vote_result(old, [], {"1": True, "2": True}) == quorum.WON


@pytest.mark.parametrize("servers", [1, 2, 3, 4, 5, 7])
def test_counting_copies_commits_what_the_pure_function_says(servers: int) -> None:
    draw = random.Random(servers)
    for _ in range(40):
        cluster = group(servers)
        elect(cluster, "n1")
        leader = cluster.processes["n1"]
        for _ in range(8):
            cluster.request("n1", "put", "x", draw.randint(0, 9))
        cluster.contexts["n1"].take()
        match = {"n1": leader.last_index}
        for _ in range(servers * 4):
            peer = draw.choice(cluster.ids)
            if peer == "n1":
                continue
            match[peer] = max(match.get(peer, 0), draw.randint(0, 8))
            cluster.receive("n1", peer, stored(leader.term, match[peer]))
            assert leader.commit_index == quorum.committed_index(cluster.ids, match)
