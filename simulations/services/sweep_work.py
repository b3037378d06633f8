"""What a worker does with one batch of a sweep. Idempotent: who is second changes nothing."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import redis
from django.db import transaction
from django.db.models import F

from simulations.live.valkey import client
from simulations.models import Sweep, SweepBatch
from simulations.services import sweep_queue, sweeps
from simulations.sweeps.batches import run_batch
from simulations.sweeps.parts import Part
from simulations.sweeps.plan import Plan, batch_size, pieces
from simulations.sweeps.running import Stopped

WORK_S = 0.6
LIMIT_S = 1.0
ATTEMPTS_MAX = 3
BATCHES_MAX = 4_000
LOOK_S = 0.25


def work(sweep_id: int, start: int, generation: int) -> None:
    """Do one batch, or the first second of it; the rest becomes batches of their own."""
    sweep = Sweep.objects.select_related("experiment").filter(pk=sweep_id).first()
    if sweep is None or sweep.state != "running" or sweep.generation != generation:
        return
    batch = begin(sweep, start)
    if batch is None:
        sweeps.finish_if_done(sweep)
        return
    try:
        part = compute(sweep, batch)
    except Stopped:
        SweepBatch.objects.filter(pk=batch.pk).update(attempts=F("attempts") - 1)
        return
    except Exception:
        # Tried again until it is quarantined; the error itself is in the worker's log.
        sweep_queue.send(sweep.pk, generation, [start])
        raise
    finally:
        sweep_queue.let_go(batch.pk)
    keep(sweep, batch, part)
    sweeps.note_progress(sweep)
    sweeps.finish_if_done(sweep)


def begin(sweep: Sweep, start: int) -> SweepBatch | None:
    """The batch, counted as tried once more; None when it is done. One that took its worker down too often is
    quarantined: nobody tries it again."""
    batch = sweep.batches.filter(start=start, state="waiting").first()
    if batch is None:
        return None
    if batch.attempts >= ATTEMPTS_MAX:
        sweep.batches.filter(pk=batch.pk, state="waiting").update(state="quarantined")
        return None
    sweep_queue.hold(batch.pk)
    SweepBatch.objects.filter(pk=batch.pk).update(attempts=F("attempts") + 1)
    return batch


def compute(sweep: Sweep, batch: SweepBatch) -> Part:
    """The runs of the batch that fit into its time. Stopped when the sweep was cancelled meanwhile."""
    plan = msgspec.convert(sweep.plan, Plan)
    beat = Pulse(sweep, batch)
    return run_batch(sweep.experiment.plain, plan, batch.start, batch.stop, beat=beat, limit_s=LIMIT_S)


class Pulse:
    """Keeps the lease of a batch, and says when the sweep's generation is over. Looks four times a second."""

    def __init__(self, sweep: Sweep, batch: SweepBatch) -> None:
        self.batch, self.generation = batch, sweep.generation
        self.key = sweep_queue.generation_key(sweep.pk)
        self.next = 0.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self.next:
            return True
        self.next = now + LOOK_S
        sweep_queue.hold(self.batch.pk)
        return self.current()

    def current(self) -> bool:
        """Whether this generation still counts; a Valkey that does not answer stops nobody."""
        try:
            found: Any = client().get(self.key)
        except redis.RedisError:
            return True
        return found is None or int(found) == self.generation


def keep(sweep: Sweep, batch: SweepBatch, part: Part) -> None:
    """Store what a batch gave, once, and cut what is left over into batches of about WORK_S."""
    rest: list[tuple[int, int]] = []
    with transaction.atomic():
        mine = SweepBatch.objects.filter(pk=batch.pk, state="waiting").update(
            state="done", stop=part.stop, data=part.encode()
        )
        if mine and part.stop < batch.stop:
            least = -(-sweep.runs // BATCHES_MAX)
            size = max(least, batch_size(part.runs, part.seconds, WORK_S))
            rest = pieces(part.stop, batch.stop, size)
            SweepBatch.objects.bulk_create(
                [SweepBatch(sweep=sweep, start=start, stop=stop) for start, stop in rest], batch_size=500
            )
    sweep_queue.send(sweep.pk, sweep.generation, [start for start, _ in rest])
