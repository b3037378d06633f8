"""Runs everything that is tested and prints how long each part took.

`python -m scripts.check fast|all`. A failing part does not hide the later ones; exit status 1 if any failed.
Called by `make test` and `make test-all`, after scripts/prepare.py.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts.prepare import PAGE, ROOT, VENV, node_environment

BIN = VENV / "bin"


COMPUTING = ("tests/engine", "tests/systems", "tests/scenarios", "tests/architecture")


@dataclass(frozen=True)
class Part:
    """One thing that is checked."""

    name: str
    command: tuple[str, ...]
    folder: Path = ROOT
    node: bool = False


Lane = tuple[Part, ...]
"""Parts that run one after the other."""


def stages() -> list[tuple[Lane, ...]]:
    """Everything, the quick ones first. The lanes of a stage run at the same time, the stages one by one."""
    python = (
        Part("ruff check", (str(BIN / "ruff"), "check", ".")),
        Part("ruff format", (str(BIN / "ruff"), "format", "--check", ".")),
        Part("mypy", (str(BIN / "mypy"),)),
        Part("import contracts", (str(BIN / "lint-imports"), "--no-logo")),
    )
    page = (
        Part("svelte-check", ("npm", "run", "--silent", "check"), PAGE, node=True),
        Part("vitest", ("npm", "test", "--silent"), PAGE, node=True),
    )
    pytest = (str(BIN / "python"), "-m", "pytest")
    # What only computes runs on all cores. What starts servers waits most of the time; what starts browsers as well:
    # the servers' tests run one after the other beside two processes with browsers, each with a stack of its own.
    return [
        (python, page),
        ((Part("pytest, computing", (*pytest, "-n", "auto", *COMPUTING)),),),
        (
            (Part("pytest, web", (*pytest, "tests/web")),),
            (Part("pytest, e2e", (*pytest, "-n", "2", "--dist", "loadfile", "tests/e2e")),),
        ),
    ]


Result = tuple[str, bool, float]
"""Name of a part, whether it passed, seconds."""


def run(part: Part, suite: str, shown: bool) -> Result:
    """Run one part. Its output is shown as it comes, or when it is over if another lane runs beside it."""
    environment = node_environment() if part.node else dict(os.environ)
    environment |= {"PLATFORM_LAB_SUITE": suite, "CI": "1"}
    began = time.monotonic()
    if shown:
        print(f"\n== {part.name}", flush=True)
    done = subprocess.run(
        part.command,
        cwd=part.folder,
        env=environment,
        check=False,
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.STDOUT,
    )
    if not shown:
        text = done.stdout.decode(errors="replace")
        print(f"\n== {part.name}\n{text}", end="", flush=True)
    return part.name, done.returncode == 0, time.monotonic() - began


def run_lane(lane: Lane, suite: str, shown: bool) -> list[Result]:
    """Run the parts of a lane, one after the other."""
    return [run(part, suite, shown) for part in lane]


def run_stage(lanes: tuple[Lane, ...], suite: str) -> list[Result]:
    """Run the lanes of a stage at the same time."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        running = [pool.submit(run_lane, lane, suite, len(lanes) == 1) for lane in lanes]
        return [result for one in running for result in one.result()]


def main(suite: str) -> int:
    """Run all parts; 0 when every one passed."""
    began = time.monotonic()
    results = [result for lanes in stages() for result in run_stage(lanes, suite)]
    print("\n== times")
    for name, passed, seconds in results:
        print(f"{name:18} {seconds:8.1f} s  {'passed' if passed else 'FAILED'}")
    print(f"{'all':18} {time.monotonic() - began:8.1f} s")
    failed = [name for name, passed, _ in results if not passed]
    print("\nAll parts passed." if not failed else f"\nFailed: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "fast"))
    except KeyboardInterrupt:
        sys.exit(130)
