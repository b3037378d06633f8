"""What sentinels send each other. Redis Sentinel documentation, "Sentinels and replicas auto discovery" and below."""

from __future__ import annotations

from simulations.engine.process import Message


class SentinelMessage(Message, tag=lambda name: "sentinel." + name, gc=False):
    """Base of its messages."""


class Hello(SentinelMessage, gc=False):
    """Who the primary is, since ``config_epoch``; ``epoch``: the highest the sender knows."""

    epoch: int
    config_epoch: int
    primary: str


class AskDown(SentinelMessage, gc=False):
    """I hear nothing from this primary; do you?"""

    primary: str


class Down(SentinelMessage, gc=False):
    """``down``: I hear nothing from it either."""

    primary: str
    down: bool


class AskVote(SentinelMessage, gc=False):
    """May I carry out the failover of this epoch?"""

    epoch: int


class Vote(SentinelMessage, gc=False):
    """In this epoch my vote is for ``candidate``."""

    epoch: int
    candidate: str


MESSAGES = (Hello, AskDown, Down, AskVote, Vote)
