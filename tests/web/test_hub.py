"""What a process keeps of a run for those who join: frames in memory joined with frames in the store."""

from __future__ import annotations

from simulations import wire
from simulations.hub import Watch
from simulations.live.lease import Live, Machine
from simulations.live.playhead import Playhead
from simulations.services.states import waiting_for


def frame(t0_us: int, t1_us: int, revision: int = 0) -> tuple[wire.FrameHeader, bytes]:
    header = wire.FrameHeader("abcdef", 0, revision, 0, t0_us, t1_us, "", "")
    return header, b"%d" % t0_us


def spans(frames: list[tuple[wire.FrameHeader, bytes]]) -> list[tuple[int, int]]:
    return [(header.t0_us, header.t1_us) for header, _ in frames]


def test_what_was_sent_but_not_stored_yet_is_not_missing_for_who_joins() -> None:
    watch = Watch("abcdef")
    watch.frames = [frame(64, 128), frame(128, 256)]
    assert spans(watch._with_newest([frame(0, 64), frame(64, 128)], 0)) == [(0, 64), (64, 128), (128, 256)]


def test_frames_behind_a_hole_or_of_another_branch_are_left_out() -> None:
    watch = Watch("abcdef")
    watch.frames = [frame(200, 300)]
    assert spans(watch._with_newest([frame(0, 64)], 0)) == [(0, 64)]
    watch.frames = [frame(64, 128)]
    assert spans(watch._with_newest([frame(0, 64)], 1)) == [(0, 64)]
    assert watch._with_newest([], 0) == []


def test_a_run_is_told_that_it_waits_in_line_only_where_others_are_simulated() -> None:
    """The heart of a worker beats in its parent, also when the process that simulates is frozen or gone."""

    def cause(*lately: str, reachable: bool = True, workers: bool = True) -> tuple[str, int]:
        found = waiting_for("abcdef", Machine(reachable, workers, frozenset(lately)))
        return found["for"], found["runs"]

    assert cause() == ("worker", 1)
    assert cause("abcdef") == ("simulation", 1)
    assert cause("abcdef", "ghijkm") == ("queue", 2)
    assert cause("ghijkm", "nopqrs") == ("queue", 3)
    assert cause("ghijkm", workers=False)[0] == "worker"
    assert cause("ghijkm", reachable=False)[0] == "server"


def test_all_of_what_is_ahead_is_remembered_however_short_its_frames_are() -> None:
    """What was simulated at 1/10 and is played at full speed: forty frames lie ahead, and none is sent again."""
    watch = Watch("abcdef")
    watch.live = Live(Playhead(playing=False, anchor_us=64_000), stop_us=15_000_000)
    for number in range(42):
        watch._remember(*frame(number * 64_000, (number + 1) * 64_000))
    assert spans(watch.recent(64_000, 0))[-1] == (41 * 64_000, 42 * 64_000)
    watch.live = Live(Playhead(playing=False, anchor_us=41 * 64_000), stop_us=15_000_000)
    watch._remember(*frame(42 * 64_000, 43 * 64_000))
    assert len(watch.frames) == 25
