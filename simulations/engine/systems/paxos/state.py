"""Paxos, the state of one process: persistent, volatile, leader only. PMS 2.2, 2.5 and 3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from simulations.engine.distributions import Distribution
from simulations.engine.log import Log
from simulations.engine.process import Process, Request
from simulations.engine.sessions import Sessions
from simulations.engine.systems.paxos.messages import Entry, Promise
from simulations.engine.systems.paxos.parameters import MULTI, Parameters

Value = str | int | float | bool | None
"""What a key holds, and what an operation answers."""

ACCEPTOR, LEARNER, IDLE, CANDIDATE, PROPOSER, LEADER = (
    "acceptor", "learner", "idle", "candidate", "proposer", "leader",
)  # fmt: skip
LEADING = (PROPOSER, LEADER)
CAMPAIGNING = (CANDIDATE, PROPOSER, LEADER)


@dataclass(slots=True)
class State(Process):
    """What a proposer, an acceptor and a learner keep; a server is all three (PMS 2.1)."""

    watched: ClassVar[tuple[str, ...]] = ("role", "ballot", "promised", "durable_votes", "log.last")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent (PMS 2.5): the acceptor's promise and votes, the proposer's highest number ---
    promised: int = 0
    votes: Log = field(default_factory=Log)
    ballot: int = 0
    log: Log = field(default_factory=Log)

    # --- volatile ---
    role: str = IDLE
    mode: str = MULTI
    leader: str = ""
    accepted: dict[int, Entry] = field(default_factory=dict)
    chosen: dict[int, Entry] = field(default_factory=dict)
    highest: int = 0
    saved: int = 0
    durable_votes: int = 0
    undurable_votes: list[tuple[int, int]] = field(default_factory=list)
    written: int = 0
    durable_write: int = 0
    preset_write: int = 0
    acceptors: tuple[str, ...] = ()
    proposers: tuple[str, ...] = ()
    voters: tuple[str, ...] = ()
    is_acceptor: bool = True
    is_proposer: bool = True
    prepare_quorum: int = 1
    accept_quorum: int = 1
    backoff: Distribution | None = None
    heartbeat_us: int = 0
    election_low_us: int = 0
    election_high_us: int = 0
    lease_us: int = 0
    silent_ticks: int = 0
    granted_until: int = 0
    granted_to: str = ""
    heard_chosen: int = 0
    data: dict[str, Value] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    sessions: Sessions = field(default_factory=Sessions)

    # --- proposer and leader only ---
    ballot_write: int = 0
    prepared_slot: int = 0
    promises: dict[str, bool] = field(default_factory=dict)
    refusals: dict[str, bool] = field(default_factory=dict)
    own_promise: Promise | None = None
    reported: dict[int, Entry] = field(default_factory=dict)
    open: dict[int, Entry] = field(default_factory=dict)
    tally: dict[int, int] = field(default_factory=dict)
    bits: dict[str, int] = field(default_factory=dict)
    undurable: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)
    waiting: list[Request] = field(default_factory=list)
    next_slot: int = 1
    inherited: int = 0
    slot_at_tick: int = 0
    slot_before: int = 0
    tick: int = 0
    heard_tick: dict[str, int] = field(default_factory=dict)
    lease_rounds: dict[int, tuple[int, int]] = field(default_factory=dict)
    lease_until: int | None = None

    @property
    def term(self) -> int:
        """The number it is busy with: its own while it proposes, else the one it promised."""
        return self.ballot if self.role in CAMPAIGNING else max(self.promised, self.highest)

    @property
    def has_vote(self) -> bool:
        """Whether it is an acceptor: by its place in the experiment, whether it runs or not."""
        return self.kind in ("", "server", ACCEPTOR)

    @property
    def settled(self) -> int:
        """How far the journal of votes is history: what follows is for slots that it does not know to be chosen."""
        index, votes, known = self.votes.last, self.votes, self.log.last
        while index >= votes.first and votes[index].slot > known:
            index -= 1
        return index

    @property
    def accepted_text(self) -> str:
        """The newest votes not known to be chosen yet, as ``slot: value (number)``."""
        found = sorted(self.accepted.values(), key=lambda entry: entry.slot)[-5:]
        return ", ".join(f"{entry.slot}: {value_text(entry)} ({entry.term})" for entry in found)

    @property
    def decided_text(self) -> str:
        """The value of the first slot, once it is known."""
        return value_text(self.log[1]) if self.log.first == 1 and self.log.last else ""


def value_text(entry: Entry) -> str:
    """The value of a proposal in a few characters."""
    command = entry.command
    if command is None:
        return "no-op"
    return str(command.argument) if command.kind in ("propose", "put") else f"{command.kind} {command.key}"
