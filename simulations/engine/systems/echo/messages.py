"""What echo servers send each other."""

from __future__ import annotations

from simulations.engine.process import Message, Request


class EchoMessage(Message, tag=lambda name: "echo." + name, gc=False):
    """Base of echo's messages. ``number`` names the exchange."""

    number: int


class Ask(EchoMessage, gc=False):
    """Please say this back."""

    text: str


class Answer(EchoMessage, gc=False):
    """What was asked, said back."""

    text: str


MESSAGES = (Ask, Answer)
__all__ = ["MESSAGES", "Answer", "Ask", "EchoMessage", "Request"]
