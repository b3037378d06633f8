"""The shared playhead: arithmetic on plain data."""

from hypothesis import given
from hypothesis import strategies as st

from simulations.live.playhead import Playhead, chunk_us, next_border_us, short_chunk_us

STOP_US = 20_000_000


def test_it_plays_at_its_speed_from_its_anchor() -> None:
    head = Playhead(speed=0.1, anchor_us=1_000_000, anchor_ms=5_000)
    assert head.at(5_000, STOP_US) == 1_000_000
    assert head.at(6_000, STOP_US) == 1_100_000


def test_paused_it_stays_where_it_is() -> None:
    head = Playhead(playing=False, anchor_us=1_000_000, anchor_ms=5_000)
    assert head.at(99_000, STOP_US) == 1_000_000
    assert head.command_lead_us() == 0


def test_it_never_passes_the_end_or_the_gate() -> None:
    head = Playhead(speed=100, anchor_us=0, anchor_ms=0, gate_us=3_000_000)
    assert head.at(60_000, STOP_US) == 3_000_000
    assert Playhead(speed=100).at(60_000_000, STOP_US) == STOP_US


def test_a_clock_that_goes_back_does_not_move_it_back() -> None:
    head = Playhead(speed=1, anchor_us=500, anchor_ms=10_000)
    assert head.at(9_000, STOP_US) == 500


def test_moving_anchors_it_where_it_is_and_counts() -> None:
    head = Playhead(speed=0.1, anchor_us=0, anchor_ms=0, sequence=4)
    faster = head.moved(1_000, STOP_US, speed=1.0)
    assert (faster.anchor_us, faster.anchor_ms, faster.sequence) == (100_000, 1_000, 5)
    assert faster.at(2_000, STOP_US) == 1_100_000


@given(st.floats(0.0005, 200))
def test_a_chunk_lasts_half_a_second_to_a_second_on_the_wall(speed: float) -> None:
    wall_s = chunk_us(speed) / 1_000_000 / speed
    # Below 1/1000 a chunk is a millisecond of virtual time, however long that takes on the wall.
    assert 0.5 < wall_s <= 1.0 or chunk_us(speed) == 1000
    assert 0 < short_chunk_us(speed) <= chunk_us(speed)


@given(st.integers(0, 10**10), st.floats(0.0005, 200))
def test_borders_lie_on_one_grid_and_after_the_start(at_us: int, speed: float) -> None:
    length = chunk_us(speed)
    border = next_border_us(at_us, length)
    assert at_us < border <= at_us + length
    assert border % length == 0
