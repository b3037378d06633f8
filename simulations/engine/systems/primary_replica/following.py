"""The replica: copies the primary's log, serves reads that may be old, and drops what the primary never had."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.engine.failover import DIVERGED, OFF, PRIMARY, REPLICA, RETURNING
from simulations.engine.process import Request, append, truncate_from
from simulations.engine.systems.primary_replica.leading import Leading
from simulations.engine.systems.primary_replica.messages import Entries, Entry, Received, Refused
from simulations.engine.systems.primary_replica.parameters import NONE, REFUSE


class Following(Leading):
    """Rules of the replica."""

    __slots__ = ()

    def on_entries(self, sender: str, message: Entries) -> None:
        if not self.accepts_primary(sender, message):
            return
        if not self.linked:
            self.linked = True
        self.context.set_timer("link", self.us(self.parameters.detect_ms))
        if self.role == DIVERGED and self.parameters.automatic_failback == REFUSE:
            return
        if self.role in (DIVERGED, RETURNING):
            self.adopt(REPLICA, self.epoch)
        prev = message.prev
        if prev > self.log.last or self.log.hash_at(prev) != message.prev_hash:
            self.context.send(sender, Refused(self.epoch, prev, self.log.last))
            return
        if message.entries:
            if not self.store(prev, message.entries):
                return
            prev += len(message.entries)
        self.context.send(sender, Received(self.epoch, prev))
        if self.parked:
            self.serve_parked()

    def accepts_primary(self, sender: str, message: Entries) -> bool:
        """Only the primary of the highest epoch is followed; one of a lower epoch is told so (fencing by epoch)."""
        epoch = message.epoch
        if epoch < self.epoch:
            self.note("refuses_old_primary", primary=sender, epoch=epoch, mine=self.epoch)
            self.context.send(sender, Refused(self.epoch, message.prev, self.log.last))
            return False
        if self.role == PRIMARY:
            if epoch > self.epoch:
                self.outranked(epoch)
            elif self.id < sender and self.parameters.fencing != NONE:
                self.note("same_epoch", primary=sender, epoch=epoch)
                self.lead(epoch + 1, self.promoted_by)
            if self.role == PRIMARY:
                return False
        if epoch == self.epoch and self.source not in ("", sender):
            return False
        if epoch > self.epoch or self.source != sender:
            self.follow(epoch, sender)
        return True

    def follow(self, epoch: int, primary: str) -> None:
        """Replicate from this primary of this epoch."""
        self.note("follows", primary=primary, epoch=epoch)
        if self.role == PRIMARY:
            self.step_down(epoch, primary)
        self.adopt(DIVERGED if self.role == DIVERGED else REPLICA, epoch)
        self.source, self.linked = primary, False
        self.context.cancel_timer("return")
        self.context.set_timer("link", self.us(self.parameters.detect_ms))

    def is_there(self, index: int, entry: Entry) -> bool:
        """Whether the log holds this very entry at a position."""
        return bool(self.log[index] == entry)

    def store(self, prev: int, entries: Sequence[Entry]) -> bool:
        """Append what is new; an own entry that differs gives way, with all after it. False: it may not."""
        log = self.log
        for number, entry in enumerate(entries):
            index = prev + 1 + number
            if index <= log.last:
                if self.is_there(index, entry):
                    continue
                if not self.discards(index):
                    return False
            rest = tuple(entries[number:])
            self.context.persist(append("log", rest))
            for one in rest:
                log.append(one)
                self.apply(one)
            break
        return True

    def discards(self, index: int) -> bool:
        """The tail of the log from ``index`` is not in the primary's: drop it, or stop and let people decide."""
        lost = sum(entry.operation > 0 for entry in self.log.slice(index, self.log.last + 1))
        if lost and self.parameters.automatic_failback == REFUSE:
            self.note("diverged", writes=lost, position=index)
            self.adopt(DIVERGED, self.epoch)
            return False
        self.note("discards", writes=lost, position=index)
        self.log.truncate_from(index)
        self.context.persist(truncate_from("log", index))
        self.rebuild()
        return True

    def on_link_timeout(self) -> None:
        """Nothing came from the primary for a while. A replica alone cannot tell why, so it only says so when asked."""
        if self.role not in (PRIMARY, OFF) and self.linked:
            self.note("primary_silent", primary=self.source)
            self.linked = False

    # -- reads ----------------------------------------------------------------------------------------------------

    def read_here(self, request: Request) -> None:
        """A read at a replica: refused, answered as old as it is, or when the asked position has been reached."""
        options = request.options or {}
        read = options.get("read", self.parameters.reads)
        if read == "wait_for_position":
            position = options.get("position") or 0
            if position <= self.log.last:
                self.context.reply(request, "ok", self.data.get(request.key))
            else:
                self.note("waits_for_position", position=position, mine=self.log.last)
                self.parked[request.operation] = (position, request)
        elif read == "replica":
            self.context.reply(request, "ok", self.data.get(request.key))
        else:
            self.redirect(request)

    def serve_parked(self) -> None:
        """Answer the reads whose position has been reached."""
        for operation, (position, request) in list(self.parked.items()):
            if position <= self.log.last:
                del self.parked[operation]
                self.context.reply(request, "ok", self.data.get(request.key))
