"""Settings come from the environment, strictly."""

import socket
import tempfile
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from platform_lab import environment
from platform_lab.supervisor import listener


def test_loopback_names_are_the_default_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLATFORM_LAB_ORIGINS", raising=False)
    assert environment.origins() == ["http://127.0.0.1:8000", "http://localhost:8000"]


def test_given_origins_are_the_only_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_LAB_ORIGINS", "https://lab.example.org/, http://10.0.0.7:8000")
    assert environment.origins() == ["https://lab.example.org", "http://10.0.0.7:8000"]


@pytest.mark.parametrize("value", ["lab.example.org", "ftp://a", "https://a/path", "https://"])
def test_what_is_no_origin_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PLATFORM_LAB_ORIGINS", value)
    with pytest.raises(ImproperlyConfigured, match="PLATFORM_LAB_ORIGINS"):
        environment.origins()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", ["http://127.0.0.1:81", "http://localhost:81"]),
        ("192.0.2.5", ["http://192.0.2.5:81"]),
        ("::1", ["http://[::1]:81"]),
    ],
)
def test_origins_follow_the_listening_address(host: str, expected: list[str]) -> None:
    assert listener.reachable_origins(host, 81) == expected


def test_open_to_others_lists_loopback_first_and_then_every_address() -> None:
    found = listener.reachable_origins("0.0.0.0", 80)
    assert found[:2] == ["http://127.0.0.1", "http://localhost"]
    assert found[2:] == [f"http://{address}" for address in listener.addresses()]


@pytest.mark.parametrize(
    ("url", "use", "expected", "celery"),
    [
        ("redis://h:6379/0", 2, "redis://h:6379/2", "redis://h:6379/2"),
        ("redis://:secret@h", 1, "redis://:secret@h/1", "redis://:secret@h/1"),
        ("rediss://h/1", 1, "rediss://h/2", "rediss://h/2?ssl_cert_reqs=required"),
        ("unix:///p/v.sock", 0, "unix:///p/v.sock?db=0", "redis+socket:///p/v.sock?virtual_host=0"),
        ("unix:///p/v.sock?db=3", 2, "unix:///p/v.sock?db=5", "redis+socket:///p/v.sock?virtual_host=5"),
    ],
)
def test_each_use_has_its_own_database(url: str, use: int, expected: str, celery: str) -> None:
    assert environment.redis_use(url, use) == expected
    assert environment.celery_url(expected) == celery


@pytest.mark.parametrize("value", ["localhost", "redis://h/x", "http://h"])
def test_what_is_no_redis_address_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
        environment.redis_url()


def test_commands_find_the_server_of_the_stack_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    assert environment.embedded_server(tmp_path) == ""
    with tempfile.TemporaryDirectory(prefix="lab-t-") as folder, socket.socket(socket.AF_UNIX) as server:
        url = f"unix://{folder}/v.sock?db=0"
        (tmp_path / "redis_url").write_text(url)
        assert environment.embedded_server(tmp_path) == ""
        server.bind(f"{folder}/v.sock")
        assert environment.redis_url(environment.embedded_server(tmp_path)) == url
        monkeypatch.setenv("REDIS_URL", "redis://h:6379/0")
        assert environment.redis_url(environment.embedded_server(tmp_path)) == "redis://h:6379/0"


def test_sqlite_waits_for_the_other_writer(tmp_path: Path) -> None:
    options = environment.database("", tmp_path / "a.sqlite3")["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert environment.database("sqlite:////data/b.sqlite3", tmp_path)["NAME"] == "/data/b.sqlite3"


@pytest.mark.parametrize("url", ["mysql://a/b", "postgresql://host", "nonsense"])
def test_what_is_no_database_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        environment.database(url, tmp_path)


def test_the_key_is_made_once_and_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLATFORM_LAB_SECRET_KEY", raising=False)
    first = environment.secret_key(tmp_path / "var")
    assert environment.secret_key(tmp_path / "var") == first
    assert len(first) >= 50
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o077 == 0
    assert list((tmp_path / "var").iterdir()) == [tmp_path / "var" / "secret_key"]


def test_a_given_key_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_LAB_SECRET_KEY", "given")
    assert environment.secret_key(tmp_path / "var") == "given"
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("value", ["0", "65536", "-1", "1e3", "９"])
def test_a_port_is_a_number_with_limits(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match=r"^PORT=.*from 1 to 65535"):
        environment.port()
