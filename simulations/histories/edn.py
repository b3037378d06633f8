"""A reader for EDN, the data notation of Clojure (github.com/edn-format/edn).

Values become plain Python: maps -> dict, vectors, lists and sets -> list, nil -> None, keywords ->
Keyword, symbols -> Symbol, characters -> text; a tagged value is read as the value it tags. Commas are
white space, `;` starts a comment.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from simulations.histories.parsed import DEPTH_MAX, SURROGATE, HistoryFormatError

SKIP = re.compile(r"(?:[\s,\ufeff]+|;[^\n]*)+")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
TOKEN = re.compile(r"[^\s,;()\[\]{}\"]+")
INTEGER = re.compile(r"[+-]?\d+N?\Z")
FLOAT = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?\Z")
RATIO = re.compile(r"[+-]?\d+/\d+\Z")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
CHARACTERS = {"newline": "\n", "space": " ", "tab": "\t", "return": "\r"}
CONSTANTS = {"nil": None, "true": True, "false": False}
CLOSERS = {"(": ")", "[": "]", "{": "}"}


class Keyword(str):
    """`:read` is Keyword("read"). Equal to the plain text."""

    __slots__ = ()


class Symbol(str):
    """A bare word."""

    __slots__ = ()


class Reader:
    """Reads one value after another from a text. Raises HistoryFormatError with the line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def line(self, at: int | None = None) -> int:
        return bisect_right(self._line_starts, self.at if at is None else at)

    def error(self, reason: str, at: int | None = None) -> HistoryFormatError:
        return HistoryFormatError(self.line(at), reason)

    def skip(self, depth: int = 0) -> bool:
        """Move past white space, comments and discarded values; True when there is something left."""
        while True:
            match = SKIP.match(self.text, self.at)
            if match:
                self.at = match.end()
            if not self.text.startswith("#_", self.at):
                return self.at < len(self.text)
            self.at += 2
            self.value(depth + 1)

    def value(self, depth: int = 0) -> Any:
        if depth > DEPTH_MAX:
            raise self.error(f"nested more than {DEPTH_MAX} deep")
        if not self.skip(depth):
            raise self.error("the file ends inside a value")
        character = self.text[self.at]
        if character in CLOSERS:
            return self._collection(character, depth)
        if character in ")]}":
            raise self.error(f"unexpected {character!r}")
        if character == '"':
            return self._string()
        if character == "\\":
            return self._character()
        if character == "#":
            return self._dispatch(depth)
        return self._atom()

    def items(self, opener: str, depth: int) -> Iterator[tuple[int, Any]]:
        """(offset, value) of each item of the collection that starts here, up to and past its closer."""
        start, closer = self.at, CLOSERS[opener]
        self.at += 1
        while True:
            if not self.skip(depth):
                raise self.error(f"{opener!r} is never closed", start)
            if self.text[self.at] in ")]}":
                break
            at = self.at
            yield at, self.value(depth + 1)
        if self.text[self.at] != closer:
            raise self.error(f"{opener!r} of line {self.line(start)} is closed by {self.text[self.at]!r}")
        self.at += 1

    def _collection(self, opener: str, depth: int) -> Any:
        start = self.at
        values = [value for _, value in self.items(opener, depth)]
        if opener != "{":
            return values
        if len(values) % 2:
            raise self.error("a map needs a value for every key", start)
        return {_key(values[at]): values[at + 1] for at in range(0, len(values), 2)}

    def _dispatch(self, depth: int) -> Any:
        if self.text.startswith("#{", self.at):
            self.at += 1
            return [value for _, value in self.items("{", depth)]
        if self.text.startswith("##", self.at):
            self.at += 2
            return self._atom()
        self.at += 1
        tag = TOKEN.match(self.text, self.at)
        if tag is None:
            raise self.error("'#' without a tag")
        self.at = tag.end()
        return self.value(depth + 1)

    def _string(self) -> str:
        match = STRING.match(self.text, self.at)
        if match is None:
            raise self.error("text is never closed by a quotation mark")
        start, self.at = self.at, match.end()
        text = ESCAPE.sub(lambda escape: self._unescaped(escape[1], start), match[1])
        # As Java writes them, characters beyond 16 bits are two escapes.
        halves = SURROGATE.search(text) is not None
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if halves else text

    def _unescaped(self, escape: str, at: int) -> str:
        if escape[0] == "u" and len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in ESCAPES:
            raise self.error(f"unknown escape \\{escape} in text", at)
        return ESCAPES[escape]

    def _character(self) -> str:
        name = TOKEN.match(self.text, self.at + 1)
        if name is None:
            raise self.error("a character is missing after '\\'")
        self.at = name.end()
        return CHARACTERS.get(name[0], name[0])

    def _atom(self) -> Any:
        match = TOKEN.match(self.text, self.at)
        if match is None:
            raise self.error(f"unexpected {self.text[self.at]!r}")
        word = match[0]
        try:
            value = _atom(word)
        except ValueError as reason:
            raise self.error(str(reason)) from None
        self.at = match.end()
        return value


def _atom(word: str) -> Any:
    if word in CONSTANTS:
        return CONSTANTS[word]
    if word[0] == ":":
        if len(word) == 1:
            raise ValueError("':' without a name")
        return Keyword(word[1:])
    if INTEGER.match(word):
        return _integer(word.rstrip("N"))
    if FLOAT.match(word):
        return float(word.rstrip("M"))
    if RATIO.match(word):
        return word
    if word[0].isdigit() or (word[0] in "+-" and word[1:2].isdigit()):
        raise ValueError(f"{word!r} is not a number")
    return Symbol(word)


def _integer(digits: str) -> int:
    if len(digits) > 40:
        raise ValueError("an integer of more than 40 digits")
    return int(digits)


def _key(value: Any) -> Any:
    return repr(value) if isinstance(value, list | dict) else value
