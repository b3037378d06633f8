"""What microservices send each other: remote calls, health checks, and orders to run another version."""

from __future__ import annotations

from simulations.engine.process import Message, Request

OK, FALLBACK, FAIL, SHED, REFUSED = "ok", "fallback", "fail", "shed", "refused"
"""How a call ends: done; answered with a substitute; it went wrong; not begun for too much load; nobody is at
home."""

DONE = (OK, FALLBACK)


class MicroservicesMessage(Message, tag=lambda name: "microservices." + name, gc=False):
    """Base of its messages."""


class Call(MicroservicesMessage, gc=False):
    """A remote call. ``id``: the caller's number; ``route`` and ``kind``: what is asked for; ``priority``: 0 is the
    most important; ``stage``: how many services of a chain it has passed."""

    id: int
    route: str
    kind: str
    key: str
    priority: int
    stage: int


class Answer(MicroservicesMessage, gc=False):
    """The answer to a call: ``outcome`` ok | fallback | fail | shed | refused."""

    id: int
    outcome: str


class Probe(MicroservicesMessage, gc=False):
    """A health check. ``deep``: do the work that requests need; otherwise just say that you are there."""

    number: int
    deep: bool


class ProbeAnswer(MicroservicesMessage, gc=False):
    """The answer to a health check."""

    number: int
    ok: bool


class Deploy(MicroservicesMessage, gc=False):
    """Run this version from now on."""

    version: str


class Ready(MicroservicesMessage, gc=False):
    """A container says that it runs this version now."""

    version: str


MESSAGES = (Call, Answer, Probe, ProbeAnswer, Deploy, Ready)
Work = Request | Call | Probe
