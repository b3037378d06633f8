"""What the history page draws."""

from __future__ import annotations

from simulations.histories.checking import judged, read_history
from simulations.histories.drawing import drawing
from simulations.histories.json_format import written
from tests.engine.random_histories import illegal_history, random_history

STALE = """\
INFO  jepsen.util - 0 :invoke :write 1
INFO  jepsen.util - 0 :ok :write 1
INFO  jepsen.util - 1 :invoke :write 2
INFO  jepsen.util - 1 :info :write :timed-out
INFO  jepsen.util - 2 :invoke :read nil
INFO  jepsen.util - 2 :ok :read nil
"""


def test_bars_rows_and_the_impossible_operation() -> None:
    parsed = read_history(STALE, format="jepsen-etcd")
    picture = drawing(parsed, judged(parsed)[0])
    assert (picture.verdict, picture.clients, picture.events) == ("violated", ["0", "1", "2"], 6)
    write, lost, read = picture.bars
    assert (write.start, write.end, write.impossible) == (0, 1, False)
    assert write.point == 0.5
    assert (lost.end, lost.point) == (None, None)
    assert (read.row, read.impossible, read.line) == (2, True, 5)


def test_every_point_lies_on_its_bar_and_points_never_coincide() -> None:
    for seed in range(200):
        history, model = illegal_history(seed) if seed % 2 else random_history(seed)
        parsed = read_history(written(history, model), format="json")
        picture = drawing(parsed, judged(parsed)[0])
        points = [bar.point for bar in picture.bars if bar.point is not None]
        assert len(points) == len(set(points))
        for bar in picture.bars:
            if bar.point is not None:
                assert bar.start < bar.point < (picture.events if bar.end is None else bar.end)
