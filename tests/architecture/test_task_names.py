"""Services enqueue by name. Every such name is a registered task; every task has a queue that is served."""

import ast
import re
from pathlib import Path

from django.conf import settings

from platform_lab.celery import app

ROOT = Path(__file__).resolve().parents[2]
TASK_NAME = re.compile(r"(live|sweep)\.[a-z_]+")


def task_names(source: str) -> set[str]:
    """Every text in a piece of source that has the form of a task's name."""
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and TASK_NAME.fullmatch(text)}


def test_every_name_that_a_service_uses_is_a_task() -> None:
    app.loader.import_default_modules()
    services = ROOT / "simulations" / "services"
    sources = [*services.rglob("*.py"), *services.parent.glob("services.py")]
    used = {name for path in sources for name in task_names(path.read_text(encoding="utf-8"))}
    assert used - set(app.tasks) == set()


def test_the_rule_sees_names() -> None:
    source = 'NAME = "live.advance"\napp.send_task("sweep.batch")\nx = "delivered live.now"\n'
    assert task_names(source) == {"live.advance", "sweep.batch"}


def test_every_task_of_ours_goes_to_a_served_queue() -> None:
    app.loader.import_default_modules()
    served = {*settings.SHARD_QUEUES, settings.SWEEP_QUEUE}
    ours = [name for name in app.tasks if not name.startswith("celery.")]
    assert all(name.startswith(("live.", "sweep.")) for name in ours), ours
    assert app.conf.task_default_queue in served
