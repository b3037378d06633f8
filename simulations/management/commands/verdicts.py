"""manage.py verdicts: run experiments of the catalogue and keep what was found, for the page of concepts."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from simulations import catalogue, concepts
from simulations.engine.registry import SYSTEMS
from simulations.engine.requirements import lacking
from simulations.services.headless import Job, simulate_all


class Command(BaseCommand):
    """See the module's first line."""

    help = "Run experiments of the catalogue with their variants and keep every verdict."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="ids of the catalogue; all without")

    def handle(self, *args: Any, **options: Any) -> None:
        unknown = [id for id in options["ids"] if id not in catalogue.ids()]
        if unknown:
            self.stderr.write(
                f"ID: there is no experiment {unknown[0]!r} (allowed: {', '.join(catalogue.ids())})"
            )
            sys.exit(2)
        wanted = options["ids"] or [*catalogue.ids()]
        found = {id: lines for id, lines in kept().items() if id not in wanted}
        for id in wanted:
            experiment = catalogue.load(id)
            if absent := lacking(experiment, SYSTEMS):
                self.stdout.write(f"{id}: not yet ({', '.join(absent)})")
                continue
            found[id] = concepts.judged_lines(simulate_all(Job(experiment, experiment.seed)))
            self.stdout.write(f"{id}: {'as expected' if concepts.passes(found[id]) else 'NOT as expected'}")
        write(found)
        if not all(concepts.passes(lines) for lines in found.values()):
            sys.exit(1)


def kept() -> dict[str, Any]:
    """What is recorded already; nothing when there is no record yet."""
    return dict(concepts.recorded()) if concepts.VERDICTS.exists() else {}


def write(found: dict[str, Any]) -> None:
    """In the order of the catalogue, a line for each experiment."""
    lines = [f'"{id}": {json.dumps(found[id], ensure_ascii=False)}' for id in catalogue.ids() if id in found]
    concepts.VERDICTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
