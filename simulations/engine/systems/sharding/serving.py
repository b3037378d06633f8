"""Routing and serving: any server takes a request, its shard's owner carries it out, and a wrong map is corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulations.engine.process import Request
from simulations.engine.state_machine import KINDS, effect_of
from simulations.engine.systems.sharding.messages import Forward, Moved, Row
from simulations.engine.systems.sharding.state import (
    EMPTY,
    KEPT_WRITERS,
    Record,
    ServerState,
)

HOPS = 4
"""How often a request is sent on before its client is told to try again."""


@dataclass(slots=True)
class Serving(ServerState):
    """A server as router and as owner."""

    # -- rules ----------------------------------------------------------------------------------------------------

    def may_serve(self, shard: int) -> bool:
        """Owner epochs: only who owns the shard at its newest epoch serves it, and not once a move has frozen it."""
        return not self.parameters.epochs or (shard in self.owned and shard not in self.frozen)

    def routed_by(self, request: Request, shard: int) -> str:
        """Whom the map names. A client that kept its first map (``stale_map``) is routed by that one."""
        options = request.options
        stale = options is not None and options.get("stale_map")
        return self.names[(self.first if stale else self.owners)[shard]]

    # -- routing --------------------------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        """A client's request: serve it here or send it to its owner. Clients need not know who that is."""
        if not self.epoch:
            self.context.reply(request, "retry")
        elif not (self.hot and self.read_split(request)):
            self.route(request, 0)

    def route(self, request: Request, hops: int) -> None:
        shard = self.shard(request.key)
        if shard in self.owned:
            self.handle(request, shard)
            return
        owner = self.routed_by(request, shard)
        if owner == self.id and not self.parameters.epochs:
            self.handle(request, shard)
        elif owner == self.id:
            self.tell_moved(request, self.owner_of(shard))
        elif hops >= HOPS:
            self.context.reply(request, "retry")
        else:
            self.context.send(owner, Forward(request, shard, self.epoch, hops + 1))

    def tell_moved(self, request: Request, owner: str) -> None:
        """MOVED: a client with an old map learns who the owner is now, and asks there."""
        self.redirects += 1
        self.last_redirected = request.client
        self.context.note("sharding.moved", key=request.key, owner=owner, epoch=self.epoch)
        self.context.reply(request, "retry", None, owner)

    def on_forward(self, sender: str, message: Forward) -> None:
        """A request that another server's map sent here."""
        shard = message.shard
        if shard in self.owned or not self.parameters.epochs:
            self.handle(message.request, shard)
        elif message.epoch > self.epoch:
            self.context.note("sharding.map_behind", mine=self.epoch, theirs=message.epoch)
            self.waiting.append(message.request)
            self.ask_for_map()
        else:
            owner = self.owner_of(shard)
            self.context.note("sharding.refused", shard=shard, owner=owner, epoch=self.epoch)
            self.context.send(sender, Moved(message.request, shard, self.epoch, owner, message.hops))

    def on_moved(self, sender: str, message: Moved) -> None:
        """The owner is somebody else: the map here is behind, or the client's is."""
        request = message.request
        if message.epoch > self.epoch:
            self.ask_for_map()
        if request.options is not None and request.options.get("stale_map"):
            self.tell_moved(request, message.owner)
        elif message.hops >= HOPS:
            self.context.reply(request, "retry")
        elif message.owner == self.id:
            self.route(request, message.hops)
        else:
            self.context.note("sharding.corrected", shard=message.shard, owner=message.owner)
            self.context.send(message.owner, Forward(request, message.shard, message.epoch, message.hops + 1))

    # -- serving --------------------------------------------------------------------------------------------------

    def handle(self, request: Request, shard: int) -> None:
        """An owned shard: carry the request out, or keep it while the shard is handed over."""
        if self.may_serve(shard):
            self.carry_out(request, shard)
        else:
            self.context.note("sharding.waits", shard=shard)
            self.waiting.append(request)

    def carry_out(self, request: Request, shard: int) -> None:
        """Read or write a row. A repeated attempt of a write is answered, not carried out again."""
        self.served += 1
        row = self.data.get(request.key, EMPTY)
        if request.kind == "get":
            self.context.reply(request, "ok", row.value)
        elif request.kind not in KINDS:
            self.context.reply(request, "fail", f"{request.kind}: not one of {', '.join(KINDS)}")
        elif request.operation in row.writers:
            self.context.reply(request, "ok")
        else:
            self.write(request, shard, row)

    def write(self, request: Request, shard: int, row: Row) -> None:
        writes, value, result = effect_of({request.key: row.value}, request)
        if writes:
            writers = (*row.writers, request.operation)[-KEPT_WRITERS:]
            new = Row(row.version + 1, value, writers)
            self.store(request.key, new, shard)
            self.last_write = (request.operation, shard, request.key, new.version)
            self.writes += 1
        self.context.reply(request, "ok", result)

    def store(self, key: str, row: Row, shard: int) -> None:
        """A row is written here; a move under way learns that it must be copied (again)."""
        if self.index and key not in self.data:
            self.index.setdefault(shard, []).append(key)
        self.data[key] = row
        self.record(Record("put", rows=((key, row),)))
        for out in self.outgoing.values():
            if shard in out.shards:
                self.mark_dirty(out, key)

    def mark_dirty(self, out: Any, key: str) -> None:
        """A write that arrives during the copy is copied as well, before the shard is handed over."""
        out.dirty[key] = True

    # -- what waited ----------------------------------------------------------------------------------------------

    def on_waiting(self) -> None:
        """One request that waited goes on; the next one follows as an event of its own."""
        waiting, self.waiting = self.waiting, []
        for place, request in enumerate(waiting):
            shard = self.shard(request.key)
            if shard in self.frozen and shard in self.owned:
                self.waiting.append(request)
                continue
            self.waiting += waiting[place + 1 :]
            self.route(request, 0)
            break
        else:
            return
        if self.waiting:
            self.context.set_timer("waiting", 0)

    def read_split(self, request: Request) -> bool:
        """Whether the request was a read of a split key, answered from one of its copies. Given by Splitting."""
        return False
