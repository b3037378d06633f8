"""manage.py figures: draw what the product measures of Raft over what was published. Exit 0, or 2 for bad input."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from simulations.figures.book import FIGURES, Row
from simulations.figures.draw import svg
from simulations.sweeps import pool
from simulations.wire import encode_json


class Command(BaseCommand):
    """See the module's first line."""

    help = "Measure Raft, write the curves over the published ones as SVG files, and print both numbers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help=f"one of {', '.join(FIGURES)}; all without"
        )
        parser.add_argument("--runs", type=int, help="runs of each curve, instead of as many as published")
        parser.add_argument(
            "--workers", type=int, default=pool.cores(), help="processes (default: one a core)"
        )
        parser.add_argument("--out", default="docs/figures", help="the folder (default docs/figures)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        self.refuse(options)
        folder = Path(options["out"])
        folder.mkdir(parents=True, exist_ok=True)
        found: dict[str, list[Row]] = {}
        for name in options["names"] or FIGURES:
            runs, draw = FIGURES[name]
            figure, found[name] = draw(options["runs"] or runs, options["workers"])
            (folder / f"{name}.svg").write_text(svg(figure), encoding="utf-8")
            if not options["json"]:
                self.stdout.write(table(name, found[name]))
        if options["json"]:
            self.stdout.write(encode_json({"folder": str(folder), "figures": found}).decode())

    def refuse(self, options: dict[str, Any]) -> None:
        """Exit 2 with one line that names the wrong option."""
        unknown = [name for name in options["names"] if name not in FIGURES]
        wrong = f"NAME: there is no figure {unknown[0]!r} (allowed: {', '.join(FIGURES)})" if unknown else ""
        for name in ("runs", "workers"):
            if options[name] is not None and not 1 <= options[name] <= 100_000:
                wrong = f"{name}: a number from 1 to 100000"
        if wrong:
            self.stderr.write(wrong)
            sys.exit(2)


def table(name: str, rows: list[Row]) -> str:
    """The numbers of one figure for people."""
    lines = [name]
    for row in rows:
        lines.append(
            f"  {row.curve:38} {row.statistic:6} published {row.published:10.4g}  measured {row.measured:10.4g}"
            f"  {row.difference:+7.1%}"
        )
    return "\n".join(lines)
