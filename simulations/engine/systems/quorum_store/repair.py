"""Anti-entropy: replicas compare Merkle trees and exchange only the leaves that differ.

DeCandia et al., "Dynamo", 2007, section 4.7; Apache Cassandra documentation, repair. The tree has three levels: a
root, 16 nodes, 256 leaves; a leaf's hash is over the keys that both replicas own.
"""

from __future__ import annotations

from zlib import crc32

from simulations.engine.systems.quorum_store.messages import (
    Items,
    LeafAsk,
    LeafKeys,
    RepairKeys,
    TreeDiffers,
    TreeHashes,
)
from simulations.engine.systems.quorum_store.placement import LEAVES
from simulations.engine.systems.quorum_store.replica import Replica
from simulations.engine.systems.quorum_store.state import MILLISECOND, SECOND
from simulations.engine.systems.quorum_store.versions import Versions, stamp

LEVELS = (1, 16, LEAVES)
"""Nodes of the tree per level."""
FANOUT = 16
PATIENCE_MS = 500
TRIES_MAX = 5
LEAVES_AT_ONCE = 16


def mark(key: str, held: Versions) -> int:
    """What a key adds to its leaf's hash."""
    return crc32(repr((key, [stamp(version) for version in held])).encode())


def folded(leaves: list[int], level: int) -> list[int]:
    """The hashes of a level, from those of the leaves."""
    width = LEAVES // LEVELS[level]
    return [crc32(repr(leaves[at : at + width]).encode()) for at in range(0, LEAVES, width)]


class Repairing(Replica):
    """Both sides of a session. One session at a time is begun by a node; it answers any number."""

    __slots__ = ()

    # -- rules -------------------------------------------------------------------------------------

    def differing(self, mine: list[int], theirs: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
        """The nodes of a level whose hashes are not the same."""
        return tuple(index for index, value in theirs if mine[index] != value)

    def lacking(self, items: Items) -> Items:
        """Of a leaf's keys those that the peer lacks, or has in an older version."""
        theirs = {key: {stamp(version) for version in held} for key, held in items}
        return tuple(
            (key, held)
            for key, held in items
            if any(stamp(version) not in theirs[key] for version in self.store.get(key, ()))
        )

    # -- the one who begins ------------------------------------------------------------------------

    def begin_repair(self, peers: list[str]) -> None:
        """Compare with these peers, one after the other."""
        session = self.session
        session.queue = [peer for peer in peers if peer != self.id]
        if not session.peer:
            self.next_peer()

    def next_peer(self) -> None:
        session = self.session
        session.number += 1
        session.tries = 0
        session.peer = session.queue.pop(0) if session.queue else ""
        if not session.peer:
            self.context.cancel_timer("repair")
            return
        self.context.note("quorum_store.compares", peer=session.peer)
        session.tree = self.leaf_hashes(session.peer)
        session.level, session.indexes, session.leaves = 0, (0,), ()
        self.ask_peer()

    def ask_peer(self) -> None:
        """Send what is next, or send it again."""
        session = self.session
        if session.leaves:
            question = LeafAsk(session.number, session.leaves[:LEAVES_AT_ONCE])
            self.context.send(session.peer, question)
        else:
            hashes = folded(session.tree, session.level)
            told = tuple((index, hashes[index]) for index in session.indexes)
            self.context.send(session.peer, TreeHashes(session.number, session.level, told))
        self.context.set_timer("repair", PATIENCE_MS * MILLISECOND)

    def on_repair_timer(self) -> None:
        """No answer: again, and after some times the next peer."""
        self.session.tries += 1
        if self.session.tries < TRIES_MAX:
            self.ask_peer()
        else:
            self.next_peer()

    def on_tree_differs(self, sender: str, message: TreeDiffers) -> None:
        session = self.session
        if (message.session, message.level) != (session.number, session.level) or sender != session.peer:
            return
        session.tries = 0
        if not message.indexes:
            self.next_peer()
        elif session.level + 1 < len(LEVELS):
            session.level += 1
            session.indexes = tuple(
                child for index in message.indexes for child in range(index * FANOUT, (index + 1) * FANOUT)
            )
            self.ask_peer()
        else:
            self.context.note("quorum_store.differ", peer=sender, leaves=len(message.indexes))
            session.leaves = message.indexes
            self.ask_peer()

    def on_leaf_keys(self, sender: str, message: LeafKeys) -> None:
        session = self.session
        if message.session != session.number or message.leaf not in session.leaves:
            return
        session.tries = 0
        self.repair_streamed += len(message.items)
        mine = {key for key, _ in message.items}
        back = self.newer_here(message.items)
        back += tuple(
            (key, self.store[key])
            for key in self.leaves.get(message.leaf, ())
            if key not in mine and self.shares(key, sender)
        )
        self.save([key for key, held in message.items if self.take(key, held)])
        if back:
            self.context.send(sender, RepairKeys(back))
        asked = session.leaves[:LEAVES_AT_ONCE]
        session.leaves = tuple(leaf for leaf in session.leaves if leaf != message.leaf)
        if not session.leaves:
            self.next_peer()
        elif message.leaf == asked[-1]:
            self.ask_peer()
        else:
            self.context.set_timer("repair", PATIENCE_MS * MILLISECOND)

    def newer_here(self, items: Items) -> Items:
        """The keys of a leaf of which this replica holds what the sender does not."""
        return tuple((key, self.store[key]) for key, _ in self.lacking(items))

    # -- the one who is asked ----------------------------------------------------------------------

    def on_tree_hashes(self, sender: str, message: TreeHashes) -> None:
        mine = folded(self.leaf_hashes(sender), message.level)
        found = self.differing(mine, message.hashes)
        self.context.send(sender, TreeDiffers(message.session, message.level, found))

    def on_leaf_ask(self, sender: str, message: LeafAsk) -> None:
        for leaf in message.leaves:
            items = tuple(
                (key, self.store[key]) for key in self.leaves.get(leaf, ()) if self.shares(key, sender)
            )
            self.context.send(sender, LeafKeys(message.session, leaf, items))

    def on_repair_keys(self, sender: str, message: RepairKeys) -> None:
        self.repair_streamed += len(message.items)
        self.save([key for key, held in message.items if self.take(key, held)])

    def shares(self, key: str, peer: str) -> bool:
        """Whether both this node and the peer own the key."""
        found = self.owners(key, self.ring.new)
        return self.id in found and peer in found

    def leaf_hashes(self, peer: str) -> list[int]:
        """A hash per leaf over the keys shared with the peer, in whatever order they came."""
        found = [0] * LEAVES
        everything = len(self.ring.new) <= self.parameters.n
        for leaf, keys in self.leaves.items():
            found[leaf] = sum(
                mark(key, self.store[key]) for key in keys if everything or self.shares(key, peer)
            )
        return found

    # -- on its own --------------------------------------------------------------------------------

    def plan_anti_entropy(self) -> None:
        """Compare with the next peer after a while, if it is to be done at all."""
        if self.parameters.anti_entropy_s > 0:
            self.context.set_timer("anti_entropy", int(self.parameters.anti_entropy_s * SECOND))
        else:
            self.context.cancel_timer("anti_entropy")

    def on_anti_entropy(self) -> None:
        others = [peer for peer in self.ring.new if peer != self.id]
        if others and not self.session.peer:
            self.begin_repair([others[self.session.number % len(others)]])
        self.plan_anti_entropy()
