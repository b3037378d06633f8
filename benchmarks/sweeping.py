"""How fast sweeps are on real Celery workers: elections a second on one and on two, and what two gain."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from django.conf import settings

from platform_lab.supervisor.plan import worker_service
from tests.stack import RunningStack, running_stack

ELECTIONS = 10_000


def elections_per_s(stack: RunningStack, elections: int) -> float:
    """Runs of EL-LAN a second, each up to its election, over the stack's sweep workers."""
    order = ("EL-LAN", "--seeds", f"1:{elections}", "--metric", "election_ms")
    answer = stack.manage("sweep", *order, "--workers", "celery", "--json")
    return float(json.loads(answer.stdout)["runs_per_second"])


def rates(elections: int) -> dict[int, float]:
    """Elections a second by the number of worker processes: 1 (the stack's own on two cores) and 2. Two do the whole
    number, one a third."""
    with tempfile.TemporaryDirectory(prefix="lab-b-") as folder, running_stack(Path(folder)) as stack:
        elections_per_s(stack, max(20, elections // 50))  # the workers have imported what they need
        one = elections_per_s(stack, max(20, elections // 3))
        stack.start(worker_service("sweep.second", settings.SWEEP_QUEUE, 1, stack.redis_url))
        elections_per_s(stack, max(20, elections // 10))
        return {1: one, 2: elections_per_s(stack, elections)}
