"""A server that holds shards: it carries out operations, and lets a write wait for every running copy.

Stonebraker, "The case for shared nothing", 1986: neither memory nor disks are shared, every key is in one place. The
copies (``replicas`` > 1) are what makes recovery automatic; without them a lost disk needs an operator.

Simplified: who is gone is decided by silence alone, without a vote: when the network is cut instead of a server dead,
both sides may serve a shard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.process import Request, append
from simulations.engine.state_machine import KINDS, effect_of
from simulations.engine.systems.shared_nothing.member import Waiting
from simulations.engine.systems.shared_nothing.messages import (
    Answer,
    Ask,
    Copied,
    Copy,
    Entry,
    Register,
)
from simulations.engine.systems.shared_nothing.router import REMEMBERED, Router, shard_of

SERVING, STANDBY, LOOKING, CATCHING_UP, EMPTY, RESTORING = (
    "serving", "standby", "looking", "catching_up", "empty", "restoring",
)  # fmt: skip
AGAIN_US = 100_000
"""After this long an unanswered message to another server is sent again."""


@dataclass(slots=True)
class Holder(Router):
    """``entries``: shard -> key -> its newest; ``versions``: shard -> the newest of all; ``dirty``: shard -> keys that
    the backup store does not have as they are; ``results``: operation -> its result, so that none is
    carried out twice."""

    handlers: ClassVar[dict[type, str]] = {
        **Router.handlers,
        Ask: "on_ask",
        Copy: "on_copy",
        Copied: "on_copied",
    }

    # --- volatile ---
    entries: dict[int, dict[str, Entry]] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    dirty: dict[int, dict[str, bool]] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    words: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def copies_to_wait_for(self, shard: int) -> tuple[str, ...]:
        """A write is answered when every holder that runs has it on its disk."""
        return tuple(server for server in self.holders(shard) if server != self.id and server in self.heard)

    def is_newer(self, entry: Entry, shard: int) -> bool:
        """A copy counts when it is newer than what is here."""
        old = self.entries[shard].get(entry.key)
        return old is None or (entry.version, entry.operation) > (old.version, old.operation)

    def serving(self, shard: int) -> str | None:
        if self.status.get(shard) == SERVING:
            return self.id
        return Router.serving(self, shard)

    def should_take_over(self, shard: int) -> bool:
        """A standby serves when nobody does, and no holder before it stands by as well."""
        if self.status[shard] != STANDBY or Router.serving(self, shard) is not None:
            return False
        earlier = self.holders(shard)[: self.holders(shard).index(self.id)]
        return not any(shard in self.stood.get(server, ()) for server in earlier)

    # -- small steps ----------------------------------------------------------------------------------------------

    def store(self, shard: int, entry: Entry) -> None:
        """One entry is here now (and on disk, when the caller has persisted it)."""
        self.writes.append(entry)
        self.entries[shard][entry.key] = entry
        self.versions[shard] = max(entry.version, self.versions.get(shard, 0))
        if entry.value is None:
            self.values.pop(entry.key, None)
        else:
            self.values[entry.key] = entry.value
        self.dirty.setdefault(shard, {})[entry.key] = True
        self.know(entry.operation, None)

    def know(self, operation: int, result: Any) -> None:
        """An operation has been carried out, here or where a copy came from: it is not carried out again."""
        self.results[operation] = result
        if len(self.results) > REMEMBERED:
            del self.results[next(iter(self.results))]

    def next_entry(self, shard: int, key: str, value: Any, operation: int) -> Entry:
        old = self.entries[shard].get(key)
        version = self.versions.get(shard, 0) + 1
        return Entry(key, value, operation, version, old.operation if old is not None else 0)

    def in_status(self, *wanted: str) -> tuple[int, ...]:
        return tuple(shard for shard, status in self.status.items() if status in wanted)

    def enter(self, shard: int, status: str) -> None:
        """A shard's status changes, and everybody who routes is told."""
        if self.status.get(shard) == status:
            return
        self.status[shard] = status
        self.turns += 1
        self.context.note(f"shared_nothing.{status}", shard=shard)
        for name in (EMPTY, RESTORING, CATCHING_UP, LOOKING, SERVING, STANDBY):
            if self.in_status(name):
                self.role = CATCHING_UP if name == LOOKING else name
                break
        self.register()

    def register(self) -> None:
        self.words += 1
        message = Register(self.started_us, self.words, self.in_status(SERVING), self.in_status(STANDBY))
        targets = self.directories()
        if not targets or self.parameters.replicas > 1:
            targets = (*targets, *(server for server in self.servers if server != self.id))
        for target in targets:
            # It tells nothing that is not on disk already: a status depends on no write that still waits.
            self.context.send(target, message, before_durable=True)

    def respond(self, request: Request, asker: str, outcome: str, result: Any) -> None:
        if asker:
            self.context.send(asker, Answer(request.operation, outcome, result))
        else:
            self.context.reply(request, outcome, result)

    def execute(self, request: Request, asker: str) -> None:
        """Carry out an operation on a shard that is served here; a write that comes again is not repeated."""
        operation = request.operation
        waiting = self.waiting.get(operation)
        if waiting is not None:
            self.waiting[operation] = msgspec.structs.replace(waiting, request=request, asker=asker)
        elif operation in self.results:
            self.respond(request, asker, "ok", self.results[operation])
        elif request.kind not in KINDS:
            self.respond(request, asker, "fail", f"operation: one of {', '.join(KINDS)}")
        else:
            writes, value, result = effect_of(self.values, request)
            if writes:
                self.write(request, asker, value, result)
            else:
                self.respond(request, asker, "ok", result)

    def write(self, request: Request, asker: str, value: Any, result: Any) -> None:
        shard = shard_of(request.key, self.parameters.shards)
        entry = self.next_entry(shard, request.key, value, request.operation)
        self.store(shard, entry)
        self.context.persist(append("writes", (entry,)))
        self.waiting[request.operation] = Waiting(
            request, asker, result, shard, entry, self.copies_to_wait_for(shard)
        )
        self.send_copies(self.waiting[request.operation])
        self.finish(request.operation)

    def send_copies(self, waiting: Waiting) -> None:
        for server in waiting.missing:
            # The copy may be on another disk before it is on this one: nobody is answered before both are.
            self.context.send(server, Copy(waiting.shard, waiting.entry), before_durable=True)
        if waiting.missing:
            self.context.set_timer("copies", AGAIN_US)

    def finish(self, operation: int) -> None:
        """Answer a write that waits for nobody any more."""
        waiting = self.waiting[operation]
        if waiting.missing:
            return
        del self.waiting[operation]
        if operation > 0:  # (below 0: restored entries, whose copies nobody waits for)
            self.know(operation, waiting.result)
            self.respond(waiting.request, waiting.asker, "ok", waiting.result)

    def no_longer_missing(self, server: str, shard: int | None = None, version: int = 0) -> None:
        """A server has confirmed a copy, or is gone: who waited for it waits no more."""
        for operation, waiting in list(self.waiting.items()):
            fits = shard is None or (waiting.shard, waiting.entry.version) == (shard, version)
            if fits and server in waiting.missing:
                rest = tuple(one for one in waiting.missing if one != server)
                self.waiting[operation] = msgspec.structs.replace(waiting, missing=rest)
                self.finish(operation)

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_request(self, request: Request) -> None:
        shard = shard_of(request.key, self.parameters.shards)
        if self.status.get(shard) == SERVING:
            self.execute(request, "")
        elif self.directories():
            self.context.reply(request, "retry", None, self.directories()[0])
        else:
            self.route(request)

    def on_ask(self, sender: str, message: Ask) -> None:
        request = message.request
        if self.status.get(shard_of(request.key, self.parameters.shards)) == SERVING:
            self.execute(request, sender)
        else:
            self.context.send(sender, Answer(request.operation, "retry", None))

    def on_copy(self, sender: str, message: Copy) -> None:
        if self.is_newer(message.entry, message.shard):
            self.store(message.shard, message.entry)
            self.context.persist(append("writes", (message.entry,)))
        self.context.send(sender, Copied(message.shard, message.entry.version))

    def on_copied(self, sender: str, message: Copied) -> None:
        self.no_longer_missing(sender, message.shard, message.version)

    def forget(self, server: str) -> None:
        Router.forget(self, server)
        self.no_longer_missing(server)
        for shard in self.in_status(STANDBY):
            if self.should_take_over(shard):
                self.enter(shard, SERVING)
