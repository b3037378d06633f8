"""Majorities as pure functions. Everything that counts servers stands here.

RP section 5.2 (elections) and 5.3 (commitment); section 6 for joint configurations, where every decision
needs separate majorities of both sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WON, LOST, PENDING = "won", "lost", "pending"
UNBOUNDED = (1 << 63) - 1


def majority(servers: int) -> int:
    """How many of so many servers are a strict majority."""
    return servers // 2 + 1


def vote_result(voters: Sequence[str], votes: Mapping[str, bool]) -> str:
    """won | lost | pending, from the votes received so far (absent: not answered). No voters: won."""
    granted = refused = 0
    for voter in voters:
        vote = votes.get(voter)
        if vote is not None:
            granted += vote
            refused += not vote
    needed = majority(len(voters))
    if not voters or granted >= needed:
        return WON
    return LOST if refused > len(voters) - needed else PENDING


def joint_vote_result(old: Sequence[str], new: Sequence[str], votes: Mapping[str, bool]) -> str:
    """Both majorities must be won; losing one is losing. RP section 6."""
    results = (vote_result(old, votes), vote_result(new, votes))
    if LOST in results:
        return LOST
    return WON if results == (WON, WON) else PENDING


def committed_index(voters: Sequence[str], match: Mapping[str, int]) -> int:
    """The highest index that a majority stores (absent: 0). No voters: ``UNBOUNDED``."""
    if not voters:
        return UNBOUNDED
    stored = sorted((match.get(voter, 0) for voter in voters), reverse=True)
    return stored[majority(len(voters)) - 1]


def joint_committed_index(old: Sequence[str], new: Sequence[str], match: Mapping[str, int]) -> int:
    """The highest index stored by majorities of both sets. RP section 6."""
    return min(committed_index(old, match), committed_index(new, match))
