"""Handing shards over while clients work: copy, copy again what was written meanwhile, freeze, tell the keeper.

The owner goes on serving while it copies (Clark et al., "Live migration of virtual machines", NSDI 2005,
pre-copy). When what is left fits into one batch, it freezes the shards - durably, so that a restart does not
unfreeze them -, sends that batch, and once the receiver has everything on disk tells the keeper, whose next map
makes the receiver the owner. Nobody serves the shards between the freeze and that map: at most one owner at any
time.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.engine.systems.sharding.messages import Copied, Copy, CopyAck, MoveOut
from simulations.engine.systems.sharding.splitting import Splitting
from simulations.engine.systems.sharding.state import Outgoing, Record, padding

BATCH_BYTES = 16384
BATCH_ROWS = 256
ROW_BYTES = 32
"""A batch holds so many bytes of values at most, and so many rows; what a row costs beside its value."""
WINDOW = 4
"""A throttled copy has so many batches without an answer at most; one without a throttle knows no limit."""
LOOK_US = 50_000
ROUNDS = 3
MEGABYTE = 1_000_000
ASK_AGAIN_US = 500_000
REPEATED = 20
"""Without any answer for that long, the first unanswered batches are sent again, so many at a time."""


@dataclass(slots=True)
class Moving(Splitting):
    """A server that gives and receives shards."""

    # -- rules ----------------------------------------------------------------------------------------------------

    def rows_of(self, size: float) -> int:
        return max(1, min(BATCH_ROWS, int(size) // (ROW_BYTES + self.value_bytes)))

    def batch_rows(self) -> int:
        """A throttled copy sends no more at once than the throttle allows in a fifth of a second."""
        speed = self.parameters.copy_mb_s
        return self.rows_of(min(BATCH_BYTES, speed * MEGABYTE / 5) if speed else BATCH_BYTES)

    def pause_us(self, rows: int) -> int:
        """The throttle: so long after a batch the next one follows."""
        speed = self.parameters.copy_mb_s
        return round(rows * (ROW_BYTES + self.value_bytes) / speed) if speed else 0

    def may_freeze(self, out: Outgoing) -> bool:
        """What is still to be copied fits into one batch; or clients write faster than the throttle lets copy, and
        each row has been sent three times already (where Xen's live migration stops as well)."""
        if out.keys:
            return False
        return len(out.dirty) <= self.rows_of(BATCH_BYTES) or out.sent >= ROUNDS * out.rows

    # -- the owner ------------------------------------------------------------------------------------------------

    def on_move_out(self, sender: str, message: MoveOut) -> None:
        """The keeper wants shards handed over: begin to copy, unless that is under way."""
        move, shards = message.move, message.shards
        if move in self.outgoing or not self.owned.issuperset(shards):
            return
        keys = sorted(self.keys_in_shards(set(shards)), reverse=True)
        self.outgoing[move] = Outgoing(message.target, shards, self.life, keys, heard_us=self.context.now)
        self.context.note("sharding.gives", shards=len(shards), to=message.target, keys=len(keys))
        self.refresh_role()
        self.go_on(move)

    def must_wait(self, out: Outgoing) -> bool:
        """A throttled copy goes on, and freezes, only when the receiver keeps up."""
        if not self.parameters.copy_mb_s:
            return False
        return len(out.unanswered) >= WINDOW or bool(out.unanswered and self.may_freeze(out))

    def go_on(self, move: int) -> None:
        """Copy the next batch; without a throttle all of them at once."""
        out = self.outgoing[move]
        while not out.last:
            if self.must_wait(out):
                self.repeat(out)
                self.context.set_timer(f"copy {move}", LOOK_US)
                return
            rows = self.copy_batch(move, out)
            pause = self.pause_us(rows)
            if pause and not out.last:
                self.context.set_timer(f"copy {move}", pause)
                return
        self.context.set_timer(f"copy {move}", ASK_AGAIN_US)
        if not out.unanswered:
            self.tell_copied(move)

    def repeat(self, out: Outgoing) -> None:
        """The receiver has been silent for long: send again what it did not acknowledge."""
        if self.context.now - out.heard_us < ASK_AGAIN_US:
            return
        out.heard_us = self.context.now
        for number in sorted(out.unanswered)[:REPEATED]:
            self.send(out.target, out.unanswered[number])

    def copy_batch(self, move: int, out: Outgoing) -> int:
        """Send some rows, the last ones after the freeze; returns how many."""
        if self.may_freeze(out):
            self.freeze(move, out)
        size = self.batch_rows()
        keys, out.keys = out.keys[-size:], out.keys[:-size]
        if not keys:
            keys = sorted(out.dirty)[: None if out.last else size]
        for key in keys:
            out.dirty.pop(key, None)
        rows = tuple((key, self.data[key]) for key in keys)
        out.number += 1
        out.sent += len(rows)
        message = Copy(move, out.attempt, out.number, rows, padding(len(rows) * self.value_bytes))
        out.unanswered[out.number] = message
        self.send(out.target, message)
        return len(rows)

    def freeze(self, move: int, out: Outgoing) -> None:
        """From now on nobody serves these shards until the keeper's map names their new owner."""
        out.last = True
        self.frozen.update(dict.fromkeys(out.shards, move))
        self.ownership += 1
        self.record(Record("frozen", move, shards=out.shards))
        self.context.note("sharding.freezes", shards=len(out.shards), rows=len(out.dirty))

    def on_copy_ack(self, sender: str, message: CopyAck) -> None:
        out = self.outgoing.get(message.move)
        if out is None or out.attempt != message.attempt:
            return
        out.heard_us = self.context.now
        out.unanswered.pop(message.number, None)
        if out.last and not out.unanswered:
            self.tell_copied(message.move)

    def tell_copied(self, move: int) -> None:
        self.send(self.keeper, Copied(move))

    def on_copy_timer(self, move: int) -> None:
        """Time for the next batch, or for the repetition of what was not answered."""
        out = self.outgoing.get(move)
        if out is None:
            return
        if not out.last:
            self.go_on(move)
            return
        self.context.set_timer(f"copy {move}", ASK_AGAIN_US)
        self.repeat(out)
        if not out.unanswered:
            self.tell_copied(move)

    # -- the receiver ---------------------------------------------------------------------------------------------

    def on_copy(self, sender: str, message: Copy) -> None:
        """Rows of a move: on disk before they are acknowledged, not served before the map says so. What comes after
        the map has said so is acknowledged and forgotten."""
        if message.rows and self.shard(message.rows[0][0]) not in self.owned:
            if message.move not in self.incoming:
                self.context.note("sharding.takes", move=message.move, sender=sender)
            self.receive(message.move, message.rows)
            self.record(Record("copied", message.move, rows=message.rows))
            self.refresh_role()
        self.context.send(sender, CopyAck(message.move, message.attempt, message.number))
