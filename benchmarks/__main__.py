"""The table of measurements: `python -m benchmarks [--json FILE] [--quick] [--only PART ...]`.

Each figure is {value, unit, goal, floor, met}: `goal` is what to reach, `floor` (when given) what is the least;
`met` is true, false, or null for a figure that only informs. Rates are ratios to H (see hold.py).
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import engine, rewind
from benchmarks.engine import FULL, QUICK, Effort
from simulations.engine.registry import SYSTEMS

Figures = dict[str, dict[str, Any]]
SIZES = (3, 9, 25, 101)
CONSENSUS = {"raft": "Raft", "paxos": "Multi-Paxos", "zookeeper": "ZAB"}


def figure(
    value: float, unit: str, goal: float | None = None, floor: float | None = None, lower: bool = False
) -> dict[str, Any]:
    """One measurement. ``lower``: less is better (then the goal is a maximum)."""
    met = None if goal is None else (value <= goal if lower else value >= goal)
    return {"value": float(f"{value:.4g}"), "unit": unit, "goal": goal, "floor": floor, "met": met}


def engine_figures(effort: Effort) -> Figures:
    """Rates of the engine, by what is on, by the number of nodes, and after a long history."""
    checked = engine.rate(5, each=engine.checkpoint, effort=effort)
    bare = engine.rate(5, record="none", effort=effort)
    every = engine.rate(5, each=engine.checkpoint, effort=effort, checks=SYSTEMS["raft"].checks)
    full = engine.rate(5, record="full", each=engine.traced, effort=effort)
    found = {
        "5 nodes, checks, a checkpoint per 1,000 events": figure(checked["ratio"], "H", 0.10, 0.075),
        "5 nodes, trace taken, encoded and compressed": figure(full["ratio"], "H", 0.08, 0.06),
        "rate with every check of Raft / with five": figure(every["ratio"] / checked["ratio"], "", 0.5),
        "5 nodes, no checks": figure(bare["ratio"], "H"),
        "H": figure(checked["H"], "1/s"),
        "events a CPU second": figure(checked["events_per_s"], "1/s"),
        "virtual seconds a CPU second": figure(checked["virtual_s_per_cpu_s"], "s"),
    }
    for nodes in SIZES:
        one = engine.rate(nodes, each=engine.checkpoint, effort=effort)
        goal = {25: 0.9, 101: 0.7}.get(nodes)
        found[f"rate({nodes}) / rate(5)"] = figure(one["ratio"] / checked["ratio"], "", goal)
    return found


def systems_figures(effort: Effort) -> Figures:
    """Events a CPU second of the other consensus systems against Raft's, each with the checks of its lamps on."""
    raft, *others = (engine.rate_of(engine.consensus(name), engine.checkpoint, effort) for name in CONSENSUS)
    found = {f"{CONSENSUS['raft']}, checks of its lamps": figure(raft["ratio"], "H")}
    for title, one in zip(list(CONSENSUS.values())[1:], others, strict=True):
        found[f"rate({title}) / rate(Raft)"] = figure(one["ratio"] / raft["ratio"], "", 0.6)
    return found


def history_figures(effort: Effort) -> Figures:
    """Whether anything gets slower or larger with history: rate and checkpoint after many entries."""
    young, old = engine.aged(min(1_000, effort.entries)), engine.aged(effort.entries)
    early = engine.rate_of(young.fork(), engine.checkpoint, effort)["ratio"]
    late = engine.rate_of(old.fork(), engine.checkpoint, effort)["ratio"]
    found = engine.checkpoint_figures(young, old, effort)
    many = f"{effort.entries:,} entries"
    return {
        f"rate after {many} / after 1,000": figure(late / early, "", 0.95),
        "checkpoint, 5 nodes x 1,000 entries": figure(found["fork_us"], "us", 200, lower=True),
        f"checkpoint, {many} / 1,000": figure(found["fork_old_us"] / found["fork_us"], "", 1.5, lower=True),
        "save as bytes, 1,000 entries": figure(found["save_us"], "us"),
        "load from bytes, 1,000 entries": figure(found["load_us"], "us"),
        "saved world, 1,000 entries": figure(found["bytes"] / 1000, "kB"),
        f"saved world, {many}": figure(found["bytes_old"] / 1000, "kB"),
    }


