"""How processes are shown: fields by the descriptor, logs and timers, and what changed since the last look."""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress, islice
from operator import attrgetter, ne
from typing import Any, get_type_hints

import msgspec

from simulations.engine.context import ProcessContext
from simulations.engine.copying import copier, copy_value
from simulations.engine.log import Log
from simulations.engine.process import Descriptor, Process, Request

SHOWN_ENTRIES = 64
TEXT_SHOWN_MAX = 200


def entry_of(entry: Any) -> list[Any]:
    """A log entry as (epoch, label): its ``term`` or ``epoch``, and its own ``label`` or that of its ``command``."""
    label = getattr(entry, "label", None)
    epoch = getattr(entry, "term", getattr(entry, "epoch", 0))
    return [epoch, label_of(getattr(entry, "command", None)) if label is None else label[:60]]


_entries: dict[int, list[Any]] = {}
_ENTRIES_MAX = 2048


def entries_of(log: Log, start: int) -> list[list[Any]]:
    """The entries from ``start`` on, as (epoch, label). All replicas show the same entries again and again, so what an
    entry looks like is remembered by the hash of the prefix that ends with it."""
    found = []
    for index in range(start, log.last + 1):
        mark = log.hash_at(index)
        shape = _entries.get(mark)
        if shape is None:
            if len(_entries) >= _ENTRIES_MAX:
                _entries.clear()
            shape = _entries[mark] = entry_of(log[index])
        found.append(shape)
    return found


def label_of(command: Any) -> str:
    """A command in a few characters."""
    if command is None:
        return ""
    if isinstance(command, Request):
        argument = "" if command.argument is None else f" {shown(command.argument)}"
        return f"{command.kind} {command.key}{argument}"[:60]
    return type(command).__name__


def shown(value: Any) -> Any:
    """A value as the page gets it: plain, and short."""
    kind = value.__class__
    if kind is int:
        return value if -SAFE < value < SAFE else short_hash(value)
    if kind is str:
        return value if len(value) <= TEXT_SHOWN_MAX else value[:TEXT_SHOWN_MAX]
    if kind in _PLAIN:
        return value
    if isinstance(value, (tuple, list)):
        return [shown(item) for item in value[:SHOWN_ENTRIES]]
    if isinstance(value, dict):
        return {str(key): shown(item) for key, item in islice(value.items(), SHOWN_ENTRIES)}
    if isinstance(value, (set, frozenset)):
        return sorted(value)[:SHOWN_ENTRIES]
    if isinstance(value, Request):
        return label_of(value)
    if isinstance(value, msgspec.Struct):
        view = getattr(value, "view", None)
        if view is not None:  # (it says itself how people see it)
            return view()
        return {name: shown(getattr(value, name)) for name in value.__struct_fields__}
    return value


def is_flat(value: Any) -> bool:
    """Whether a dictionary is shown as it is: short, of names with exact numbers or short texts."""
    if (
        value.__class__ is not dict
        or len(value) > SHOWN_ENTRIES
        or (value and set(map(type, value)) != _TEXTS)
    ):
        return False
    kinds = set(map(type, value.values()))
    if kinds == _NUMBERS:
        return bool(min(value.values()) > -SAFE and max(value.values()) < SAFE)
    if kinds == _TEXTS:
        return max(map(len, value.values())) <= TEXT_SHOWN_MAX
    return kinds <= _PLAIN


def short_hash(value: int) -> str:
    """The last 16 bits as four hex digits: enough to see that two replicas differ."""
    return f"{value & 0xFFFF:04x}"


def log_view(log: Log) -> dict[str, Any]:
    """A log as a keyframe shows it."""
    start = max(log.first, log.last - SHOWN_ENTRIES + 1)
    entries = entries_of(log, start)
    return {"first": log.first, "last": log.last, "hash": short_hash(log.hash), "entries": entries}


class LogState:
    """What was last shown of a log, to tell what changed."""

    __slots__ = ("first", "hash", "hashes", "last", "version")

    def __init__(self, log: Log) -> None:
        self.version, self.first, self.last, self.hash = log.version, log.first, log.last, log.hash

    def diff(self, log: Log) -> dict[str, Any]:
        """The change since: entries up to ``keep`` stay, ``add`` follow."""
        keep = min(self.last, log.last)
        # As many entries more as changes: it only grew. Else a suffix was replaced when the prefix that both share no
        # longer ends with the same hash.
        grew = log.version - self.version == log.last - self.last
        if not grew and keep >= log.first and (keep < self.last or log.hash_at(keep) != self.hash):
            keep = self.shared(log, keep)
        start = max(keep + 1, log.first, log.last - SHOWN_ENTRIES + 1)
        added = entries_of(log, start)
        keep = max(keep, start - 1)
        return {
            "first": log.first,
            "last": log.last,
            "hash": short_hash(log.hash),
            "keep": keep,
            "add": added,
        }

    def shared(self, log: Log, keep: int) -> int:
        """The last index up to which nothing changed. Only a truncation shortens a log, so it is what is left, less
        what was appended after it; without the old hashes the safe answer is to show the shown part again."""
        return max(log.first - 1, min(keep, log.last) - SHOWN_ENTRIES)


