"""Sends to everybody who watches a run, from processes without an event loop of their own.

One background thread per process runs one loop and keeps its connection: `async_to_sync(group_send)` would
open a loop and a connection for every message.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import redis
from channels.layers import get_channel_layer

from simulations.live.valkey import client

log = logging.getLogger(__name__)

TOLD_MAX = 20
TOLD_KEPT_S = 60
TOLD_NOTHING = "0-0"
_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_process = 0


def group_name(code: str) -> str:
    """The channel-layer group of a run's watchers."""
    return f"run.{code}"


def _kept_loop() -> asyncio.AbstractEventLoop:
    """The loop of this process, started at first use (and again after a fork)."""
    global _loop, _process
    with _lock:
        if _loop is None or _process != os.getpid() or _loop.is_closed():
            _loop, _process = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="publish", daemon=True).start()
        return _loop


def publish(code: str, message: dict[str, Any]) -> Future[None]:
    """Send `{"type": "run.frame" | "run.message" | ..., ...}` to the run's group, in order, without
    waiting.
    """
    future = asyncio.run_coroutine_threadsafe(_send(code, message), _kept_loop())
    future.add_done_callback(_report)
    return future


async def _send(code: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    await asyncio.wait_for(layer.group_send(group_name(code), message), timeout=3)


def _report(future: Future[None]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        # Delivery is at most once by design: viewers notice the hole and fetch it.
        log.warning("A message to viewers was not sent: %r", error)


def publish_frame(code: str, frame: bytes) -> Future[None]:
    """A frame for every viewer of the run."""
    return publish(code, {"type": "run.frame", "b": frame})


def publish_message(code: str, message: bytes) -> Future[None]:
    """A JSON message for every viewer of the run, encoded once."""
    return publish(code, {"type": "run.message", "t": message.decode()})


def tell(code: str, message: bytes) -> None:
    """The same for what no state of the run says: kept a while for pages that poll."""
    with suppress(redis.RedisError), client().pipeline() as pipe:
        pipe.xadd(f"told:{code}", {"m": message}, maxlen=TOLD_MAX)
        pipe.expire(f"told:{code}", TOLD_KEPT_S)
        pipe.execute()
    publish_message(code, message)


def told_since(code: str, after: str) -> tuple[list[bytes], str]:
    """What was told after an answer of this function, and what to ask with next; nothing old when `after` is
    empty.
    """
    if not after:
        newest = client().xrevrange(f"told:{code}", count=1)
        return [], newest[0][0].decode() if newest else TOLD_NOTHING
    found = client().xrange(f"told:{code}", min=f"({after}")
    return [fields[b"m"] for _, fields in found], found[-1][0].decode() if found else after
