"""The connections to the product's own Valkey database, one client per process and kind.

Everything kept there is a cache or a lease; callers treat `redis.RedisError` as "not there".
"""

from __future__ import annotations

import asyncio
import os
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry


@lru_cache(maxsize=4)
def _client(url: str, process: int) -> redis.Redis:
    # One quick retry covers a connection that died with a restarted server; an outage fails fast.
    return redis.Redis.from_url(
        url,
        socket_timeout=2.0,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 1),
        retry_on_error=[redis.ConnectionError],
    )


def client() -> Any:
    """The blocking `redis.Redis` of this process; forked children get their own."""
    return _client(settings.LIVE_REDIS_URL, os.getpid())


_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def async_client() -> Any:
    """The `redis.asyncio.Redis` of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _async_clients.get(loop)
    if found is None:
        found = redis.asyncio.Redis.from_url(
            settings.LIVE_REDIS_URL, socket_timeout=2.0, socket_connect_timeout=1.0
        )
        _async_clients[loop] = found
    return found
