"""The fixtures other tests stand on: the real server, the channel layer over it, the real workers."""

from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.conf import settings

from platform_lab.celery import HEARTBEAT_KEY
from tests.stack import wait_until


def test_the_server_is_empty_at_the_start(live_redis: Any) -> None:
    assert live_redis.dbsize() == 0
    live_redis.set("left", "behind")


def test_the_server_is_empty_at_the_next_start_too(live_redis: Any) -> None:
    assert live_redis.get("left") is None


async def test_a_group_message_passes_through_the_real_layer(valkey: str) -> None:
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("run.test", channel)
    await layer.group_send("run.test", {"type": "run.frame", "b": b"\x00\xff" * 500})
    received = await layer.receive(channel)
    await layer.group_discard("run.test", channel)
    await layer.flush()
    assert received == {"type": "run.frame", "b": b"\x00\xff" * 500}


@pytest.mark.django_db(transaction=True)
def test_every_queue_has_a_worker_on_the_test_database(live_redis: Any, workers: list[str]) -> None:
    assert workers == ["sim.0", "sim.1", "sweep"]
    keys = [f"{HEARTBEAT_KEY}{queue}" for queue in (*settings.SHARD_QUEUES, settings.SWEEP_QUEUE)]
    wait_until(lambda: live_redis.exists(*keys) == len(keys), "a heartbeat of every queue")
