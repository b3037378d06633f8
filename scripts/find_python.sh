#!/bin/sh
# Prints the newest usable Python, or says in one sentence what is missing.
# Each candidate is really run: a version manager's shim may exist without a Python behind it.
old=""
bare=""
for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
    command -v "$name" >/dev/null 2>&1 || continue
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        old=${old:-$version}
    elif ! "$name" -c 'import venv, ensurepip' 2>/dev/null; then
        bare=${bare:-$version}
    else
        command -v "$name"
        exit 0
    fi
done
if [ -n "$bare" ]; then
    echo "Python $bare has no venv module: install it (Debian, Ubuntu: sudo apt-get install python$bare-venv), then try again." >&2
elif [ -n "$old" ]; then
    echo "Python $old is too old: Platform Lab needs Python 3.11 or newer. Install one from your package manager or python.org, then try again." >&2
else
    echo "There is no Python here: Platform Lab needs Python 3.11 or newer. Install one from your package manager or python.org, then try again." >&2
fi
exit 1
