"""Which of the formats a history is written in, told from how it begins."""

from __future__ import annotations

import re

BEGINNING = 20_000  # characters looked at
COMMENTS = re.compile(r"(?:[\s,\ufeff]+|;[^\n]*)+")
JEPSEN_LINE = re.compile(r"\bjepsen\.util\s+-\s")
EDN_ENTRY = re.compile(r"[\[(\s]*\{\s*:")
KEY = re.compile(r":key\b")


def detected(text: str) -> str | None:
    """The name of a format, or None when the beginning looks like none of them."""
    start = text[:BEGINNING]
    content = COMMENTS.sub("", start, count=1) if COMMENTS.match(start) else start
    if EDN_ENTRY.match(content):
        return "porcupine-kv" if KEY.search(content) else "knossos-edn"
    if content.startswith("{"):
        return "json"
    return "jepsen-etcd" if JEPSEN_LINE.search(start) else None
