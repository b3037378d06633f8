"""From the parts of a sweep to its result: verdicts counted, distributions, the first failures with the line that
replays them."""

from __future__ import annotations

import json
import shlex
from typing import Any

import msgspec

from simulations.engine.experiment import SweepExpectation
from simulations.engine.harness import within
from simulations.names import counted
from simulations.sweeps.asked import metric_name
from simulations.sweeps.parts import Part, join, split_by_point
from simulations.sweeps.plan import Plan
from simulations.sweeps.statistics import curve, describe

WORDS = {"h": "holds", "v": "violated", "u": "unknown", "f": "failed"}
FAILURES_MAX = 50


class Subject(msgspec.Struct, frozen=True):
    """Whose sweep it is: how to name the experiment on a command line, the settings given there, and what it expects
    (check -> verdict)."""

    reference: str
    settings: dict[str, Any] = {}
    expected: dict[str, str] = {}


def command(subject: Subject, settings: dict[str, Any], seed: int) -> str:
    """The one line that replays a run."""
    parts = ["manage.py", "simulate", subject.reference, "--seed", str(seed)]
    for name, value in {**subject.settings, **settings}.items():
        parts += ["--set", f"{name}={setting_text(value)}"]
    return " ".join(map(shlex.quote, parts))


def setting_text(value: Any) -> str:
    """A value as ``--set`` reads it back."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def summary(subject: Subject, plan: Plan, parts: list[Part], curves: bool = False) -> dict[str, Any]:
    """{runs, checks, metrics, failed, points?} of what is there so far. ``curves``: with cumulative distributions."""
    whole = join(parts)
    found = block(subject, plan, whole, curves)
    if len(plan.points) > 1:
        of_point = split_by_point(whole_by_point(parts, plan), plan.seeds)
        found["points"] = [
            {"set": settings, **block(subject, plan, of_point.get(number, []), curves)}
            for number, settings in enumerate(plan.points)
        ]
    return found


def whole_by_point(parts: list[Part], plan: Plan) -> list[Part]:
    """Neighbours joined within each point only."""
    return [one for mine in split_by_point(parts, plan.seeds).values() for one in join(mine)]


def block(subject: Subject, plan: Plan, parts: list[Part], curves: bool) -> dict[str, Any]:
    """The result of some parts (sorted, without overlap)."""
    checks = {name: count(subject, plan, name, parts) for name in names(part.verdicts for part in parts)}
    metrics = {}
    for name in names(part.values for part in parts):
        values = [value for part in parts for value in part.values.get(name, [])]
        metrics[name] = describe(values)
        if curves:
            metrics[name]["curve"] = curve(values)
    return {
        "runs": sum(part.runs for part in parts),
        "checks": checks,
        "metrics": metrics,
        "failed": failed(subject, plan, parts),
    }


def names(records: Any) -> list[str]:
    """Every key once, in the order of first appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def count(subject: Subject, plan: Plan, name: str, parts: list[Part]) -> dict[str, Any]:
    """How often each verdict, and where the first violation and the first surprise are."""
    totals = dict.fromkeys(("h", "v", "u", "f"), 0)
    for part in parts:
        for letter in totals:
            totals[letter] += part.verdicts.get(name, "").count(letter)
    expected = subject.expected.get(name)
    found: dict[str, Any] = {
        "holds": totals["h"],
        "violated": totals["v"],
        "unknown": totals["u"] + totals["f"],
    }
    found["expected"] = expected
    found["first_violation"] = first(subject, plan, name, parts, "v")
    return found


def first(subject: Subject, plan: Plan, name: str, parts: list[Part], letter: str) -> dict[str, Any] | None:
    """The first run with this letter, and how to replay it."""
    for part in parts:
        at = part.verdicts.get(name, "").find(letter)
        if at >= 0:
            return where(subject, plan, part.start + at)
    return None


def where(subject: Subject, plan: Plan, run: int) -> dict[str, Any]:
    """A run by its seed and settings, with the line that replays it."""
    settings, seed = plan.points[plan.point_of(run)], plan.seed_of(run)
    found: dict[str, Any] = {"seed": seed, "command": command(subject, settings, seed)}
    return {**found, "set": settings} if settings else found


def failed(subject: Subject, plan: Plan, parts: list[Part]) -> dict[str, Any]:
    """Runs that gave no result at all: how many, and the first few with the reason."""
    runs = {run: why for part in parts for run, why in part.failed.items()}
    shown = [{**where(subject, plan, run), "message": runs[run]} for run in sorted(runs)[:5]]
    return {"runs": len(runs), "first": shown}


def failures(subject: Subject, plan: Plan, parts: list[Part], name: str) -> list[dict[str, Any]]:
    """The first FAILURES_MAX runs in which a check was violated, or came out other than expected."""
    expected = subject.expected.get(name)
    found: list[dict[str, Any]] = []
    for part in join(parts):
        for at, letter in enumerate(part.verdicts.get(name, "")):
            wrong = letter == "v" or expected not in (None, WORDS[letter])
            if wrong:
                found.append({**where(subject, plan, part.start + at), "verdict": WORDS[letter]})
                if len(found) >= FAILURES_MAX:
                    return found
    return found


# -- expectations over many seeds ----------------------------------------------------------------------------


def judged(line: SweepExpectation, parts: list[Part]) -> dict[str, Any]:
    """One line of ``expect_sweep`` on its first ``seeds`` runs; unknown when runs are missing."""
    whole = join(parts)
    value = None
    if whole and whole[0].start == 0 and whole[0].runs >= line.seeds:
        value = statistic(line, whole[0])
    verdict = "unknown" if value is None else "holds" if within(line, value) else "violated"
    bounds = [f">= {line.at_least:g}" if line.at_least is not None else ""]
    bounds += [f"<= {line.at_most:g}" if line.at_most is not None else ""]
    what = metric_name(line) if line.metric is not None else f"{line.check} {line.verdict}"
    name = f"{what}: {line.statistic} {' and '.join(filter(None, bounds))} over {counted(line.seeds, 'seed')}"
    return {"name": name, "expected": "holds", "verdict": verdict, "value": value}


def statistic(line: SweepExpectation, part: Part) -> float | None:
    """The number that the line bounds."""
    if line.metric is not None:
        found = describe(part.values[metric_name(line)][: line.seeds])
        value: float | None = found.get(line.statistic)
        return value
    letters = part.verdicts[str(line.check)][: line.seeds]
    hits = sum(WORDS[letter] == line.verdict for letter in letters)
    return hits / line.seeds if line.statistic == "share" else hits
