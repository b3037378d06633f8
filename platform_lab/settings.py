"""Django's settings. Every choice an operator has is an environment variable.

HOST, PORT, DATABASE_URL, REDIS_URL, and with PLATFORM_LAB_ in front: VAR, SECRET_KEY, ORIGINS, DEBUG, SHARDS,
SWEEP_CONCURRENCY, WEB_PROCESSES. platform_lab.environment reads them and says what is allowed.
"""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from platform_lab import environment

BASE_DIR = Path(__file__).resolve().parent.parent
# Everything that is written at run time: database, key, logs.
VAR_DIR = Path(environment.text("PLATFORM_LAB_VAR", str(BASE_DIR / "var"))).resolve()

SECRET_KEY = environment.secret_key(VAR_DIR)
DEBUG = environment.flag("PLATFORM_LAB_DEBUG")

# Origins that may open a socket or post a form; the hosts Django answers to follow from them.
ORIGINS = environment.origins()
ALLOWED_HOSTS = [environment.bracketed(urlsplit(item).hostname or "") for item in ORIGINS]
ALLOWED_HOSTS += environment.LOOPBACK_HOSTS  # health checks ask from the machine itself
CSRF_TRUSTED_ORIGINS = ORIGINS
BEHIND_HTTPS = all(item.startswith("https://") for item in ORIGINS)

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "csp",
    "channels",
    "simulations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "platform_lab.compression.TextCompression",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

ROOT_URLCONF = "platform_lab.urls"
ASGI_APPLICATION = "platform_lab.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

DATABASE_FILE = VAR_DIR / "platform_lab.sqlite3"
DATABASES = {"default": environment.database(os.environ.get("DATABASE_URL", ""), DATABASE_FILE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Languages
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Static files: WhiteNoise serves the folders themselves, so nothing has to be collected
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False


def immutable_file(path: str, url: str) -> bool:
    """Whether a file's name carries a hash of its content, as the names Vite gives do: `app-D3adBeef.js`."""
    return "/build/" in url and re.search(r"[.-][A-Za-z0-9_-]{8}\.[a-z0-9]+$", url) is not None


WHITENOISE_IMMUTABLE_FILE_TEST = immutable_file

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    }
}
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CONTENT_TYPE_NOSNIFF = True
# Browsers ignore it over plain http and complain in the console, which a page in a classroom is served by.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if BEHIND_HTTPS else None
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = BEHIND_HTTPS
CSRF_COOKIE_SECURE = BEHIND_HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "simulations.api.without_token"
# A form or an uploaded experiment; larger bodies are refused before they are read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
if BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Valkey or Redis: one database for each use, because the broker's key prefix covers the broker alone.
REDIS_URL = environment.redis_url(environment.embedded_server(VAR_DIR))
BROKER_REDIS_URL = environment.redis_use(REDIS_URL, 0)
CHANNELS_REDIS_URL = environment.redis_use(REDIS_URL, 1)
# Leases, command numbers, hot chunks, worker heartbeats: what the product itself keeps there.
LIVE_REDIS_URL = environment.redis_use(REDIS_URL, 2)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [CHANNELS_REDIS_URL], "prefix": "lab"},
    }
}
# The largest message a browser may send over a socket, in bytes.
SOCKET_MESSAGE_BYTES_MAX = 65_536

# Celery: live runs on one single-process worker a shard, sweeps on workers of their own
CORES = os.cpu_count() or 1
SHARDS = environment.integer("PLATFORM_LAB_SHARDS", min(CORES, 8), 1, 64)
SHARD_QUEUES = tuple(f"sim.{number}" for number in range(SHARDS))
SWEEP_QUEUE = "sweep"
SWEEP_CONCURRENCY = environment.integer("PLATFORM_LAB_SWEEP_CONCURRENCY", max(1, CORES - 1), 1, 256)
WEB_PROCESSES = environment.integer("PLATFORM_LAB_WEB_PROCESSES", 1, 1, 16)

CELERY_BROKER_URL = environment.celery_url(BROKER_REDIS_URL)
CELERY_RESULT_BACKEND = CELERY_BROKER_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # More than the longest hard limit, or a running sweep batch would be given out twice.
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": "pg:",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # KiB
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_WORKER_SEND_TASK_EVENTS = False
# `live.*` tasks name their shard when they are sent; anything without a queue would otherwise wait for ever.
CELERY_TASK_DEFAULT_QUEUE = SWEEP_QUEUE
CELERY_TASK_ROUTES = {"sweep.*": {"queue": SWEEP_QUEUE}}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"level": "INFO"},
        "django.security.DisallowedHost": {"level": "ERROR"},
        "celery": {"level": "WARNING"},
    },
}
