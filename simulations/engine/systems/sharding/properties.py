"""What must hold of sharding, judged from outside: one owner, no lost acknowledged write, no shrinking too soon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from simulations.engine.checks.base import BEGINNING, HOLDS, UNKNOWN, VIOLATED, Check, Moment, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.process import Note, Process
from simulations.engine.systems.sharding.messages import Row
from simulations.engine.systems.sharding.pool import PodPool
from simulations.engine.systems.sharding.state import EMPTY, OWNERSHIP, WANTED, WRITES, ServerState

Watched = tuple[Any, ...]
SECOND = 1_000_000

NOTES = {
    "sharding.two_owners": Note(
        "Redis Cluster specification; DSLabs lab 4",
        "{first} and {second} both serve shard {shard}",
        "{first} 与 {second} 同时服务分片 {shard}",
        "check",
    ),
    "sharding.lost": Note(
        "",
        "{lost} acknowledged {lost|write is|writes are} missing at the owners of "
        "their shards; the first is operation {first}",
        "分片属主处缺少 {lost} 次已确认的写入，首个是操作 {first}",
        "check",
    ),
    "sharding.nobody": Note(
        "", "{keys} {keys|key has|keys have} no running owner now", "{keys} 个键此刻没有运行中的属主", "check"
    ),
    "sharding.shrunk_too_soon": Note(
        "Kubernetes documentation, stabilization window",
        "{before} {before|pod|pods} became {after} only {seconds} s after they had grown",
        "扩容后仅 {seconds} 秒，Pod 就从 {before} 个缩到 {after} 个",
        "check",
    ),
}


def serving(process: ServerState) -> set[int]:
    """The shards that a server answers for: those it owns and has not frozen."""
    return process.owned - process.frozen.keys()


class OneOwnerPerShard(Check):
    """No two running servers answer for one shard, and nobody writes to a shard that another one answers for.

    ``serves``: process -> its shards; ``owner``: shard -> who answers for it.
    """

    name: ClassVar[str] = "one_owner_per_shard"
    watches: ClassVar[tuple[int, ...] | None] = (OWNERSHIP, WRITES)
    serves: dict[int, frozenset[int]] = {}
    owner: dict[int, int] = {}
    names: dict[int, str] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if not isinstance(process, ServerState):
            return
        self.names[process_index] = process.id
        if before[OWNERSHIP] != after[OWNERSHIP]:
            self.take(at_us, event, process_index, frozenset(serving(process)))
        if before[WRITES] != after[WRITES]:
            self.judged += 1
            shard = process.last_write[1]
            if self.owner.get(shard, process_index) != process_index:
                self.two(at_us, event, self.owner[shard], process_index, shard)

    def take(self, at_us: int, event: int, index: int, now: frozenset[int]) -> None:
        """A server answers for other shards than before."""
        old = self.serves.get(index, frozenset())
        for shard in sorted(old - now):
            if self.owner.get(shard) == index:
                del self.owner[shard]
        for shard in sorted(now - old):
            self.judged += 1
            other = self.owner.setdefault(shard, index)
            if other != index:
                self.two(at_us, event, other, index, shard)
        self.serves[index] = now

    def two(self, at_us: int, event: int, first: int, second: int, shard: int) -> None:
        names = (self.names[first], self.names[second])
        self.violate(at_us, event, "sharding.two_owners", first=names[0], second=names[1], shard=shard)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.take(at_us, event, process_index, frozenset())


class NoLostAcknowledged(Check):
    """Every acknowledged write is in the row of its key at the owner of its shard, or a later write is.

    A loss is dated by its acknowledgement, or by when the owner became it without the write; of two writes with the
    same version of one key, by the second acknowledgement if its server is the owner no more. ``written``: operation
    under way -> (key, version, server, shard) as written; ``newest``: key -> (version, operation, moment of its
    acknowledgement); ``clashes``: (operation, acknowledged at, moment of its loss); ``owned``: server -> its shards;
    ``gained``: (server, shards, moment).
    """

    name: ClassVar[str] = "no_lost_ack"
    watches: ClassVar[tuple[int, ...] | None] = (OWNERSHIP, WRITES)
    written: dict[int, tuple[str, int, str, int]] = {}
    newest: dict[str, tuple[int, int, int, int]] = {}
    clashes: list[tuple[int, int, int, int]] = []
    owned: dict[int, frozenset[int]] = {}
    gained: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)
    lost: int = 0
    lost_at: tuple[int, ...] = ()
    answer: tuple[str, str, dict[str, Any], int | None, int | None] = (UNKNOWN, "", {}, None, None)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if after[WRITES] > before[WRITES]:
            operation, shard, key, version = process.last_write
            self.written[operation] = (key, version, process.id, shard)
        if after[OWNERSHIP] != before[OWNERSHIP]:
            now = frozenset(process.owned)
            gained = tuple(sorted(now - self.owned.get(process_index, frozenset())))
            self.gained.append((process.id, gained, at_us, event))
            self.owned[process_index] = now

    def restarted(self, at_us: int, event: int, process_index: int) -> None:
        """It will own what it finds on its disk, with the rows that it finds there."""
        self.owned.pop(process_index, None)

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        found = self.written.pop(operation.id, None)
        if found is None or operation.outcome != "ok" or operation.result is False:
            return
        self.judged += 1
        key, version, server, shard = found
        newest = self.newest.get(key)
        if newest is None or version > newest[0]:
            self.newest[key] = (version, operation.id, at_us, event)
        elif version == newest[0]:
            owner, since = next(self.owners(shard), (server, BEGINNING))
            lost = max(newest[2:], since) if owner == server else (at_us, event)
            self.clashes.append((newest[1], newest[2], *lost))

    def look(self, at_us: int, event: int, running: Mapping[int, Process]) -> None:
        """Read the rows of all acknowledged keys where they are owned now."""
        servers = [p for _, p in sorted(running.items()) if isinstance(p, ServerState) and p.epoch]
        owners = {
            shard: server for server in servers for shard in sorted(server.owned & server.frozen.keys())
        }
        owners.update({shard: server for server in servers for shard in sorted(serving(server))})
        missing, homeless = list(self.clashes), 0
        for key, (version, operation, at, event) in self.newest.items():
            shard = servers[0].shard(key) if servers else -1
            owner = owners.get(shard)
            if owner is None:
                homeless += 1
            elif not holds(owner.data.get(key, EMPTY), version, operation):
                since = next((when for who, when in self.owners(shard) if who == owner.id), BEGINNING)
                missing.append((operation, at, *max((at, event), since)))
        self.lost, self.lost_at = len(missing), tuple(sorted(one[1] for one in missing))
        if missing:
            values = {"lost": len(missing), "first": min(missing)[0]}
            when, what = min(one[2:] for one in missing)
            self.answer = (VIOLATED, "sharding.lost", values, when, what)
        elif homeless:
            self.answer = (UNKNOWN, "sharding.nobody", {"keys": homeless}, None, None)
        else:
            self.answer = (HOLDS if self.judged else UNKNOWN, "", {}, None, None)

    def owners(self, shard: int) -> Iterator[tuple[str, Moment]]:
        """Who became the owner of a shard, and when; the latest first."""
        for server, shards, at_us, event in reversed(list(self.gained)):
            if shard in shards:
                yield server, (at_us, event)

    def verdict(self) -> Verdict:
        found, message, values, at_us, event = self.answer
        return Verdict(self.name, found, self.judged, event, at_us, message, values)


def holds(row: Row, version: int, operation: int) -> bool:
    """Whether a row contains this write, or a later one."""
    return row.version > version or (row.version == version and operation in row.writers)


class SteadyScaling(Check):
    """Pods are not taken away within the stabilization window after they grew. ``grew``: pool -> when."""

    name: ClassVar[str] = "steady_scaling"
    watches: ClassVar[tuple[int, ...] | None] = (WANTED,)
    grew: dict[int, int] = {}

    def changed(
        self, at_us: int, event: int, process_index: int, before: Watched, after: Watched, process: Any
    ) -> None:
        if not isinstance(process, PodPool) or not before[WANTED]:
            return
        self.judged += 1
        grew = self.grew.get(process_index)
        if after[WANTED] > before[WANTED]:
            self.grew[process_index] = at_us
        elif grew is not None and at_us - grew < process.parameters.stabilization_s * SECOND:
            values = {"before": before[WANTED], "after": after[WANTED], "seconds": (at_us - grew) // SECOND}
            self.violate(at_us, event, "sharding.shrunk_too_soon", **values)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.grew.pop(process_index, None)


CHECKS: dict[str, type[Check]] = {
    check.name: check for check in (OneOwnerPerShard, NoLostAcknowledged, SteadyScaling)
}
