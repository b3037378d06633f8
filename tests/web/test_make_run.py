"""`make run` in a terminal: the address when it answers, one Ctrl-C, and nothing is left."""

import fcntl
import os
import pty
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack import ROOT
from tests.web.test_supervisor import descendants, environment_for, free_port, none_left

CTRL_C = b"\x03"


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self.text, self._master = process, "", master

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def read_until(self, words: str) -> None:
        """Read on until these words are there; fail when the program ends before."""
        while words not in self.text:
            more = self._read()
            assert more, f"it ended without {words!r}:\n{self.text}"

    def read_to_the_end(self) -> None:
        while self._read():
            pass

    def _read(self) -> str:
        try:
            more = os.read(self._master, 65_536).decode(errors="replace")
        except OSError:  # Linux's way to say that the other side is closed
            more = ""
        self.text += more
        return more


@contextmanager
def terminal(command: list[str], environment: dict[str, str]) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_make_run_prints_its_address_and_one_ctrl_c_ends_it() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lab-s-", ignore_cleanup_errors=True) as folder:
        began = time.monotonic()
        with terminal(["make", "run"], environment_for(Path(folder), PORT=str(port))) as screen:
            screen.read_until(f"Platform Lab is ready: http://127.0.0.1:{port}/")
            assert time.monotonic() - began < 60
            everything = descendants(screen.process.pid)
            assert any("daphne" in command for command in everything.values())
            screen.type(CTRL_C)
            screen.read_to_the_end()
            screen.process.wait(15)
            assert none_left(everything)
            assert "Traceback" not in screen.text
