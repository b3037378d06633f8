"""What Raft servers send each other, and what their logs hold.

Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)", Figure 2;
Ongaro's dissertation "Consensus: Bridging Theory and Practice" for PreVote (9.6), TimeoutNow (3.10) and membership
(4). The sender of a message stands for the paper's ``leaderId`` and ``candidateId``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import Message, Request


class Configuration(Message, tag="raft.Configuration"):
    """Who belongs to the cluster; an entry of the log. ``old`` is not empty in a joint configuration, in which
    majorities of both ``voters`` and ``old`` decide (RP section 6). ``learners`` replicate and are never counted."""

    voters: tuple[str, ...]
    old: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()


class Entry(msgspec.Struct, array_like=True, gc=False):
    """One log entry. ``command``: the client's ``Request``, a ``Configuration``, or None for the leader's no-op. Never
    changed."""

    term: int
    command: Request | Configuration | None = None


class Snapshot(msgspec.Struct, array_like=True, frozen=True):
    """The state that entries up to ``index`` (of ``term``) lead to, RP section 7. ``base``: hash of that history, which
    the logs that follow it go on from; ``rows``: ("key", key, value), ("result", request, result), ("head", session,
    number)."""

    index: int
    term: int
    base: int
    configuration: Configuration
    rows: tuple[tuple[Any, ...], ...]


class RaftMessage(Message, tag=lambda name: "raft." + name, gc=False):
    """Base of Raft's messages. ``term`` is the sender's."""

    term: int


class PreVote(RaftMessage, gc=False):
    """Would you vote for me? ``term`` is the one the sender would campaign in. RD section 9.6."""

    last_index: int
    last_term: int


class PreVoteReply(RaftMessage, gc=False):
    """``asked_term`` repeats the term of the question; ``term`` is the voter's own."""

    asked_term: int
    granted: bool


class RequestVote(RaftMessage, gc=False):
    """RP Figure 2. ``transfer``: the present leader asked for this election (RD section 3.10)."""

    last_index: int
    last_term: int
    transfer: bool = False


class RequestVoteReply(RaftMessage, gc=False):
    """RP Figure 2."""

    granted: bool


class AppendEntries(RaftMessage, gc=False):
    """RP Figure 2; empty ``entries``: a heartbeat or a probe. ``round`` is the leader's heartbeat round."""

    prev_index: int
    prev_term: int
    entries: tuple[Entry, ...]
    leader_commit: int
    round: int


class AppendEntriesReply(RaftMessage, gc=False):
    """RP Figure 2, with ``round`` repeated.

    ``index``: on success the last index known to match the leader's log, else the refused ``prev_index``;
    ``conflict_term``, ``conflict_index``: for fast backtracking (RP section 5.3), the term found at the
    refused index (0: the log is shorter) and the first index of that term (or one past the log's end).
    """

    success: bool
    index: int
    round: int
    conflict_term: int = 0
    conflict_index: int = 0


class InstallSnapshot(RaftMessage, gc=False):
    """RP Figure 13: the ``rows`` of a snapshot from ``offset`` on; ``done`` with the last of them."""

    last_index: int
    last_term: int
    base: int
    configuration: Configuration
    offset: int
    rows: tuple[tuple[Any, ...], ...]
    done: bool


class InstallSnapshotReply(RaftMessage, gc=False):
    """``offset``: how many rows of the snapshot up to ``last_index`` the receiver holds; ``done``: all of them, on its
    disk."""

    last_index: int
    offset: int
    done: bool


class TimeoutNow(RaftMessage, gc=False):
    """The leader asks the receiver to campaign at once. RD section 3.10."""


class LeadershipWanted(RaftMessage, gc=False):
    """An operator chose the sender as the next leader; it asks the present one to hand over. RD section 3.10."""


MESSAGES = (
    PreVote,
    PreVoteReply,
    RequestVote,
    RequestVoteReply,
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    InstallSnapshotReply,
    TimeoutNow,
    LeadershipWanted,
)
