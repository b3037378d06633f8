"""The keeper of the map: the one process that says who owns what. Its word is durable before it is told.

It stands for a configuration service (ZooKeeper, etcd, a Raft group as in MIT 6.5840 lab 5 and DSLabs lab 4);
that it is one process here is a simplification: while it is down nothing moves, but everybody goes on serving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulations.engine.process import DiskImage, put
from simulations.engine.systems.sharding.messages import (
    AskLoad,
    AskMap,
    Beacon,
    Copied,
    Load,
    Map,
    MapChange,
    MoveOut,
    Resize,
)
from simulations.engine.systems.sharding.moving import Moving
from simulations.engine.systems.sharding.placement import placed
from simulations.engine.systems.sharding.state import Move

SALT_MAX = (1 << 31) - 1


@dataclass(slots=True)
class Keeping(Moving):
    """A server that may be the keeper."""

    # -- a new cluster, a new life --------------------------------------------------------------------------------

    def begin_keeping(self, disk: DiskImage) -> None:
        """Read the plan back, or begin the cluster: draw its hash seed and deal the shards out."""
        state = disk.cell("keeping")
        if state is None:
            self.found()
        else:
            moves = {int(move): Move(tuple(one[0]), one[1], one[2]) for move, one in state["moves"]}
            self.moves = {
                move: one for move, one in moves.items() if self.owner_of(one.shards[0]) != one.target
            }
            self.next_move, self.wanted_members = state["next"], tuple(state["wanted"])
        self.on_beacon_timer()

    def found(self) -> None:
        """The first map, with epoch 1."""
        unknown = [member for member in self.first_members if member not in self.names]
        members = tuple(member for member in self.first_members if member in self.names)
        if unknown:
            self.context.note("sharding.unknown", nodes=", ".join(unknown))
        salt = self.context.random.integer(0, SALT_MAX)
        owners = self.numbered(self.places(members or self.names, salt, None))
        self.on_map(self.id, Map(1, members or self.names, salt, owners, owners))
        self.tell_all()

    def places(self, members: Sequence[str], salt: int, current: Sequence[str] | None) -> list[str]:
        chosen = self.parameters
        shards = len(self.owners) or chosen.shards
        return placed(chosen.placement, shards, members, chosen.vnodes, salt, current)

    def numbered(self, owners: Sequence[str]) -> bytes:
        place = {name: number for number, name in enumerate(self.names)}
        return bytes(place[owner] for owner in owners)

    def keep(self) -> None:
        """The plan, as it must survive a crash."""
        moves = [(move, (one.shards, one.source, one.target)) for move, one in sorted(self.moves.items())]
        state = {"moves": moves, "next": self.next_move, "wanted": self.wanted_members}
        self.context.persist(put("keeping", state))

    # -- telling --------------------------------------------------------------------------------------------------

    def the_map(self) -> Map:
        return Map(self.epoch, self.members, self.salt, self.owners, self.first)

    def tell_all(self) -> None:
        message = self.the_map()
        for peer in self.names:
            if peer != self.id:
                self.context.send(peer, message)

    def on_beacon_timer(self) -> None:
        """Now and then everybody hears the epoch, and who owes a move is reminded of it."""
        self.context.set_timer("beacon", round(self.parameters.beacon_ms * 1000))
        for peer in self.names:
            if peer != self.id:
                self.context.send(peer, Beacon(self.epoch))
        self.remind()

    def remind(self) -> None:
        for number, move in sorted(self.moves.items()):
            self.send(move.source, MoveOut(number, move.shards, move.target))

    def on_beacon(self, sender: str, message: Beacon) -> None:
        if message.epoch > self.epoch:
            self.ask_for_map()

    def on_ask_map(self, sender: str, message: AskMap) -> None:
        if self.keeps and message.epoch < self.epoch:
            self.context.send(sender, self.the_map())

    # -- moves ----------------------------------------------------------------------------------------------------

    def order(self, shards: Mapping[tuple[str, str], list[int]]) -> None:
        """Order moves: (source, target) -> shards."""
        for source, target in sorted(shards):
            self.moves[self.next_move] = Move(tuple(shards[source, target]), source, target)
            self.next_move += 1
        self.keep()
        self.remind()

    def on_copied(self, sender: str, message: Copied) -> None:
        """The receiver holds everything and nobody serves it: the map of the next epoch names the new owner."""
        move = self.moves.pop(message.move, None)
        if move is None:
            return
        change = MapChange(self.epoch + 1, message.move, move.target, move.shards)
        self.context.note(
            "sharding.new_owner", shards=len(move.shards), owner=move.target, epoch=change.epoch
        )
        self.on_map_change(self.id, change)
        self.keep()
        for peer in self.names:
            if peer != self.id:
                self.context.send(peer, change)
        if not self.moves and self.wanted_members not in ((), self.members):
            self.rebalance(self.wanted_members)

    def rebalance(self, members: tuple[str, ...]) -> None:
        """The membership changes now; the shards follow one move after the other."""
        current = [self.owner_of(shard) for shard in range(len(self.owners))]
        wanted = self.places(members, self.salt, current)
        shards: dict[tuple[str, str], list[int]] = {}
        for shard, (source, target) in enumerate(zip(current, wanted, strict=True)):
            if source != target:
                shards.setdefault((source, target), []).append(shard)
        self.context.note("sharding.rebalances", members=len(members), moves=len(shards))
        self.admit(members)
        self.order(shards)

    def admit(self, members: tuple[str, ...]) -> None:
        """Other members, the same owners."""
        self.wanted_members = members
        self.on_map(self.id, Map(self.epoch + 1, members, self.salt, self.owners, self.first))
        self.tell_all()

    # -- the autoscaler -------------------------------------------------------------------------------------------

    def on_ask_load(self, sender: str, message: AskLoad) -> None:
        self.context.send(sender, Load(self.served, int(self.id in self.members)))

    def on_resize(self, sender: str, message: Resize) -> None:
        """The autoscaler's word counts like an operator's, once nothing moves any more."""
        if self.keeps and not self.moves:
            self.configure({"members": message.members})

    # -- operators ------------------------------------------------------------------------------------------------

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """``configure`` (add, remove, members: nodes) and ``command`` move_shards (shards, to)."""
        if not self.keeps or not self.epoch:
            return
        if action == "configure":
            self.configure(arguments)
        elif arguments.get("name") == "move_shards":
            self.move_shards(arguments.get("arguments") or {})
        else:
            self.context.note("sharding.unknown_command", name=str(arguments.get("name")))

    def configure(self, arguments: Mapping[str, Any]) -> None:
        """Members join and leave; what is under way is finished first."""
        added, removed = listed(arguments.get("add")), listed(arguments.get("remove"))
        base = listed(arguments.get("members")) or list(self.wanted_members or self.members)
        wanted = [member for member in base if member not in removed]
        wanted += [member for member in added if member not in wanted]
        unknown = [member for member in wanted if member not in self.names]
        if unknown or not wanted:
            self.context.note("sharding.unknown", nodes=", ".join(unknown) or "-")
            return
        self.wanted_members = tuple(wanted)
        if self.moves:
            self.keep()
        elif self.wanted_members != self.members:
            self.rebalance(self.wanted_members)

    def move_shards(self, arguments: Mapping[str, Any]) -> None:
        """An operator hands single shards to a server, whatever the placement says."""
        target = str(arguments.get("to"))
        wanted = arguments.get("shards", [])
        known = range(len(self.owners))
        if (
            target not in self.names
            or not isinstance(wanted, list)
            or not all(type(shard) is int and shard in known for shard in wanted)
        ):
            self.context.note("sharding.unknown", nodes=target)
            return
        if target not in self.members:
            self.admit((*self.members, target))
        busy = {shard for move in self.moves.values() for shard in move.shards}
        shards: dict[tuple[str, str], list[int]] = {}
        for shard in sorted(set(wanted) - busy):
            if self.owner_of(shard) != target:
                shards.setdefault((self.owner_of(shard), target), []).append(shard)
        self.order(shards)


def listed(value: Any) -> list[str]:
    """One name, several, or none, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(item) for item in value]
