"""A server's coming and going: what it does with its shards at a start, its backups, and an operator's restore."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.process import DiskImage, Request, append, put
from simulations.engine.systems.shared_nothing.holder import (
    AGAIN_US,
    CATCHING_UP,
    EMPTY,
    LOOKING,
    RESTORING,
    SERVING,
    STANDBY,
    Holder,
)
from simulations.engine.systems.shared_nothing.member import Waiting
from simulations.engine.systems.shared_nothing.messages import (
    BackedUp,
    Backup,
    Entry,
    Fetch,
    Holds,
    Look,
    Part,
    Register,
)
from simulations.engine.systems.shared_nothing.router import NAME, shard_of
from simulations.engine.systems.shared_nothing.vault import PART

ENTRY_BYTES = 1000
"""What one key counts as when a restore is limited in MB/s."""


NOBODY = Request(0, 0, "", 0, 0, "put", "")
"""Stands for the client of a write that was restored."""


class Restore(msgspec.Struct, frozen=True, array_like=True):
    """A copy of a shard under way: from whom, from which place on, to which point in time, how fast (keys/s; 0: as fast
    as it goes), which keys (none: all)."""

    source: str
    place: int = 0
    to_us: int = -1
    rate: float = 0
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Server(Holder):
    """``looked``: shard -> who answered -> (newest version, serves it); ``copying``: shard -> the copy under way;
    ``incoming``: shard -> the part that waits for its turn; ``saving``: number of a backup -> newest version in it;
    ``ordered``: the last restore that an operator ordered."""

    handlers: ClassVar[dict[type, str]] = {
        **Holder.handlers,
        Look: "on_look",
        Holds: "on_holds",
        Fetch: "on_fetch",
        Part: "on_part",
        BackedUp: "on_backed_up",
    }

    # --- persistent ---
    formatted: bool = False

    # --- volatile ---
    looked: dict[int, dict[str, tuple[int, bool]]] = field(default_factory=dict)
    copying: dict[int, Restore] = field(default_factory=dict)
    incoming: dict[int, tuple[Entry, ...]] = field(default_factory=dict)
    saving: dict[int, int] = field(default_factory=dict)
    ordered: Restore | None = None
    backups: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def vaults(self) -> tuple[str, ...]:
        return self.directory.get(f"{NAME}/backup_store", ())

    def others(self, shard: int) -> list[str]:
        return [server for server in self.holders(shard) if server != self.id]

    def decide(self, shard: int) -> None:
        """After a start: copy from who serves the shard; else, when all holders were heard, the newest copy serves.
        Whose disk is empty while a backup exists does not pretend: an operator has to restore it."""
        answers, others = self.looked.get(shard, {}), self.others(shard)
        leading = [server for server in others if answers.get(server, (0, False))[1]]
        if leading:
            self.copy_from(shard, Restore(leading[0]), CATCHING_UP)
            return
        vaults = () if self.formatted else self.vaults()
        if any(server not in answers for server in (*others, *vaults)):
            return
        newest = max([answers[server][0] for server in others], default=0)
        if newest == 0 and any(answers[vault][0] for vault in vaults):
            self.enter(shard, EMPTY)
        elif self.rank(shard, self.id, self.versions.get(shard, 0)) >= max(
            [self.rank(shard, server, answers[server][0]) for server in others], default=(0, -1000)
        ):
            self.serve(shard)

    def rank(self, shard: int, server: str, version: int) -> tuple[int, int]:
        """The newest copy, of equal ones the first holder's."""
        return version, -self.holders(shard).index(server)

    def is_complete(self, message: Part) -> bool:
        """A copy ends when the source says that there is no more."""
        return message.last

    # -- small steps ----------------------------------------------------------------------------------------------

    def serve(self, shard: int) -> None:
        if not self.formatted:
            self.formatted = True
            self.context.persist(put("formatted", True))
        self.enter(shard, SERVING)

    def look(self) -> None:
        """Ask who knows something of the shards that are not in order here, again and again."""
        shards = self.in_status(LOOKING)
        for shard in shards:
            asked = (*self.others(shard), *(() if self.formatted else self.vaults()))
            for server in asked:
                self.context.send(server, Look(shard, self.versions.get(shard, 0)))
            self.decide(shard)
        if shards:
            self.context.set_timer("look", AGAIN_US)

    def copy_from(self, shard: int, restore: Restore, status: str) -> None:
        self.copying[shard] = restore
        self.enter(shard, status)
        self.fetch(shard)

    def fetch(self, shard: int) -> None:
        """Ask for the next part; again, when it does not come."""
        restore = self.copying[shard]
        self.context.send(restore.source, Fetch(shard, restore.place, restore.to_us))
        self.context.set_timer(f"fetch {shard}", AGAIN_US)

    def take_part(self, shard: int, entries: tuple[Entry, ...]) -> None:
        """Store a part: from a peer what is newer, from a backup everything, as writes of now."""
        restore = self.copying[shard]
        if self.status[shard] == RESTORING:
            fresh: list[Entry] = []
            for old in entries:
                if restore.keys and old.key not in restore.keys:
                    continue
                version = self.versions.get(shard, 0) + 1
                fresh.append(msgspec.structs.replace(old, version=version))
                self.store(shard, fresh[-1])
                self.tell_copies(shard, fresh[-1])
            self.restored += len(fresh)
        else:
            fresh = [entry for entry in entries if self.is_newer(entry, shard)]
            for entry in fresh:
                self.store(shard, entry)
        self.context.persist(append("writes", fresh))

    def tell_copies(self, shard: int, entry: Entry) -> None:
        """What was restored goes to the other holders too, whether or not anybody waits."""
        waiting = Waiting(NOBODY, "", None, shard, entry, self.copies_to_wait_for(shard))
        if waiting.missing:
            self.waiting[-(entry.version * self.parameters.shards + shard)] = waiting
            self.send_copies(waiting)

    def plan_backup(self) -> None:
        """The next backup of its own accord, if there is to be one."""
        if self.parameters.backup_every_s:
            self.context.set_timer("backup", int(self.parameters.backup_every_s * 1_000_000))
        else:
            self.context.cancel_timer("backup")

    def back_up(self) -> None:
        """Send what changed since the last confirmed backup to the backup store."""
        for vault in self.vaults():
            for shard in self.in_status(SERVING):
                entries = tuple(self.entries[shard][key] for key in self.dirty.get(shard, ()))
                if entries:
                    self.backups += 1
                    self.saving[self.backups] = self.versions[shard]
                    self.context.note("shared_nothing.backs_up", shard=shard, count=len(entries))
                    self.context.send(vault, Backup(shard, self.backups, entries))

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        Holder.on_start(self, disk)
        self.formatted = disk.cell("formatted", False)
        mine = [shard for shard in range(self.parameters.shards) if self.id in self.holders(shard)]
        self.entries = {shard: {} for shard in mine}
        for entry in disk.log("writes"):
            self.store(shard_of(entry.key, self.parameters.shards), entry)
        period_us = int(self.parameters.refresh_s * 1_000_000)
        self.context.set_timer("refresh", self.context.random.integer(1, period_us))
        for shard in mine:
            self.enter(shard, LOOKING)
        self.look()
        self.plan_backup()

    def on_parameters(self) -> None:
        self.plan_backup()

    def on_timer(self, name: str) -> None:
        what, _, shard = name.partition(" ")
        if what == "refresh":
            self.context.set_timer("refresh", int(self.parameters.refresh_s * 1_000_000))
            self.register()
        elif what == "copies":
            for waiting in self.waiting.values():
                self.send_copies(waiting)
        elif what == "look":
            self.look()
        elif what == "fetch" and int(shard) in self.copying:
            self.fetch(int(shard))
        elif what == "apply":
            self.apply(int(shard))
        elif what == "backup":
            self.plan_backup()
            self.back_up()
        else:
            Holder.on_timer(self, name)

    def on_register(self, sender: str, message: Register) -> None:
        """Whoever was silent for a while is told what it may have missed. When two serve one shard (a cut, not a crash,
        had parted them) the later holder gives way and copies."""
        was_silent = sender not in self.heard
        Holder.on_register(self, sender, message)
        for shard in self.in_status(SERVING) if was_silent else ():
            if sender in self.holders(shard):
                self.context.send(sender, Holds(shard, self.versions.get(shard, 0), True))
        for shard in self.in_status(SERVING):
            holders = self.holders(shard)
            if (
                shard in message.serves
                and sender in holders
                and holders.index(sender) < holders.index(self.id)
            ):
                self.copy_from(shard, Restore(sender), CATCHING_UP)

    def on_look(self, sender: str, message: Look) -> None:
        """A holder has started again: it serves no more, so a standby may have to."""
        self.served[sender] = self.stood[sender] = ()
        if self.status.get(message.shard) == STANDBY and self.should_take_over(message.shard):
            self.enter(message.shard, SERVING)
        serves = self.status.get(message.shard) == SERVING
        self.context.send(sender, Holds(message.shard, self.versions.get(message.shard, 0), serves))

    def on_holds(self, sender: str, message: Holds) -> None:
        if self.status.get(message.shard) == LOOKING:
            self.looked.setdefault(message.shard, {})[sender] = (message.version, message.serves)
            self.decide(message.shard)
        elif self.status.get(message.shard) == STANDBY and message.version > self.versions.get(
            message.shard, 0
        ):
            self.copy_from(message.shard, Restore(sender), CATCHING_UP)

    def on_fetch(self, sender: str, message: Fetch) -> None:
        if self.status.get(message.shard) != SERVING:
            return
        if (
            sender not in self.heard
        ):  # from now on it gets every write: none falls between the copy and the copies
            self.touch(sender)
        entries = list(self.entries[message.shard].values())
        part = tuple(entries[message.place : message.place + PART])
        last = message.place + PART >= len(entries)
        self.context.send(sender, Part(message.shard, message.place, part, last))

    def on_part(self, sender: str, message: Part) -> None:
        """A part of the copy has come; from a backup it is stored at the rate of a restore."""
        shard = message.shard
        restore = self.copying.get(shard)
        if (
            restore is None
            or restore.source != sender
            or restore.place != message.place
            or shard in self.incoming
        ):
            return
        self.context.cancel_timer(f"fetch {shard}")
        place = -1 if self.is_complete(message) else message.place + PART
        self.incoming[shard] = message.entries
        self.copying[shard] = msgspec.structs.replace(restore, place=place)
        wait_us = int(len(message.entries) * 1_000_000 / restore.rate) if restore.rate else 0
        if wait_us:
            self.context.set_timer(f"apply {shard}", wait_us)
        else:
            self.apply(shard)

    def apply(self, shard: int) -> None:
        """Store the part that has come, and ask for the next one."""
        self.take_part(shard, self.incoming.pop(shard))
        if self.copying[shard].place >= 0:
            self.fetch(shard)
            return
        copied = self.copying.pop(shard)
        self.looked.pop(shard, None)
        if self.status[shard] == RESTORING:
            self.context.note(
                "shared_nothing.restored", shard=shard, keys=self.restored, source=copied.source
            )
            self.serve(shard)
        else:
            self.formatted = True
            self.context.persist(put("formatted", True))
            self.enter(shard, STANDBY)

    def forget(self, server: str) -> None:
        Holder.forget(self, server)
        for shard in [shard for shard, copy in self.copying.items() if copy.source == server]:
            del self.copying[shard]
            self.incoming.pop(shard, None)
            self.looked.pop(shard, None)
            self.enter(shard, LOOKING)
            self.look()

    def on_backed_up(self, sender: str, message: BackedUp) -> None:
        """What is in the backup store as it is here needs no further backup."""
        newest = self.saving.pop(message.number, 0)
        dirty, entries = self.dirty.get(message.shard, {}), self.entries[message.shard]
        for key in [key for key in dirty if entries[key].version <= newest]:
            del dirty[key]

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """By hand: take a backup, restore one, or serve what is here although somebody else may know more."""
        if action == "backup":
            self.back_up()
        elif action == "promote":
            for shard in self.in_status(LOOKING, EMPTY, STANDBY):
                self.serve(shard)
        elif self.vaults():
            rate = (
                arguments.get("rate_mb_s", 0) * 1_000_000 / ENTRY_BYTES or self.parameters.restore_keys_per_s
            )
            to_us = int(arguments["to_s"] * 1_000_000) if "to_s" in arguments else -1
            keys = tuple(key.strip() for key in arguments.get("keys", "").split(",") if key.strip())
            self.ordered = Restore(self.vaults()[0], 0, to_us, rate, keys)
            for shard in [shard for shard in self.status if self.holders(shard)[0] == self.id]:
                self.copy_from(shard, self.ordered, RESTORING)
