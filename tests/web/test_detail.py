"""Detail levels: what is sent at high speed, what a range gives back, and frames that stay small."""

from typing import Any

import msgspec
import pytest

from simulations import catalogue, selectors, wire
from simulations.engine.world import World
from simulations.live import store, tiles
from simulations.live.detail import AGGREGATE, BYTES_PER_S, EVENTS_PER_S, FULL, level_for
from simulations.live.store import Tile
from simulations.live.worlds import Slice
from simulations.models import Run
from simulations.services import advance, ranges, states
from tests.web import kit


def tile(t0_us: int, t1_us: int, events: int, size: int, level: str = FULL) -> Tile:
    return Tile(t0_us, t1_us, "", "", "", 0, "", level, events, size)


def second(events: int, size: int, level: str = FULL) -> list[Tile]:
    """One chunk that lasts a second of virtual time."""
    return [tile(0, 1_000_000, events, size, level)]


def test_the_budget_is_events_and_bytes_on_the_wall() -> None:
    assert level_for([], 0, 200.0) == FULL
    assert level_for(second(EVENTS_PER_S, 1_000), 0, 1.0) == FULL
    assert level_for(second(EVENTS_PER_S + 1, 1_000), 0, 1.0) == AGGREGATE
    assert level_for(second(1_000, BYTES_PER_S // 10), 0, 10.0) == FULL
    assert level_for(second(1_000, BYTES_PER_S // 10 + 1), 0, 10.0) == AGGREGATE


def test_full_detail_comes_back_at_half_the_budget_only() -> None:
    telling = tile(0, 1_000_000, 1_000, 20_000)
    for events, level in ((10_001, AGGREGATE), (9_999, FULL)):
        now = [telling, *(tile(n * 10**6, (n + 1) * 10**6, events, 9, AGGREGATE) for n in range(1, 9))]
        assert level_for(now, 10**7, 1.0) == level


def test_keyframes_of_tiny_chunks_say_nothing_about_events() -> None:
    tiny = [tile(n * 1_000, (n + 1) * 1_000, 1, 3_000) for n in range(20)]
    assert level_for(tiny, 20_000, 10.0) == FULL


live = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


def fast_run(speed: float) -> Run:
    """A run that begins at this speed, paused at its start, simulated as far as it wants."""
    kit.cold()
    run = kit.make_run()
    kit.move(run, play=False, to_us=0, speed=speed)
    kit.work(run.code)
    return run


class TestRuns:
    """With a worker's turns and a real Valkey."""

    pytestmark = live

    @pytest.fixture(autouse=True)
    def _short_beginning(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first chunk, always in full, ends after a second of RA-01."""
        monkeypatch.setitem(tiles.TILE_EVENTS, FULL, 400)

    def test_five_nodes_at_ten_times_are_sent_in_full(self) -> None:
        run = fast_run(10.0)
        assert {header.level for header, _ in kit.frames(run)} == {FULL}
        assert kit.tiles(run)[-1].t1_us >= 12_000_000

    def test_at_a_hundred_times_chunks_are_aggregates_that_tell_what_matters(self) -> None:
        run = fast_run(100.0)
        found = kit.frames(run)
        assert [header.level for header, _ in found[1:]] == [AGGREGATE] * (len(found) - 1)
        assert all(header.level == chunk["level"] for header, chunk in found)
        chunk = next(chunk for _, chunk in found if chunk["t0_us"] <= 5_000_000 < chunk["t1_us"])
        assert chunk["level"] == AGGREGATE
        assert chunk["sends"] == []
        assert sum(rate[3] for rate in chunk["rates"]) > 0
        kills = [event[5]["do"] for event in chunk["events"] if event[2] == 4]
        assert "kill" in kills
        assert {"role", "term"} <= {
            name for event in chunk["events"] if event[2] != 4 for name in event[6]["fields"]
        }
        last = kit.tiles(run)[-1]
        assert last.hash == kit.straight_digest(kit.recipe(run), last.t1_us, 0)

    def test_going_slower_brings_full_detail_back_where_viewers_are(self) -> None:
        run = fast_run(100.0)
        kit.move(run, to_us=6_000_000, speed=1.0)
        kit.work(run.code)
        headers = [header for header, _ in kit.frames(run, from_us=6_000_000)]
        assert headers[0].t0_us <= 6_000_000 <= headers[0].t1_us
        assert headers[0].level == FULL
        reached = next((b.t0_us for b in headers if b.level != FULL), headers[-1].t1_us)
        assert reached >= 8_500_000

    def test_a_range_at_full_level_refines_and_leaves_the_branch_alone(self) -> None:
        run = fast_run(100.0)
        before = kit.tiles(run)
        kit.move(run, to_us=9_000_000)
        request: dict[str, Any] | None = {
            "code": run.code, "branch": 0, "from_us": 8_000_000, "to_us": 8_500_000, "refined": True,
        }  # fmt: skip
        while request is not None:
            request = advance.fill(request)
        run = selectors.find_run(run.code) or run
        found = ranges.run_range(run, 0, 8_000_000, 8_500_000, 50, refined=True)
        headers = [wire.read_frame(item)[0] for item in wire.split_frames(found.data)]
        assert {header.level for header in headers} == {FULL}
        assert headers[0].t0_us <= 8_000_000
        assert headers[-1].t1_us >= 8_500_000
        assert found.complete
        assert kit.tiles(run) == before
        played = states.frames_between(run.code, 0, 8_000_000, 8_500_000)
        assert {wire.read_frame(item)[0].level for item in played} == {AGGREGATE}

    def test_full_detail_after_an_aggregate_is_what_it_would_have_been(self) -> None:
        line = kit.recipe(kit.make_run())

        def chunk(after: str) -> bytes:
            kit.cold()
            first = tiles.get_tile(line, 0, 500_003, 0, Slice(60), level=after)
            assert first is not None
            assert first.tile.t1_us == 500_003
            second = tiles.get_tile(line, first.tile.t1_us, 1_000_000, 0, Slice(60))
            assert second is not None
            plain = wire.decode_chunk(second.body)
            assert plain["keyframe"]["flight"]
            return msgspec.msgpack.encode(plain)

        assert chunk(FULL) == chunk(AGGREGATE)

    def test_a_chunk_from_a_checkpoint_knows_what_is_under_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from simulations.live import worlds

        monkeypatch.setattr(worlds, "CHECKPOINT_EVENTS", 50)
        line = kit.recipe(kit.make_run())
        kit.cold()
        assert tiles.get_tile(line, 0, 500_003, 0, Slice(60)) is not None
        warm = tiles.get_tile(line, 500_003, 1_000_000, 0, Slice(60))
        kit.cold()
        assert store.load_checkpoint(line, 500_003, 500_002) is not None
        cold = tiles.get_tile(line, 500_003, 1_000_000, 0, Slice(60))
        assert warm is not None
        assert cold is not None
        assert wire.decode_chunk(cold.body) == wire.decode_chunk(warm.body)

    def test_a_chunk_too_large_for_a_frame_is_cut_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        line = kit.recipe(kit.make_run())
        kit.cold()
        whole = tiles.get_tile(line, 0, 500_000, 0, Slice(60))
        assert whole is not None
        assert whole.tile.t1_us == 500_000
        most = len(whole.body) // 3
        monkeypatch.setattr(tiles, "BODY_BYTES_MAX", most)
        at_us, events, last = 0, 0, ""
        while at_us < 500_000:
            piece = tiles.get_tile(line, at_us, 500_000, 0, Slice(60))
            assert piece is not None
            assert len(piece.body) <= most
            assert piece.tile.t0_us == at_us < piece.tile.t1_us
            at_us, events, last = piece.tile.t1_us, events + piece.tile.events, piece.tile.hash
        assert last == whole.tile.hash
        assert events == whole.tile.events

    def test_what_fits_no_frame_is_a_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tiles, "BODY_BYTES_MAX", 10)
        with pytest.raises(tiles.Exhausted):
            tiles.get_tile(kit.recipe(kit.make_run()), 0, 1_000, 0, Slice(60))


def test_an_aggregate_counts_every_delivery() -> None:
    experiment = catalogue.load("RA-01")
    full, aggregate = World(experiment, 7, record=FULL), World(experiment, 7, record=AGGREGATE)
    for world in (full, aggregate):
        world.run_until(2_000_000)
    everything, counted = full.take_chunk().plain(), aggregate.take_chunk().plain()
    delivered = sum(1 for event in everything["events"] if event[2] in (0, 3))
    assert sum(rate[3] for rate in counted["rates"]) == delivered > 100
    changes = [
        (event[0], name)
        for event in everything["events"]
        if event[6] and event[2] != 4
        for name in event[6].get("fields", {})
        if name in ("role", "term")
    ]
    kept = {event[0] for event in counted["events"] if event[2] != 4}
    assert kept == {number for number, _ in changes}
