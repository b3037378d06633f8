"""What nodes of the quorum store send each other. ``ticket``: the coordinator's number of one round of one operation;
``epoch``: of the membership that the sender knows."""

from __future__ import annotations

from simulations.engine.process import Message
from simulations.engine.systems.quorum_store.placement import Ring
from simulations.engine.systems.quorum_store.versions import Stamp, Version, Versions

Items = tuple[tuple[str, Versions], ...]


class QuorumMessage(Message, tag=lambda name: "quorum_store." + name, gc=False):
    """Base of its messages."""


class Write(QuorumMessage, gc=False):
    """Keep this version; ``hint_for``: on behalf of that replica, which does not answer."""

    ticket: int
    key: str
    version: Version
    epoch: int
    hint_for: str = ""


class WriteAck(QuorumMessage, gc=False):
    """The version is on disk here (or superseded); ``hint_for`` as in the write."""

    ticket: int
    hint_for: str = ""


class Read(QuorumMessage, gc=False):
    """What do you hold? ``operation``, ``attempt``: of the write this is the first round of; replicas promise to take
    nothing of its earlier attempts any more (0: a plain read)."""

    ticket: int
    key: str
    epoch: int
    operation: int = 0
    attempt: int = 0


class ReadReply(QuorumMessage, gc=False):
    """The versions held; ``earlier``: the version of that operation that this replica took before, if any."""

    ticket: int
    versions: Versions
    earlier: Version | None = None


class Repair(QuorumMessage, gc=False):
    """A read found this replica behind: here is what it misses."""

    key: str
    versions: Versions


class Ping(QuorumMessage, gc=False):
    """Are you there? Only sent to those who were silent."""


class Pong(QuorumMessage, gc=False):
    """Yes."""


class Handoff(QuorumMessage, gc=False):
    """Hinted handoff: writes that were kept for the receiver while it was away."""

    items: Items


class HandoffAck(QuorumMessage, gc=False):
    """These are on disk; the hints may be forgotten."""

    done: tuple[tuple[str, Stamp], ...]


class TreeHashes(QuorumMessage, gc=False):
    """Anti-entropy: my hashes of these nodes of a level of the Merkle tree. Which are different with you?"""

    session: int
    level: int
    hashes: tuple[tuple[int, int], ...]


class TreeDiffers(QuorumMessage, gc=False):
    """These are."""

    session: int
    level: int
    indexes: tuple[int, ...]


class LeafAsk(QuorumMessage, gc=False):
    """Send me all you hold in these leaves."""

    session: int
    leaves: tuple[int, ...]


class LeafKeys(QuorumMessage, gc=False):
    """All keys of one leaf."""

    session: int
    leaf: int
    items: Items


class RepairKeys(QuorumMessage, gc=False):
    """What the receiver lacks or has in an older version, found by anti-entropy."""

    items: Items


class RingUpdate(QuorumMessage, gc=False):
    """The membership as the sender knows it."""

    ring: Ring


class RingAsk(QuorumMessage, gc=False):
    """Tell me the membership."""


class RingAck(QuorumMessage, gc=False):
    """I know this epoch, and have done what its phase asks of me."""

    epoch: int


class StreamKeys(QuorumMessage, gc=False):
    """Keys that the receiver is going to own."""

    epoch: int
    number: int
    items: Items


class StreamAck(QuorumMessage, gc=False):
    """They are on disk."""

    epoch: int
    number: int


MESSAGES = (
    Write, WriteAck, Read, ReadReply, Repair, Ping, Pong, Handoff, HandoffAck, TreeHashes, TreeDiffers, LeafAsk,
    LeafKeys, RepairKeys, RingUpdate, RingAsk, RingAck, StreamKeys, StreamAck,
)  # fmt: skip
