"""Raft, snapshots: the log is compacted, and who needs what is gone gets the state instead. RP section 7; RD 5."""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine import state_machine
from simulations.engine.process import DiskImage, drop_before, put, reset_log
from simulations.engine.sessions import Sessions
from simulations.engine.systems.raft.follower_log import FollowerLog
from simulations.engine.systems.raft.messages import InstallSnapshot, InstallSnapshotReply, Snapshot


class Snapshots(FollowerLog):
    """Taking, sending and installing them."""

    __slots__ = ()

    # --- taking ---

    def compact(self) -> None:
        """RP section 7: write the applied state to the disk, then drop the entries that led to it. The last ones stay
        for followers that are only a little behind."""
        index, log = self.last_applied, self.log
        snapshot = Snapshot(
            index, self.term_at(index), log.hash_at(index), self.configuration_at(index), self.rows()
        )
        cut = max(log.first, index + 1 - self.parameters.compact_every)
        self.context.note("raft.compacted", index=index, first=cut, dropped=cut - log.first)
        self.base_term = self.term_at(cut - 1)
        self.snapshot = snapshot
        log.drop_before(cut)
        self.plan_compaction()
        self.configurations = [
            (index, snapshot.configuration),
            *(c for c in self.configurations if c[0] > index),
        ]
        self.context.persist(
            put("snapshot", snapshot), put("base", (cut - 1, self.base_term)), drop_before("log", cut)
        )

    def plan_compaction(self) -> None:
        """``compact_at``: the applied index from which the next snapshot is due; 0 when the log is kept whole."""
        every = self.parameters.compact_every
        done = self.snapshot.index if self.snapshot is not None else 0
        self.compact_at = done + every if every else 0

    def rows(self) -> tuple[tuple[Any, ...], ...]:
        """The state machine and its clients' sessions, as rows in a fixed order."""
        return (
            *(("key", key, self.data[key]) for key in sorted(self.data)),
            *self.sessions.rows(),
        )

    def configuration_at(self, index: int) -> Any:
        """The latest configuration up to an index; before the first one, which an operator may have put in place by
        hand ahead of what is committed, that one."""
        found = (found for at, found in reversed(self.configurations) if at <= index)
        return next(found, self.configurations[0][1])

    # --- restoring ---

    def restore_snapshot(self, disk: DiskImage) -> None:
        """After a restart: the snapshot, and of the log what follows it. A crash may have come between the two."""
        cell = disk.cell("snapshot")
        if cell is None:
            return
        snapshot = cell if isinstance(cell, Snapshot) else msgspec.convert(cell, Snapshot)
        base, self.base_term = disk.cell("base", (0, 0))
        if not self.holds(snapshot):
            self.log.reset(snapshot.index + 1, snapshot.base)
            self.base_term = snapshot.term
            self.context.persist(
                put("base", (snapshot.index, snapshot.term)),
                reset_log("log", snapshot.index + 1, snapshot.base),
            )
        elif self.log.first <= base:
            self.log.drop_before(base + 1)
            self.context.persist(drop_before("log", base + 1))
        self.take_state(snapshot)

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether this log goes through the snapshot's last entry: then what follows is kept (RP Figure 13, step 6)."""
        log, index = self.log, snapshot.index
        return log.first - 1 <= index <= log.last and log.hash_at(index) == snapshot.base

    def take_state(self, snapshot: Snapshot) -> None:
        """The state machine becomes what the snapshot says."""
        self.snapshot = snapshot
        self.data, self.marks, self.state_hash = {}, {}, 0
        for kind, key, value in snapshot.rows:
            if kind == "key":
                self.state_hash = state_machine.write(self.data, self.marks, key, value, self.state_hash)
        self.sessions = Sessions.of_rows(snapshot.rows)
        self.commit_index = self.last_applied = snapshot.index
        self.plan_compaction()

    # --- installing ---

    def take_chunk(self, sender: str, message: InstallSnapshot) -> InstallSnapshotReply:
        """RP Figure 13, receiver: keep the rows aside until all are there. A crash forgets them."""
        last = message.last_index
        if last <= self.commit_index:
            return InstallSnapshotReply(self.term, last, message.offset + len(message.rows), True)
        of = (sender, last, message.last_term)
        if self.incoming_of != of:
            self.incoming_of, self.incoming = of, []
        fits = message.offset == len(self.incoming)
        if fits:
            self.incoming.extend(message.rows)
        held = len(self.incoming)
        if not fits or not self.is_complete(message):
            return InstallSnapshotReply(self.term, last, held, False)
        rows = tuple(tuple(row) for row in self.incoming)
        self.install(Snapshot(last, message.last_term, message.base, message.configuration, rows))
        return InstallSnapshotReply(self.term, last, held, True)

    def is_complete(self, message: InstallSnapshot) -> bool:
        """RP Figure 13, step 4: wait for more until done. A part of a snapshot is no state that ever was."""
        return message.done

    def install(self, snapshot: Snapshot) -> None:
        """RP Figure 13, steps 5 to 8: snapshot and log change in one write; what follows in the log is kept."""
        index = snapshot.index
        keeps = self.holds(snapshot)
        self.context.note(
            "raft.snapshot_installed", index=index, rows=len(snapshot.rows), had=self.last_index
        )
        if keeps:
            self.log.drop_before(index + 1)
            cut = drop_before("log", index + 1)
        else:
            self.log.reset(index + 1, snapshot.base)
            cut = reset_log("log", index + 1, snapshot.base)
        self.base_term = snapshot.term
        kept = [item for item in self.configurations if item[0] > index] if keeps else []
        self.take_state(snapshot)
        self.log_changed(
            self.context.persist(put("snapshot", snapshot), put("base", (index, snapshot.term)), cut)
        )
        self.configurations = [(index, snapshot.configuration), *kept]
        self.take_configuration()
        self.incoming_of, self.incoming = ("", 0, 0), []
        self.installs += 1

    # --- sending ---

    def send_snapshot(self, peer: str) -> None:
        """RP section 7: a follower that needs entries which are gone gets the snapshot, one part after the other.

        before_durable: safe, the snapshot holds only what is committed, so a majority's disks hold it.
        """
        if peer not in self.transfers:
            assert self.snapshot is not None
            self.transfers[peer] = (self.snapshot, 0)
            self.context.note(
                "raft.sends_snapshot", follower=peer, index=self.snapshot.index, first=self.log.first
            )
        snapshot, offset = self.transfers[peer]
        size = max(1, -(-len(snapshot.rows) // self.parameters.snapshot_chunks))
        rows = snapshot.rows[offset : offset + size]
        done = offset + size >= len(snapshot.rows)
        self.probing[peer] = True
        self.sent_round[peer] = self.round
        message = InstallSnapshot(
            self.term,
            snapshot.index,
            snapshot.term,
            snapshot.base,
            snapshot.configuration,
            offset,
            rows,
            done,
        )
        self.context.send(peer, message, True)

    def chunk_arrived(self, peer: str, message: InstallSnapshotReply) -> bool:
        """The next part, or the newest snapshot from the beginning when the follower forgot; whether it has all now."""
        snapshot, offset = self.transfers[peer]
        if message.last_index != snapshot.index:
            return False
        if message.done:
            del self.transfers[peer]
            return True
        if message.offset != offset:
            if message.offset:
                self.transfers[peer] = (snapshot, message.offset)
            else:
                del self.transfers[peer]
            self.send_snapshot(peer)
        return False