def rewind_figures(effort: Effort) -> Figures:
    """How quickly a played run goes back, and what it keeps in memory."""
    quick = effort is not FULL
    seconds = 10.0 if quick else 240.0
    spent = rewind.rewinds_ms(seconds, 5 if quick else 40)
    return {
        "rewind in the last virtual minute, median": figure(spent["last_minute_median_ms"], "ms"),
        "rewind in the last virtual minute, worst": figure(
            spent["last_minute_worst_ms"], "ms", 50, lower=True
        ),
        "rewind anywhere, median": figure(spent["anywhere_median_ms"], "ms"),
        "rewind anywhere, worst": figure(spent["anywhere_worst_ms"], "ms", 500, lower=True),
        f"memory of a run of {seconds:.0f} virtual s": figure(
            rewind.memory_mb(seconds), "MB", 64, lower=True
        ),
    }


def linearizability_figures(effort: Effort) -> Figures:
    """Times of the linearizability checkers."""
    from benchmarks.linearizability import MODEL, busy_history, live_seconds
    from simulations.engine.checks.linearizability import check

    operations = 10_000 if effort is FULL else 500
    found: Figures = {}
    for keys, goal in ((10, 200.0), (1, 10_000.0)):
        history = busy_history(operations, 10, keys)
        start = time.perf_counter()
        check(history, MODEL)
        spent = (time.perf_counter() - start) * 1000
        name = f"linearizability of {operations:,} operations, 10 clients, {keys} keys"
        found[name] = figure(spent, "ms", goal, lower=True)
    history = busy_history(operations, 5, 5)
    found["linearizability while running, per operation"] = figure(
        live_seconds(history) / operations * 1e6, "us"
    )
    return found


def sweep_figures(effort: Effort) -> Figures:
    """Sweeps over Celery workers."""
    from benchmarks import sweeping

    elections = sweeping.ELECTIONS if effort is FULL else 200
    rates = sweeping.rates(elections)
    return {
        f"{elections:,} Raft elections on two workers": figure(elections / rates[2], "s", 60, lower=True),
        "elections a second, two workers / one": figure(rates[2] / rates[1], "", 1.7),
    }


def live_figures(effort: Effort) -> Figures:
    """Latencies and losses of the whole stack."""
    from benchmarks import live

    measured = live.run(lambda stack: live.measure(stack, effort is not FULL))
    return {name: {"floor": None, **item} for name, item in measured.items()}


def page_figures(effort: Effort) -> Figures:
    """How smoothly the page draws a big cluster, and how soon a first visit sees one run."""
    from benchmarks import page

    return {
        name: figure(value, unit, most, lower=True)
        for name, value, unit, most in page.measure(effort is not FULL)
    }


PARTS: dict[str, Callable[[Effort], Figures]] = {
    "engine": engine_figures,
    "systems": systems_figures,
    "history": history_figures,
    "rewind": rewind_figures,
    "linearizability": linearizability_figures,
    "sweeps": sweep_figures,
    "live": live_figures,
    "page": page_figures,
}


def row(name: str, item: dict[str, Any]) -> str:
    """One line of the table."""
    goal = "" if item["goal"] is None else f"goal {item['goal']:g}"
    floor = "" if item.get("floor") is None else f", at least {item['floor']:g}"
    missed = "  MISSED" if item["met"] is False else ""
    return f"  {name:<60} {item['value']:>12,.6g} {item['unit']:<4} {goal}{floor}{missed}"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and write the JSON when asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, not how fast")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    options = parser.parse_args(arguments)
    effort = QUICK if options.quick else FULL
    found: dict[str, Figures] = {}
    for part in options.only:
        print(part, flush=True)
        found[part] = PARTS[part](effort)
        for name, item in found[part].items():
            print(row(name, item), flush=True)
    if options.json is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        options.json.write_text(json.dumps({"machine": machine, "figures": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
