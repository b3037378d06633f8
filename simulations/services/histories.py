"""Histories that people upload: kept for an hour under the hash of what was asked, and judged by a worker.

Reading and judging may take seconds, so a web process only stores the text and asks; the task is bounded in
time and size, and doing it twice does no harm.
"""

from __future__ import annotations

import gzip
import hashlib
from typing import Any

import msgspec
import redis

from simulations import limits
from simulations.engine.checks.linearizability import MODEL_KINDS
from simulations.engine.checks.linearizability.verdict import OUT_OF_BUDGET
from simulations.histories import FORMATS, HistoryFormatError
from simulations.histories.checking import answer, decoded, judged, read_history
from simulations.histories.detect import detected
from simulations.histories.drawing import drawing
from simulations.histories.reasons import in_chinese
from simulations.live.valkey import client
from simulations.services import dispatch
from simulations.wire import BadInput

CHECK = "sweep.history"
AUTO = "auto"
KEPT_S = 3600
CHECK_S = 10.0
FIRST_S = 1.0
"""What a history gets at first. One that needs more is judged again behind those that were sent meanwhile."""
ASK_AGAIN_S = 20
READ_S = 45


class Question(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked of a text: its format (`auto`: told from its beginning), and what the format does not say."""

    format: str = AUTO
    model: str | None = None
    initial: str | None = None


def submit(text: bytes, question: Question) -> str:
    """Keep a history and ask for its check; the id under which the answer will be. BadInput names the field."""
    checked(text, question)
    id = hashlib.blake2b(msgspec.json.encode(question) + text, digest_size=12).hexdigest()
    try:
        packed = msgspec.msgpack.encode((question, gzip.compress(text, 1)))
        client().set(f"history:{id}:text", packed, ex=KEPT_S)
        if not client().expire(f"history:{id}:answer", KEPT_S):
            ask(id)
    except redis.RedisError as error:
        raise BadInput("body", "could not be kept: the store does not answer", status=503) from error
    return id


def checked(text: bytes, question: Question) -> None:
    """Refuse what can be refused without reading the text."""
    if len(text) > limits.HISTORY_BYTES_MAX:
        raise BadInput("body", f"longer than {limits.HISTORY_BYTES_MAX} bytes", status=413)
    if not text.strip():
        raise BadInput("body", "is empty")
    if question.format not in (AUTO, *FORMATS):
        raise BadInput("format", "unknown format", [AUTO, *FORMATS])
    if question.model is not None and question.model not in MODEL_KINDS:
        raise BadInput("model", "unknown model", list(MODEL_KINDS))
    if question.initial is not None and len(question.initial) > limits.TITLE_MAX:
        raise BadInput("initial", f"longer than {limits.TITLE_MAX} characters")


def ask(id: str) -> None:
    """Queue the check, unless somebody did a moment ago."""
    if client().set(f"history:{id}:asked", "1", nx=True, ex=ASK_AGAIN_S):
        dispatch.send_slow(CHECK, [id])


def found(id: str) -> bytes | None:
    """The answer as gzip of JSON; None while it is being made (asked for again when it seems lost).

    BadInput (404) when nothing is known of this id.
    """
    try:
        ready = client().get(f"history:{id}:answer")
        if ready is None and not client().exists(f"history:{id}:text"):
            raise BadInput(
                "history", "there is no such history any more: they are kept for an hour", status=404
            )
        if ready is None:
            ask(id)
    except redis.RedisError as error:
        raise BadInput("history", "the store does not answer", status=503) from error
    return ready if isinstance(ready, bytes) else None


def work(id: str) -> None:
    """Judge one history and keep the answer: the task of a worker."""
    packed = client().get(f"history:{id}:text")
    if not isinstance(packed, bytes) or client().exists(f"history:{id}:answer"):
        return
    question, text = msgspec.msgpack.decode(packed, type=tuple[Question, bytes])
    last = bool(client().exists(f"history:{id}:hard"))
    found = judgement(gzip.decompress(text), question, CHECK_S if last else FIRST_S)
    if last or found.get("result", {}).get("reason") != OUT_OF_BUDGET:
        keep(id, found)
        return
    client().set(f"history:{id}:hard", "1", ex=KEPT_S)
    client().set(f"history:{id}:asked", "1", ex=ASK_AGAIN_S)
    dispatch.send_slow(CHECK, [id])


def give_up(id: str) -> None:
    """Keep the answer that reading took too long."""
    keep(id, {"error": plain_error(HistoryFormatError(None, f"took longer than {READ_S} s to read"))})


def keep(id: str, data: dict[str, Any]) -> None:
    client().set(f"history:{id}:answer", gzip.compress(msgspec.json.encode(data), 5), ex=KEPT_S)


def judgement(text: bytes, question: Question, timeout_s: float = CHECK_S) -> dict[str, Any]:
    """{format, result, drawing} as docs/history-format.md says, or {error: {line, reason, reason_zh}}."""
    try:
        content = decoded(text)
        format = detected(content) if question.format == AUTO else question.format
        if format is None:
            raise HistoryFormatError(None, "format: cannot be told from the beginning; choose one")
        parsed = read_history(content, format=format, model=question.model, initial=question.initial)
        require_drawable(len(parsed.history.operations))
    except (HistoryFormatError, ValueError) as error:
        return {"error": plain_error(error)}
    verdict, seconds = judged(parsed, timeout_s)
    picture = drawing(parsed, verdict, timed=format == "json")
    return {"format": format, "result": answer(parsed, verdict, seconds), "drawing": picture}


def require_drawable(operations: int) -> None:
    """Raises HistoryFormatError above what a page can draw."""
    most = limits.HISTORY_OPERATIONS_MAX
    if operations > most:
        reason = f"operations: {operations}, the page draws up to {most}; use manage.py check_history"
        raise HistoryFormatError(None, reason)


def plain_error(error: ValueError) -> dict[str, Any]:
    """A malformed history as the page shows it."""
    line, reason = (error.line, error.reason) if isinstance(error, HistoryFormatError) else (None, str(error))
    return {"line": line, "reason": reason, "reason_zh": in_chinese(reason)}
