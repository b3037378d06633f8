"""What two-phase commit sends. Gray, "Notes on Data Base Operating Systems", 1978, section 5.8.3.3."""

from __future__ import annotations

from simulations.engine.process import Message


class TwoPhaseMessage(Message, tag=lambda name: "two_phase_commit." + name, gc=False):
    """Base of its messages. ``transaction``: the coordinator's address, a colon, its life and a number."""

    transaction: str


class VoteRequest(TwoPhaseMessage, gc=False):
    """Phase 1: can you commit?"""


class Vote(TwoPhaseMessage, gc=False):
    """Phase 1, the answer: ``yes`` is a promise that binds until the decision is known."""

    yes: bool


class Decision(TwoPhaseMessage, gc=False):
    """Phase 2: what becomes of the transaction."""

    commit: bool


class Inquire(TwoPhaseMessage, gc=False):
    """What was decided? Asked by who voted yes and hears nothing."""


MESSAGES = (VoteRequest, Vote, Decision, Inquire)
