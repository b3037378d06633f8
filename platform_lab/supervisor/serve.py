"""From settings to a running stack: what `manage.py serve` and the tests' `stack` fixture share."""

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

import segno
from django.conf import settings

from platform_lab import environment
from platform_lab.supervisor import listener as listening
from platform_lab.supervisor.child import Service
from platform_lab.supervisor.listener import CannotListen
from platform_lab.supervisor.plan import (
    CannotPlan,
    host_of,
    page_answers,
    server_answers,
    valkey_service,
    web_service,
    worker_service,
)
from platform_lab.supervisor.supervisor import CannotStart, Stopped, Supervisor

Say = Callable[[str], None]


class Refused(Exception):
    """The stack cannot run here; the text is one sentence with the fix."""


@dataclass(frozen=True)
class Stack:
    """A running stack: its processes, its listening socket and the origins under which browsers reach it."""

    supervisor: Supervisor
    listener: socket
    origins: tuple[str, ...]


def serve(say: Say) -> None:
    """Run everything until somebody asks to stop. Raises Refused."""
    try:
        with started(
            environment.host(), environment.port(), os.environ, Path(settings.VAR_DIR), say
        ) as stack:
            announce(stack, say)
            stack.supervisor.watch()
            say("\nStopping.")
    except Stopped:
        say("\nStopped before everything was ready.")


@contextmanager
def started(
    host: str, port: int, environ: Mapping[str, str], data: Path, say: Say, *, signals: bool = True
) -> Iterator[Stack]:
    """The whole stack, ready, for as long as the block lasts; port 0 takes a free one.

    Its database and logs are in `data`. Raises Refused with one sentence, or Stopped.
    """
    try:
        logs = log_folder(data)
        with listening.listen(host, port) as listener:
            origins = origins_of(host, listener, environ)
            supervisor = Supervisor(child_environment(origins, environ, data), logs, say)
            if signals:
                supervisor.listen_to_signals()
            stack = Stack(supervisor, listener, origins)
            try:
                start_all(stack, say)
                yield stack
            finally:
                supervisor.stop()
    except (CannotListen, CannotPlan, CannotStart) as error:
        raise Refused(str(error)) from error


def start_all(stack: Stack, say: Say) -> None:
    """Server, migrations, then workers and web together."""
    redis_url = start_server(stack.supervisor)
    stack.supervisor.environment["REDIS_URL"] = redis_url
    tell_commands(Path(stack.supervisor.environment["PLATFORM_LAB_VAR"]), redis_url)
    say(f"Starting {settings.SHARDS} simulation workers, the sweep worker and the web server ...")
    stack.supervisor.migrate()
    stack.supervisor.start([*worker_services(redis_url), *web_services(stack)])


def start_server(supervisor: Supervisor) -> str:
    """The REDIS_URL to use: the given one when it answers, else the embedded server's."""
    given = supervisor.environment.get("REDIS_URL")
    if given:
        if not server_answers(given):
            raise CannotPlan("REDIS_URL is set, but no server answers there: start it, or unset REDIS_URL.")
        return given
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir=os.environ.get("XDG_RUNTIME_DIR") or None))
    supervisor.remove_at_the_end(folder)
    service, redis_url = valkey_service(folder)
    supervisor.start([service])
    return redis_url


def tell_commands(data: Path, redis_url: str) -> None:
    """Write down where this stack's server listens, for commands typed beside it (see environment.embedded_server)."""
    if urlsplit(redis_url).scheme == "unix":
        (data / environment.EMBEDDED_SERVER).write_text(redis_url, encoding="utf-8")


def worker_services(redis_url: str) -> list[Service]:
    """One single-process worker a shard, and the sweep worker with its own processes."""
    live = [worker_service(queue, queue, 1, redis_url) for queue in settings.SHARD_QUEUES]
    return [*live, worker_service("sweep", settings.SWEEP_QUEUE, settings.SWEEP_CONCURRENCY, redis_url)]


def web_services(stack: Stack) -> list[Service]:
    """The web processes; they share one listening socket."""
    address, port = stack.listener.getsockname()[:2]
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    probe = page_answers(local, port, host_of(stack.origins[0]))
    names = ["web", *(f"web.{number}" for number in range(1, settings.WEB_PROCESSES))]
    descriptor, limit = stack.listener.fileno(), settings.SOCKET_MESSAGE_BYTES_MAX
    return [web_service(name, descriptor, probe, limit) for name in names]


def origins_of(host: str, listener: socket, environ: Mapping[str, str]) -> tuple[str, ...]:
    """PLATFORM_LAB_ORIGINS when given, else every address under which this socket is reached."""
    if environ.get("PLATFORM_LAB_ORIGINS"):
        return tuple(settings.ORIGINS)
    return tuple(listening.reachable_origins(host, int(listener.getsockname()[1])))


def child_environment(origins: tuple[str, ...], environ: Mapping[str, str], data: Path) -> dict[str, str]:
    """What every process of the stack gets."""
    return {
        **environ,
        "DJANGO_SETTINGS_MODULE": "platform_lab.settings",
        "PLATFORM_LAB_ORIGINS": ",".join(origins),
        "PLATFORM_LAB_VAR": str(data),
        "PYTHONUNBUFFERED": "1",
    }


def log_folder(data: Path) -> Path:
    """The folder of the logs, made when missing. Raises CannotStart when it cannot be written."""
    logs = data / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=logs):
            pass
    except OSError as error:
        raise CannotStart(
            f"Cannot write in {logs} ({error.strerror}): make the folder writable, "
            "or set PLATFORM_LAB_VAR to one that is."
        ) from error
    return logs


def announce(stack: Stack, say: Say) -> None:
    """The address to open, and for a machine open to others each of its addresses with a QR code."""
    first = stack.origins[0]
    for origin in stack.origins[1:]:
        if not is_loopback(origin):
            say(f"\n{origin}/\n{terminal_code(origin + '/')}")
    say(f"\nPlatform Lab is ready: {first}/   (Ctrl-C stops it; logs: {settings.VAR_DIR}/logs)")


def is_loopback(origin: str) -> bool:
    """Whether only this machine reaches the origin."""
    return host_of(origin).rsplit(":", 1)[0] in environment.LOOPBACK_HOSTS


def terminal_code(text: str) -> str:
    """A QR code drawn with half blocks."""
    drawing = io.StringIO()
    segno.make(text, micro=False).terminal(drawing, compact=True)
    return drawing.getvalue()
