"""`manage.py serve`: the whole of Platform Lab from one command. `make run` ends here."""

import contextlib
import sys
from typing import Any

from django.core.management.base import BaseCommand

from platform_lab.supervisor.serve import Refused, serve


class Command(BaseCommand):
    """Start the embedded Valkey, the workers and the web server, and keep them running until Ctrl-C."""

    help = "Start everything (embedded Valkey, workers, web server) and keep it running until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """HOST and PORT choose the address; see platform_lab.settings for the other variables."""
        try:
            serve(self.say)
        except Refused as error:
            self.stderr.write(str(error))
            sys.exit(1)

    def say(self, line: str) -> None:
        """Print at once; a reader who has gone away must not stop the stack."""
        with contextlib.suppress(OSError):
            self.stdout.write(line)
            self.stdout.flush()
