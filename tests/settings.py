"""Settings of the tests: the project's own, with data and Valkey in a temporary folder of this test run."""

import os
import tempfile
from pathlib import Path

# Short, because a unix socket's path is limited to about 100 bytes. Processes that a test starts share it.
FOLDER = Path(os.environ.get("PLATFORM_LAB_TEST_FOLDER") or tempfile.mkdtemp(prefix="lab-t-"))
# Tests that run side by side have one each: whoever ends first removes its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
if WORKER and FOLDER.name != WORKER:
    FOLDER /= WORKER
    FOLDER.mkdir(parents=True, exist_ok=True)

os.environ["PLATFORM_LAB_TEST_FOLDER"] = str(FOLDER)
os.environ["PLATFORM_LAB_VAR"] = str(FOLDER)
os.environ["PLATFORM_LAB_SHARDS"] = "2"
os.environ["PLATFORM_LAB_SWEEP_CONCURRENCY"] = "1"
# Never the REDIS_URL of the shell: tests empty their databases. Where the embedded server does not exist,
# name a server of your own that nobody else uses.
os.environ["REDIS_URL"] = os.environ.get("PLATFORM_LAB_TEST_REDIS_URL") or f"unix://{FOLDER}/v.sock?db=0"
for name in ("HOST", "PORT", "DATABASE_URL", "PLATFORM_LAB_ORIGINS", "PLATFORM_LAB_DEBUG"):
    os.environ.pop(name, None)

from platform_lab.settings import *  # noqa: E402, F403
