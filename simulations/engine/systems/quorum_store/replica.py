"""The replica: takes versions, answers reads, keeps hints for those who are away and hands them over.

DeCandia et al., "Dynamo", 2007, sections 4.5 and 4.6; Apache Cassandra documentation, hints.
"""

from __future__ import annotations

from simulations.engine.process import put
from simulations.engine.systems.quorum_store.messages import (
    Handoff,
    HandoffAck,
    Ping,
    Pong,
    Read,
    ReadReply,
    Repair,
    RingAsk,
    RingUpdate,
    Write,
    WriteAck,
)
from simulations.engine.systems.quorum_store.state import MILLISECOND, SECOND, State
from simulations.engine.systems.quorum_store.versions import Version, Versions, stamp

HANDOFF_CHUNK = 50
REMEMBERED = 256
"""Operations of the promised mode that a replica remembers."""


class Replica(State):
    """What a node does for other coordinators."""

    __slots__ = ()

    # -- rules -------------------------------------------------------------------------------------

    def acknowledge(self, coordinator: str, ack: WriteAck) -> None:
        """A write is acknowledged when it is on disk: the message leaves after the write issued before it."""
        self.context.send(coordinator, ack)

    def may_hint(self, target: str) -> bool:
        """Hints are kept for so long after a replica was last there; after that it needs a repair."""
        window = self.parameters.hint_window_s * SECOND
        since = self.silent.get(target, self.context.now)
        return window > 0 and self.context.now - since <= window

    def hands_over(self, target: str) -> tuple[tuple[str, Version], ...]:
        """The hints that go to a replica that is back."""
        return tuple(self.hints[target].items())[:HANDOFF_CHUNK]

    def after_repair(self, held: Versions, offered: Versions) -> Versions:
        """A read repair never takes a replica back: what is older is ignored."""
        for version in offered:
            held = self.kept(held, version)
        return held

    def fenced(self, version: Version) -> bool:
        """A later attempt of the same operation asked here: this one comes too late, or it would happen twice."""
        return self.fences.get(version.operation, 0) > version.attempt > 0

    # -- writes and reads --------------------------------------------------------------------------

    def on_write(self, sender: str, message: Write) -> None:
        if message.epoch != self.ring.epoch and not self.same_era(sender, message.epoch):
            return
        if message.hint_for and message.hint_for != self.id:
            self.silent.setdefault(message.hint_for, self.context.now)
            if not self.keep_hint(message.hint_for, message.key, message.version):
                return
        elif not self.accept(message.key, message.version):
            return
        self.acknowledge(sender, WriteAck(message.ticket, message.hint_for))

    def accept(self, key: str, version: Version) -> bool:
        """Take a write; False when it must not happen any more."""
        if version.attempt:
            if self.fenced(version):
                self.context.note("quorum_store.fenced", key=key)
                return False
            self.remember(version)
        if self.take(key, (version,)):
            self.save((key,))
        return True

    def remember(self, version: Version) -> None:
        """Which version came of an operation, so that another attempt finds it even after it was overwritten."""
        self.taken[version.operation] = version
        if len(self.taken) > REMEMBERED:
            del self.taken[next(iter(self.taken))]
        self.context.persist(put("taken", tuple(self.taken.items())))

    def on_read(self, sender: str, message: Read) -> None:
        if message.epoch != self.ring.epoch and not self.same_era(sender, message.epoch):
            return
        earlier = self.promise(message.operation, message.attempt) if message.attempt else None
        held = self.store.get(message.key, ())
        self.context.send(sender, ReadReply(message.ticket, held, earlier))

    def promise(self, operation: int, attempt: int) -> Version | None:
        """Take nothing of earlier attempts any more; tell what came of them here."""
        if attempt > 1 and self.fences.get(operation, 0) < attempt:
            self.fences[operation] = attempt
            if len(self.fences) > REMEMBERED:
                del self.fences[next(iter(self.fences))]
            self.context.persist(put("fences", tuple(self.fences.items())))
        return self.taken.get(operation)

    def same_era(self, sender: str, epoch: int) -> bool:
        """Whether a coordinator of another epoch may still be answered: neighbouring phases agree on their quorums."""
        mine = self.ring.epoch
        self.context.send(sender, RingUpdate(self.ring) if epoch < mine else RingAsk())
        if epoch < mine - 1 or (epoch < mine and not self.parameters.stream_before_serving):
            self.context.note("quorum_store.old_ring", theirs=epoch, mine=mine)
            return False
        return True

    def on_repair(self, sender: str, message: Repair) -> None:
        held = self.store.get(message.key, ())
        repaired = self.after_repair(held, message.versions)
        if repaired != held:
            self.hold(message.key, repaired)
            self.save((message.key,))
            self.read_repaired += 1
            self.context.note("quorum_store.repaired", key=message.key)

    # -- hinted handoff ----------------------------------------------------------------------------

    def keep_hint(self, target: str, key: str, version: Version) -> bool:
        """Remember a write for a replica that is away; False when it is away for too long."""
        if not self.may_hint(target):
            self.context.note("quorum_store.no_hint", target=target)
            return False
        hints = self.hints.setdefault(target, {})
        if key not in hints or self.wins(version, hints[key]):
            hints[key] = version
            self.save_hints(target)
            self.context.note("quorum_store.hint", target=target, key=key)
        self.call()
        self.refresh_role()
        return True

    def save_hints(self, target: str) -> None:
        self.context.persist(put(f"hints {target}", tuple(self.hints.get(target, {}).items())))

    def forget_hint(self, target: str, key: str, version: Version) -> None:
        """The replica has it."""
        hints = self.hints.get(target)
        if hints is None or key not in hints or stamp(hints[key]) > stamp(version):
            return
        del hints[key]
        if not hints:
            del self.hints[target]
        self.save_hints(target)
        self.refresh_role()

    def on_handoff(self, sender: str, message: Handoff) -> None:
        changed = [key for key, versions in message.items if self.take(key, versions)]
        self.save(changed)
        done = tuple((key, stamp(versions[-1])) for key, versions in message.items)
        self.context.send(sender, HandoffAck(done))

    def on_handoff_ack(self, sender: str, message: HandoffAck) -> None:
        hints = self.hints.get(sender, {})
        done = [key for key, until in message.done if key in hints and stamp(hints[key]) <= until]
        if not done:
            return
        for key in done:
            del hints[key]
        if not hints:
            del self.hints[sender]
        self.save_hints(sender)
        self.refresh_role()
        if hints:
            self.hand_over(sender)

    def hand_over(self, target: str) -> None:
        """Send the next hints to a replica that is back."""
        items = tuple((key, (version,)) for key, version in self.hands_over(target))
        if items:
            self.context.note("quorum_store.handoff", target=target, count=len(items))
            self.context.send(target, Handoff(items))

    # -- who is silent -----------------------------------------------------------------------------

    def suspect(self, peer: str, since_us: int) -> None:
        """A peer did not answer in time."""
        if peer not in self.silent:
            self.silent[peer] = since_us
            self.context.note("quorum_store.silent", peer=peer)
            self.refresh_role()
        self.call()

    def heard(self, peer: str) -> None:
        """A peer that was silent is back."""
        del self.silent[peer]
        self.context.note("quorum_store.back", peer=peer)
        self.refresh_role()
        if peer in self.hints:
            self.hand_over(peer)

    def call(self) -> None:
        """Ask those who are silent again and again whether they are back."""
        if not self.calling:
            self.calling = True
            self.context.set_timer("call", int(self.parameters.probe_every_ms * MILLISECOND))

    def on_call(self) -> None:
        """Silent peers are pinged; hints whose handoff was not acknowledged go out again."""
        self.calling = False
        for peer in sorted({*self.silent, *self.hints}):
            if peer in self.silent:
                self.context.send(peer, Ping())
            else:
                self.hand_over(peer)
        if self.silent or self.hints:
            self.call()

    def on_ping(self, sender: str, message: Ping) -> None:
        self.context.send(sender, Pong())

    def on_pong(self, sender: str, message: Pong) -> None:
        """Whoever sends anything is back (see ``heard``)."""
