"""Fixtures for every suite. Nothing is started until a test asks for it, so unit tests do not pay.

In the test process (Django's test database, a file):
  valkey      session   a real embedded Valkey at settings.REDIS_URL: CHANNEL_LAYERS and Celery point at it
  live_redis  function  a client on LIVE_REDIS_URL; the three databases are empty at the start of the test
  workers     session   real Celery workers (queues sim.0, sim.1, sweep) on the *test* database; use it with
                        @pytest.mark.django_db(transaction=True), so that they see what the test commits

Beside it, sharing nothing with the test process but HTTP and sockets:
  stack       session   tests.stack.RunningStack: Valkey, workers and daphne, own database and free port:
                        base_url, websocket_url, redis_url, environment, manage(...), get(path), health(),
                        kill(name), restart(name) for valkey | sim.0 | sim.1 | sweep | web.
                        Leave it whole: restart what you killed.
  A test that needs a stack of its own uses `tests.stack.running_stack(tmp_path, ...)`.

Browser tests live in tests/e2e/ only (see its conftest): they run last, after all asynchronous tests.
How many seeds a suite runs: tests/budget.py. Waiting: tests.stack.wait_until, never sleep.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings

from platform_lab.environment import redis_use
from platform_lab.supervisor.child import Service
from platform_lab.supervisor.plan import server_answers, valkey_service
from platform_lab.supervisor.serve import child_environment, log_folder, worker_services
from platform_lab.supervisor.supervisor import Supervisor
from tests.settings import FOLDER
from tests.stack import RunningStack, running_stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: the quick ones tell first, and no other test follows Playwright's event loop.

    Before them those with real workers on the test database: once started, workers take the tasks of every
    later test, also of one that plays the worker itself.
    """

    def place(item: pytest.Item) -> tuple[bool, bool]:
        return "/e2e/" in item.path.as_posix(), "workers" in getattr(item, "fixturenames", ())

    items.sort(key=place)


def pytest_unconfigure() -> None:
    """Remove the folder of this test run."""
    shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def process_group() -> Iterator[Supervisor]:
    """Owner of the processes that serve the test process itself."""
    environment = child_environment(tuple(settings.ORIGINS), {**os.environ, **_test_database()}, FOLDER)
    supervisor = Supervisor(environment, log_folder(FOLDER), lambda _: None)
    yield supervisor
    supervisor.stop()


def _test_database() -> dict[str, str]:
    name = settings.DATABASES["default"].get("TEST", {}).get("NAME", "")
    return {"DATABASE_URL": f"sqlite:///{name}"}


@pytest.fixture(scope="session")
def valkey(process_group: Supervisor) -> str:
    """REDIS_URL of a real server: the embedded one, or the one of PLATFORM_LAB_TEST_REDIS_URL."""
    url: str = settings.REDIS_URL
    if not server_answers(url):
        service, embedded = valkey_service(FOLDER)
        assert embedded == url
        process_group.start([service])
    return url


@pytest.fixture
def live_redis(valkey: str) -> Iterator[Any]:
    """A client for the product's own keys. Every database of the test server is emptied first."""
    for use in range(3):
        with redis.Redis.from_url(redis_use(valkey, use)) as client:
            client.flushdb()
    with redis.Redis.from_url(settings.LIVE_REDIS_URL) as client:
        yield client


@pytest.fixture(scope="session")
def workers(valkey: str, django_db_setup: None, process_group: Supervisor) -> list[str]:
    """Real Celery workers on the test database; the names of their processes."""
    services: list[Service] = worker_services(valkey)
    process_group.start(services)
    return [service.name for service in services]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The whole product as real processes, shared by the session."""
    data: Path = tmp_path_factory.mktemp("stack")
    with running_stack(data) as running:
        yield running
