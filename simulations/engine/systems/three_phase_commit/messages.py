"""What three-phase commit sends. Skeen, "Nonblocking Commit Protocols", 1981."""

from __future__ import annotations

from simulations.engine.process import Message


class ThreePhaseMessage(Message, tag=lambda name: "three_phase_commit." + name, gc=False):
    """Base of its messages. ``transaction``: the coordinator's address, a colon, its life and a number."""

    transaction: str


class VoteRequest(ThreePhaseMessage, gc=False):
    """Phase 1: can you commit?"""


class Vote(ThreePhaseMessage, gc=False):
    """Phase 1, the answer."""

    yes: bool


class PreCommit(ThreePhaseMessage, gc=False):
    """Phase 2: everybody voted yes. Nobody commits before everybody knows that."""


class PreCommitted(ThreePhaseMessage, gc=False):
    """Phase 2, the answer."""


class Decision(ThreePhaseMessage, gc=False):
    """Phase 3: what becomes of the transaction."""

    commit: bool


class Inquire(ThreePhaseMessage, gc=False):
    """What was decided? Asked by a process that was down meanwhile."""


MESSAGES = (VoteRequest, Vote, PreCommit, PreCommitted, Decision, Inquire)
