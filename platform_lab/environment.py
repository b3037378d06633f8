"""Reads the environment: each variable once, strictly, with an error that names it and what is allowed.

Everything raises ImproperlyConfigured; nothing here touches the disk except `secret_key` and
`embedded_server`.
"""

import contextlib
import os
import re
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
EVERY_ADDRESS = ("0.0.0.0", "::")
# In the data folder: where the embedded server of a running stack listens.
EMBEDDED_SERVER = "redis_url"


def text(name: str, default: str) -> str:
    """The variable, or the default when it is unset or empty."""
    return os.environ.get(name) or default


def integer(name: str, default: int, lowest: int, highest: int) -> int:
    """A whole number between two limits, both included."""
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", value) or not lowest <= int(value) <= highest:
        raise ImproperlyConfigured(f"{name}={value!r}: a whole number from {lowest} to {highest} is needed.")
    return int(value)


def flag(name: str) -> bool:
    """1 or 0; off when unset."""
    value = text(name, "0")
    if value not in ("0", "1"):
        raise ImproperlyConfigured(f"{name}={value!r}: 0 or 1 is needed.")
    return value == "1"


def host() -> str:
    """HOST: a name or an address; brackets around IPv6 are allowed."""
    value = text("HOST", "127.0.0.1").strip("[]")
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", value):
        raise ImproperlyConfigured(f"HOST={value!r}: a host name or an address is needed, such as 127.0.0.1.")
    return value


def port() -> int:
    """PORT: 1 to 65535, 8000 when unset."""
    return integer("PORT", 8000, 1, 65535)


def origin(address: str, number: int) -> str:
    """The origin of a page served over plain http at this address and port."""
    return f"http://{bracketed(address)}" if number == 80 else f"http://{bracketed(address)}:{number}"


def bracketed(address: str) -> str:
    """The address as it stands in a URL: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def origins() -> list[str]:
    """Every origin that may open a socket or post a form.

    PLATFORM_LAB_ORIGINS (separated by commas) when given, else what HOST and PORT say.
    """
    given = [item.strip().rstrip("/") for item in os.environ.get("PLATFORM_LAB_ORIGINS", "").split(",")]
    given = [item for item in given if item]
    for item in given:
        parts = urlsplit(item)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise ImproperlyConfigured(
                f"PLATFORM_LAB_ORIGINS: {item!r} is not an origin such as https://lab.example.org."
            )
    hosts = dict.fromkeys([*LOOPBACK_HOSTS, host()])
    return given or [origin(item, port()) for item in hosts if item not in EVERY_ADDRESS]


def redis_url(running: str = "") -> str:
    """REDIS_URL: redis://, rediss:// or unix:// (?db=N); the supervisor sets it for the embedded server.

    Without it the server of the stack that runs, if one does: so commands typed beside `make run` find it.
    """
    value = text("REDIS_URL", running or "redis://127.0.0.1:6379/0")
    try:
        valid = urlsplit(value).scheme in ("redis", "rediss", "unix") and redis_database(value) >= 0
    except ValueError:
        valid = False
    if not valid:
        raise ImproperlyConfigured(
            f"REDIS_URL={value!r}: redis://host:port/db, rediss://... or unix:///path?db=0 is needed."
        )
    return value


def embedded_server(folder: Path) -> str:
    """The address of the embedded server of the stack that keeps its data in this folder; "" when none runs."""
    try:
        url = (folder / EMBEDDED_SERVER).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return url if Path(urlsplit(url).path).is_socket() else ""


def redis_database(url: str) -> int:
    """The database number of a Redis address; 0 when it names none."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return int(dict(parse_qsl(parts.query)).get("db", "0"))
    return int(parts.path.strip("/") or "0")


def redis_use(url: str, use: int) -> str:
    """The address of one use's own database: the given number plus `use`, so that no two uses share keys."""
    parts, number = urlsplit(url), redis_database(url) + use
    if parts.scheme == "unix":
        query = "&".join(f"{key}={value}" for key, value in parse_qsl(parts.query) if key != "db")
        return f"unix://{parts.netloc}{parts.path}?{query}{'&' if query else ''}db={number}"
    return parts._replace(path=f"/{number}").geturl()


def celery_url(url: str) -> str:
    """The same address in Celery's spelling, which differs for unix sockets and wants TLS checks named."""
    if url.startswith("rediss://") and "ssl_cert_reqs" not in url:
        return f"{url}{'&' if urlsplit(url).query else '?'}ssl_cert_reqs=required"
    if not url.startswith("unix://"):
        return url
    return f"redis+socket://{urlsplit(url).path}?virtual_host={redis_database(url)}"


def database(url: str, default: Path) -> dict[str, Any]:
    """Django's DATABASES entry for DATABASE_URL: empty, sqlite:///path or postgresql://user:password@host:port/name."""
    parts = urlsplit(url)
    if not url or parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path[1:])) if url else default)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL: postgresql://user:password@host:port/name or sqlite:///path is needed."
        )
    if find_spec("psycopg") is None:
        raise ImproperlyConfigured(
            "DATABASE_URL names PostgreSQL, whose driver is missing: "
            "install it with .venv/bin/pip install -r requirements-postgresql.txt"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0,  # one thread per request under ASGI: a kept connection would never be used again
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 5,
            "transaction_mode": "IMMEDIATE",  # a writer waits its turn instead of failing half-way
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        },
        # A file, not memory: Celery workers of the tests open the same database.
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},
    }


def secret_key(folder: Path) -> str:
    """PLATFORM_LAB_SECRET_KEY, else the key in the data folder: made at the first run, its owner's alone."""
    given = os.environ.get("PLATFORM_LAB_SECRET_KEY", "")
    if given:
        return given
    path = folder / "secret_key"
    try:
        return _kept_or_new(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot write {path} ({error.strerror}): make the folder writable, "
            "or set PLATFORM_LAB_VAR to one that is."
        ) from error


def _kept_or_new(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written aside and linked, so that two processes starting at once agree on one complete key.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text(encoding="ascii").strip()
