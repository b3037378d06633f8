"""How quickly a run goes back, and how much memory its marks take (simulations/live/worlds.py keeps them)."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

from benchmarks.engine import SECOND, experiment
from simulations.collecting import collect_only_the_young
from simulations.engine.experiment import to_plain
from simulations.engine.world import World
from simulations.live.recipe import Recipe

MINUTE_US = 60 * SECOND


def pool_and_recipe(virtual_s: float) -> tuple[Any, Recipe]:
    """A pool that holds one run, played once from its beginning."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_lab.settings")
    django.setup()
    from simulations.live import worlds

    pool = worlds.Pool()
    recipe = Recipe(json.dumps(to_plain(experiment())), "bench", 42, 1, [])
    world = World(worlds.experiment_of(recipe.experiment), recipe.seed, record="full")
    pool.add(recipe, world.fork(), 0, 0, settled=False)
    worlds.replay(pool, recipe, world, round(virtual_s * SECOND), 0, worlds.Slice(3600))
    return pool, recipe


def rewinds_ms(virtual_s: float, times: int) -> dict[str, float]:
    """Milliseconds to reach moments of a run that was played up to ``virtual_s``: medians and worst."""
    from simulations.live import worlds

    collect_only_the_young()  # as workers do
    pool, recipe = pool_and_recipe(virtual_s)
    draw = random.Random(1)
    end = round(virtual_s * SECOND)
    found: dict[str, float] = {}
    for name, start in (("last_minute", max(0, end - MINUTE_US)), ("anywhere", 0)):
        spent = []
        for _ in range(times):
            at_us = draw.randint(start, end)
            began = time.perf_counter()
            world = worlds.world_at(pool, recipe, at_us, 0, worlds.Slice(3600))
            spent.append((time.perf_counter() - began) * 1000)
            if world is None or world.now_us != at_us:
                raise AssertionError(f"not at {at_us} us")
        found[f"{name}_median_ms"], found[f"{name}_worst_ms"] = statistics.median(spent), max(spent)
    return found


def memory_mb(virtual_s: float) -> float:
    """What one run adds to a worker's memory: asked of a fresh process."""
    code = f"from benchmarks.rewind import own_memory_mb; print(own_memory_mb({virtual_s}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def own_memory_mb(virtual_s: float) -> float:
    """By how much this process grows when it plays one run and keeps its marks."""
    pool_and_recipe(0.5)
    before = resident_mb()
    kept = pool_and_recipe(virtual_s)
    after = resident_mb()
    del kept
    return after - before


def resident_mb() -> float:
    """The memory of this process that is in RAM, in MB (Linux; elsewhere the highest so far)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
