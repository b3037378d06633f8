"""What Paxos processes send each other, and what acceptors and learners keep.

PMS: Lamport, "Paxos Made Simple", 2001. A proposal has a number (``ballot``) and a value (``command``); every slot of
the log is one instance of Paxos, and single-decree Paxos is the log's first slot alone.
"""

from __future__ import annotations

import msgspec

from simulations.engine.process import Message, Request


class Entry(msgspec.Struct, array_like=True, gc=False):
    """A proposal for one slot: an acceptor's vote, or what a learner knows to be chosen. Never changed.

    ``term``: the proposal's number; ``command``: its value, the client's ``Request`` or None for a no-op.
    """

    term: int
    slot: int
    command: Request | None = None


class PaxosMessage(Message, tag=lambda name: "paxos." + name, gc=False):
    """Base of Paxos's messages. ``ballot``: the proposal number that it is about."""

    ballot: int


class Prepare(PaxosMessage, gc=False):
    """PMS 2.2, phase 1 (a): promise me ``ballot``, for ``slot`` and all after it. Carries no value."""

    slot: int


class Promise(PaxosMessage, gc=False):
    """PMS 2.2, phase 1 (b). ``slot``: the prepared one, repeated; ``votes``: the highest-numbered proposals accepted so
    far, one per slot from it on; ``learned``: slots that this process knows to be chosen already."""

    slot: int
    votes: tuple[Entry, ...]
    learned: tuple[Entry, ...]


class Accept(PaxosMessage, gc=False):
    """PMS 2.2, phase 2 (a): accept these proposals, all numbered ``ballot``."""

    entries: tuple[Entry, ...]


class Accepted(PaxosMessage, gc=False):
    """PMS 2.2, phase 2 (b): voted for ``ballot`` in these slots."""

    slots: tuple[int, ...]


class Refused(PaxosMessage, gc=False):
    """PMS 2.2: ``ballot`` is not answered because ``promised`` was promised, or a lease was granted."""

    promised: int


class Learn(PaxosMessage, gc=False):
    """PMS 2.3: these values are chosen. The article calls this phase Commit; it only informs."""

    entries: tuple[Entry, ...]


class CatchUp(PaxosMessage, gc=False):
    """What was chosen from ``slot`` on? ``ballot`` is the highest that the sender heard of."""

    slot: int


class Heartbeat(PaxosMessage, gc=False):
    """The leader lives (PMS 3); its log is chosen up to ``chosen``."""

    round: int
    chosen: int


class HeartbeatReply(PaxosMessage, gc=False):
    """Still there, and with leases: nobody else gets a promise of mine for a while. ``round`` is repeated."""

    round: int


MESSAGES = (
    Prepare, Promise, Accept, Accepted, Refused, Learn, CatchUp, Heartbeat, HeartbeatReply,
)  # fmt: skip
