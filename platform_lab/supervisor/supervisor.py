"""Starts the stack in order, watches it, restarts what dies, and stops all of it."""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from platform_lab.supervisor.child import Child, Guard, Service, shorten_log

START_LIMIT_S = 60.0
STARTS_MAX = 4
REASON_MAX = 500
# A process that has run this long was healthy: its next restart is immediate again.
HEALTHY_AFTER_S = 30.0
RESTART_DELAY_S_MAX = 15.0
CHECK_EVERY_S = 10.0
# A process that does not answer for this many checks is stuck: it is killed and started again.
SILENT_CHECKS_MAX = 6
TICK_S = 0.5


class CannotStart(Exception):
    """Its text is one sentence for the person at the terminal, and the end of a log."""


class Stopped(Exception):
    """Somebody asked to stop while the stack was starting."""


class Supervisor:
    """Owns the processes. Single-threaded: signals wake it, and it looks at every process twice a second."""

    def __init__(self, environment: Mapping[str, str], logs: Path, say: Callable[[str], None]) -> None:
        self.children: dict[str, Child] = {}
        self.environment, self._logs, self._say = dict(environment), logs, say
        self.guard = Guard()
        self._stop_requests = 0
        self._wake_read, self._wake_write = os.pipe()
        self._next_check = 0.0

    # Starting

    def start(self, services: Iterable[Service]) -> None:
        """Start these together and wait until each is ready.

        Raises CannotStart when one keeps ending or is not ready within a minute; Stopped on Ctrl-C.
        """
        waiting = [self._add(service) for service in services]
        deadline = time.monotonic() + START_LIMIT_S
        while waiting:
            self._start_again_what_ended(during_start=True)
            waiting = [child for child in waiting if not child.service.ready()]
            if waiting and time.monotonic() > deadline:
                raise CannotStart(
                    self._failure(waiting[0], f"is not ready after {START_LIMIT_S:.0f} seconds")
                )
            if waiting:
                self._sleep(0.05)

    def migrate(self) -> None:
        """Bring the database up to date. Raises CannotStart with the reason."""
        command = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            # The last exception, without the name of its class: it may have several lines.
            reason = re.split(r"^(?:\w+\.)+\w+: ", done.stderr.strip(), flags=re.MULTILINE)[-1]
            reason = " ".join(reason.split())[-REASON_MAX:] or "no reason given"
            named = " (DATABASE_URL says where it is)" if self.environment.get("DATABASE_URL") else ""
            raise CannotStart(f"The database cannot be prepared: {reason}{named}")

    def remove_at_the_end(self, folder: Path) -> None:
        """Have the guard remove this folder when everything has ended."""
        self.guard.remove(folder)

    def _add(self, service: Service) -> Child:
        child = Child(service, self.environment, self._logs, self.guard)
        self.children[service.name] = child
        child.start()
        return child

    # Watching

    def watch(self) -> None:
        """Keep everything running until somebody asks to stop."""
        self._next_check = time.monotonic() + CHECK_EVERY_S
        while True:
            try:
                self._sleep(TICK_S)
            except Stopped:
                return
            self.guard.revive()
            self._start_again_what_ended(during_start=False)
            if time.monotonic() > self._next_check:
                self.check()
                self._next_check = time.monotonic() + CHECK_EVERY_S

    def _start_again_what_ended(self, during_start: bool) -> None:
        for child in self.children.values():
            if child.restart_at is None and child.ended():
                self._plan_restart(child, during_start)
            if child.restart_at is not None and time.monotonic() >= child.restart_at:
                child.start()

    def _plan_restart(self, child: Child, during_start: bool) -> None:
        now = time.monotonic()
        child.failures = 1 if now - child.started_at > HEALTHY_AFTER_S else child.failures + 1
        if during_start and child.failures >= STARTS_MAX:
            raise CannotStart(self._failure(child, "ends as soon as it is started"))
        delay_s = 0.0 if child.failures == 1 else min(0.5 * 2 ** (child.failures - 1), RESTART_DELAY_S_MAX)
        child.restart_at = now + delay_s
        if not during_start:
            self._say(f"{child.service.name} has ended: starting it again. Its log is {child.log}")

    def check(self) -> None:
        """Ask every process whether it answers; one that has been silent for a minute is started again."""
        for child in self.children.values():
            shorten_log(child.log)
            child.silent_checks = 0 if child.service.ready() else child.silent_checks + 1
            if child.silent_checks >= SILENT_CHECKS_MAX:
                self._say(f"{child.service.name} does not answer: starting it again. Its log is {child.log}")
                child.kill()
                child.start()

    def _failure(self, child: Child, what: str) -> str:
        return f"{child.service.name} {what}. The end of {child.log}:\n{child.last_lines()}"

    # Stopping

    def stop(self) -> None:
        """Stop the workers and the web, then the server they talk to. A second Ctrl-C kills at once."""
        self._stop_requests = min(self._stop_requests, 1)
        groups = self._in_order_of_stopping()
        for children in groups:
            for child in children:
                child.ask_to_stop()
            for child in children:
                self._stop_within_grace(child)
        self.guard.close()

    def _in_order_of_stopping(self) -> list[list[Child]]:
        rest = [child for child in self.children.values() if child.service.name != "valkey"]
        server = [child for child in self.children.values() if child.service.name == "valkey"]
        return [rest, server]

    def _stop_within_grace(self, child: Child) -> None:
        deadline = time.monotonic() + child.service.grace_s
        while child.process and child.process.poll() is None and time.monotonic() < deadline:
            if self._stop_requests > 1:
                break
            select.select([], [], [], 0.02)
        child.stop(deadline=0.0)

    # Signals

    def listen_to_signals(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal ask to stop; the end of a child wakes the watch at once."""
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._request_stop)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks to survive the terminal
            signal.signal(signal.SIGHUP, self._request_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _request_stop(self, *_: object) -> None:
        self._stop_requests += 1

    def _sleep(self, seconds: float) -> None:
        ready, _, _ = select.select([self._wake_read], [], [], seconds)
        if ready:
            os.read(self._wake_read, 4096)
        if self._stop_requests:
            raise Stopped
