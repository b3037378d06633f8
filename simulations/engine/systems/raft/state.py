"""Raft, the state of one server: persistent, volatile, leader only. RP Figure 2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulations.engine.log import Log
from simulations.engine.process import Process, Request
from simulations.engine.sessions import Sessions
from simulations.engine.systems.raft.messages import Configuration, Snapshot
from simulations.engine.systems.raft.parameters import Parameters

Value = str | int | float | bool | None
"""What a key holds, and what an operation answers."""

FOLLOWER, PRE_CANDIDATE, CANDIDATE, LEADER = "follower", "pre_candidate", "candidate", "leader"
LEARNER, OUTSIDER = "learner", "outsider"
"""Followers that the latest configuration in their log does not let vote, or does not know. The paper has no names for
them; they are roles here so that they can be seen."""
RESTING = (FOLLOWER, LEARNER, OUTSIDER)


@dataclass(slots=True)
class State(Process):
    """RP Figure 2, State, and what the rules keep at hand."""

    watched: ClassVar[tuple[str, ...]] = ("role", "term", "log.version", "commit_index", "last_applied")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent (RP Figure 2) ---
    term: int = 0
    voted_for: str = ""
    log: Log = field(default_factory=Log)
    snapshot: Snapshot | None = None

    # --- volatile ---
    role: str = FOLLOWER
    leader: str = ""
    commit_index: int = 0
    last_applied: int = 0
    last_index: int = 0
    last_term: int = 0
    heard_at: int | None = None
    votes: dict[str, bool] = field(default_factory=dict)
    quorum: int = 1
    heartbeat_us: int = 0
    election_low_us: int = 0
    election_high_us: int = 0
    lease_us: int = 0
    silent_ticks: int = 0
    log_write: int = 0
    durable_write: int = 0
    preset_write: int = 0
    vote_write: int = 0
    data: dict[str, Value] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    sessions: Sessions = field(default_factory=Sessions)

    # --- membership (RP section 6, RD chapter 4): what follows from the latest configuration in the log ---
    configurations: list[tuple[int, Configuration]] = field(default_factory=list)
    voters: tuple[str, ...] = ()
    old_voters: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()
    is_voter: bool = True
    pending_change: int = 0
    promotions_refused: int = 0

    # --- snapshots (RP section 7) ---
    base_term: int = 0
    compact_at: int = 0
    incoming: list[tuple[Any, ...]] = field(default_factory=list)
    incoming_of: tuple[str, int, int] = ("", 0, 0)
    installs: int = 0

    # --- leader only ---
    next_index: dict[str, int] = field(default_factory=dict)
    match_index: dict[str, int] = field(default_factory=dict)
    probing: dict[str, bool] = field(default_factory=dict)
    heard_tick: dict[str, int] = field(default_factory=dict)
    sent_round: dict[str, int] = field(default_factory=dict)
    answered_round: dict[str, int] = field(default_factory=dict)
    matched_round: dict[str, int] = field(default_factory=dict)
    term_start: int = 0
    durable_index: int = 0
    undurable: list[tuple[int, int]] = field(default_factory=list)
    copies: dict[int, int] = field(default_factory=dict)
    tick: int = 0
    round: int = 0
    confirming: int = 0
    confirming_since: int = 0
    confirmations: int = 0
    reads_next: list[Request] = field(default_factory=list)
    reads_confirming: list[Request] = field(default_factory=list)
    reads_confirmed: list[Request] = field(default_factory=list)
    lease_until: int | None = None
    transfer_to: str = ""
    handed_over: bool = False
    shared_index: int = 0
    joining: str = ""
    rounds: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    caught_up: list[str] = field(default_factory=list)
    catch_up_step: int = 0
    allowance: dict[str, int] = field(default_factory=dict)
    transfers: dict[str, tuple[Snapshot, int]] = field(default_factory=dict)

    @property
    def has_vote(self) -> bool:
        """Whether it counts towards a majority."""
        return self.role not in (LEARNER, OUTSIDER)
