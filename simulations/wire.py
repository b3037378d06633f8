"""The bytes and JSON between the server and the page: the only place that knows them. docs/protocol.md is
the contract.

Frames carry chunks to viewers; messages are tagged structs, decoded strictly: unknown fields, wrong types
and numbers out of range are errors that name the field.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, TypeVar

import msgspec

from simulations.refusals import in_chinese

VERSION = 1
ENGINE = 1
"""Version of the engine's behaviour: raised when the same recipe gives another trace."""
FRAME_BYTES_MAX = 256 * 1024
CHUNK_BYTES_MAX = 64 * 1024 * 1024

_packer = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()
_length = 4
T = TypeVar("T")
UNSTORABLE = "holds the character U+0000, which cannot be stored"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class BadInput(Exception):
    """Something a browser sent cannot be used: which field, why, and what would be allowed."""

    def __init__(
        self,
        field: str,
        message: str,
        allowed: Iterable[str] | None = None,
        status: int = 400,
        message_zh: str = "",
    ) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.message_zh = message_zh or in_chinese(message)
        self.allowed = list(allowed) if allowed is not None else None
        self.status = status

    def plain(self) -> dict[str, Any]:
        """The record sent back."""
        found: dict[str, Any] = {"field": self.field, "message": self.message, "message_zh": self.message_zh}
        return {**found, "allowed": self.allowed} if self.allowed is not None else found


# Frames ---------------------------------------------------------


class FrameHeader(msgspec.Struct):
    """What a viewer must know of a chunk before it inflates it."""

    run: str
    branch: int
    revision: int
    index: int
    t0_us: int
    t1_us: int
    previous_hash: str
    hash: str
    level: str = "full"


_header = msgspec.msgpack.Decoder(FrameHeader)


def encode_chunk(chunk: Any) -> bytes:
    """The body of a frame: msgpack, then zlib at level 1 (once here, never per viewer)."""
    return zlib.compress(_packer.encode(chunk), 1)


def decode_chunk(body: bytes) -> dict[str, Any]:
    """The chunk as plain data. ValueError when it is damaged or unreasonably large."""
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(body, CHUNK_BYTES_MAX)
    except zlib.error as error:
        raise ValueError(f"damaged chunk: {error}") from error
    if inflate.unconsumed_tail or not inflate.eof:
        raise ValueError("damaged chunk: incomplete or too large")
    found: dict[str, Any] = msgspec.msgpack.decode(data, strict=False)
    return found


def frame(header: FrameHeader, body: bytes) -> bytes:
    """Length, header, body."""
    head = _packer.encode(header)
    return b"".join((len(head).to_bytes(_length, "big"), head, body))


def read_frame(data: bytes) -> tuple[FrameHeader, bytes]:
    """Header and body of a frame. ValueError when it is none."""
    size = int.from_bytes(data[:_length], "big")
    try:
        return _header.decode(data[_length : _length + size]), data[_length + size :]
    except msgspec.MsgspecError as error:
        raise ValueError(f"damaged frame: {error}") from error


def join_frames(frames: Iterable[bytes]) -> bytes:
    """A range: frames one after another, each behind its length."""
    return b"".join(part for item in frames for part in (len(item).to_bytes(_length, "big"), item))


def split_frames(data: bytes) -> Iterator[bytes]:
    """The frames of a range."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + _length], "big")
        yield data[at + _length : at + _length + size]
        at += _length + size


# Messages of the page ---------------------------------------------------------

Micros = Annotated[int, msgspec.Meta(ge=0, le=10**13)]
Number = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Message(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", frozen=True):
    """Base of what a page may send."""


class Have(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a page already holds."""

    branch: Number
    to_us: Micros


class Hello(Message, tag="hello", frozen=True):
    have: Have | None = None


class GiveCommand(Message, tag="command", frozen=True):
    key: Key
    branch: Number
    at_us: Micros
    do: dict[str, Any]


class Undo(Message, tag="undo", frozen=True):
    key: Key


class MovePlayhead(Message, tag="playhead", frozen=True):
    play: bool | None = None
    speed: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    to_us: Micros | None = None
    branch: Number | None = None


class FieldCondition(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A predicate on one view field: `op` is one of == != < <= > >=."""

    field: Name
    value: Any
    op: str = "=="
    process: Name | None = None


class Until(Message, tag="until", frozen=True):
    condition: str | FieldCondition


class Ack(Message, tag="ack", frozen=True):
    branch: Number
    to_us: Micros


class Want(Message, tag="want", frozen=True):
    branch: Number
    from_us: Micros


class Ping(Message, tag="ping", frozen=True):
    n: Number
    client_ms: Annotated[float, msgspec.Meta(ge=0, le=1e15)]


class Follow(Message, tag="follow", frozen=True):
    node: Name
    on: bool = True


class Rename(Message, tag="name", frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=200)]


AnyMessage = Hello | GiveCommand | Undo | MovePlayhead | Until | Ack | Want | Ping | Follow | Rename
_messages = msgspec.json.Decoder(AnyMessage)
MESSAGE_TYPES = ("hello", "command", "undo", "playhead", "until", "ack", "want", "ping", "follow", "name")


def decode_message(data: str | bytes) -> AnyMessage:
    """One message of a page. BadInput names what is wrong."""
    found: AnyMessage = decode_strictly(_messages, data)
    return found


def decode_strictly(decoder: msgspec.json.Decoder[T], data: str | bytes, whole: str = "message") -> T:
    """Decode JSON; every mistake, depth and overflow included, becomes BadInput."""
    try:
        found = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise bad_field(error, whole) from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadInput(whole, f"this is not JSON: {error}") from error
    except RecursionError as error:
        raise BadInput(whole, "nested too deeply") from error
    if _NUL.search(data if isinstance(data, bytes) else data.encode()):
        raise BadInput(whole, UNSTORABLE)
    return found


def bad_field(error: msgspec.ValidationError, whole: str = "message") -> BadInput:
    """msgspec's sentence with the field apart: "Expected `int`, got `str` - at `$.at_us`"."""
    text, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").replace("[...]", "").lstrip(".")
    if "Invalid value" in text and field == "type":
        return BadInput("type", "unknown message type", MESSAGE_TYPES)
    for words, message in (("unknown field", "unknown field"), ("missing required field", "is missing")):
        if words in text:
            return BadInput(f"{field}.{text.split('`')[1]}".strip(".") or whole, message)
    return BadInput(field or whole, text)


def finite(value: Any, depth: int = 0) -> bool:
    """Whether plain data holds only finite numbers, is at most 8 deep and has ints that fit 64 bits."""
    if depth > 8:
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 1 << 63
    if isinstance(value, dict):
        return all(finite(item, depth + 1) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(finite(item, depth + 1) for item in value)
    return True


# Messages of the server ---------------------------------------------------------


def encode_json(data: Any) -> bytes:
    """JSON of structs and plain data."""
    return _json.encode(data)


def message(type: str, **fields: Any) -> bytes:
    """A message of the server."""
    return _json.encode({"type": type, **fields})


def to_plain(data: Any) -> Any:
    """Structs as plain data."""
    return msgspec.to_builtins(data)


def raw_json(text: str) -> msgspec.Raw:
    """JSON that is already text, to be put into a message as it is."""
    return msgspec.Raw(text.encode())
