"""The true speed of a run whose workers cannot keep up."""

import msgspec

from simulations.live.pace import Pace
from simulations.live.playhead import Playhead

STOP_US = 10**9
FAST = Playhead(speed=100.0)


def looks(pace: Pace, head: Playhead, speed: float, seconds: int) -> list[float | None]:
    """One look a second while the workers manage `speed`."""
    return [pace.look(head, int(at_s * 10**6 * speed), at_s * 1000, STOP_US) for at_s in range(seconds)]


def test_what_cannot_be_reached_is_told_after_a_moment() -> None:
    assert looks(Pace(), FAST, 40.0, 6) == [None, None, 40.0, 40.0, 40.0, 40.0]


def test_a_speed_that_is_reached_needs_no_word() -> None:
    assert looks(Pace(), FAST, 100.0, 6) == [None] * 6
    assert looks(Pace(), FAST, 95.0, 6) == [None] * 6


def test_workers_that_stand_still_are_told_as_nought() -> None:
    assert looks(Pace(), FAST, 0.0, 4)[-1] == 0.0


def test_a_pause_the_end_and_another_speed_begin_anew() -> None:
    changes = (
        msgspec.structs.replace(FAST, playing=False),
        msgspec.structs.replace(FAST, speed=50.0),
        msgspec.structs.replace(FAST, branch=1),
        msgspec.structs.replace(FAST, gate_us=1_000),
    )
    for head in changes:
        pace = Pace()
        assert looks(pace, FAST, 40.0, 6)[-1] == 40.0
        assert pace.look(head, 240_000_000, 6_000, STOP_US) is None


def test_a_seek_is_no_speed() -> None:
    for to_us in (1_000, 900_000_000):
        pace = Pace()
        assert looks(pace, FAST, 40.0, 6)[-1] == 40.0
        there = msgspec.structs.replace(FAST, anchor_us=to_us, anchor_ms=6_000)
        assert pace.look(there, to_us, 6_000, STOP_US) is None


def test_a_playhead_held_where_frames_end_still_tells() -> None:
    pace = Pace()
    assert looks(pace, FAST, 40.0, 6)[-1] == 40.0
    held = msgspec.structs.replace(FAST, anchor_us=200_000_000, anchor_ms=5_500, sequence=1)
    assert pace.look(held, 240_000_000, 6_000, STOP_US) == 40.0
