"""`manage.py check_history FILE --format ...`: is somebody else's client history linearizable?"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from simulations.engine.checks.linearizability import MODEL_KINDS
from simulations.histories import FORMATS, HistoryFormatError
from simulations.histories.checking import TIMEOUT_S, check_file
from simulations.names import counted


class Command(BaseCommand):
    """Prints the verdict and the first operation that cannot be explained; exits 1 for a malformed file."""

    help = "Judge a client history: is it linearizable, and if not, which operation cannot be explained?"
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the history")
        parser.add_argument("--format", required=True, choices=list(FORMATS), help="how the file is written")
        parser.add_argument("--model", choices=list(MODEL_KINDS), help="default: what the format implies")
        parser.add_argument("--initial", help="value before the first write: nil, JSON, or plain text")
        parser.add_argument(
            "--timeout", type=float, default=TIMEOUT_S, help="seconds until the answer is unknown"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = check_file(
                options["file"],
                format=options["format"],
                model=options["model"],
                initial=options["initial"],
                timeout_s=options["timeout"],
            )
        except HistoryFormatError as error:
            if options["json"]:
                self.stdout.write(json.dumps({"error": {"line": error.line, "reason": error.reason}}))
            raise CommandError(f"{options['file']}: {error}") from None
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(json.dumps(answer, ensure_ascii=False) if options["json"] else summary(answer))


def summary(answer: dict[str, Any]) -> str:
    """The answer in one or two lines for people."""
    head = f"{answer['verdict']}: {counted(answer['operations'], 'operation')} in {answer['seconds']:.3f} s"
    if answer["reason"]:
        head += f" ({answer['reason']})"
    violation = answer["first_violation"]
    if violation is None:
        return head
    operation = violation["operation"]
    return (
        f"{head}\n"
        f"line {violation['line']}: process {operation['client']}, {operation['kind']} "
        f"{json.dumps(operation['argument'], ensure_ascii=False)} on {operation['key']!r} answered "
        f"{operation['outcome']} {json.dumps(operation['result'], ensure_ascii=False)}, "
        "which no order of the operations explains"
    )