class Plan:
    """How processes of one class are viewed: plain attributes, containers, logs."""

    def __init__(self, descriptor: Descriptor | None, kind: type[Process]) -> None:
        fields = [field for field in (descriptor.fields if descriptor else ()) if field.kind != "timer"]
        self.logs = [(field.name, field.attribute or field.name) for field in fields if field.kind == "log"]
        plain = [field for field in fields if field.kind != "log"]
        self.names = tuple(field.name for field in plain)
        self.places = range(len(plain))
        marks = [field for field in plain if field.kind in ("role", "epoch")]
        self.marked = tuple(field.name for field in marks)
        self.get_marks = [attrgetter(field.attribute or field.name) for field in marks]
        attributes = [field.attribute or field.name for field in plain]
        self.hashes = frozenset(field.name for field in plain if field.kind == "hash")
        hints = get_type_hints(kind)
        self.copiers = tuple(copier(hints[name]) if name in hints else copy_value for name in attributes)
        self.get: Callable[[Any], tuple[Any, ...]]
        if len(attributes) == 1:
            single = attrgetter(attributes[0])
            self.get = lambda process: (single(process),)
        else:
            self.get = attrgetter(*attributes) if attributes else lambda process: ()

    def show(self, name: str, value: Any) -> Any:
        if name in self.hashes and isinstance(value, int):
            return short_hash(value)
        return value if value.__class__ in ATOMS else shown(value)

    def frozen(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The values with containers copied, so that a later change is seen."""
        return tuple([self.copied(place, value) for place, value in enumerate(values)])

    def copied(self, place: int, value: Any) -> Any:
        """Containers inside containers are copied too: a process may change them in place."""
        made = None if value.__class__ in ATOMS else self.copiers[place]
        return value if made is None else made(value)


ATOMS = frozenset((int, str, bool, float, type(None)))
_PLAIN = frozenset((bool, float, type(None)))
_NUMBERS, _TEXTS = {int}, {str}
SAFE = 2**53
"""Integers up to here are exact in a browser."""


class View:
    """What was last shown of one process."""

    __slots__ = ("logs", "marks", "plan", "process", "timers", "values")

    def __init__(self, plan: Plan, context: ProcessContext) -> None:
        self.plan = plan
        self.process = context.process
        self.take(context)

    def take(self, context: ProcessContext) -> None:
        plan, process = self.plan, context.process
        self.process = process
        self.values = plan.frozen(plan.get(process))
        self.timers = context.timers.copy()
        self.logs = [LogState(attrgetter(attribute)(process)) for _, attribute in plan.logs]
        self.marks = [get(process) for get in plan.get_marks]

    def turned(self, context: ProcessContext) -> dict[str, Any] | None:
        """Role and epoch, when one of them changed since the last call: all that an aggregate tells of a process."""
        process = context.process
        marks = [get(process) for get in self.plan.get_marks]
        if marks == self.marks:
            return None
        self.marks = marks
        fields = zip(self.plan.marked, marks, strict=True)
        return {"fields": {name: self.plan.show(name, value) for name, value in fields}}

    def whole(self, context: ProcessContext) -> dict[str, Any]:
        """Everything, as a keyframe has it."""
        plan, process = self.plan, context.process
        fields = {
            name: plan.show(name, value) for name, value in zip(plan.names, plan.get(process), strict=True)
        }
        for name, attribute in plan.logs:
            fields[name] = log_view(attrgetter(attribute)(process))
        return {"fields": fields, "timers": {name: [t[3], t[0]] for name, t in context.timers.items()}}

    def diff(self, context: ProcessContext) -> dict[str, Any] | None:
        """What changed since the last call, or None."""
        plan, process = self.plan, context.process
        values = plan.get(process)
        fields: dict[str, Any] | None = None
        if values != self.values:
            fields = self.changed(values)
        for (name, attribute), state in zip(plan.logs, self.logs, strict=True):
            log: Log = getattr(process, attribute)
            if state.version != log.version:
                fields = fields or {}
                fields[name] = state.diff(log)
                state.__init__(log)  # type: ignore[misc]
        timers = None
        if context.timers != self.timers:
            timers = timers_diff(self.timers, context.timers)
            self.timers = context.timers.copy()
        if timers:
            return {"fields": fields, "timers": timers} if fields else {"timers": timers}
        return {"fields": fields} if fields else None

    def changed(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """The fields that differ from those shown last, which the new ones become."""
        plan, kept = self.plan, list(self.values)
        fields = {}
        for place in compress(plan.places, map(ne, values, kept)):
            name, value = plan.names[place], values[place]
            if is_flat(value):
                fields[name] = kept[place] = value.copy()
            else:
                fields[name] = plan.show(name, value)
                kept[place] = plan.copied(place, value)
        self.values = tuple(kept)
        return fields


def timers_diff(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Timers that were set or moved, and None for those that are gone."""
    changed: dict[str, Any] = {}
    for name, timer in new.items():
        before = old.get(name)
        if before is None or before[0] != timer[0]:
            changed[name] = [timer[3], timer[0]]
    for name in old:
        if name not in new:
            changed[name] = None
    return changed
