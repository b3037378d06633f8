"""Blocking code (the ORM, Celery) off the event loop, each call with a database connection that works."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection

R = TypeVar("R")

THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="hub")
"""The hub's own. Commands that wait for a busy database can take all those of the event loop: heartbeats go on."""


async def in_thread(function: Callable[..., R], *arguments: Any, **named: Any) -> R:
    """Run blocking code in a thread of its own, never on the event loop."""
    return await sync_to_async(_with_connection, thread_sensitive=False)(function, arguments, named)


async def aside(function: Callable[..., R], *arguments: Any, **named: Any) -> R:
    """The same for the hub and what it watches, in one of its own threads."""
    run = sync_to_async(_with_connection, thread_sensitive=False, executor=THREADS)
    return await run(function, arguments, named)


def _with_connection(function: Callable[..., R], arguments: Any, named: Any) -> R:
    # Opening a file and its pragmas again would cost more than the query.
    keep = connection.vendor == "sqlite"
    if not keep:
        close_old_connections()
    try:
        return function(*arguments, **named)
    finally:
        if not keep:
            close_old_connections()
