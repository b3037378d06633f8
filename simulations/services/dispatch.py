"""Hands work to the workers, by name: services never import tasks.

A broker that does not answer loses nothing: whoever watches the run asks again within a second.
"""

from __future__ import annotations

import logging
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

from simulations.live import lease
from simulations.live.valkey import answers

log = logging.getLogger(__name__)

ADVANCE = "live.advance"
UNTIL = "live.until"
FILL = "live.fill"
PRELOAD = "live.preload"
REPRODUCE = "sweep.reproduce"
CLEAR = "sweep.clear"
EXPIRES_S = 5
_RETRY = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.1, "interval_max": 0.1}


def shard_for(code: str, late_s: float = 0.0) -> int:
    """Which shard to ask: the lease's holder, else the home shard, and one further for each 2 s without an
    answer.
    """
    shards: int = settings.SHARDS
    try:
        held = lease.holder(code)
    except redis.RedisError:
        held = None
    if held is not None and held.shard < shards:
        return held.shard
    return (lease.home_shard(code, shards) + int(late_s // 2)) % shards


def ask(code: str, late_s: float = 0.0) -> None:
    """Ask for the next chunks of a run, unless somebody did a moment ago."""
    if lease.ask_once(code):
        send(ADVANCE, [code], shard_for(code, late_s))


def ask_now(code: str) -> None:
    """Ask at once: something changed that viewers wait for."""
    send(ADVANCE, [code], shard_for(code))


def send(task: str, arguments: list[Any], shard: int, expires_s: float = EXPIRES_S) -> bool:
    """Queue a task of live runs on one shard; False when the broker does not answer."""
    return _send(task, arguments, f"sim.{shard}", expires_s)


def send_slow(task: str, arguments: list[Any]) -> bool:
    """Queue a task that nobody waits for in front of a page."""
    return _send(task, arguments, settings.SWEEP_QUEUE, None)


def _send(task: str, arguments: list[Any], queue: str, expires_s: float | None) -> bool:
    if not answers():  # asked first, because Celery would wait for its broker ten times as long
        log.warning("The task %s was not queued: Valkey does not answer", task)
        return False
    try:
        current_app.send_task(
            task,
            args=arguments,
            queue=queue,
            expires=expires_s,
            retry=True,
            retry_policy=_RETRY,
            ignore_result=True,
        )
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("The task %s was not queued: %s", task, error)
        return False
    return True
