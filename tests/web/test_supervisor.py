"""The supervisor with the real stack: it answers, mends itself, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from platform_lab.supervisor.child import LOG_BYTES_MAX, Service, shorten_log
from platform_lab.supervisor.supervisor import CannotStart, Supervisor
from tests.stack import ROOT, wait_until

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a unix socket in it must stay below 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="lab-s-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def environment_for(data: Path, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "HOST", "PORT")}
    fixed = {"DJANGO_SETTINGS_MODULE": "platform_lab.settings", "PLATFORM_LAB_VAR": str(data)}
    return {**kept, **fixed, "PLATFORM_LAB_SHARDS": "1", "TMPDIR": str(data), **changes}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """`manage.py serve` as a person starts it, with everything it prints."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path, port: int) -> None:
        self.process, self.output, self.port = process, output, port

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        wait_until(lambda: "ready:" in self.text() or self.process.poll() is not None, "ready", START_LIMIT_S)
        assert self.process.poll() is None, self.text()

    def status(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
            return int(answer.status)


@contextmanager
def serving(folder: Path, **changes: str) -> Iterator[Served]:
    port, output = free_port(), folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment_for(folder, PORT=str(port), PYTHONUNBUFFERED="1", **changes),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Served(process, output, port)
    finally:
        process.kill()
        process.wait()


def processes() -> dict[int, tuple[int, str]]:
    """Every process that still runs: its parent and command line. Zombies do not run."""
    listed = subprocess.run(
        ["ps", "axww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and "Z" not in row[2]}


def descendants(pid: int) -> dict[int, str]:
    found: dict[int, str] = {}
    table = processes()
    while True:
        more = {child: args for child, (parent, args) in table.items() if parent in {pid, *found}}
        if set(more) <= set(found):
            return found
        found |= more


def none_left(pids: dict[int, str]) -> bool:
    return not set(pids) & set(processes())


def run_serve(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `serve` where it must refuse; its output."""
    return subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=environment_for(folder, **changes),
        capture_output=True,
        text=True,
        timeout=START_LIMIT_S,
        check=False,
    )


def test_it_answers_mends_itself_and_stops_on_ctrl_c(folder: Path) -> None:
    with serving(folder) as served:
        served.wait_until_ready()
        assert served.status() == 200
        started = descendants(served.process.pid)
        joined = " ".join(started.values())
        assert all(word in joined for word in ("valkey-server", "sim.0", "sweep", "daphne", "guard.py"))

        worker = min(pid for pid, args in started.items() if "sim.0" in args)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: "sim.0 has ended" in served.text(), "the supervisor says so")

        def another_worker() -> bool:
            return any(
                "sim.0" in args and pid != worker for pid, args in descendants(served.process.pid).items()
            )

        wait_until(another_worker, "another worker")
        wait_until(lambda: served.status() == 200, "healthy again")

        everything = started | descendants(served.process.pid)
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(STOP_LIMIT_S) == 0
        assert none_left(everything)
        assert not list(folder.glob("lab-*"))


def test_nothing_is_left_when_the_supervisor_is_killed(folder: Path) -> None:
    with serving(folder) as served:
        served.wait_until_ready()
        everything = descendants(served.process.pid)
        assert len(everything) > 5
        served.process.kill()
        wait_until(lambda: none_left(everything), "every process has ended", STOP_LIMIT_S)
        wait_until(lambda: not list(folder.glob("lab-*")), "the socket's folder is gone")


def test_ctrl_c_while_starting_leaves_nothing(folder: Path) -> None:
    with serving(folder) as served:
        wait_until(lambda: "Starting" in served.text(), "it is starting", START_LIMIT_S)
        everything = descendants(served.process.pid)
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(STOP_LIMIT_S) == 0
        assert none_left(everything)
        assert "Stopped before everything was ready." in served.text()


def test_every_address_with_its_code_when_open_to_others(folder: Path) -> None:
    with serving(folder, HOST="0.0.0.0") as served:
        served.wait_until_ready()
        text = served.text()
        assert f"ready: http://127.0.0.1:{served.port}/" in text
        others = re.findall(rf"^http://([0-9.]+):{served.port}/$", text, re.MULTILINE)
        assert text.count("█") > 50 * len(others)
        for address in others:
            with urllib.request.urlopen(f"http://{address}:{served.port}/healthz", timeout=10) as answer:
                assert answer.status == 200


def test_a_taken_port_is_one_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_serve(folder, PORT=str(port))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Port {port} is taken")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PLATFORM_LAB_VAR": "/dev/null/data"}, "make the folder writable"),
        ({"PORT": "eighty"}, "PORT='eighty': a whole number from 1 to 65535 is needed."),
        ({"HOST": "192.0.2.7"}, "This machine cannot listen on HOST=192.0.2.7"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "no server answers there"),
        ({"REDIS_URL": "http://127.0.0.1"}, "REDIS_URL='http://127.0.0.1'"),
        (
            {"DATABASE_URL": "sqlite:////dev/null/file"},
            "unable to open database file (DATABASE_URL says where it is)",
        ),
        ({"DATABASE_URL": "mysql://a/b"}, "postgresql://user:password@host:port/name"),
    ],
)
def test_each_wrong_setting_is_one_sentence(folder: Path, changes: dict[str, str], sentence: str) -> None:
    done = run_serve(folder, PORT=changes.pop("PORT", str(free_port())), **changes)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


# The supervisor alone, with small processes


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    said: list[str] = []
    owner = Supervisor(os.environ, tmp_path, said.append)
    yield owner
    owner.stop()


def test_a_process_that_keeps_ending_is_reported_with_its_log(supervisor: Supervisor) -> None:
    argv = (sys.executable, "-c", "print('the reason it gave')")
    with pytest.raises(CannotStart, match=r"broken ends as soon as it is started(.|\n)*the reason it gave"):
        supervisor.start([Service("broken", argv, lambda: False)])


def test_a_process_that_falls_silent_is_started_again(supervisor: Supervisor) -> None:
    answers = [True]
    argv = (sys.executable, "-c", "import time; time.sleep(600)")
    supervisor.start([Service("silent", argv, lambda: answers[0])])
    first = supervisor.children["silent"].pid
    answers[0] = False
    for _ in range(5):
        supervisor.check()
    assert supervisor.children["silent"].pid == first
    supervisor.check()
    assert supervisor.children["silent"].pid != first


def test_a_process_that_ignores_the_request_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    supervisor.start([Service("stubborn", (sys.executable, "-c", code), ready.exists, grace_s=0.3)])
    pid = supervisor.children["stubborn"].pid
    supervisor.stop()
    assert pid not in processes()
    supervisor.children.clear()


def test_the_guard_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start([Service("quiet", (sys.executable, "-c", "import time; time.sleep(600)"), lambda: True)])
    first = supervisor.guard.pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in processes(), "the guard is gone")
    supervisor.guard.revive()
    assert supervisor.guard.pid != first
    assert "guard.py" in processes()[supervisor.guard.pid][1]


def test_a_long_log_keeps_its_end_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    with log.open("ab") as writer:
        writer.write(b"x" * (LOG_BYTES_MAX + 1) + b"\nthe end\n")
        writer.flush()
        shorten_log(log)
        writer.write(b"after it\n")
    assert log.stat().st_size < LOG_BYTES_MAX / 2
    assert log.read_bytes().endswith(b"x\nthe end\nafter it\n")
