"""Raft groups without a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simulations.engine.systems.raft import preset
from simulations.engine.systems.raft.messages import (
    AppendEntriesReply,
    Entry,
    PreVote,
    RequestVote,
    RequestVoteReply,
)
from simulations.engine.systems.raft.parameters import Parameters
from simulations.engine.systems.raft.process import Raft
from tests.systems.recording import Group

DATA = Path(__file__).parents[2] / "data"

PLAIN: dict[str, Any] = {
    "pre_vote": False,
    "check_quorum": False,
    "leader_stickiness": False,
    "leader_noop": False,
}
"""The paper's Raft, without what the dissertation and practice add."""


def facts(name: str) -> Any:
    """A file of published cases; its first lines name the source."""
    return json.loads((DATA / name).read_text())


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(1, count + 1)]


def group(
    count: int, made: type[Raft] = Raft, logs: dict[str, list[int]] | None = None, **settings: Any
) -> Group:
    """A started group; ``logs``: terms of the entries on some disks; settings differ from the plain Raft."""
    made_group = Group(made, names(count), Parameters(**{**PLAIN, **settings}))
    for id, terms in (logs or {}).items():
        made_group.preset(id, *preset({"log": terms, "term": max(terms, default=0)}))
    made_group.start()
    return made_group


def elect(made_group: Group, id: str) -> None:
    """Make a server campaign and let everything settle."""
    made_group.fire(id, "election")
    made_group.quiet()
    assert made_group.processes[id].role == "leader", made_group.contexts[id].notes


def terms_of(process: Any) -> list[int]:
    """Terms along a server's log."""
    return [entry.term for entry in process.log]


def heartbeat(made_group: Group, id: str, times: int = 1) -> None:
    for _ in range(times):
        made_group.fire(id, "heartbeat")
        made_group.quiet()


def vote_request(term: int, last_index: int = 0, last_term: int = 0, transfer: bool = False) -> RequestVote:
    return RequestVote(term, last_index, last_term, transfer)


def pre_vote_request(term: int, last_index: int = 0, last_term: int = 0) -> PreVote:
    return PreVote(term, last_index, last_term)


def vote(term: int, granted: bool = True) -> RequestVoteReply:
    return RequestVoteReply(term, granted)


def stored(term: int, index: int, round: int = 1) -> AppendEntriesReply:
    return AppendEntriesReply(term, True, index, round)


def entries(*terms: int) -> tuple[Entry, ...]:
    return tuple(Entry(term) for term in terms)


def cluster(members: list[str], count: int, made: type[Raft] = Raft, **settings: Any) -> Group:
    """A started group of which only the members belong to the cluster; n1 leads, with its no-op committed."""
    made_group = Group(made, names(count), Parameters(**{**PLAIN, "leader_noop": True, **settings}))
    for id in names(count):
        made_group.preset(id, *preset({"members": members}))
    made_group.start()
    elect(made_group, "n1")
    heartbeat(made_group, "n1")
    return made_group


def configure(made_group: Group, id: str, quiet: bool = True, **arguments: Any) -> list[str]:
    """An operator's instruction to a server; the notes that it made."""
    made_group.contexts[id].take_notes()
    made_group.processes[id].on_operator("configure", arguments)
    made_group.settle(id)
    if quiet:
        made_group.quiet()
    return made_group.contexts[id].take_notes()


def sent(made_group: Group, id: str, kind: type) -> list[Any]:
    return [message for _, message in made_group.contexts[id].take() if isinstance(message, kind)]


def answer(made_group: Group, id: str) -> Any:
    """The last message that a server sent."""
    return made_group.contexts[id].take()[-1][1]


def acks(made_group: Group) -> list[int]:
    return [reply.operation for reply in made_group.replies if reply.outcome == "ok"]


def hand_over(cluster: Group, leader: str, target: str) -> None:
    """The operator's wish reaches the leader."""
    cluster.processes[target].leader = leader
    cluster.processes[target].on_operator("transfer", {})
    wish = answer(cluster, target)
    cluster.receive(leader, target, wish)
