"""Who serves a key, as far as heartbeats tell: soft state that is lost at a crash and comes back by itself.

Fox et al., "Cluster-based scalable network services", 1997 (BASE, soft state); partial failure and degraded answers:
Pritchett, "BASE: an ACID alternative", 2008.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar
from zlib import crc32

import msgspec

from simulations.engine.process import DiskImage, Request
from simulations.engine.systems.shared_nothing.member import Member
from simulations.engine.systems.shared_nothing.messages import Answer, Ask, Register, ShardMessage

NAME = "shared_nothing"
REMEMBERED = 2000
"""Values that a router remembers for degraded answers."""
TICK_US = 1000
"""The shortest time to a deadline: less could be nothing by a clock that runs fast."""


def shard_of(key: str, shards: int) -> int:
    """Every key belongs to exactly one shard."""
    return crc32(key.encode()) % shards


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A request that waits for a server's answer: when it was passed on, when patience ends (local microseconds)."""

    request: Request
    to: str
    since_us: int
    due_us: int


@dataclass(slots=True)
class Router(Member):
    """``heard``: server -> when its word expires; ``stood``: server -> the shards it could serve; ``words_of``: server
    -> (life, number) of its newest word; ``asked``: operation -> a request that was passed on; ``remembered``: key ->
    last value seen."""

    handlers: ClassVar[dict[type, str]] = {Register: "on_register", Answer: "on_answer"}

    # --- volatile ---
    role: str = "directory"
    servers: tuple[str, ...] = ()
    heard: dict[str, int] = field(default_factory=dict)
    stood: dict[str, tuple[int, ...]] = field(default_factory=dict)
    words_of: dict[str, tuple[int, int]] = field(default_factory=dict)
    asked: dict[int, Asked] = field(default_factory=dict)
    remembered: dict[str, Any] = field(default_factory=dict)
    started_us: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def holders(self, shard: int) -> list[str]:
        """The servers that hold a shard: its home, and the next ones."""
        count = len(self.servers)
        return [self.servers[(shard + step) % count] for step in range(min(self.parameters.replicas, count))]

    def directories(self) -> tuple[str, ...]:
        """Who is asked for what a server does not serve itself, where there is one and it is used."""
        return self.directory.get(f"{NAME}/directory", ()) if self.parameters.directory else ()

    def serving(self, shard: int) -> str | None:
        """The holder that is heard from and says that it serves the shard (the first, if several do)."""
        for server in self.holders(shard):
            if shard in self.served.get(server, ()) and server not in self.silent:
                return server
        return None

    def is_gone(self, server: str) -> bool:
        """Soft state: what is not refreshed in time is forgotten."""
        return self.heard[server] <= self.context.now

    def has_just_started(self) -> bool:
        """Whether it could not have heard from everybody yet: then silence tells nothing."""
        return self.context.now - self.started_us < self.parameters.refresh_s * 1_000_000

    # -- small steps ----------------------------------------------------------------------------------------------

    def touch(self, server: str) -> None:
        """A word of a server: it runs."""
        if not self.heard:
            self.context.set_timer("expire", int(self.parameters.ttl_s * 1_000_000))
        self.heard[server] = self.context.now + int(self.parameters.ttl_s * 1_000_000)
        self.silent.pop(server, None)

    def forget(self, server: str) -> None:
        self.heard.pop(server, None)
        self.served.pop(server, None)
        self.stood.pop(server, None)
        self.present = len(self.served)
        self.context.note("shared_nothing.forgotten", server=server)

    def route(self, request: Request) -> None:
        """Pass a request on to who serves its key, or answer without it."""
        shard = shard_of(request.key, self.parameters.shards)
        server = self.serving(shard)
        if server is None:
            self.refuse(request, shard)
            return
        now = self.context.now
        due_us = now + int(self.parameters.patience_ms * 1000)
        if not self.asked:
            self.context.set_timer("patience", due_us - now)
        self.asked[request.operation] = Asked(request, server, now, due_us)
        self.context.send(server, Ask(request))

    def refuse(self, request: Request, shard: int) -> None:
        """Nobody serves this key: say so, honestly. A write that may have happened before is not called failed."""
        degraded = self.parameters.degraded_answers
        self.context.note("shared_nothing.unavailable", shard=shard, key=request.key)
        if request.kind == "get" and degraded:
            value = self.remembered.get(request.key)
            self.context.reply(request, "ok", {"degraded": True, "value": value})
        elif self.has_just_started():
            self.context.reply(request, "retry")
        elif request.kind == "get" or request.attempt == 1:
            reason = f"shard {shard} is not available"
            self.context.reply(request, "fail", {"degraded": True, "reason": reason} if degraded else reason)
        else:
            self.context.reply(request, "retry")

    def remember(self, key: str, value: Any) -> None:
        if self.parameters.degraded_answers:
            self.remembered[key] = value
            if len(self.remembered) > REMEMBERED:
                del self.remembered[next(iter(self.remembered))]

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.servers = self.directory.get(f"{NAME}/server", ())
        self.started_us = self.context.now

    def on_message(self, sender: str, message: ShardMessage) -> None:
        if sender in self.heard:
            self.touch(sender)
        getattr(self, self.handlers[type(message)])(sender, message)

    def on_request(self, request: Request) -> None:
        self.route(request)

    def on_register(self, sender: str, message: Register) -> None:
        self.touch(sender)
        life, number = self.words_of.get(sender, (0, 0))
        if message.life == life and message.number < number:
            return
        self.words_of[sender] = (message.life, message.number)
        news = self.served.get(sender) != message.serves
        self.stood[sender] = message.stands
        if news:
            self.served[sender] = message.serves
            self.present = len(self.served)
            shards = ", ".join(map(str, message.serves)) or "-"
            self.context.note("shared_nothing.registered", server=sender, shards=shards)

    def on_answer(self, sender: str, message: Answer) -> None:
        asked = self.asked.pop(message.operation, None)
        if asked is None:
            return
        request = asked.request
        if message.outcome == "ok":
            self.remember(request.key, message.result if request.kind == "get" else request.argument)
        self.context.reply(request, message.outcome, message.result)

    def on_timer(self, name: str) -> None:
        if name == "expire":
            self.expire()
        elif name == "patience":
            self.lose_patience()

    def expire(self) -> None:
        for server in [server for server in self.heard if self.is_gone(server)]:
            self.forget(server)
        if self.heard:
            self.context.set_timer("expire", max(TICK_US, min(self.heard.values()) - self.context.now))

    def lose_patience(self) -> None:
        """Requests without an answer: reads are answered without the server, writes may still have happened."""
        now = self.context.now
        ttl_us = int(self.parameters.ttl_s * 1_000_000)
        for operation in [number for number, asked in self.asked.items() if asked.due_us <= now]:
            asked = self.asked.pop(operation)
            if self.heard.get(asked.to, 0) - ttl_us < asked.since_us:
                self.silent[asked.to] = True
                self.context.note("shared_nothing.silent", server=asked.to)
            if asked.request.kind == "get":
                self.refuse(asked.request, shard_of(asked.request.key, self.parameters.shards))
        if self.asked:
            self.context.set_timer(
                "patience", max(TICK_US, min(one.due_us for one in self.asked.values()) - now)
            )


@dataclass(slots=True)
class Directory(Router):
    """A router and nothing else: it holds no data and writes nothing to its disk."""
