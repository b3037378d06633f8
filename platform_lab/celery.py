"""The Celery application, and the heartbeat by which each worker says that it is alive."""

import os
from typing import Any

import redis
from celery import Celery
from celery.signals import worker_process_init, worker_ready, worker_shutdown
from django.conf import settings

from simulations.collecting import collect_only_the_young
from simulations.live.build import BUILD

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_lab.settings")

HEARTBEAT_KEY = "worker:"
HEARTBEAT_EVERY_S = 2.0
HEARTBEAT_KEPT_S = 8

app = Celery("platform_lab")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def start_heartbeat(sender: Any, **_: Any) -> None:
    """Write `worker:<queue>` (who, and of which build) every two seconds from the worker's own loop: a hung worker
    falls silent.
    """
    client = redis.Redis.from_url(settings.LIVE_REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)
    queues, said = sorted(sender.app.amqp.queues.consume_from), f"{os.getpid()} {BUILD}"

    def beat() -> None:
        try:
            with client.pipeline(transaction=False) as pipe:
                for queue in queues:
                    pipe.set(f"{HEARTBEAT_KEY}{queue}", said, ex=HEARTBEAT_KEPT_S)
                pipe.execute()
        except redis.RedisError:
            return  # the broker connection reports the same outage, and the next beat tries again

    beat()
    sender.timer.call_repeatedly(HEARTBEAT_EVERY_S, beat)


@worker_shutdown.connect
def stop_heartbeat(sender: Any, **_: Any) -> None:
    """Say at once that this worker is gone, instead of when its last heartbeat expires."""
    client = redis.Redis.from_url(settings.LIVE_REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)
    try:
        client.delete(*(f"{HEARTBEAT_KEY}{queue}" for queue in sender.app.amqp.queues.consume_from))
    except redis.RedisError:
        return


@worker_process_init.connect
def collect_rarely(**_: Any) -> None:
    """Never look at all the worlds that are kept warm."""
    collect_only_the_young()
