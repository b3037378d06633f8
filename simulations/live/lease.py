"""Who simulates a run, and what everybody must know of it while it is live: small keys in Valkey.

The lease names the shard and its fencing token (the counter on the run's row). It lapses by itself: a
worker that dies is replaced, one that wakes up too late finds a higher token on the row and publishes
nothing.
"""

from __future__ import annotations

import time
from typing import Any
from zlib import crc32

import msgspec
import redis
from django.conf import settings

from platform_lab.celery import HEARTBEAT_KEY
from simulations.live.build import BUILD
from simulations.live.playhead import Playhead
from simulations.live.valkey import client

LEASE_MS = 3_000
ASKED_MS = 400
ACTIVE_S = 5
PRESENT_S = 5
DRIVERS_MAX = 30
PRESENT_ANSWERS = 2
LATELY_S = 1.5
"""A run had a turn lately: somebody works on it now."""


class Lease(msgspec.Struct, frozen=True, array_like=True):
    """The owner of a run: its shard's number and its fencing token."""

    shard: int
    fence: int


_pack = msgspec.msgpack.Encoder().encode
_lease = msgspec.msgpack.Decoder(Lease)


def home_shard(code: str, shards: int) -> int:
    """The shard a run belongs to while all is well."""
    return crc32(code.encode()) % shards


def read(data: bytes | None) -> Lease | None:
    """A lease as Valkey has it."""
    return _lease.decode(data) if data else None


def holder(code: str) -> Lease | None:
    """Who holds the lease now."""
    return read(client().get(f"lease:{code}"))


def take(code: str, lease: Lease) -> bool:
    """Take a free lease."""
    return bool(client().set(f"lease:{code}", _pack(lease), nx=True, px=LEASE_MS))


_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
return 0
"""


def renew(pipe: Any, code: str, lease: Lease) -> None:
    """Hold on to a lease that is still ours, with the next round trip of this pipeline."""
    pipe.eval(_RENEW, 1, f"lease:{code}", _pack(lease), LEASE_MS)


def note_turn(pipe: Any, code: str) -> None:
    """Note that a worker has taken this run up just now."""
    pipe.zadd("active", {code: time.time()})


def count_active(pipe: Any, code: str) -> None:
    """Note that this run was simulated just now; the pipeline's last answer is how many runs were, lately."""
    note_turn(pipe, code)
    pipe.zremrangebyscore("active", 0, time.time() - ACTIVE_S)
    pipe.zcard("active")


def note_poller(pipe: Any, code: str, visitor: str) -> None:
    """Note that a page without a socket asked just now."""
    now = time.time()
    pipe.zadd(f"pollers:{code}", {visitor: now})
    pipe.zremrangebyscore(f"pollers:{code}", 0, now - PRESENT_S)
    pipe.expire(f"pollers:{code}", 60)


def ask_present(pipe: Any, code: str) -> None:
    """Ask with a pipeline; its next PRESENT_ANSWERS answers are for `read_present`."""
    pipe.hvals(f"presence:{code}")
    pipe.zcount(f"pollers:{code}", time.time() - PRESENT_S, "+inf")


def read_present(answers: list[Any]) -> tuple[int, list[dict[str, str]]]:
    """How many watch, and who of those with a socket may drive: what all web processes told lately."""
    told, pollers = answers
    now = time.time()
    fresh = [one for one in map(msgspec.json.decode, told) if now - one["at"] <= PRESENT_S]
    drivers = {driver["id"]: driver for one in fresh for driver in one["drivers"]}
    count = sum(one["count"] for one in fresh) + pollers
    return count, [drivers[id] for id in sorted(drivers)[:DRIVERS_MAX]]


class Machine(msgspec.Struct, frozen=True):
    """Who works now: whether Valkey and any worker of this build answer, and the runs that had a turn lately.
    ``strangers``: all workers that answer are of another build, and neither reads what the other writes.
    """

    reachable: bool = True
    workers: bool = False
    lately: frozenset[str] = frozenset()
    strangers: bool = False


MACHINE_ANSWERS = 2


def ask_machine(pipe: Any) -> None:
    """Ask with a pipeline; its next MACHINE_ANSWERS answers are for `read_machine`."""
    pipe.mget([f"{HEARTBEAT_KEY}{queue}" for queue in settings.SHARD_QUEUES])
    pipe.zrangebyscore("active", time.time() - LATELY_S, "+inf")


def read_machine(answers: list[Any]) -> Machine:
    """What the pipeline answered."""
    beats, lately = answers
    alive = [beat for beat in beats if beat is not None]
    ours = [beat for beat in alive if beat.decode().endswith(BUILD)]
    runs = frozenset(code.decode() for code in lately)
    return Machine(True, bool(ours), runs, strangers=bool(alive) and not ours)


# What changes while a run is live ---------------------------------------------------------


class Live(msgspec.Struct, frozen=True):
    """The volatile side of a run as viewers need it: playhead and how far the branch in it is simulated."""

    playhead: Playhead
    stop_us: int
    revision: int = 0
    head_us: int = 0
    head_branch: int = 0
    runs: int = 0

    def shown_us(self, now_ms: int) -> int:
        """The virtual time viewers see: they stop where frames end until a worker goes on."""
        here = self.playhead.at(now_ms, self.stop_us)
        ends_us = self.head_us if self.head_branch == self.playhead.branch else 0
        return min(here, max(ends_us, self.playhead.anchor_us))


def changed_key(code: str) -> str:
    """The number that rises with every command or move of the playhead; workers poll it."""
    return f"changed:{code}"


def note_change(code: str, playhead: Playhead, revision: int, stop_us: int) -> None:
    """After a commit: what the row now says, for workers and web processes."""
    key = f"live:{code}"
    with client().pipeline() as pipe:
        pipe.incr(changed_key(code))
        pipe.expire(changed_key(code), 3600)
        pipe.hset(
            key,
            mapping={
                "playhead": msgspec.json.encode(playhead),
                "revision": revision,
                "stop_us": stop_us,
            },
        )
        pipe.expire(key, 3600)
        pipe.execute()


def note_head(pipe: Any, code: str, branch: int, head_us: int, runs: int) -> None:
    """How far the branch is covered from the playhead on."""
    pipe.hset(f"live:{code}", mapping={"head_us": head_us, "head_branch": branch, "runs": runs})


def read_live(fields: dict[bytes, bytes]) -> Live | None:
    """`HGETALL live:<code>` as a record; None when Valkey has forgotten it."""
    if b"playhead" not in fields:
        return None
    return Live(
        msgspec.json.decode(fields[b"playhead"], type=Playhead),
        int(fields.get(b"stop_us", b"0")),
        int(fields.get(b"revision", b"0")),
        int(fields.get(b"head_us", b"0")),
        int(fields.get(b"head_branch", b"0")),
        int(fields.get(b"runs", b"0")),
    )


def ask_once(code: str) -> bool:
    """Whether this process is the one to ask a worker now: others asked less than ASKED_MS ago otherwise."""
    try:
        return bool(client().set(f"asked:{code}", b"1", nx=True, px=ASKED_MS))
    except redis.RedisError:
        return False
