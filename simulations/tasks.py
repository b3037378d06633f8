"""The workers' doors. Each task is a few lines around a service; names are those of services.dispatch."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import close_old_connections

from simulations.services import (
    advance,
    dispatch,
    histories,
    links,
    runs,
    searches,
    shrinks,
    sweep_queue,
    sweep_work,
)


def _shard(task: Task) -> int:  # type: ignore[type-arg]
    """The shard whose queue this task came from."""
    queue = str((task.request.delivery_info or {}).get("routing_key") or "")
    number = queue.removeprefix("sim.")
    return int(number) if number.isdigit() and int(number) < settings.SHARDS else 0


# Acknowledged early and never retried: whoever watches asks again, and a lease keeps two workers apart.
@shared_task(name=dispatch.ADVANCE, bind=True, soft_time_limit=10, time_limit=15)
def advance_run(self: Any, code: str) -> None:
    """Simulate a run until a little beyond its playhead; go to the back of the queue after a slice."""
    close_old_connections()
    shard = _shard(self)
    if advance.advance(code, shard):
        dispatch.send(dispatch.ADVANCE, [code], shard)


@shared_task(name=dispatch.UNTIL, bind=True, soft_time_limit=10, time_limit=15)
def search(self: Any, code: str, request: dict[str, Any]) -> None:
    """One slice of "run until"."""
    close_old_connections()
    shard = _shard(self)
    following = searches.search(code, request, shard)
    if following is not None:
        dispatch.send(dispatch.UNTIL, [code, following], shard)


@shared_task(name=dispatch.FILL, bind=True, soft_time_limit=10, time_limit=15)
def fill(self: Any, request: dict[str, Any]) -> None:
    """Compute chunks that somebody asked for by HTTP and the cache no longer has."""
    close_old_connections()
    shard = _shard(self)
    following = advance.fill(request)
    if following is not None:
        dispatch.send(dispatch.FILL, [following], shard, expires_s=30)


@shared_task(name=dispatch.PRELOAD, bind=True, soft_time_limit=10, time_limit=15)
def preload(self: Any, code: str, at_us: int) -> None:
    """One slice of computing a run to its end and keeping it."""
    close_old_connections()
    shard = _shard(self)
    following = advance.preload(code, at_us)
    if following is not None:
        dispatch.send(dispatch.PRELOAD, [code, following], shard, expires_s=600)


@shared_task(name=dispatch.REPRODUCE, soft_time_limit=60, time_limit=90, acks_late=True)
def reproduce(slug: str) -> None:
    """Whether today's engine still gives the digest of a saved link."""
    close_old_connections()
    links.check_reproduces(slug)


@shared_task(name=dispatch.CLEAR, soft_time_limit=300, time_limit=330)
def clear() -> None:
    """Remove runs that nobody visited for long."""
    close_old_connections()
    runs.remove_old_runs()


@shared_task(name=histories.CHECK, soft_time_limit=histories.READ_S, time_limit=60, acks_late=True)
def check_history(id: str) -> None:
    """Judge a history that somebody uploaded."""
    try:
        histories.work(id)
    except SoftTimeLimitExceeded:
        histories.give_up(id)


# Acknowledged when it is done: a batch whose worker dies goes back into the queue.
@shared_task(
    name=sweep_queue.BATCH, soft_time_limit=60, time_limit=90, acks_late=True, reject_on_worker_lost=True
)
def sweep_batch(sweep_id: int, start: int, generation: int) -> None:
    """One batch of a sweep."""
    close_old_connections()
    sweep_work.work(sweep_id, start, generation)


@shared_task(name=shrinks.TASK, soft_time_limit=60, time_limit=90, acks_late=True, reject_on_worker_lost=True)
def shrink(shrink_id: int, generation: int) -> None:
    """One slice of a search for the smallest failing case."""
    close_old_connections()
    shrinks.work(shrink_id, generation)
