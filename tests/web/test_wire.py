"""Frames and messages: what crosses the wire."""

import msgspec
import pytest

from simulations import wire
from simulations.wire import BadInput

HEADER = wire.FrameHeader("abcdef", 0, 3, 7, 100, 200, "aa", "bb", "full")


def test_frames_come_back_as_they_were_sent() -> None:
    body = wire.encode_chunk({"v": 1, "events": [[1, 2]]})
    header, again = wire.read_frame(wire.frame(HEADER, body))
    assert header == HEADER
    assert wire.decode_chunk(again) == {"v": 1, "events": [[1, 2]]}


def test_a_range_is_frames_behind_their_lengths() -> None:
    frames = [wire.frame(HEADER, b"x" * size) for size in (0, 1, 300)]
    assert list(wire.split_frames(wire.join_frames(frames))) == frames


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x05abc", b"\xff\xff\xff\xff"])
def test_damaged_frames_are_said_to_be(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged frame"):
        wire.read_frame(data)


def test_damaged_chunks_are_said_to_be() -> None:
    body = wire.encode_chunk({"v": 1})
    with pytest.raises(ValueError, match="damaged chunk"):
        wire.decode_chunk(body[:-4])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "message"),
        ("[]", "message"),
        ('{"type":"nothing"}', "type"),
        ('{"type":"ack","branch":0}', "to_us"),
        ('{"type":"ack","branch":-1,"to_us":0}', "branch"),
        ('{"type":"ack","branch":0,"to_us":1e400}', "to_us"),
        ('{"type":"ack","branch":0,"to_us":99999999999999999999}', "to_us"),
        ('{"type":"ack","branch":0,"to_us":0,"more":1}', "more"),
        ('{"type":"ping","n":1,"client_ms":NaN}', "message"),
        ('{"type":"playhead","speed":0}', "speed"),
        ('{"type":"playhead","play":"yes"}', "play"),
        ('{"type":"command","key":"","branch":0,"at_us":0,"do":{}}', "key"),
        ('{"type":"command","key":"a b","branch":0,"at_us":0,"do":{}}', "key"),
        ('{"type":"hello","have":{"branch":0,"to_us":"1"}}', "have.to_us"),
        ("[" * 5_000 + "]" * 5_000, "message"),
        (
            '{"type":"command","key":"k","branch":0,"at_us":0,"do":{"do":' + "[" * 9_000 + "]" * 9_000 + "}}",
            "message",
        ),
    ],
)
def test_bad_messages_name_the_field(text: str, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        wire.decode_message(text)
    assert caught.value.field == field
    assert caught.value.message


def test_unknown_types_list_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        wire.decode_message('{"type":"nothing"}')
    assert caught.value.allowed == list(wire.MESSAGE_TYPES)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 1 << 70, [[[[[[[[[1]]]]]]]]], {"a": [float("inf")]}]
)
def test_data_that_is_not_finite_or_too_deep_is_seen(value: object) -> None:
    assert not wire.finite(value)


def test_plain_data_is_finite() -> None:
    assert wire.finite({"a": [1, 2.5, "x", None, True, {"b": [[]]}]})


def test_messages_of_the_server_are_json() -> None:
    assert msgspec.json.decode(wire.message("pong", n=1)) == {"type": "pong", "n": 1}
