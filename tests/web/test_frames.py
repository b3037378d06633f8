"""What a web process keeps of a run for those who join: frames in memory, and joined with those of the store."""

from __future__ import annotations

from simulations import wire
from simulations.live.frames import RING_MAX, RING_PAST, Frame, KeptFrames


def frame(t0_us: int, t1_us: int, branch: int = 0, revision: int = 0) -> Frame:
    header = wire.FrameHeader("abcdef", branch, revision, 0, t0_us, t1_us, "", "")
    return header, b"%d" % t0_us


def kept(*frames: Frame, here_us: int = 0) -> KeptFrames:
    found = KeptFrames()
    for header, data in frames:
        found.keep(header, data, here_us)
    return found


def spans(frames: list[Frame]) -> list[tuple[int, int]]:
    return [(header.t0_us, header.t1_us) for header, _ in frames]


def row(count: int, long_us: int = 64) -> list[Frame]:
    return [frame(number * long_us, (number + 1) * long_us) for number in range(count)]


def test_what_was_sent_but_not_stored_yet_is_not_missing_for_who_joins() -> None:
    found = kept(frame(64, 128), frame(128, 256))
    assert spans(found.continued([frame(0, 64), frame(64, 128)], 0, 0)) == [(0, 64), (64, 128), (128, 256)]


def test_frames_behind_a_hole_of_another_branch_or_revision_do_not_follow_stored_ones() -> None:
    stored = [frame(0, 64)]
    assert spans(kept(frame(200, 300)).continued(stored, 0, 0)) == [(0, 64)]
    assert spans(kept(frame(64, 128)).continued(stored, 1, 0)) == [(0, 64)]
    assert spans(kept(frame(64, 128, revision=1)).continued(stored, 0, 2)) == [(0, 64)]
    assert spans(kept(frame(64, 128, revision=2)).continued(stored, 0, 2)) == [(0, 64), (64, 128)]
    assert kept(frame(64, 128)).continued([], 0, 0) == []


def test_a_chain_begins_with_the_newest_frame_that_covers_the_moment() -> None:
    found = kept(*row(3))
    assert spans(found.chain(10, 0)) == [(0, 64), (64, 128), (128, 192)]
    assert spans(found.chain(64, 0)) == [(64, 128), (128, 192)]
    assert spans(found.chain(192, 0)) == [(128, 192)]
    assert found.chain(193, 0) == []
    assert found.chain(10, 1) == []


def test_a_chain_with_a_hole_is_none() -> None:
    found = kept(frame(0, 64), frame(128, 192), frame(192, 256))
    assert found.chain(10, 0) == []
    assert spans(found.chain(130, 0)) == [(128, 192), (192, 256)]


def test_a_frame_replaces_all_that_was_known_from_its_start_on() -> None:
    found = kept(*row(4), frame(64, 100, revision=1))
    assert spans(found.frames) == [(0, 64), (64, 100)]


def test_a_frame_of_another_branch_replaces_everything() -> None:
    found = kept(*row(4), frame(128, 192, branch=1))
    assert spans(found.frames) == [(128, 192)]


def test_all_of_what_is_ahead_is_kept_however_short_its_frames_are() -> None:
    """What was simulated at 1/10 and is played at full speed: forty frames lie ahead, and none is sent again."""
    found = kept(*row(42), here_us=64)
    assert spans(found.chain(64, 0))[-1] == (41 * 64, 42 * 64)
    found.keep(*frame(42 * 64, 43 * 64), here_us=41 * 64)
    assert len(found.frames) == RING_PAST + 1


def test_no_more_is_kept_than_the_ring_holds() -> None:
    assert len(kept(*row(RING_MAX + 10)).frames) == RING_MAX + 1
    found = KeptFrames()
    found.replace(row(RING_MAX + 10))
    assert spans(found.frames) == spans(row(RING_MAX))


def test_a_moment_before_everything_kept_is_told_from_one_of_which_nothing_is_known() -> None:
    found = kept(frame(64, 128), frame(128, 192))
    assert found.begin_after(63, 0)
    assert not found.begin_after(64, 0)
    assert not found.begin_after(300, 0)
    assert not found.begin_after(0, 1)
    assert not KeptFrames().begin_after(0, 0)
