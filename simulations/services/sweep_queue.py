"""Hands the batches of a sweep to the workers, and notices those that got lost.

A batch in work holds a lease in Valkey. Whoever watches a sweep asks now and then whether something must be
queued again: batches whose worker died, and, when a live worker sits idle, everything that waits.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress

import redis
from celery import group, signature
from django.conf import settings
from kombu.exceptions import OperationalError

from platform_lab.celery import HEARTBEAT_KEY
from simulations.live.valkey import client
from simulations.models import Sweep, SweepBatch

log = logging.getLogger(__name__)

BATCH = "sweep.batch"
LEASE_MS = 5_000
SENT_TOGETHER = 100
ASKED_AGAIN_S = 15
IDLE_S = 10
BEAT = "sweep:beat"


def lease_key(batch_id: int) -> str:
    return f"sweep:lease:{batch_id}"


def generation_key(sweep_id: int) -> str:
    return f"sweep:generation:{sweep_id}"


def announce(sweep: Sweep) -> None:
    """Tell working processes which generation counts."""
    with suppress(redis.RedisError):
        client().set(generation_key(sweep.pk), sweep.generation, ex=86_400)


def send(sweep_id: int, generation: int, starts: list[int]) -> bool:
    """Queue batches as Celery groups; False when the broker does not answer (whoever watches asks again)."""
    try:
        client().set(BEAT, f"{time.time():.3f}", ex=3_600)
        for at in range(0, len(starts), SENT_TOGETHER):
            group(
                signature(BATCH, args=(sweep_id, start, generation), queue=settings.SWEEP_QUEUE)
                for start in starts[at : at + SENT_TOGETHER]
            ).apply_async()
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("Batches of a sweep were not queued: %s", error)
        return False
    return True


def send_waiting(sweep: Sweep) -> None:
    """Queue every batch that is not done."""
    starts = sweep.batches.filter(state="waiting").order_by("start").values_list("start", flat=True)
    send(sweep.pk, sweep.generation, list(starts))


def hold(batch_id: int) -> None:
    """The batch is being worked on, for LEASE_MS from now; the queue is alive."""
    with suppress(redis.RedisError):
        pipe = client().pipeline(transaction=False)
        pipe.set(lease_key(batch_id), "1", px=LEASE_MS)
        pipe.set(BEAT, f"{time.time():.3f}", ex=3_600)
        pipe.execute()


def let_go(batch_id: int) -> None:
    """The batch is no longer worked on."""
    with suppress(redis.RedisError):
        client().delete(lease_key(batch_id))


def revive(sweep: Sweep) -> int:
    """Queue again what got lost; how many batches. Cheap, to be called by whoever watches, once a second or
    so.
    """
    if sweep.state != "running":
        return 0
    try:
        if not client().set(f"sweep:revived:{sweep.pk}", "1", nx=True, px=1_000):
            return 0
        lost = _without_lease(sweep)
        if not lost and _idle():
            lost = list(sweep.batches.filter(state="waiting"))
        starts = [batch.start for batch in lost if _ask_once(batch.pk)]
    except redis.RedisError:
        return 0
    if starts:
        log.warning("Queueing %d batches of sweep %s again", len(starts), sweep.code)
        send(sweep.pk, sweep.generation, starts)
    return len(starts)


def _without_lease(sweep: Sweep) -> list[SweepBatch]:
    """Batches that somebody began and nobody works on."""
    begun = list(sweep.batches.filter(state="waiting", attempts__gt=0))
    if not begun:
        return []
    leases = client().mget([lease_key(batch.pk) for batch in begun])
    return [batch for batch, lease in zip(begun, leases, strict=True) if lease is None]


def _idle() -> bool:
    """Whether a sweep worker is alive and nothing has been worked on for a while: the queue was lost."""
    alive, beat = client().mget([f"{HEARTBEAT_KEY}{settings.SWEEP_QUEUE}", BEAT])
    return alive is not None and (beat is None or time.time() - float(beat) > IDLE_S)


def _ask_once(batch_id: int) -> bool:
    return bool(client().set(f"sweep:asked:{batch_id}", "1", nx=True, ex=ASKED_AGAIN_S))
