"""A leaderless, replicated key-value store: any node takes reads and writes.

DeCandia et al., "Dynamo: Amazon's highly available key-value store", 2007; read repair, hints and repair as in Apache
Cassandra; linearizable mode by Attiya, Bar-Noy and Dolev, "Sharing memory robustly in message-passing systems", 1995.

Simplified: an operator changes the membership at one node (no gossip of it), a peer is suspected by who asked it in
vain (no gossip of that either), and a Merkle tree is computed when it is asked for. The parts, each built on the one
before: ``state`` (what is known and kept), ``replica`` (for other coordinators), ``repair`` (anti-entropy),
``membership``, ``coordinator`` (for clients).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulations.engine.process import DiskImage
from simulations.engine.systems.quorum_store import messages
from simulations.engine.systems.quorum_store.coordinator import Coordinator
from simulations.engine.systems.quorum_store.placement import MOVING, STABLE

HANDLERS: dict[type, str] = {
    messages.Write: "on_write", messages.WriteAck: "on_write_ack",
    messages.Read: "on_read", messages.ReadReply: "on_read_reply", messages.Repair: "on_repair",
    messages.Ping: "on_ping", messages.Pong: "on_pong",
    messages.Handoff: "on_handoff", messages.HandoffAck: "on_handoff_ack",
    messages.TreeHashes: "on_tree_hashes", messages.TreeDiffers: "on_tree_differs",
    messages.LeafAsk: "on_leaf_ask", messages.LeafKeys: "on_leaf_keys", messages.RepairKeys: "on_repair_keys",
    messages.RingUpdate: "on_ring_update", messages.RingAsk: "on_ring_ask", messages.RingAck: "on_ring_ack",
    messages.StreamKeys: "on_stream_keys", messages.StreamAck: "on_stream_ack",
}  # fmt: skip
TIMERS = {
    "watch": "on_watch", "call": "on_call", "repair": "on_repair_timer", "anti_entropy": "on_anti_entropy",
    "ring": "on_ring_timer", "step": "next_step", "stream": "stream",
}  # fmt: skip


@dataclass(slots=True)
class QuorumStore(Coordinator):
    """One node."""

    def on_start(self, disk: DiskImage) -> None:
        self.load_ring(disk)
        self.load(disk)
        self.seed(disk)
        self.plan_anti_entropy()
        if self.hints:
            self.call()
        if self.ring.phase == MOVING:
            self.begin_streaming()
        if self.ring.manager == self.id and self.ring.phase != STABLE:
            self.waiting = list(self.ring.everybody)
            self.acknowledge_step()
            self.tell_ring()
        self.refresh_role()

    def on_message(self, sender: str, message: Any) -> None:
        if self.touched:
            self.touched.clear()
        if self.probed:
            self.probed.clear()
        if self.silent and sender in self.silent:
            self.heard(sender)
        getattr(self, HANDLERS[message.__class__])(sender, message)

    def on_timer(self, name: str) -> None:
        self.touched.clear()
        self.probed.clear()
        if name.startswith("probe "):
            _, ticket, number = name.split()
            self.on_probe_timer(int(ticket), int(number))
        else:
            getattr(self, TIMERS[name])()

    def on_parameters(self) -> None:
        """The running system follows at once: rounds under way keep their quorums, later ones take the new."""
        self.touched.clear()
        self.probed.clear()
        self.context.note("quorum_store.mode", mode=self.parameters.mode)
        self.plan_anti_entropy()
        self.refresh_role()

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        self.touched.clear()
        self.probed.clear()
        if action == "configure":
            self.configure(arguments)
        elif action == "command" and arguments.get("name") == "repair":
            self.begin_repair(list(self.ring.new))
