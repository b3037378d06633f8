"""manage.py sweep: one experiment over many seeds and values. Exit 0 as expected, 1 not, 2 bad input."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from simulations.management.commands.simulate import sentence
from simulations.names import counted
from simulations.services import headless, sweep_orders, sweeps_headless
from simulations.wire import BadInput, encode_json


class Command(BaseCommand):
    """See the module's first line."""

    help = (
        "Run an experiment over many seeds: distributions, verdicts and the first failure of each check. "
        "Without --seeds: judge what the experiment expects of many seeds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", help="RA-01, RA-01/variant, the slug of a saved link, or a file")
        parser.add_argument(
            "--seeds", help="A:B, both included; without: what the experiment expects is judged"
        )
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter or path"
        )
        parser.add_argument(
            "--grid",
            action="append",
            default=[],
            metavar="NAME=V1,V2",
            help="every combination of these values",
        )
        parser.add_argument(
            "--metric", action="append", metavar="NAME", help="only this number: a run ends once it stands"
        )
        parser.add_argument("--check", action="append", metavar="NAME", help="only this check")
        parser.add_argument(
            "--workers", default="local", help="celery, local (one process a core), or a number of processes"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.run(options)
        except BadInput as error:
            self.stderr.write(sentence(error))
            sys.exit(2)
        self.stdout.write(encode_json(result).decode() if options["json"] else table(result))
        fine = result.get("as_expected", not result["failed"]["runs"] if "failed" in result else True)
        sys.exit(0 if fine else 1)

    def run(self, options: dict[str, Any]) -> dict[str, Any]:
        """The result of the options of the command line. BadInput when they are wrong."""
        who = sweeps_headless.workers(options["workers"])
        settings = headless.overrides(options["set"])
        progress = self.progress if sys.stderr.isatty() else None
        if options["seeds"] is None:
            for name in ("grid", "metric", "check"):
                if options[name]:
                    raise BadInput(name, "needs --seeds", ["--seeds A:B"])
            return sweeps_headless.judge(options["experiment"], settings, who, progress)
        order = sweep_orders.order(
            options["experiment"],
            sweep_orders.read_seeds(options["seeds"]),
            settings=settings,
            grid=sweep_orders.read_grid(options["grid"]),
            metrics=options["metric"],
            checks=options["check"],
        )
        return sweeps_headless.run(order, who, progress)[1]

    def progress(self, done: int, runs: int) -> None:
        """One line on a terminal, overwritten."""
        self.stderr.write(f"\r{done} of {counted(runs, 'run')}", ending="\n" if done >= runs else "")


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = block(result)
    for point in result.get("points", []):
        lines += [
            "",
            " ".join(f"{key}={json.dumps(value)}" for key, value in point["set"].items()),
            *block(point),
        ]
    for name, part in result.get("variants", {}).items():
        lines += ["", f"variant {name}", *block(part)]
    if "as_expected" in result:
        lines += ["", "as expected" if result["as_expected"] else "NOT as expected"]
    return "\n".join(lines)


def block(result: dict[str, Any]) -> list[str]:
    """One sweep: its size, its checks, its metrics, its expectations."""
    rate = f", {result['runs_per_second']:g} a second" if "runs_per_second" in result else ""
    lines = [counted(result["runs"], "run") + rate]
    for name, check in result["checks"].items():
        lines.append(
            f"  {name}: {check['holds']} hold, {check['violated']} violated, {check['unknown']} unknown"
        )
        if check["first_violation"]:
            lines.append(f"    {check['first_violation']['command']}")
    for name, metric in result["metrics"].items():
        shown = metric.get("values") or {key: metric[key] for key in metric if key != "none"}
        lines.append(f"  {name}: " + "  ".join(f"{key} {value}" for key, value in shown.items()))
    for line in result.get("expectations", []):
        mark = "  " if line["verdict"] == line["expected"] else "! "
        lines.append(f"{mark}{line['name']}: {line['verdict']} ({line['value']})")
    return lines
