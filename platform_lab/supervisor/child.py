"""One process of the stack: how it is started, watched and stopped."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from platform_lab.supervisor.guard import tell

LOG_BYTES_MAX = 10_000_000
LOG_BYTES_KEPT = 1_000_000
PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child between fork and exec should do as little as possible.
C_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Service:
    """What to run. `ready` asks whether it answers and returns within about a second."""

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()
    grace_s: float = 3.0


class Guard:
    """The supervisor's end of the guard process (see platform_lab.supervisor.guard)."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        path = Path(__file__).with_name("guard.py")
        return subprocess.Popen(
            [sys.executable, "-S", "-E", str(path)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The guard's own process number."""
        return self._process.pid

    def watch(self, group: int) -> None:
        """End this process group when the supervisor is gone."""
        self._say(f"+{group}")

    def forget(self, group: int) -> None:
        """The group has ended: its number may soon belong to somebody else."""
        self._lines.pop(f"+{group}", None)
        self._write(f"-{group}")

    def remove(self, folder: Path) -> None:
        """Remove this folder when the supervisor is gone."""
        self._say(f"folder {folder}")

    def _say(self, line: str) -> None:
        self._lines[line] = None
        self._write(line)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self.revive()

    def revive(self) -> None:
        """Start the guard again if somebody killed it, and tell it everything."""
        if self._process.poll() is None:
            return
        self._process = self._start()
        for line in self._lines:
            self._write(line)

    def close(self) -> None:
        """Let the guard do its last round and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Child:
    """A service and its current process, if any. All times are seconds of the monotonic clock."""

    def __init__(self, service: Service, environment: Mapping[str, str], logs: Path, guard: Guard) -> None:
        self.service = service
        self.log = logs / f"{service.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.failures = 0
        self.silent_checks = 0
        self._environment = {**environment, **service.environment}
        self._guard = guard

    @property
    def pid(self) -> int:
        """The process number; 0 when it does not run."""
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Start the process in a session of its own: Ctrl-C in the terminal reaches the supervisor alone."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.service.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                pass_fds=self.service.descriptors,
                preexec_fn=partial(end_with_parent, os.getpid()) if C_LIBRARY else None,
            )
        self.started_at, self.restart_at, self.silent_checks = time.monotonic(), None, 0
        self._guard.watch(self.process.pid)

    def ended(self) -> bool:
        """Whether the process has ended by itself; its group is cleared away then."""
        if self.process is None or self.process.poll() is None:
            return False
        self._clear()
        return True

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself; it stops its own helpers in order."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def stop(self, deadline: float) -> None:
        """Wait for the end until the deadline, then kill the whole group."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self._clear()

    def kill(self) -> None:
        """SIGKILL to the process and all its helpers, now."""
        self.stop(deadline=0.0)

    def _clear(self) -> None:
        assert self.process is not None
        tell(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._guard.forget(self.process.pid)

    def last_lines(self, count: int = 12) -> str:
        """The end of the log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        except OSError:
            return ""


def shorten_log(path: Path) -> None:
    """Keep only the end of a log that has grown too long. Its writer appends, so it goes on there."""
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        with path.open("rb") as log:
            log.seek(-LOG_BYTES_KEPT, os.SEEK_END)
            end = log.read()
        path.write_bytes(end)


def end_with_parent(parent: int) -> None:
    """Ask Linux to end this process with its parent. The guard covers other platforms and grandchildren."""
    assert C_LIBRARY is not None
    C_LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended in between
        os._exit(1)
