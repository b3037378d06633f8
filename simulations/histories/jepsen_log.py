"""Jepsen's plain logs of etcd: `INFO  jepsen.util - <process> :<type> :<f> <value>`, white space tabs or
spaces.

One compare-and-set register, at first nil. A failed cas did happen and found another value; a timed-out
read returned something unknown; `:info` means the outcome is unknown. Lines of other loggers are passed
over; entries of processes that are no numbers (the nemesis) are faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from simulations.engine.checks.linearizability import Model
from simulations.histories.edn import Keyword, Reader
from simulations.histories.parsed import HistoryBuilder, HistoryFormatError, ParsedHistory

ENTRY = re.compile(r"^.*?\bjepsen\.util\s+-\s+(?P<entry>.*)$")
OTHER_LOGGER = re.compile(r"^(?:[\d:T,.\-]+\s+)*(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b")
CLIENT_ENTRY = re.compile(r"\s*[^:\s]\S*\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\b")
KIND_OF = {"read": "get", "write": "put", "cas": "cas"}
TYPES = ("invoke", "ok", "fail", "info")
TIMED_OUT = "timed-out"


def parse_jepsen_etcd(text: str) -> ParsedHistory:
    """Raises HistoryFormatError with the line and why."""
    builder = HistoryBuilder()
    for line, content in enumerate(text.splitlines(), start=1):
        match = ENTRY.match(content)
        if match:
            _add(builder, line, match["entry"])
        elif content.strip() and not OTHER_LOGGER.match(content):
            raise HistoryFormatError(
                line, f"not a log line such as 'INFO  jepsen.util - 0 :invoke :read nil': {content[:60]!r}"
            )
    return builder.parsed(Model("cas-register", failed_guard_counts=True))


def _add(builder: HistoryBuilder, line: int, entry: str) -> None:
    words = _words(line, entry)
    if not words or not _is_process(words[0]):
        if CLIENT_ENTRY.match(entry):
            raise HistoryFormatError(
                line, f"expected <process> :<type> :<f> <value>, found {entry.strip()!r}"
            )
        builder.fault(line, entry.strip())
        return
    if len(words) < 3 or (len(words) > 4 and words[1] in ("invoke", "ok")):
        raise HistoryFormatError(line, f"expected <process> :<type> :<f> <value>, found {entry.strip()!r}")
    client, type_, f = str(words[0]), words[1], words[2]
    value = words[3] if len(words) > 3 else None
    if not isinstance(type_, Keyword) or type_ not in TYPES:
        raise HistoryFormatError(line, f"type {_word(type_)} is not one of {_words_of(TYPES)}")
    if not isinstance(f, Keyword) or f not in KIND_OF:
        raise HistoryFormatError(line, f"operation {_word(f)} is not one of {_words_of(KIND_OF)}")
    kind = KIND_OF[f]
    if type_ == "invoke":
        builder.invoke(line, client, kind, "register", _argument(line, kind, value))
    else:
        _complete(builder, line, client, type_, kind, value)


def _word(word: Any) -> str:
    return f":{word}" if isinstance(word, Keyword) else repr(word)


def _words_of(words: Iterable[str]) -> str:
    return ", ".join(f":{word}" for word in words)


def _is_process(word: Any) -> bool:
    return isinstance(word, int) and not isinstance(word, bool)


def _complete(builder: HistoryBuilder, line: int, client: str, type_: str, kind: str, value: Any) -> None:
    operation = builder.running(line, client, kind)
    if type_ == "info" or value == TIMED_OUT:
        builder.complete(line, operation, "unknown")
    else:
        result = _value(line, value) if kind == "get" and type_ == "ok" else None
        builder.complete(line, operation, str(type_), result)


def _argument(line: int, kind: str, value: Any) -> Any:
    if kind == "cas":
        if not isinstance(value, list) or len(value) != 2:
            raise HistoryFormatError(line, f"the value of a cas is [from to], not {value!r}")
        return [_value(line, item) for item in value]
    return _value(line, value) if kind == "put" else None


def _value(line: int, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise HistoryFormatError(line, f"a value is nil, a number or text, not {value!r}")
    return str(value) if isinstance(value, str) else value


def _words(line: int, entry: str) -> list[Any]:
    if not re.match(r"\s*-?\d", entry):
        return []
    reader = Reader(entry)
    words = []
    try:
        while reader.skip():
            words.append(reader.value())
    except HistoryFormatError as error:
        raise HistoryFormatError(line, error.reason) from None
    return words
