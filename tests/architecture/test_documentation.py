"""What the documentation says is true: its commands run, its links lead somewhere, the parts it names exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def commands() -> list[tuple[str, str]]:
    """(page, command) for every line of a code block that runs our Python; placeholders left out."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```\w*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                command = line.split("  #")[0].strip()
                if command.startswith(".venv/bin/python ") and not re.search(
                    r"[A-Z]{4,}|<", command.split()[-1]
                ):
                    found.append((page.name, command))
    return found


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_runs(page: str, command: str) -> None:
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_two_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(
        r"^make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name


def test_the_parts_of_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    engine = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    names = [name for row in engine for name in re.findall(r"`([a-z_]+(?:\.py|/))`", row)]
    missing = [name for name in names if not (ROOT / "simulations/engine" / name).exists()]
    assert names
    assert missing == []
    paths = re.findall(r"`((?:tests|docs|simulations|platform_lab|frontend)/[\w./-]*?)`", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_changelog_has_no_machine_talk() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## Unreleased" in text
    assert not re.search(r"\b(refactor|mypy|ruff|CI)\b", text)
