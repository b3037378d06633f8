"""manage.py simulate: one experiment with its variants, headless. Exit 0 as expected, 1 not, 2 bad input."""

from __future__ import annotations

import contextlib
import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from simulations.names import counted
from simulations.services import headless
from simulations.wire import BadInput, encode_json


class Command(BaseCommand):
    """See the module's first line."""

    help = "Run an experiment (catalogue id, slug of a saved link, or file) and judge it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("experiment", help="RA-01, RA-01/variant, the slug of a saved link, or a file")
        parser.add_argument("--seed", type=int, help="instead of the experiment's own")
        parser.add_argument("--until", help="stop earlier: 30s, 500ms, 2m")
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter or path"
        )
        parser.add_argument("--trace", help="write the base's trace to this file, one chunk a line")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = run(options)
        except BadInput as error:
            self.stderr.write(sentence(error))
            sys.exit(2)
        text = encode_json(result).decode() if options["json"] else table(result)
        self.stdout.write(text)
        sys.exit(0 if result["as_expected"] else 1)


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The result of the options of the command line. BadInput when they are wrong."""
    headless.check_seed(options["seed"])
    until_us = None if options["until"] is None else headless.microseconds(options["until"])
    changes = headless.overrides(options["set"])
    job = headless.find(options["experiment"])
    if options["seed"] is not None:
        job.seed = options["seed"]
    with trace_writer(options["trace"]) as trace:
        return headless.simulate_all(job, until_us, changes, trace)


@contextlib.contextmanager
def trace_writer(name: str | None) -> Any:
    """A function that appends to the file, or None."""
    if name is None:
        yield None
        return
    try:
        with Path(name).open("wb") as file:
            write: Callable[[bytes], Any] = file.write
            yield write
    except OSError as error:
        raise BadInput("trace", f"{name} cannot be written: {error.strerror}") from error


def sentence(error: BadInput) -> str:
    """Every problem with its path and the allowed values, one a line."""
    problems = getattr(error, "problems", None) or [error.plain()]
    lines = []
    for problem in problems:
        allowed = f" (allowed: {', '.join(map(str, problem['allowed']))})" if problem.get("allowed") else ""
        lines.append(f"{problem['field'] or 'experiment'}: {problem['message']}{allowed}")
    return "\n".join(lines)


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = block(result)
    for name, part in result.get("variants", {}).items():
        lines += ["", f"variant {name}", *block(part)]
    if result.get("compare"):
        lines += ["", "compared", *(check_line(item) for item in result["compare"])]
    lines += ["", "as expected" if result["as_expected"] else "NOT as expected"]
    return "\n".join(lines)


def block(result: dict[str, Any]) -> list[str]:
    """One run: its head, its checks, its metrics."""
    head = (
        f"{result['experiment']}  seed {result['seed']}  digest {result['digest']}  "
        f"{counted(result['events'], 'event')} in {result['virtual_seconds']:g} virtual s"
    )
    metrics = "  ".join(f"{name}={json.dumps(value)}" for name, value in result["metrics"].items())
    return [head, *(check_line(check) for check in result["checks"]), f"  {metrics}"]


def check_line(check: dict[str, Any]) -> str:
    """One verdict; what was not expected is marked."""
    if check["expected"] is None:
        return f"? {check['name']}: {check['verdict']}, nothing expected"
    mark = "  " if check["verdict"] == check["expected"] else "! "
    value = f"  ({check['value']})" if check.get("value") is not None else ""
    return f"{mark}{check['name']}: {check['verdict']}, expected {check['expected']}{value}"
