"""A server of a sharded store. See README.md for the sources; the rules lie in the modules named below.

placement.py: keys to shards to members; serving.py: routing and owners; splitting.py: hot keys; moving.py:
handing shards over; keeping.py: the map. Every server routes and may own shards; the first one of the topology -
or the one with the role keeper - also keeps the map. Clients talk to any server and need not know any of this.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulations.engine.process import DiskImage, put
from simulations.engine.systems.sharding.keeping import Keeping
from simulations.engine.systems.sharding.messages import (
    AskLoad,
    AskMap,
    Beacon,
    Copied,
    Copy,
    CopyAck,
    Fetch,
    Fetched,
    Forward,
    Map,
    MapChange,
    Moved,
    MoveOut,
    ReadCopy,
    Resize,
    ShardingMessage,
)
from simulations.engine.systems.sharding.state import NAME

HANDLERS = {
    Forward: "on_forward", Moved: "on_moved", ReadCopy: "on_read_copy", Fetch: "on_fetch", Fetched: "on_fetched",
    Map: "on_map", MapChange: "on_map_change", Beacon: "on_beacon", AskMap: "on_ask_map", MoveOut: "on_move_out",
    Copy: "on_copy", CopyAck: "on_copy_ack", Copied: "on_copied",
    AskLoad: "on_ask_load", Resize: "on_resize",
}  # fmt: skip
BEFORE_A_MAP = (Map, MapChange, Beacon)
"""What a server without a map can make sense of."""


@dataclass(slots=True)
class ShardServer(Keeping):
    """One server; ``HANDLERS`` says which rule answers which message."""

    def on_start(self, disk: DiskImage) -> None:
        self.names = self.servers()
        self.me = self.names.index(self.id)
        self.keeper = (self.directory.get(f"{NAME}/keeper") or self.names)[0]
        self.keeps = self.id == self.keeper
        begun = disk.cell("begun", {})
        self.first_keys = begun.get("keys", 0)
        self.value_bytes = begun.get("value_bytes", 0)
        self.first_members = tuple(begun.get("members") or self.names)
        self.life = disk.cell("life", 0) + 1
        self.context.persist(put("life", self.life))
        self.replay(disk)
        if self.keeps:
            self.begin_keeping(disk)
        self.refresh_role()

    def servers(self) -> tuple[str, ...]:
        """Every process that may own shards, the same order everywhere."""
        found = (*self.directory.get(f"{NAME}/keeper", ()), *self.directory.get(f"{NAME}/server", ()))
        return found or tuple(sorted((self.id, *self.peers)))

    def on_message(self, sender: str, message: ShardingMessage) -> None:
        kind = type(message)
        if self.epoch or kind in BEFORE_A_MAP:
            getattr(self, HANDLERS[kind])(sender, message)

    def on_timer(self, name: str) -> None:
        if name == "waiting":
            self.on_waiting()
        elif name == "beacon":
            self.on_beacon_timer()
        else:
            self.on_copy_timer(int(name.removeprefix("copy ")))
