"""Nodes join and leave while clients write: the ring changes in steps that never lose a quorum.

Cassandra's consistent range movement, made safe by joint quorums: (1) joint: every write reaches a quorum of the old
owners and one of the new, reads ask the old; (2) moving: who loses a key sends it to who gains it; (3) handover: reads
ask the new owners; (4) stable. A step begins when every member has acknowledged the one before, so only neighbouring
steps ever meet, and those agree on their quorums.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.process import put
from simulations.engine.systems.quorum_store.messages import (
    RingAck,
    RingAsk,
    RingUpdate,
    StreamAck,
    StreamKeys,
)
from simulations.engine.systems.quorum_store.placement import JOINT, MOVING, PHASES, STABLE, Ring
from simulations.engine.systems.quorum_store.repair import Repairing
from simulations.engine.systems.quorum_store.state import MILLISECOND, SECOND

STREAM_CHUNK = 25
AGAIN_MS = 300
PATIENCE = 10
"""How often a leaver is asked before the change goes on without it."""


class Membership(Repairing):
    """Manages a change that an operator asked it for, and takes part in those of others."""

    __slots__ = ()

    # -- rules -------------------------------------------------------------------------------------

    def sends(self, key: str) -> tuple[str, ...]:
        """To whom this node streams a key: who gains it gets it from who loses it, so that as many copies as before
        have each write. When the loser is gone all other old owners send what they have."""
        ring = self.ring
        before, after = self.owners(key, ring.old), self.owners(key, ring.new)
        gainers = tuple(node for node in after if node not in before)
        if not gainers or self.id not in before:
            return ()
        losers = [node for node in before if node not in after and node not in ring.gone]
        return gainers if not losers or self.id in losers else ()

    # -- managing a change -------------------------------------------------------------------------

    def configure(self, arguments: dict[str, Any]) -> None:
        """An operator adds or removes members; one change at a time."""
        ring = self.ring
        if ring.phase != STABLE or self.id not in ring.new:
            self.context.note("quorum_store.change_refused")
            return
        wanted = list(arguments.get("members") or ring.new)
        wanted += [node for node in arguments.get("add") or () if node not in wanted]
        members = tuple(node for node in wanted if node not in (arguments.get("remove") or ()))
        known = self.directory.get("quorum_store", ())
        if members == ring.new or not members or any(node not in known for node in members):
            self.context.note("quorum_store.change_refused")
            return
        self.context.note("quorum_store.change", members=", ".join(members))
        if self.parameters.stream_before_serving:
            self.manage(Ring(ring.epoch + 1, JOINT, ring.new, members, self.id))
        else:
            self.manage(Ring(ring.epoch + 1, STABLE, members, members, self.id), told=ring.everybody)

    def manage(self, ring: Ring, told: tuple[str, ...] = ()) -> None:
        """Begin a step: everybody must acknowledge it."""
        self.waiting = [node for node in dict.fromkeys((*ring.everybody, *told)) if node not in ring.gone]
        self.waited = 0
        self.adopt(ring)
        self.tell_ring()

    def tell_ring(self) -> None:
        for node in self.waiting:
            if node != self.id:
                self.context.send(node, RingUpdate(self.ring))
        self.context.set_timer("ring", AGAIN_MS * MILLISECOND)

    def on_ring_timer(self) -> None:
        """Some have not acknowledged: again. Leavers that never answer are left behind; nobody else is."""
        self.waited += 1
        ring = self.ring
        gone = [node for node in self.waiting if node not in ring.new]
        if self.waited > PATIENCE and gone and gone == self.waiting and ring.phase != MOVING:
            self.context.note("quorum_store.gone", nodes=", ".join(gone))
            self.ring = msgspec.structs.replace(ring, gone=tuple(gone))
            self.waiting = []
            self.next_step()
        elif self.waiting:
            self.tell_ring()

    def on_ring_ack(self, sender: str, message: RingAck) -> None:
        if message.epoch == self.ring.epoch and sender in self.waiting and self.ring.manager == self.id:
            self.waiting.remove(sender)
            if not self.waiting:
                self.next_step()

    def next_step(self) -> None:
        """All have acknowledged."""
        ring = self.ring
        self.context.cancel_timer("ring")
        if ring.phase == STABLE:
            return
        phase = PHASES[(PHASES.index(ring.phase) + 1) % len(PHASES)]
        old = ring.new if phase == STABLE else ring.old
        told = ring.everybody
        self.manage(Ring(ring.epoch + 1, phase, old, ring.new, self.id, ring.gone), told)

    # -- taking part -------------------------------------------------------------------------------

    def on_ring_update(self, sender: str, message: RingUpdate) -> None:
        if message.ring.epoch > self.ring.epoch:
            self.adopt(message.ring)
        if message.ring.epoch == self.ring.epoch:
            self.acknowledge_step()

    def on_ring_ask(self, sender: str, message: RingAsk) -> None:
        self.context.send(sender, RingUpdate(self.ring))

    def adopt(self, ring: Ring) -> None:
        """Know a later epoch, on disk too, and do what its phase asks."""
        self.ring = ring
        self.context.persist(put("ring", ring))
        self.context.note("quorum_store.ring", epoch=ring.epoch, phase=ring.phase)
        self.outgoing = {}
        if ring.phase == MOVING:
            self.begin_streaming()
        elif ring.phase == STABLE:
            self.forget_foreign()
        self.refresh_role()
        if ring.manager == self.id:
            self.acknowledge_step()

    def acknowledge_step(self) -> None:
        """Tell the manager that this step is done here."""
        ring = self.ring
        if ring.phase == MOVING and self.outgoing:
            return
        if ring.manager == self.id:
            if self.id in self.waiting:
                self.waiting.remove(self.id)
                if not self.waiting:
                    self.context.set_timer("step", 0)
        elif ring.manager:
            self.context.send(ring.manager, RingAck(ring.epoch))

    def forget_foreign(self) -> None:
        """Keys that others own now are dropped."""
        foreign = [key for key in self.store if self.id not in self.owners(key, self.ring.new)]
        for key in foreign:
            self.drop(key)
        self.save(foreign)

    # -- streaming ---------------------------------------------------------------------------------

    def begin_streaming(self) -> None:
        self.outgoing = {}
        for key in self.store:
            for target in self.sends(key):
                self.outgoing.setdefault(target, []).append(key)
        self.chunk = 0
        for target, keys in self.outgoing.items():
            self.context.note("quorum_store.streams", target=target, count=len(keys))
        self.stream()

    def stream(self) -> None:
        """Send the next keys, or the same ones again when nobody acknowledged them."""
        if not self.outgoing:
            return
        target, keys = next(iter(self.outgoing.items()))
        items = tuple((key, self.store[key]) for key in keys[:STREAM_CHUNK])
        self.context.send(target, StreamKeys(self.ring.epoch, self.chunk, items))
        self.context.set_timer("stream", AGAIN_MS * MILLISECOND)

    def on_stream_keys(self, sender: str, message: StreamKeys) -> None:
        if message.epoch < self.ring.epoch:
            return
        number = message.epoch << 20 | message.number + 1
        if self.incoming.get(sender, 0) < number:
            self.incoming[sender] = number
            self.moved += len(message.items)
        self.save([key for key, held in message.items if self.take(key, held)])
        self.context.send(sender, StreamAck(message.epoch, message.number))

    def on_stream_ack(self, sender: str, message: StreamAck) -> None:
        """The next keys follow after a pause, so that clients notice little."""
        if message.epoch != self.ring.epoch or message.number != self.chunk or sender not in self.outgoing:
            return
        keys = self.outgoing[sender]
        sent = keys[:STREAM_CHUNK]
        del keys[:STREAM_CHUNK]
        if not keys:
            del self.outgoing[sender]
        self.chunk += 1
        if self.outgoing:
            self.context.set_timer("stream", int(len(sent) * SECOND / self.parameters.stream_keys_per_s))
        else:
            self.context.cancel_timer("stream")
            self.acknowledge_step()
