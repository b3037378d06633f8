"""The real stack as a test sees it: where it answers, and how to break and mend its parts."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platform_lab.supervisor.child import Child, Service
from platform_lab.supervisor.serve import Stack, started

ROOT = Path(__file__).resolve().parent.parent


def wait_until(condition: Callable[[], object], what: str, limit_s: float = 30.0) -> None:
    """Wait until the condition holds; fail with what was waited for."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s} s in vain: {what}"
        time.sleep(0.02)


class RunningStack:
    """Valkey, workers and web as real processes with a database of their own.

    `base_url` is the page's origin without a closing slash; `environment` is what a `manage.py` call needs
    for the same database and server. Process names: valkey, sim.0, sim.1, sweep, web.
    """

    def __init__(self, stack: Stack, data: Path) -> None:
        self._stack = stack
        self.data = data
        self.base_url = stack.origins[0]
        self.environment: Mapping[str, str] = stack.supervisor.environment

    @property
    def websocket_url(self) -> str:
        """The same origin for sockets: ws://127.0.0.1:PORT."""
        return self.base_url.replace("http", "ws", 1)

    @property
    def redis_url(self) -> str:
        """The address of the stack's own Valkey, database 0."""
        return self.environment["REDIS_URL"]

    def child(self, name: str) -> Child:
        """One process: `.pid`, `.log`."""
        return self._stack.supervisor.children[name]

    def start(self, service: Service) -> None:
        """One process more; the stack's end is its end."""
        self._stack.supervisor.start([service])

    def kill(self, name: str) -> None:
        """SIGKILL to a process and its helpers. It stays dead until `restart`."""
        self.child(name).kill()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Within the block a process neither answers nor ends."""
        pid = self.child(name).pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def restart(self, name: str) -> None:
        """Kill it if it still runs, start it again, and wait until it answers."""
        child = self.child(name)
        child.kill()
        if name.startswith(("sim", "sweep")):
            self._forget_heartbeat(name)
        child.start()
        wait_until(child.service.ready, f"{name} is ready again")

    def _forget_heartbeat(self, queue: str) -> None:
        import redis

        from platform_lab.celery import HEARTBEAT_KEY
        from platform_lab.environment import redis_use

        with redis.Redis.from_url(redis_use(self.redis_url, 2)) as client:
            client.delete(f"{HEARTBEAT_KEY}{queue}")

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `manage.py ARGUMENTS` against this stack's database and server."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=dict(self.environment), capture_output=True, text=True, check=check
        )

    def get(self, path: str) -> tuple[int, bytes]:
        """GET a path: status and body, whatever the status."""
        try:
            with urllib.request.urlopen(self.base_url + path, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def health(self) -> dict[str, Any]:
        """What /healthz says."""
        result: dict[str, Any] = json.loads(self.get("/healthz")[1])
        return result


@contextmanager
def running_stack(data: Path, host: str = "127.0.0.1", **environment: str) -> Iterator[RunningStack]:
    """Start a stack of its own on a free port, with its data in this folder."""
    inherited = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    if "PLATFORM_LAB_TEST_REDIS_URL" in os.environ:
        inherited["REDIS_URL"] = os.environ["PLATFORM_LAB_TEST_REDIS_URL"]
    with started(host, 0, inherited | environment, data, lambda _: None, signals=False) as stack:
        yield RunningStack(stack, data)
