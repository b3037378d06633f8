"""A Valkey that hangs is waited for once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from simulations.live import valkey
from simulations.live.valkey import AsyncOneTry, Fuse, OneTry

WAIT_S = 0.05


@pytest.fixture
def hanging(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that takes connections and never answers, with a fuse of its own."""
    path: Path = tmp_path_factory.mktemp("v") / "s"
    monkeypatch.setattr(valkey, "FUSE", Fuse())
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        yield f"unix://{path}?protocol=2"


def test_after_one_wait_calls_fail_at_once(hanging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = redis.Redis.from_url(hanging, socket_timeout=WAIT_S, retry=OneTry())
    with pytest.raises(redis.TimeoutError):
        client.get("a")
    with pytest.raises(redis.ConnectionError, match="a moment ago"):
        client.get("a")
    pipe = client.pipeline()
    pipe.get("a")
    with pytest.raises(redis.ConnectionError, match="a moment ago"):
        pipe.execute()
    monkeypatch.setattr(valkey.FUSE, "_until", 0.0)  # later
    with pytest.raises(redis.TimeoutError):
        client.get("a")


async def test_the_event_loop_and_the_threads_of_a_process_wait_together_once(hanging: str) -> None:
    client = redis.asyncio.Redis.from_url(hanging, socket_timeout=WAIT_S, retry=AsyncOneTry())
    with pytest.raises(redis.ConnectionError):
        await client.get("a")
    blocking = redis.Redis.from_url(hanging, socket_timeout=WAIT_S, retry=OneTry())
    with pytest.raises(redis.ConnectionError, match="a moment ago"):
        blocking.get("a")
    await client.aclose()
