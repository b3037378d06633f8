"""How processes are shown: fields by the descriptor, logs and timers, and what changed since the last look."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from simulations.engine.compiled import reader
from simulations.engine.context import ProcessContext
from simulations.engine.copying import copier, copy_value
from simulations.engine.log import Log
from simulations.engine.process import Descriptor, Process, Request, ViewField

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


def short_hash(value: int) -> str:
    """The last 16 bits as four hex digits: enough to see that two replicas differ."""
    return _BYTES[value >> 8 & 0xFF] + _BYTES[value & 0xFF]


_BYTES = [f"{byte:02x}" for byte in range(256)]


def log_view(log: Log) -> dict[str, Any]:
    """A log as a keyframe shows it."""
    start = max(log.first, log.last - SHOWN_ENTRIES + 1)
    entries = entries_of(log, start)
    return {"first": log.first, "last": log.last, "hash": short_hash(log.hash), "entries": entries}


class LogState:
    """What was last shown of a log, to tell what changed."""

    __slots__ = ("first", "get", "hash", "last", "name", "version")

    def __init__(self, name: str, get: Callable[[Any], Log], log: Log) -> None:
        self.name, self.get = name, get
        self.take(log)

    def take(self, log: Log) -> None:
        self.version, self.first, self.last, self.hash = log.version, log.first, log.last, log.hash

    def told(self, log: Log, found: dict[str, Any]) -> None:
        """Add the change since the last call: what it grew by, or else how it differs."""
        last, version = log.last, log.version
        more = last - self.last
        if version - self.version != more or log.first != self.first or not 0 < more <= SHOWN_ENTRIES:
            found.setdefault("fields", {})[self.name] = self.diff(log)
            self.take(log)
            return
        prefix = log.hash
        entry = _entries.get(prefix) if more == 1 else None
        added = entries_of(log, self.last + 1) if entry is None else (entry,)
        found.setdefault("grown", {})[self.name] = (last, short_hash(prefix), added)
        self.version, self.last, self.hash = version, last, prefix

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


Fields = tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]
"""Names of fields that are looked at together, and a function that reads all of them from a process."""


class Plan:
    """How processes of one class are viewed: values that are shown as they are, containers and hashes, logs; and what
    needs a look only when another field changed."""

    def __init__(self, descriptor: Descriptor | None, kind: type[Process]) -> None:
        fields = [field for field in (descriptor.fields if descriptor else ()) if field.kind != "timer"]
        self.logs = [(field.name, reader_of(field)) for field in fields if field.kind == "log"]
        plain = [field for field in fields if field.kind != "log"]
        self.shown = tuple((field.name, reader_of(field)) for field in plain)
        marks = [field for field in plain if field.kind in ("role", "epoch")]
        self.marked = tuple(field.name for field in marks)
        self.get_marks = [reader_of(field) for field in marks]
        self.hashes = frozenset(field.name for field in plain if field.kind == "hash")
        self.copiers = {field.name: copier(annotation_of(kind, field)) for field in plain}
        self.followers = {
            followed: fields_of([field for field in plain if field.follows == followed])
            for followed in dict.fromkeys(field.follows for field in plain if field.follows)
        }
        free = [field for field in plain if not field.follows]
        values = [f for f in free if self.copiers[f.name] is None and f.name not in self.hashes]
        others = [field for field in free if field not in values]
        self.names, self.get = fields_of(values)
        self.others, self.get_others = fields_of(others)
        wrong = self.followers.keys() - {*self.names, *(name for name, _ in self.logs)}
        if wrong:
            raise ValueError(
                f"{kind.__name__}: only what never changes in itself, or a log, can be followed: {wrong}"
            )

    def show(self, name: str, value: Any) -> Any:
        if name in self.hashes and isinstance(value, int):
            return short_hash(value)
        return value if value.__class__ in ATOMS else shown(value)

    def copied(self, name: str, value: Any) -> Any:
        """Containers inside containers are copied too: a process may change them in place."""
        made = None if value.__class__ in ATOMS else self.copiers[name]
        return value if made is None else made(value)


_plans: dict[type[Process], tuple[Descriptor | None, Plan]] = {}


def plan_of(descriptor: Descriptor | None, kind: type[Process]) -> Plan:
    """The plan of a class, made once."""
    known = _plans.get(kind)
    if known is None or known[0] is not descriptor:
        known = _plans[kind] = (descriptor, Plan(descriptor, kind))
    return known[1]


def reader_of(field: ViewField) -> Callable[[Any], Any]:
    """A function that reads a field from a process."""
    return attrgetter(field.attribute or field.name)


def fields_of(fields: list[ViewField]) -> Fields:
    """These fields, to be looked at together."""
    return tuple(field.name for field in fields), reader([field.attribute or field.name for field in fields])


def annotation_of(kind: type[Process], field: ViewField) -> Any:
    """What a class says of the type of a field, be it a property; Any when it cannot be told."""
    name = field.attribute or field.name
    made = getattr(kind, name, None)
    if isinstance(made, property):
        return get_type_hints(made.fget).get("return", Any)
    return get_type_hints(kind).get(name, Any)


ATOMS = frozenset((int, str, bool, float, type(None)))
_PLAIN = frozenset((bool, float, type(None)))
SAFE = 2**53
"""Integers up to here are exact in a browser."""


class View:
    """What was last shown of one process."""

    __slots__ = ("followers", "logs", "marks", "others", "plan", "process", "timers", "values")

    def __init__(self, plan: Plan, context: ProcessContext) -> None:
        self.plan = plan
        self.process = process = context.process
        self.values = plan.get(process)
        self.others = tuple(map(plan.copied, plan.others, plan.get_others(process)))
        self.followers = {
            followed: tuple(map(plan.copied, names, read(process)))
            for followed, (names, read) in plan.followers.items()
        }
        self.timers = context.timers.copy()
        self.logs = [LogState(name, get, get(process)) for name, get in plan.logs]
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
        fields = {name: plan.show(name, get(process)) for name, get in plan.shown}
        for name, log_of in plan.logs:
            fields[name] = log_view(log_of(process))
        return {"fields": fields, "timers": {name: [t[3], t[0]] for name, t in context.timers.items()}}

    def diff(self, context: ProcessContext, now: int = -1, everything: bool = False) -> dict[str, Any] | None:
        """What changed since the last call, in the protocol's form, or None. ``now``: the event's time; ``everything``:
        also what follows a field that did not change (when a process starts, or a person touched it)."""
        plan, process = self.plan, context.process
        found: dict[str, Any] = {}
        if everything:
            for followed in plan.followers:
                self.follow(followed, found)
        get, get_others = plan.get, plan.get_others
        values = get(process)
        if values != self.values:
            self.values_changed(values, found)
        others = get_others(process)
        if others != self.others:
            self.others = self.tell(plan.others, self.others, others, found)
        for state in self.logs:
            get_log = state.get
            log = get_log(process)
            if state.version != log.version:
                state.told(log, found)
                if state.name in plan.followers:
                    self.follow(state.name, found)
        timers = context.timers
        if timers != self.timers:
            changed = timers_diff(self.timers, timers, now)
            if changed:
                found["timers"] = changed
            self.timers = timers.copy()
        return found or None

    def values_changed(self, values: tuple[Any, ...], found: dict[str, Any]) -> None:
        """Add the values that differ from those shown last, and what follows them."""
        plan = self.plan
        fields = found.setdefault("fields", {})
        for name, new, old in zip(plan.names, values, self.values, strict=True):
            if new is not old and new != old:
                fields[name] = new if new.__class__ in ATOMS else shown(new)
                if name in plan.followers:
                    self.follow(name, found)
        self.values = values

    def follow(self, followed: str, found: dict[str, Any]) -> None:
        """A field changed: look at those that only change with it."""
        names, read = self.plan.followers[followed]
        old, new = self.followers[followed], read(self.process)
        if old != new:
            self.followers[followed] = self.tell(names, old, new, found)

    def tell(
        self, names: tuple[str, ...], old: tuple[Any, ...], new: tuple[Any, ...], found: dict[str, Any]
    ) -> tuple[Any, ...]:
        """Add those of some fields that changed; returns what to compare with from now on."""
        kept = [
            before if before == now else self.changed(name, before, now, found)
            for name, before, now in zip(names, old, new, strict=True)
        ]
        return tuple(kept)

    def changed(self, name: str, old: Any, new: Any, found: dict[str, Any]) -> Any:
        """Add what changed in a field; returns what to compare with from now on. A map is told by its changes, unless
        it is longer than what is shown of it and got other keys."""
        if new.__class__ is dict is old.__class__ and (
            0 < len(new) <= SHOWN_ENTRIES >= len(old) or [*new] == [*old]
        ):
            self.map_changed(name, old, new, found)
            return old
        found.setdefault("fields", {})[name] = self.plan.show(name, new)
        return self.plan.copied(name, new)

    def map_changed(self, name: str, old: dict[Any, Any], new: dict[Any, Any], found: dict[str, Any]) -> None:
        """Add what is gone and what is different, as far as it is shown, and bring ``old`` up to date."""
        told = {}
        for key, value in new.items():
            if key not in old or old[key] != value:
                old[key] = value if value.__class__ in ATOMS else copy_value(value)
                told[str(key)] = shown(value)
        if len(old) > len(new):
            gone = [key for key in old if key not in new]
            found.setdefault("gone", {})[name] = [*map(str, gone)]
            for key in gone:
                del old[key]
        if len(new) > SHOWN_ENTRIES:
            visible = set(map(str, islice(new, SHOWN_ENTRIES)))
            told = {key: value for key, value in told.items() if key in visible}
        if told:
            found.setdefault("maps", {})[name] = told


def timers_diff(old: dict[str, Any], new: dict[str, Any], now: int) -> dict[str, Any]:
    """Timers that were set or moved - at this event's time: only their deadline -, and None for those that are gone."""
    changed: dict[str, Any] = {}
    for name, timer in new.items():
        before = old.get(name)
        if before is None or (before[0], before[3]) != (timer[0], timer[3]):
            changed[name] = timer[0] if timer[3] == now else [timer[3], timer[0]]
    if old.keys() != new.keys():
        for name in old:
            if name not in new:
                changed[name] = None
    return changed
