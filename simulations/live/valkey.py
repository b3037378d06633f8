"""The connections to the product's own Valkey database, one client per process and kind.

Everything kept there is a cache or a lease; callers treat `redis.RedisError` as "not there".
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 2.0
"""Long enough that a busy machine is not taken for a Valkey that hangs."""
REST_S = 2.0
"""After a call for which Valkey took TIMEOUT_S in vain, nobody in this process waits for it again so soon."""


class Fuse:
    """Whether Valkey lately let this process wait in vain: an outage is waited for once, not at each of the calls
    that one click needs."""

    def __init__(self) -> None:
        self._until = 0.0

    def check(self) -> None:
        """Raises redis.ConnectionError while it is blown."""
        if time.monotonic() < self._until:
            raise redis.ConnectionError("Valkey did not answer a moment ago")

    def note(self, error: redis.RedisError) -> None:
        """Blows it when this is an answer that did not come in time (connecting wraps that in another error)."""
        if redis.TimeoutError in (type(error), type(error.__cause__)):
            self._until = time.monotonic() + REST_S


FUSE = Fuse()


class OneTry(Retry):
    """One quick retry covers a connection that died with a restarted server; an outage fails fast."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (redis.ConnectionError,))

    def call_with_retry(self, do: Callable[[], Any], *arguments: Any, **named: Any) -> Any:
        """As its base, unless the fuse is blown."""

        def guarded() -> Any:
            FUSE.check()
            try:
                return do()
            except redis.RedisError as error:
                FUSE.note(error)
                raise

        return super().call_with_retry(guarded, *arguments, **named)


class AsyncOneTry(AsyncRetry):
    """The same for clients of an event loop."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (redis.ConnectionError,))

    async def call_with_retry(self, do: Callable[[], Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        """As its base, unless the fuse is blown."""

        async def guarded() -> Any:
            FUSE.check()
            try:
                return await do()
            except redis.RedisError as error:
                FUSE.note(error)
                raise

        return await super().call_with_retry(guarded, *arguments, **named)


@lru_cache(maxsize=4)
def _client(url: str, process: int) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=OneTry()
    )


def client() -> Any:
    """The blocking `redis.Redis` of this process; forked children get their own."""
    return _client(settings.LIVE_REDIS_URL, os.getpid())


def answers() -> bool:
    """Whether Valkey answers now, within TIMEOUT_S."""
    try:
        return bool(client().ping())
    except redis.RedisError:
        return False


_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, redis.asyncio.Redis] = WeakKeyDictionary()


def async_client() -> Any:
    """The `redis.asyncio.Redis` of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _async_clients.get(loop)
    if found is None:
        found = redis.asyncio.Redis.from_url(
            settings.LIVE_REDIS_URL,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=AsyncOneTry(),
        )
        _async_clients[loop] = found
    return found
