"""Ends every process of the stack when the supervisor is gone, however it went.

The supervisor holds the other end of this process's standard input and writes one line for each change:
`+123` (process group 123 has started), `-123` (it has ended), `folder PATH` (remove this at the end).
End of file means that the supervisor has ended: the kernel closes the pipe even after SIGKILL, everywhere.
Standard library only, so that it starts at once and stays small.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 3.0


def main(lines: Iterable[str]) -> None:
    """Follow the supervisor's lines until they stop, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, None] = {}
    folders: list[str] = []
    for line in lines:
        word = line.strip()
        if word.startswith("+"):
            groups[int(word[1:])] = None
        elif word.startswith("-"):
            groups.pop(int(word[1:]), None)
        elif word.startswith("folder "):
            folders.append(word.removeprefix("folder "))
    end(list(groups), GRACE_S)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def end(groups: list[int], grace_s: float) -> None:
    """Ask every process group to stop; after the grace period kill what is left."""
    for group in groups:
        tell(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline and any(tell(group, 0) for group in groups):
        time.sleep(0.05)
    for group in groups:
        tell(group, signal.SIGKILL)


def tell(group: int, number: int) -> bool:
    """Send a signal to a process group (0: only ask); whether there was anyone to receive it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main(sys.stdin)
