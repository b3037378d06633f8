"""Our own history format (docs/history-format.md): what runs export and check_history reads back."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import msgspec

from simulations.engine.checks.history import KINDS, History, Operation, Outcome, history_of
from simulations.engine.checks.linearizability import Model
from simulations.engine.checks.linearizability.model import MODEL_KINDS
from simulations.histories.parsed import (
    OPERATIONS_MAX,
    Fault,
    HistoryFormatError,
    ParsedHistory,
    Place,
    unwritable,
)

FORMAT = 1
NO_NUMBER = re.compile(r"\b(?:NaN|Infinity)\b|\d{4300,}")
HALF = re.compile(r"\\u[dD][89a-fA-F]")
HALVES = "\ud800"


class OperationEntry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One operation in a file; the fields are those of Operation."""

    id: int
    client: str
    key: str
    kind: str
    invoked_us: int
    argument: Any = None
    returned_us: int | None = None
    outcome: Outcome = "pending"
    result: Any = None
    process: str | None = None
    session: str | None = None


VALUES = ("client", "key", "argument", "result", "process", "session")


class HistoryFile(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file. `order` (per event: id, or -1 - id for a completion) decides ties of time."""

    format: int
    operations: list[OperationEntry]
    model: str = "kv"
    initial: Any = None
    failed_guard_counts: bool = False
    nil_reads_say_nothing: bool = False
    locks_have_owners: bool = True
    order: list[int] | None = None
    faults: list[Fault] = msgspec.field(default_factory=list)


def parse_json(text: str) -> ParsedHistory:
    """Raises HistoryFormatError with the line and why."""
    file = _decoded(text)
    lines = _operation_lines(text)
    places: dict[int, Place] = {}
    operations: dict[int, Operation] = {}
    for index, entry in enumerate(file.operations):
        line = lines[index] if index < len(lines) else 1
        if entry.id in operations:
            raise HistoryFormatError(line, f"operations[{index}].id: {entry.id} is used twice")
        operations[entry.id] = _operation(line, index, entry)
        completed = line if entry.returned_us is not None else None
        places[entry.id] = Place(line, index, completed, index if completed else None)
    history = history_of(operations.values())
    if file.order is not None:
        history = History(operations, _checked_order(text, file.order, history))
    for name, value in (("initial", file.initial), ("faults", [fault.what for fault in file.faults])):
        why = unwritable(value)
        if why is not None:
            raise HistoryFormatError(_line_of(text, name), f"{name}: {why}")
    return ParsedHistory(history, _model(text, file), places, file.faults)


def _decoded(text: str) -> HistoryFile:
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise HistoryFormatError(error.lineno, f"not JSON: {error.msg}") from None
    except RecursionError:
        raise HistoryFormatError(None, "not JSON: nested too deep") from None
    except ValueError as error:  # a number of thousands of digits, or one that is none
        raise HistoryFormatError(_line_at(text, NO_NUMBER.search(text)), f"not JSON: {error}") from None
    try:
        file = msgspec.convert(value, HistoryFile)
    except msgspec.ValidationError as error:
        raise _located(text, str(error)) from None
    except UnicodeEncodeError:  # what is to be named in a message cannot be written
        raise HistoryFormatError(
            _line_at(text, HALF.search(text)), f"not JSON: {unwritable(HALVES)}"
        ) from None
    if file.format != FORMAT:
        raise HistoryFormatError(_line_of(text, "format"), f"format: {file.format} is not {FORMAT}")
    if len(file.operations) > OPERATIONS_MAX:
        raise HistoryFormatError(None, f"operations: more than {OPERATIONS_MAX}")
    return file


def _line_at(text: str, found: re.Match[str] | None) -> int | None:
    return text.count("\n", 0, found.start()) + 1 if found else None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _located(text: str, reason: str) -> HistoryFormatError:
    """The validator's message with its path in front and the line of what it names."""
    match = re.match(r"(?P<why>.*?)(?: - at `\$\.?(?P<path>.*)`)?\Z", reason, re.DOTALL)
    why, path = (match["why"], match["path"] or "") if match else (reason, "")
    item = re.match(r"operations\[(\d+)\]", path)
    if item:
        lines = _operation_lines(text)
        line = lines[int(item[1])] if int(item[1]) < len(lines) else 1
    else:
        line = _line_of(text, re.split(r"[.\[]", path)[0])
    return HistoryFormatError(line, f"{path}: {why}" if path else why)


def _line_of(text: str, name: str) -> int:
    at = text.find(f'"{name}"') if name else 0
    return text.count("\n", 0, max(at, 0)) + 1


def _operation_lines(text: str) -> list[int]:
    """The line on which each entry of `operations` starts."""
    start = re.search(r'"operations"\s*:\s*\[', text)
    if start is None:
        return []
    decoder, at, line = json.JSONDecoder(), start.end(), text.count("\n", 0, start.end()) + 1
    lines: list[int] = []
    separator = re.compile(r"[\s,]*")
    while True:
        gap = separator.match(text, at)
        line += text.count("\n", at, gap.end() if gap else at)
        at = gap.end() if gap else at
        if at >= len(text) or text[at] == "]":
            return lines
        lines.append(line)
        _, end = decoder.raw_decode(text, at)
        line += text.count("\n", at, end)
        at = end


def _operation(line: int, index: int, entry: OperationEntry) -> Operation:
    reason = _wrong(entry)
    if reason is not None:
        raise HistoryFormatError(line, f"operations[{index}].{reason}")
    return Operation(
        entry.id,
        entry.client,
        entry.key,
        entry.kind,
        entry.argument,
        entry.invoked_us,
        entry.returned_us,
        entry.outcome,
        entry.result,
        entry.process,
        entry.session,
    )


def _wrong(entry: OperationEntry) -> str | None:
    """What is wrong with one entry, None when nothing is."""
    for name in VALUES:
        why = unwritable(getattr(entry, name))
        if why is not None:
            return f"{name}: {why}"
    if entry.id < 0:
        return "id: must not be negative"
    if entry.kind not in KINDS:
        return f"kind: {entry.kind!r} is not one of {', '.join(KINDS)}"
    if entry.kind == "cas" and not (isinstance(entry.argument, list) and len(entry.argument) == 2):
        return "argument: a cas takes [expected, new]"
    if entry.kind == "append" and not isinstance(entry.argument, str):
        return "argument: an append takes text"
    if entry.outcome in ("ok", "fail") and entry.returned_us is None:
        return f"returned_us: missing, but the outcome is {entry.outcome}"
    if entry.outcome == "pending" and entry.returned_us is not None:
        return "returned_us: given, but the outcome is pending"
    if entry.returned_us is not None and entry.returned_us < entry.invoked_us:
        return "returned_us: before invoked_us"
    return None


def _checked_order(text: str, order: list[int], by_time: History) -> list[int]:
    """The order given, which must hold the same events and never contradict their times."""
    line = _line_of(text, "order")
    if sorted(order) != sorted(by_time.order):
        raise HistoryFormatError(line, "order: must name every invocation (id) and completion (-1 - id) once")
    times = [_time(by_time, number) for number in order]
    if any(later < earlier for earlier, later in itertools.pairwise(times)):
        raise HistoryFormatError(line, "order: contradicts invoked_us and returned_us")
    seen: set[int] = set()
    for number in order:
        if number < 0 and ~number not in seen:
            raise HistoryFormatError(line, f"order: operation {~number} completes before it is invoked")
        seen.add(number)
    return order


def _time(history: History, number: int) -> int:
    operation = history.operations[~number if number < 0 else number]
    return (operation.returned_us or 0) if number < 0 else operation.invoked_us


def _model(text: str, file: HistoryFile) -> Model:
    if file.model not in MODEL_KINDS:
        allowed = ", ".join(sorted(MODEL_KINDS))
        raise HistoryFormatError(_line_of(text, "model"), f"model: {file.model!r} is not one of {allowed}")
    return Model(
        file.model,  # type: ignore[arg-type]
        file.initial,
        file.failed_guard_counts,
        file.nil_reads_say_nothing,
        file.locks_have_owners,
    )


def written(history: History, model: Model, faults: list[Fault] | None = None) -> str:
    """A history as a file of this format, one operation a line."""
    head = {
        "format": FORMAT,
        "model": model.name,
        "initial": model.initial,
        "failed_guard_counts": model.failed_guard_counts,
        "nil_reads_say_nothing": model.nil_reads_say_nothing,
        "locks_have_owners": model.locks_have_owners,
        "faults": faults or [],
        "order": history.order,
    }
    fields = [f" {_json(name)}: {_json(value)}" for name, value in head.items()]
    rows = [f"  {_json(_entry(operation))}" for operation in history.operations.values()]
    fields.append(' "operations": [\n' + ",\n".join(rows) + "\n ]")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _entry(operation: Operation) -> OperationEntry:
    return msgspec.convert(operation, OperationEntry, from_attributes=True)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
