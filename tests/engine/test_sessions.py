"""Sessions: executed once, remembered for a while, forgotten for certain. RD section 6.3."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from simulations.engine.process import Request
from simulations.engine.sessions import SESSION_WINDOW, Sessions


def request(sequence: int, session: int = 7) -> Request:
    return Request(0, 1, "c", session, sequence, "put", "x")


def test_a_result_is_remembered_also_when_it_is_none() -> None:
    sessions = Sessions()
    sessions.remember(request(1), None)
    sessions.remember(request(2), True)
    assert [sessions.seen(request(number)) for number in range(4)] == [None, (None,), (True,), None]
    assert sessions.seen(request(1, session=8)) is None


def test_what_was_skipped_was_not_executed_and_may_come_late() -> None:
    sessions = Sessions()
    sessions.remember(request(4), None)
    assert [sessions.seen(request(number)) for number in (1, 3, 4)] == [None, None, (None,)]
    sessions.remember(request(3), "late")
    assert [sessions.seen(request(number)) for number in (1, 3, 4)] == [None, ("late",), (None,)]


@pytest.mark.parametrize("jump", [1, 5, SESSION_WINDOW, 3 * SESSION_WINDOW])
def test_what_left_the_window_is_forgotten_and_takes_no_room(jump: int) -> None:
    sessions = Sessions()
    for number in range(1, 50 * jump, jump):
        assert not sessions.is_forgotten(request(number))
        sessions.remember(request(number), number)
    head = sessions.heads[7]
    assert sessions.is_forgotten(request(head - SESSION_WINDOW))
    sessions.remember(request(head - SESSION_WINDOW), "too late")
    assert sessions.seen(request(head - SESSION_WINDOW)) is None
    assert len(sessions.results) <= SESSION_WINDOW
    assert len(sessions.holes.get(7, ())) <= SESSION_WINDOW // jump + 1


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_a_plain_record_of_everything_and_survives_every_copy(seed: int) -> None:
    random = Random(seed)
    sessions = Sessions()
    executed: dict[tuple[int, int], Any] = {}
    heads: dict[int, int] = {}
    for _ in range(400):
        session = random.choice((1, 2))
        head = heads.get(session, 0)
        one = request(max(1, head + random.choice((1, 1, 1, 2, -1, -3, -200, 40, 150))), session)
        heads[session] = max(head, one.sequence)
        place = (session, one.sequence)
        gone = one.sequence <= head - SESSION_WINDOW
        known = None if gone or place not in executed else (executed[place],)
        assert (sessions.seen(one), sessions.is_forgotten(one)) == (known, gone)
        if known is None and not gone:
            executed[place] = random.choice((None, True, False, "text"))
            sessions.remember(one, executed[place])
    assert sessions.fork() == sessions
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sessions), type=Sessions) == sessions
    assert list(Sessions.of_rows(sessions.rows()).rows()) == list(sessions.rows())


def test_rows_are_the_requests_remembered_and_no_others() -> None:
    sessions = Sessions()
    for number in (1, 3):
        sessions.remember(request(number), number)
    base = 7 << 32
    assert list(sessions.rows()) == [("head", 7, 3), ("result", base + 1, 1), ("result", base + 3, 3)]
    sessions.remember(request(SESSION_WINDOW + 2), None)
    assert list(sessions.rows()) == [
        ("head", 7, SESSION_WINDOW + 2), ("result", base + 3, 3), ("result", base + SESSION_WINDOW + 2, None),
    ]  # fmt: skip
