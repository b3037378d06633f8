"""Judge a history file: the plain function behind `manage.py check_history` and the upload page."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec

from simulations.engine.checks.linearizability import MODEL_KINDS, HistorySearch, Model, Verdict
from simulations.histories import FORMATS, HistoryFormatError, ParsedHistory
from simulations.histories.parsed import unwritable

TIMEOUT_S = 30.0
FILE_BYTES_MAX = 256 * 2**20
STEPS_BETWEEN_CLOCK_LOOKS = 5_000
OUT_OF_TIME = "time used up"


def read_history(
    text: str, *, format: str, model: str | None = None, initial: str | None = None
) -> ParsedHistory:
    """Parse a history and settle its model: what the format implies, changed by `model` and `initial`.

    Raises HistoryFormatError for the file, ValueError naming the field for the arguments.
    """
    if format not in FORMATS:
        raise ValueError(f"format: {format!r} is not one of {', '.join(FORMATS)}")
    if model is not None and model not in MODEL_KINDS:
        raise ValueError(f"model: {model!r} is not one of {', '.join(MODEL_KINDS)}")
    parsed = FORMATS[format](text)
    parsed.model = _settled(parsed.model, format, model, initial)
    _check_kinds(parsed)
    return parsed


def _settled(implied: Model, format: str, name: str | None, initial: str | None) -> Model:
    chosen = implied
    if name is not None and name != implied.name:
        start = None if name == "mutex" else implied.initial
        chosen = msgspec.structs.replace(implied, name=name, initial=start)
    if initial is None:
        return chosen
    if chosen.name == "mutex":
        raise ValueError("initial: a mutex is free at first; leave it out")
    return msgspec.structs.replace(chosen, initial=_initial_value(initial, format))


def _initial_value(text: str, format: str) -> Any:
    """nil, JSON, or else plain text. Key-value logs hold text only."""
    if format == "porcupine-kv":
        return text
    if text == "nil":
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    why = unwritable(value)
    if why is not None:
        raise ValueError(f"initial: {why}")
    return value


def _check_kinds(parsed: ParsedHistory) -> None:
    allowed = MODEL_KINDS[parsed.model.name]
    for operation in parsed.history.operations.values():
        if operation.kind not in allowed:
            raise HistoryFormatError(
                parsed.places[operation.id].line,
                f"{operation.kind} is not an operation of model {parsed.model.name} ({', '.join(allowed)})",
            )


def judged(parsed: ParsedHistory, timeout_s: float = TIMEOUT_S) -> tuple[Verdict, float]:
    """The verdict and the seconds it took; unknown when `timeout_s` did not suffice."""
    start = time.perf_counter()
    search = HistorySearch(parsed.history, parsed.model)
    while not search.decided and time.perf_counter() - start < timeout_s:
        search.advance(STEPS_BETWEEN_CLOCK_LOOKS)
    verdict = search.verdict()
    return verdict, time.perf_counter() - start


def read_text(path: Path) -> str:
    """The text of a history file. Raises OSError, or HistoryFormatError when it is too large or not UTF-8."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise HistoryFormatError(None, f"larger than {FILE_BYTES_MAX} bytes")
    return decoded(path.read_bytes())


def decoded(content: bytes) -> str:
    """The text of a history. Raises HistoryFormatError with the line that is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise HistoryFormatError(line, f"not UTF-8: byte {content[error.start]:#04x}") from None


def check_file(
    path: Path,
    *,
    format: str,
    model: str | None = None,
    initial: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """As check_text, for a file."""
    return check_text(read_text(path), format=format, model=model, initial=initial, timeout_s=timeout_s)


def check_text(
    text: str,
    *,
    format: str,
    model: str | None = None,
    initial: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """Parse and judge: {verdict, operations, judged, first_violation, reason, model, seconds}.

    `operations` counts all in the file, `judged` those whose completion had to be explained.
    `first_violation` is None or {line, index, invoked_line, operation}; `line` and `index` are those of the
    completion that cannot be explained. Raises as read_history does.
    """
    if timeout_s <= 0:
        raise ValueError(f"timeout: {timeout_s} is not a positive number of seconds")
    parsed = read_history(text, format=format, model=model, initial=initial)
    verdict, seconds = judged(parsed, timeout_s)
    return answer(parsed, verdict, seconds)


def answer(parsed: ParsedHistory, verdict: Verdict, seconds: float) -> dict[str, Any]:
    """The answer of check_text, of what was parsed and judged."""
    return {
        "verdict": verdict.verdict,
        "operations": len(parsed.history.operations),
        "judged": verdict.operations,
        "first_violation": _first_violation(parsed, verdict),
        "reason": verdict.reason,
        "model": parsed.model.name,
        "seconds": round(seconds, 6),
    }


def _first_violation(parsed: ParsedHistory, verdict: Verdict) -> dict[str, Any] | None:
    if verdict.first_violation is None:
        return None
    operation = parsed.history.operations[verdict.first_violation]
    place = parsed.places[operation.id]
    return {
        "line": place.completion_line,
        "index": place.completion_index,
        "invoked_line": place.line,
        "operation": msgspec.to_builtins(operation),
    }
