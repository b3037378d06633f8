"""A note is emitted by the guard that decided: flip the guard and the note changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.engine.systems import raft
from simulations.engine.systems.raft.descriptor import DESCRIPTOR
from simulations.engine.systems.raft.messages import AppendEntries, AppendEntriesReply, TimeoutNow
from tests.systems.raft.helpers import (
    elect,
    entries,
    group,
    heartbeat,
    pre_vote_request,
    stored,
    vote,
    vote_request,
)
from tests.systems.recording import Group


def notes(cluster: Group, id: str = "n1") -> list[str]:
    """The ids that a server noted since the last look."""
    return cluster.contexts[id].take_notes()


def asked_for_vote(term: int, last_index: int, last_term: int) -> list[str]:
    """n1 (term 2, log 1, 2; voted for n2 in term 2) is asked by n3."""
    cluster = group(3, logs={"n1": [1, 2]})
    cluster.receive("n1", "n2", vote_request(2, 2, 2))
    notes(cluster)
    cluster.receive("n1", "n3", vote_request(term, last_index, last_term))
    return notes(cluster)


def asked_for_pre_vote(term: int, last_index: int, last_term: int) -> list[str]:
    cluster = group(3, logs={"n1": [1, 2]}, leader_stickiness=True)
    cluster.receive("n1", "n2", AppendEntries(2, 2, 2, (), 0, 1))
    cluster.contexts["n1"].now = 150_000 if term != 4 else 1
    notes(cluster)
    cluster.receive("n1", "n3", pre_vote_request(term, last_index, last_term))
    return notes(cluster)


@pytest.mark.parametrize(
    ("term", "last_index", "last_term", "expected"),
    [
        (3, 2, 2, "raft.vote_granted"),
        (1, 2, 2, "raft.vote_refused_term"),
        (2, 2, 2, "raft.vote_refused_voted"),
        (3, 1, 2, "raft.vote_refused_log"),
        (3, 9, 1, "raft.vote_refused_log"),
    ],
)
def test_each_guard_of_a_vote_notes_itself(term: int, last_index: int, last_term: int, expected: str) -> None:
    assert asked_for_vote(term, last_index, last_term) == [expected]


@pytest.mark.parametrize(
    ("term", "last_index", "last_term", "expected"),
    [
        (3, 2, 2, "raft.pre_vote_granted"),
        (1, 2, 2, "raft.pre_vote_refused_term"),
        (3, 1, 2, "raft.pre_vote_refused_log"),
        (4, 2, 2, "raft.pre_vote_refused_leader"),
    ],
)
def test_each_guard_of_a_pre_vote_notes_itself(
    term: int, last_index: int, last_term: int, expected: str
) -> None:
    assert asked_for_pre_vote(term, last_index, last_term) == [expected]


def stickiness(on: bool) -> list[str]:
    cluster = group(3, leader_stickiness=on)
    cluster.receive("n1", "n2", AppendEntries(1, 0, 0, (), 0, 1))
    notes(cluster)
    cluster.receive("n1", "n3", vote_request(2))
    return notes(cluster)


def append(term: int, prev_index: int, prev_term: int, *new: int) -> list[str]:
    cluster = group(3, logs={"n1": [1, 2]})
    cluster.receive("n1", "n2", AppendEntries(2, 0, 0, (), 0, 1))
    notes(cluster)
    cluster.receive("n1", "n2", AppendEntries(term, prev_index, prev_term, entries(*new), 0, 1))
    return notes(cluster)


def commit(index: int) -> list[str]:
    cluster = group(3, logs={"n1": [1, 1]})
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", vote(2))
    cluster.request("n1", "put")
    notes(cluster)
    cluster.receive("n1", "n2", stored(2, index))
    return notes(cluster)


def quorum_lost(cut: bool) -> list[str]:
    cluster = group(3, check_quorum=True)
    elect(cluster, "n1")
    if cut:
        cluster.isolate("n1")
    notes(cluster)
    heartbeat(cluster, "n1", times=4)
    return notes(cluster)


def campaign(pre_vote: bool) -> list[str]:
    cluster = group(3, pre_vote=pre_vote)
    cluster.fire("n1", "election")
    return notes(cluster)


def answered(granted: bool) -> list[str]:
    cluster = group(3)
    cluster.fire("n1", "election")
    notes(cluster)
    for peer in ("n2", "n3"):
        cluster.receive("n1", peer, vote(1, granted))
    return notes(cluster)


def read(committed: bool) -> list[str]:
    cluster = group(3, leader_noop=committed)
    elect(cluster, "n1")
    notes(cluster)
    cluster.request("n1", "get")
    cluster.quiet()
    return notes(cluster)


def retried(sessions: bool) -> list[str]:
    cluster = group(3, sessions=sessions)
    elect(cluster, "n1")
    for _ in range(2):
        cluster.request("n1", "put", session=4, sequence=1)
        notes(cluster)
        cluster.quiet()
        notes(cluster)
    cluster.request("n1", "put", session=4, sequence=1)
    return notes(cluster)


def timeout_now(term: int) -> list[str]:
    cluster = group(3)
    cluster.receive("n1", "n2", AppendEntries(2, 0, 0, (), 0, 1))
    notes(cluster)
    cluster.receive("n1", "n2", TimeoutNow(term))
    return notes(cluster)


@pytest.mark.parametrize(
    ("one", "other", "told", "otherwise"),
    [
        (
            lambda: stickiness(True),
            lambda: stickiness(False),
            "raft.vote_refused_leader",
            "raft.vote_granted",
        ),
        (lambda: append(2, 2, 2, 2), lambda: append(2, 3, 2, 2), None, "raft.append_refused"),
        (lambda: append(2, 1, 1, 2), lambda: append(3, 1, 1, 3), None, "raft.truncated"),
        (lambda: append(2, 2, 2, 2), lambda: append(1, 2, 2, 1), None, "raft.append_refused_term"),
        (lambda: append(2, 2, 2, 2), lambda: append(3, 2, 2, 3), None, "raft.follows"),
        (lambda: commit(3), lambda: commit(2), "raft.committed", "raft.not_committed_old_term"),
        (lambda: quorum_lost(False), lambda: quorum_lost(True), None, "raft.quorum_lost"),
        (lambda: campaign(True), lambda: campaign(False), "raft.pre_campaign", "raft.campaign"),
        (lambda: answered(True), lambda: answered(False), "raft.elected", "raft.campaign_lost"),
        (lambda: read(True), lambda: read(False), None, "raft.read_waits"),
        (lambda: retried(False), lambda: retried(True), None, "raft.duplicate"),
        (lambda: timeout_now(1), lambda: timeout_now(2), None, "raft.timeout_now"),
    ],
)
def test_flipping_a_guard_changes_the_note(
    one: Callable[[], list[str]], other: Callable[[], list[str]], told: str | None, otherwise: str
) -> None:
    first, second = one(), other()
    assert otherwise in second
    assert otherwise not in first
    assert told is None or (told in first and told not in second)


SOURCES = sorted(Path(raft.__file__).parent.glob("*.py"))


def test_every_note_that_is_emitted_is_described_and_every_described_one_emitted() -> None:
    text = "".join(path.read_text() for path in SOURCES if path.name not in ("descriptor.py", "notes.py"))
    emitted = set(re.findall(r'"(raft\.[a-z_]+)"', text))
    described = {id for id in DESCRIPTOR.notes if id.startswith("raft.")}
    assert emitted == described


def test_the_places_of_a_sentence_are_the_values_of_its_note() -> None:
    text = "".join(path.read_text() for path in SOURCES if path.name not in ("descriptor.py", "notes.py"))
    for id, note in DESCRIPTOR.notes.items():
        places = set(re.findall(r"{(\w+)}", note.en))
        assert places == set(re.findall(r"{(\w+)}", note.zh)), id
        if id.startswith("raft."):
            assert re.search(r"[一-鿿]", note.zh), id
            assert places <= set(re.findall(r"\b(\w+)[=\"]", text)), id


def asked_to_vote_while(leads: bool) -> list[str]:
    cluster = group(3)
    if leads:
        elect(cluster, "n1")
    notes(cluster)
    cluster.receive("n1", "n3", vote_request(5))
    return notes(cluster)


def test_a_leader_says_that_a_candidate_of_a_higher_term_deposes_it() -> None:
    assert asked_to_vote_while(leads=True) == ["raft.deposed", "raft.vote_granted"]
    assert asked_to_vote_while(leads=False) == ["raft.vote_granted"]


def test_who_leads_no_longer_is_not_deposed_again() -> None:
    cluster = group(3)
    elect(cluster, "n1")
    for term, told in ((3, ["raft.deposed"]), (4, [])):
        notes(cluster)
        cluster.receive("n1", "n2", AppendEntriesReply(term, False, 0, 1))
        assert notes(cluster) == told


def refused_after(later_rounds: int) -> list[str]:
    """n2 refuses what left so many rounds after it acknowledged it."""
    cluster = group(3, leader_noop=True)
    elect(cluster, "n1")
    leader = cluster.processes["n1"]
    for _ in range(later_rounds):
        cluster.fire("n1", "heartbeat")
    notes(cluster)
    cluster.receive("n1", "n2", AppendEntriesReply(leader.term, False, leader.last_index, leader.round))
    return notes(cluster)


def test_a_follower_lost_its_log_when_it_refuses_what_left_after_its_acknowledgement_arrived() -> None:
    assert refused_after(1) == ["raft.follower_lost_log", "raft.backs_up"]
    assert refused_after(0) == []


def test_a_late_acknowledgement_makes_no_older_refusal_newer() -> None:
    """Overtaken on the way: the refusal of what came too early, and the acknowledgement of what was sent before it."""
    cluster = group(3, leader_noop=True)
    cluster.fire("n1", "election")
    cluster.receive("n1", "n2", vote(1))
    heartbeats = 4
    for _ in range(heartbeats):
        cluster.fire("n1", "heartbeat")
    cluster.receive("n1", "n2", stored(1, 1, round=1))
    notes(cluster)
    cluster.receive("n1", "n2", AppendEntriesReply(1, False, 1, round=heartbeats, conflict_index=1))
    assert notes(cluster) == []
    assert cluster.processes["n1"].match_index["n2"] == 1
