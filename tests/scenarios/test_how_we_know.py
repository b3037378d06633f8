"""The page "How we know": its commands run (with few seeds), its tests exist, its table names every check."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from simulations.engine.systems.raft import SYSTEM

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-we-know.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^manage\.py (.+)$", PAGE, re.MULTILINE)
SMALL = {"--seeds": "1:4", "--runs": "3"}


def small(command: str, folder: Path) -> list[str]:
    """The words of a command with few runs; figures go elsewhere."""
    words = command.split()
    words = [SMALL.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    if words[0] == "figures":
        return [*words, *(["split-votes"] if len(words) == 1 else []), "--runs", "3", "--out", str(folder)]
    return words


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    words = small(command, tmp_path)
    if words[0] in ("figures", "sweep"):
        words += ["--workers", "1"]
    output = io.StringIO()
    code: object = None
    try:
        call_command(*words, stdout=output)
    except SystemExit as end:
        code = end.code
    assert not code, output.getvalue()
    assert output.getvalue().strip()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?:tests|benchmarks|docs)/[\w/.-]+\.\w+", PAGE))))
def test_what_it_points_at_exists(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("name", ["elections-lan", "elections-wan", "split-votes"])
def test_the_figures_are_there(name: str) -> None:
    assert f"figures/{name}.svg" in PAGE
    text = (ROOT / "docs" / "figures" / f"{name}.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert text.count("<polyline") >= 3
    assert text.count("<circle") >= 3


def test_every_invariant_is_in_the_table_with_a_test_that_exists() -> None:
    table = PAGE[PAGE.index("| check | also called") :].split("\n\n")[0]
    rows = dict(re.findall(r"^\| (\w+) \| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)[1:])
    assert set(rows) == set(SYSTEM.checks) - {"logs_equal"}
    for name, fires in rows.items():
        for file, test in re.findall(r"(test_\w+\.py)::(\w+)", fires):
            assert f"def {test}(" in (ROOT / "tests" / "systems" / "raft" / file).read_text(), name
        for twins in re.findall(r"twins? ([\w, ]+)", fires):
            assert set(twins.split(", ")) <= set(SYSTEM.twins), name
