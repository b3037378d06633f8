"""GET /healthz: does what the pages stand on answer? Used by the supervisor, by compose and by people."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from platform_lab.celery import HEARTBEAT_KEY


@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """`{"ready", "database", "valkey", "workers": {queue: bool}}`; 200 when all is well, else 503."""
    workers = worker_heartbeats()
    parts = {"database": database_answers(), "valkey": workers is not None, "workers": workers or {}}
    ready = parts["database"] and bool(workers) and all((workers or {}).values())
    return JsonResponse({"ready": ready, **parts}, status=200 if ready else 503)


def database_answers() -> bool:
    """Whether one trivial query succeeds."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except DatabaseError:
        return False


def worker_heartbeats() -> dict[str, bool] | None:
    """For each queue whether a worker wrote its heartbeat lately; None when Valkey does not answer."""
    queues = [*settings.SHARD_QUEUES, settings.SWEEP_QUEUE]
    client = redis.Redis.from_url(settings.LIVE_REDIS_URL, socket_timeout=1.0, socket_connect_timeout=1.0)
    try:
        found = client.mget([f"{HEARTBEAT_KEY}{queue}" for queue in queues])
    except redis.RedisError:
        return None
    finally:
        client.close()
    return {queue: value is not None for queue, value in zip(queues, found, strict=True)}
