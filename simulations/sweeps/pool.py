"""A sweep on processes of this machine: nothing else has to run."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from simulations.sweeps.batches import run_batch
from simulations.sweeps.parts import Part, decode
from simulations.sweeps.plan import Plan, batch_size, pieces

BATCH_S = 0.5
AHEAD = 2
"""Batches in the queue for each process, so that none waits for the next one."""

Progress = Callable[[int], None]
"""Told how many runs are done."""


def cores() -> int:
    """How many processes keep this machine busy."""
    return os.cpu_count() or 1


def run_here(plain: str, plan: Plan, processes: int, progress: Progress | None = None) -> list[Part]:
    """Every run of the plan, on so many processes; the parts in order. The numbers do not depend on how many."""
    if processes == 1:
        return _alone(plain, plan, progress)
    # Fresh interpreters: a fork of a process with threads may hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return _spread(pool, plain, plan, processes, progress)


def _alone(plain: str, plan: Plan, progress: Progress | None) -> list[Part]:
    parts: list[Part] = []
    for start, stop in plan.whole_points():
        at = start
        while at < stop:
            part = run_batch(plain, plan, at, stop, limit_s=BATCH_S)
            parts.append(part)
            at = part.stop
            if progress is not None:
                progress(at)
    return parts


def _work(plain: str, plan: Plan, start: int, stop: int) -> bytes:
    """In a process of the pool: as much of the piece as fits into one batch's time."""
    return run_batch(plain, plan, start, stop, limit_s=2 * BATCH_S).encode()


def _spread(
    pool: ProcessPoolExecutor, plain: str, plan: Plan, processes: int, progress: Progress | None
) -> list[Part]:
    """Pieces first of a few runs, then of about BATCH_S each, as measured; what a piece leaves over is queued again."""
    todo = [piece for start, stop in plan.whole_points() for piece in pieces(start, stop, 500)][::-1]
    running: dict[Future[bytes], tuple[int, int]] = {}
    parts: list[Part] = []
    size = 4
    while todo or running:
        while todo and len(running) < processes * AHEAD:
            start, stop = todo.pop()
            if stop - start > size:
                todo.append((start + size, stop))
                stop = start + size
            running[pool.submit(_work, plain, plan, start, stop)] = (start, stop)
        finished, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            _, stop = running.pop(future)
            part = decode(future.result())
            if part.stop < stop:
                todo.append((part.stop, stop))
            parts.append(part)
            size = batch_size(part.runs, part.seconds, BATCH_S)
        if progress is not None:
            progress(sum(part.runs for part in parts))
    return sorted(parts, key=lambda part: part.start)
