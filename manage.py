#!/usr/bin/env python
"""Django's command line for Platform Lab."""

import os
import sys


def main() -> None:
    """Run one management command. A wrong environment variable is one sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_lab.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if "--traceback" in sys.argv:
            raise
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
