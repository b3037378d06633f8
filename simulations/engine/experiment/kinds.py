"""The kinds of values an experiment is made of. Each reads strictly, writes canonically and describes
itself.

A kind has three verbs: `read(value, path, problems)` gives the parsed value or INVALID after noting what is
wrong; `plain(value)` is its inverse; `schema()` is its JSON Schema. The whole format (grammar.py), the
fault vocabulary and the parameters of systems are tables of kinds, so validator, editor and schema cannot
disagree.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from simulations.engine.experiment import limits
from simulations.engine.experiment.problems import Problems, child, show
from simulations.engine.experiment.structs import Text

INVALID: Any = object()
"""What `read` returns after it has noted a problem."""

Schema = dict[str, Any]


class Kind(Protocol):
    """See the module's first lines."""

    def read(self, value: object, path: str, problems: Problems) -> Any: ...

    def plain(self, value: Any) -> Any: ...

    def schema(self) -> Schema: ...


def number(value: object, path: str, problems: Problems) -> Any:
    """A finite number, as int where it is whole (5.0 is 5); INVALID for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        problems.add(path, "type", expected="a number", given=value)
        return INVALID
    if isinstance(value, float):
        if not math.isfinite(value):
            problems.add(path, "not_finite")
            return INVALID
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value


class Number(msgspec.Struct, frozen=True):
    """A number between two limits, both included; `unit` is for people; `whole` for counts."""

    minimum: float = 0
    maximum: float = limits.JSON_NUMBER_MAX
    unit: str = ""
    whole: bool = False

    def read(self, value: object, path: str, problems: Problems) -> Any:
        found = number(value, path, problems)
        if found is INVALID:
            return INVALID
        if self.whole and not isinstance(found, int):
            problems.add(path, "type", expected="a whole number", given=value)
        elif found < self.minimum:
            problems.add(path, "too_small", limit=self.minimum, given=value)
        elif found > self.maximum:
            problems.add(path, "too_large", limit=self.maximum, given=value)
        else:
            return found
        return INVALID

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        unit = {"x-unit": self.unit} if self.unit else {}
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": self.minimum, "maximum": self.maximum, **unit}


class Flag(msgspec.Struct, frozen=True):
    """true or false."""

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if isinstance(value, bool):
            return value
        problems.add(path, "type", allowed=("true", "false"), expected="true or false", given=value)
        return INVALID

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


class Word(msgspec.Struct, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if isinstance(value, str) and value in self.words:
            return value
        problems.add(path, "choice", allowed=self.words, given=value)
        return INVALID

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"enum": list(self.words)}


class Line(msgspec.Struct, frozen=True):
    """A text of limited length without control characters."""

    longest: int = limits.NAME_LENGTH_MAX
    shortest: int = 1

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if not isinstance(value, str):
            problems.add(path, "type", expected="a text", given=value)
        elif len(value) > self.longest:
            problems.add(path, "too_long", limit=self.longest)
        elif len(value.strip()) < self.shortest:
            problems.add(path, "too_short", limit=self.shortest)
        elif not is_clean(value):
            problems.add(path, "text")
        else:
            return value
        return INVALID

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "string", "minLength": self.shortest, "maxLength": self.longest}


def is_clean(text: str) -> bool:
    """No control characters (a line break is fine), no halves of surrogate pairs."""
    return not any((ord(c) < 32 and c != "\n") or ord(c) == 127 or 0xD800 <= ord(c) <= 0xDFFF for c in text)


class Id(msgspec.Struct, frozen=True):
    """A name things are found by: letters, digits, - and _; with `slash` one "/" may stand inside
    (n1/sentinel).
    """

    slash: bool = False

    @property
    def pattern(self) -> str:
        word = f"[A-Za-z0-9][A-Za-z0-9_-]{{0,{limits.ID_LENGTH_MAX - 1}}}"
        return f"^{word}(/{word})?$" if self.slash else f"^{word}$"

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        problems.add(path, "id", limit=limits.ID_LENGTH_MAX, given=value)
        return INVALID

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "string", "pattern": self.pattern}


class Bilingual(msgspec.Struct, frozen=True):
    """{en: ..., zh: ...}, both present."""

    longest: int = limits.TEXT_LENGTH_MAX

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path, "type", allowed=("en", "zh"), expected="a text in en and zh", given=value)
            return INVALID
        for key in value:
            if key not in ("en", "zh"):
                problems.add(child(path, show(key)), "unknown_key", allowed=("en", "zh"), given=key)
                return INVALID
        for key in ("en", "zh"):
            if key not in value:
                problems.add(child(path, key), "missing")
                return INVALID
        line = Line(self.longest)
        en, zh = (line.read(value[key], child(path, key), problems) for key in ("en", "zh"))
        return INVALID if INVALID in (en, zh) else Text(en, zh)

    def plain(self, value: Any) -> Any:
        return {"en": value.en, "zh": value.zh}

    def schema(self) -> Schema:
        text = Line(self.longest).schema()
        return {
            "type": "object",
            "properties": {"en": text, "zh": text},
            "required": ["en", "zh"],
            "additionalProperties": False,
        }


class Json(msgspec.Struct, frozen=True):
    """Plain data of a system (values, states, arguments), bounded in depth, size and numbers.

    shape: any, or record for a dict at the top.
    """

    shape: str = "any"

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if self.shape == "record" and not isinstance(value, dict):
            problems.add(path, "type", expected="a record", given=value)
            return INVALID
        return self._read(value, path, problems, limits.JSON_DEPTH_MAX)

    def _read(self, value: object, path: str, problems: Problems, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return Line(limits.JSON_TEXT_MAX, 0).read(value, path, problems)
        if isinstance(value, (list, tuple, dict)):
            return self._read_many(value, path, problems, depth)
        limit = limits.JSON_NUMBER_MAX
        return Number(-limit, limit).read(value, path, problems)

    def _read_many(
        self, value: list[Any] | tuple[Any, ...] | dict[Any, Any], path: str, problems: Problems, depth: int
    ) -> Any:
        if depth == 0:
            problems.add(path, "too_deep", limit=limits.JSON_DEPTH_MAX)
            return INVALID
        if len(value) > limits.JSON_ITEMS_MAX:
            problems.add(path, "too_long", limit=limits.JSON_ITEMS_MAX)
            return INVALID
        if not isinstance(value, dict):
            items = [self._read(item, child(path, i), problems, depth - 1) for i, item in enumerate(value)]
            return INVALID if INVALID in items else items
        found = {}
        for key, item in value.items():
            name = Line(limits.NAME_LENGTH_MAX, 0).read(key, child(path, show(key)), problems)
            part = self._read(item, child(path, show(key)), problems, depth - 1)
            if name is INVALID or part is INVALID:
                return INVALID
            found[name] = part
        return found

    def plain(self, value: Any) -> Any:
        return value

    def schema(self) -> Schema:
        return {"type": "object"} if self.shape == "record" else {}


class ListOf(msgspec.Struct, frozen=True):
    """A list of one kind. single: one item may stand without its list (target: n1)."""

    kind: Any
    longest: int
    shortest: int = 0
    single: bool = False

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if self.single and not isinstance(value, (list, tuple)):
            found = self.kind.read(value, path, problems)
            return INVALID if found is INVALID else [found]
        if not isinstance(value, (list, tuple)):
            problems.add(path, "type", expected="a list", given=value)
        elif len(value) > self.longest:
            problems.add(path, "too_long", limit=self.longest)
        elif len(value) < self.shortest:
            problems.add(path, "too_short", limit=self.shortest)
        else:
            items = [self.kind.read(item, child(path, i), problems) for i, item in enumerate(value)]
            return INVALID if any(item is INVALID for item in items) else items
        return INVALID

    def plain(self, value: Any) -> Any:
        if self.single and len(value) == 1:
            return self.kind.plain(value[0])
        return [self.kind.plain(item) for item in value]

    def schema(self) -> Schema:
        item = self.kind.schema()
        many = {"type": "array", "items": item, "maxItems": self.longest, "minItems": self.shortest}
        return {"anyOf": [item, many]} if self.single else many


class Pair(msgspec.Struct, frozen=True):
    """Two ids, as a tuple."""

    def read(self, value: object, path: str, problems: Problems) -> Any:
        found = ListOf(Id(), 2, 2).read(value, path, problems)
        return INVALID if found is INVALID else (found[0], found[1])

    def plain(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> Schema:
        return ListOf(Id(), 2, 2).schema()


class MapOf(msgspec.Struct, frozen=True):
    """A record whose keys are names and whose values are of one kind."""

    kind: Any
    longest: int
    key: Any = Id(slash=True)

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if not isinstance(value, dict):
            problems.add(path, "type", expected="a record", given=value)
            return INVALID
        if len(value) > self.longest:
            problems.add(path, "too_long", limit=self.longest)
            return INVALID
        found = {}
        for key, item in value.items():
            here = child(path, show(key))
            found[self.key.read(key, here, problems)] = self.kind.read(item, here, problems)
        bad = INVALID in found or any(item is INVALID for item in found.values())
        return INVALID if bad else found

    def plain(self, value: Any) -> Any:
        return {key: self.kind.plain(item) for key, item in value.items()}

    def schema(self) -> Schema:
        return {"type": "object", "maxProperties": self.longest, "additionalProperties": self.kind.schema()}


class Record(msgspec.Struct, frozen=True):
    """A struct with named fields. A field is required when the struct has no default for it; null means
    absent.

    fields: key in the file -> kind. The struct's attribute is the key, with "_" added to Python's own
    words. shorthand: a field that may stand alone as a text for the whole record (a check's name).
    """

    struct: Any
    fields: dict[str, Any]
    shorthand: str = ""

    def read(self, value: object, path: str, problems: Problems) -> Any:
        if self.shorthand and isinstance(value, str):
            value = {self.shorthand: value}
        if not isinstance(value, dict):
            problems.add(path, "type", allowed=tuple(self.fields), expected="a record", given=value)
            return INVALID
        before = problems.count
        refuse_unknown(value, self.fields, path, problems)
        required = required_keys(self)
        found = {}
        for key, kind in self.fields.items():
            if value.get(key) is not None:
                found[attribute(key)] = kind.read(value[key], child(path, key), problems)
            elif key in required:
                problems.add(child(path, key), "missing")
        if problems.count > before or any(item is INVALID for item in found.values()):
            return INVALID
        return self.struct(**found)

    def plain(self, value: Any) -> Any:
        found = {}
        defaults = default_values(self.struct)
        for key, kind in self.fields.items():
            item = getattr(value, attribute(key))
            if item is None or (attribute(key) in defaults and item == defaults[attribute(key)]):
                continue
            found[key] = kind.plain(item)
        return found[self.shorthand] if self.shorthand and list(found) == [self.shorthand] else found

    def schema(self) -> Schema:
        properties = {key: kind.schema() for key, kind in self.fields.items()}
        required = required_keys(self)
        record: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required:
            record["required"] = required
        return {"anyOf": [properties[self.shorthand], record]} if self.shorthand else record


def refuse_unknown(value: dict[Any, Any], allowed: Any, path: str, problems: Problems) -> None:
    """Note every key that is not allowed."""
    for key in value:
        if not isinstance(key, str) or key not in allowed:
            problems.add(child(path, show(key)), "unknown_key", allowed=tuple(allowed), given=key)


def attribute(key: str) -> str:
    """The struct's attribute for a key of the file."""
    return key + "_" if key in ("from", "is", "in", "as") else key


@lru_cache(maxsize=256)
def default_values(struct: Any) -> dict[str, Any]:
    """Attribute -> default, where there is one. Shared: only compared with, never handed out."""
    found = {}
    for field in msgspec.structs.fields(struct):
        if field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
    return found


@lru_cache(maxsize=256)
def required_attributes(struct: Any) -> frozenset[str]:
    """Attributes without a default."""
    return frozenset(field.name for field in msgspec.structs.fields(struct) if field.required)


def required_keys(record: Record) -> list[str]:
    """Keys of the file that must be given."""
    required = required_attributes(record.struct)
    return [key for key in record.fields if attribute(key) in required]
