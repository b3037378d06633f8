"""A live run as a worker computes it: chunks, branches, revisions, leases - with a real Valkey and real
worlds.
"""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from django.db import OperationalError

from simulations import selectors, wire
from simulations.engine.world import World
from simulations.live import lease, store
from simulations.live.lease import Lease
from simulations.live.playhead import server_ms
from simulations.live.valkey import client
from simulations.models import Run
from simulations.services import advance, commands, lanes, runs
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


@pytest.fixture(autouse=True)
def _cold() -> None:
    kit.cold()


def test_a_turn_simulates_beyond_the_playhead_and_no_further() -> None:
    run = kit.make_run()
    kit.pause_at(run, 1_000_000)
    kit.work(run.code)
    head = kit.tiles(run)[-1].t1_us
    assert 1_250_000 <= head <= 1_400_000


def test_frames_stand_alone_and_follow_each_other() -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    kit.work(run.code)
    found = kit.frames(run)
    assert len(found) >= 3
    for (header, chunk), (following, _) in pairwise(found):
        assert header.t1_us == following.t0_us
        assert header.hash == following.previous_hash
        assert chunk["t0_us"] == header.t0_us
        assert chunk["keyframe"]["at_us"] == header.t0_us
        assert all(header.t0_us <= event[1] <= header.t1_us for event in chunk["events"])


def test_the_trace_is_that_of_an_uninterrupted_run() -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    kit.work(run.code)
    last = kit.tiles(run)[-1]
    assert last.hash == kit.straight_digest(kit.recipe(run), last.t1_us, 0)


def test_a_command_takes_effect_in_a_short_first_chunk_of_the_new_revision() -> None:
    run = kit.make_run()
    kit.pause_at(run, 1_000_000)
    kit.work(run.code)
    answer = kit.give(run, {"do": "kill", "target": "n2"})
    assert (answer.type, answer.at_us, answer.seq, answer.revision) == ("accepted", 1_000_000, 1, 1)
    kit.work(run.code)
    found = kit.frames(run, from_us=1_000_000)
    header, chunk = found[0]
    assert (header.t0_us, header.revision) == (1_000_000, 1)
    assert header.t1_us - header.t0_us <= 32_000
    first = next(event for event in chunk["events"] if event[2] == 4)
    assert first[1] == 1_000_000
    assert first[5]["do"] == "kill"
    last = kit.tiles(run)[-1]
    assert last.hash == kit.straight_digest(kit.recipe(run), last.t1_us, 1)


def test_a_command_while_playing_drops_the_unseen_and_stays_on_the_branch() -> None:
    run = kit.make_run()
    began_ms = selectors.playhead_of(run).anchor_ms
    kit.work(run.code)
    answer = kit.give(run, {"do": "kill", "target": "n2"}, at_us=0, now_ms=began_ms + 100)
    assert answer.type == "accepted"
    assert answer.branch == 0
    assert answer.at_us >= 15_000  # 150 ms at a tenth
    kit.work(run.code)
    found = kit.frames(run)
    starts = [header.t0_us for header, _ in found]
    assert answer.at_us in starts
    events = [event for _, chunk in found for event in chunk["events"] if event[2] == 4]
    assert [event[1] for event in events] == [answer.at_us]


def test_a_command_in_the_past_of_what_was_shown_starts_a_branch() -> None:
    run = kit.make_run()
    kit.pause_at(run, 2_000_000)
    kit.work(run.code)
    kit.pause_at(run, 1_000_000)
    answer = kit.give(run, {"do": "kill", "target": "n2"})
    assert (answer.branch, answer.at_us) == (1, 1_000_000)
    kit.work(run.code)
    run.refresh_from_db()
    assert selectors.playhead_of(run).branch == 1
    old, new = kit.recipe(run, 0), kit.recipe(run, 1)
    assert (len(old.commands), len(new.commands)) == (0, 1)
    last = kit.tiles(run, 1)[-1]
    assert last.hash == kit.straight_digest(new, last.t1_us, 1)
    assert run.branches.get(number=0).played_us == 2_000_000


def test_the_same_key_never_acts_twice() -> None:
    run = kit.make_run()
    kit.pause_at(run, 500_000)
    first = kit.give(run, {"do": "kill", "target": "n2"}, key="same")
    again = kit.give(run, {"do": "kill", "target": "n2"}, key="same")
    assert (again.seq, again.at_us, again.branch) == (first.seq, first.at_us, first.branch)
    assert len(kit.recipe(run).commands) == 1


def test_the_answer_to_a_command_at_the_start_says_when_it_acts() -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    told = json.loads(wire.encode_json(kit.give(run, {"do": "kill", "target": "n2"})))
    assert (told["at_us"], told["branch"], told["seq"]) == (0, 0, 1)


def test_what_makes_no_sense_is_refused_by_the_worker_with_a_reason() -> None:
    run = kit.make_run()
    kit.pause_at(run, 500_000)
    kit.give(run, {"do": "kill", "target": "n2"}, key="one")
    assert kit.give(run, {"do": "kill", "target": "n2"}, key="two").type == "accepted"
    kit.work(run.code)
    answer = kit.give(run, {"do": "kill", "target": "n2"}, key="two")
    assert (answer.type, answer.reason) == ("refused", "down")
    assert answer.text["en"] == "n2 is down."
    assert answer.text["zh"]
    assert len(kit.recipe(run).commands) == 1
    last = kit.tiles(run)[-1]
    assert last.hash == kit.straight_digest(kit.recipe(run), last.t1_us, 1)


def test_a_set_parameter_is_judged_beside_what_commands_before_it_set() -> None:
    """BA-02 refreshes every 2 s (0.1 by default): the door lets pass what the worker alone can judge."""
    run = kit.make_run("BA-02")
    kit.pause_at(run, 500_000)
    for key, name, value in (("one", "ttl_s", 0.7), ("two", "refresh_s", 0.5), ("three", "ttl_s", 0.7)):
        do = {"do": "set_parameter", "name": name, "value": value}
        assert kit.give(run, do, key=key).type == "accepted"
        kit.work(run.code)
        run.refresh_from_db()
        answer = kit.give(run, do, key=key)
        assert (answer.type, answer.reason) == (
            ("refused", "malformed") if key == "one" else ("accepted", "")
        )
    with pytest.raises(wire.BadInput) as refused:
        kit.give(run, {"do": "set_parameter", "name": "ttl_s", "value": 0}, key="four")
    assert refused.value.field == "do.value.ttl_s"


def test_a_burst_of_commands_is_simulated_once() -> None:
    run = kit.make_run()
    kit.pause_at(run, 500_000)
    kit.work(run.code)
    for node in ("n2", "n3", "n4"):
        kit.give(run, {"do": "pause", "target": node}, key=node)
    kit.work(run.code)
    chunk = kit.frames(run, from_us=500_000)[0][1]
    assert [event[5]["target"] if "target" in event[5] else event[5]["do"] for event in chunk["events"][:3]]
    assert len([event for event in chunk["events"] if event[2] == 4]) == 3


def test_undo_makes_a_branch_without_the_last_command() -> None:
    run = kit.make_run()
    kit.pause_at(run, 500_000)
    kit.give(run, {"do": "kill", "target": "n2"}, key="one")
    kit.work(run.code)
    untouched = kit.straight_digest(kit.recipe(run, 0).upto(499_999), 700_000, 0)
    answer = commands.undo(code=run.code, visitor=kit.OWNER, key="back")
    again = commands.undo(code=run.code, visitor=kit.OWNER, key="back")
    assert (answer.branch, again.branch) == (1, 1)
    kit.work(run.code)
    assert kit.recipe(run, 1).commands == ()
    assert len(kit.recipe(run, 0).commands) == 1
    covering = [tile for tile in kit.tiles(run, 1) if tile.t1_us <= 700_000]
    assert covering[-1].hash == kit.straight_digest(kit.recipe(run, 1), covering[-1].t1_us, 0)
    assert untouched == kit.straight_digest(kit.recipe(run, 1), 700_000, 0)


def test_a_stamp_in_the_past_is_offered_a_fork_and_one_beyond_the_end_is_an_error() -> None:
    run = kit.make_run()
    kit.pause_at(run, 2_000_000)
    past = kit.give(run, {"do": "kill", "target": "n2"}, at_us=100_000, key="past")
    assert (past.type, past.reason, past.offer) == ("refused", "past", "fork")
    beyond = kit.give(run, {"do": "kill", "target": "n2"}, at_us=run.stop_us + 1, key="beyond")
    assert (beyond.type, beyond.reason) == ("refused", "beyond_stop")


def test_a_stamp_far_ahead_becomes_a_line_of_the_script() -> None:
    run = kit.make_run()
    kit.pause_at(run, 500_000)
    answer = kit.give(run, {"do": "kill", "target": "n2"}, at_us=3_000_000)
    assert (answer.type, answer.at_us, answer.scheduled) == ("accepted", 3_000_000, True)


def test_a_command_while_the_simulation_is_late_comes_where_viewers_stopped() -> None:
    run = kit.make_run()
    head = kit.move(run, play=True)
    kit.work(run.code)
    begun = msgspec.structs.replace(head, anchor_ms=head.anchor_ms - 100_000)
    Run.objects.filter(pk=run.pk).update(playhead=msgspec.to_builtins(begun))
    stopped_us = kit.tiles(run)[-1].t1_us
    answer = kit.give(run, {"do": "kill", "target": "n2"})
    assert (answer.type, answer.scheduled) == ("accepted", False)
    assert answer.at_us == stopped_us + 15_000


def test_a_viewer_may_not_command_and_is_offered_a_fork() -> None:
    run = kit.make_run()
    kit.pause_at(run, 500_000)
    answer = kit.give(run, {"do": "kill", "target": "n2"}, visitor=kit.GUEST)
    assert (answer.type, answer.reason, answer.offer) == ("refused", "viewer", "fork")


def test_runs_of_one_recipe_share_chunks_and_cost_no_simulation() -> None:
    first, second = kit.make_run(), kit.make_run()
    for run in (first, second):
        kit.pause_at(run, 0)
    kit.work(first.code)
    kit.cold()
    kit.work(second.code)
    from simulations.live.worlds import POOL

    assert [tile.key for tile in kit.tiles(first)] == [tile.key for tile in kit.tiles(second)]
    assert not POOL.shelves


def test_a_fork_has_the_same_past_and_its_own_future() -> None:
    run = kit.make_run()
    kit.pause_at(run, 800_000)
    kit.give(run, {"do": "kill", "target": "n2"})
    kit.work(run.code)
    copy = runs.fork_run(visitor=kit.GUEST, code=run.code, branch=0, at_us=900_000)
    kit.work(copy.code)
    assert copy.origin == {"run": run.code, "branch": 0, "at_us": 900_000}
    assert kit.recipe(copy).prefix(1) == kit.recipe(run).prefix(1)
    assert kit.frames(copy, from_us=900_000)


def test_a_fork_begins_where_viewers_are_and_not_where_the_playhead_would_be() -> None:
    run = kit.make_run()
    head = msgspec.structs.replace(selectors.playhead_of(run), anchor_ms=server_ms() - 60_000)
    Run.objects.filter(pk=run.pk).update(playhead=msgspec.to_builtins(head))
    fork = runs.fork_run(visitor=kit.GUEST, code=run.code)
    assert selectors.playhead_of(fork).anchor_us == 0  # no worker has begun


def test_when_every_cache_is_lost_the_trace_is_the_one_it_was(live_redis: Any) -> None:
    run = kit.make_run()
    kit.pause_at(run, 1_500_000)
    kit.give(run, {"do": "kill", "target": "n2"})
    kit.work(run.code)
    before = {tile.t1_us: tile.hash for tile in kit.tiles(run)}
    live_redis.flushdb()
    kit.cold()
    kit.work(run.code)
    after = {tile.t1_us: tile.hash for tile in kit.tiles(run)}
    shared = before.keys() & after.keys()
    assert shared
    assert all(before[at_us] == after[at_us] for at_us in shared)


def test_another_worker_goes_on_from_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulations.live import worlds

    monkeypatch.setattr(worlds, "CHECKPOINT_EVENTS", 50)
    run = kit.make_run()
    kit.pause_at(run, 1_000_000)
    kit.work(run.code)
    assert store.load_checkpoint(kit.recipe(run), 1_200_000, 0) is not None
    kit.cold()
    kit.give(run, {"do": "kill", "target": "n2"})
    kit.work(run.code)
    last = kit.tiles(run)[-1]
    assert last.hash == kit.straight_digest(kit.recipe(run), last.t1_us, 1)


def test_preloading_covers_a_run_to_its_end_and_pins_it(live_redis: Any) -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    at_us: int | None = 0
    while at_us is not None:
        at_us = advance.preload(run.code, at_us)
    assert live_redis.get(f"preload:{run.code}") == b"1.0000"
    known = kit.tiles(run)
    assert known[-1].t1_us == run.stop_us
    assert kit.frames(run, from_us=11_000_000)[-1][0].t1_us == run.stop_us
    assert all(live_redis.ttl(tile.key) > 3_600 for tile in known)
    kit.give(run, {"do": "kill", "target": "n2"})
    assert live_redis.get(f"preload:{run.code}") is None


# Leases ----------------------------------------------------


def test_what_the_engine_can_make_nothing_of_is_said_instead_of_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[bytes] = []

    def fails(*arguments: Any, **named: Any) -> str:
        raise KeyError("n1 sends to nobody")

    monkeypatch.setattr(advance, "tell", lambda code, message: told.append(message))
    run = kit.make_run()
    monkeypatch.setattr(World, "run_until", fails)
    assert advance.advance(run.code, 0) is False
    (said,) = [json.loads(message) for message in told]
    assert said["type"] == "limit"
    assert "n1 sends to nobody" in said["text"]["en"]
    assert "引擎无法继续" in said["text"]["zh"]


def test_only_the_holder_of_the_lease_simulates() -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    lease.take(run.code, Lease(1, run.fence))
    kit.work(run.code, shard=0)
    assert kit.tiles(run) == []
    kit.work(run.code, shard=1)
    assert kit.tiles(run) != []


def test_taking_over_raises_the_fence_and_the_old_owner_publishes_nothing() -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    held = lanes.own(run, 0, None)
    assert held is not None
    run.refresh_from_db()
    assert lanes.still_ours(run, held)
    client().delete(f"lease:{run.code}")
    taken = lanes.own(run, 1, None)
    assert taken is not None
    assert taken.fence > held.fence
    assert not lanes.still_ours(run, held)


def test_a_busy_database_costs_a_turn_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(run: Run) -> bool:
        raise OperationalError("database is locked")

    run = kit.make_run()
    with monkeypatch.context() as busy:
        busy.setattr(runs, "raise_fence", locked)
        assert advance.advance(run.code, 0) is False
    client().delete(f"lease:{run.code}")  # which lapses by itself
    kit.work(run.code)
    assert kit.tiles(run)


def test_of_two_shards_that_find_no_lease_the_late_one_leaves_the_other_in_charge() -> None:
    run = kit.make_run()
    late = Run.objects.get(pk=run.pk)
    held = lanes.own(run, 0, None)
    assert held is not None
    assert lanes.own(late, 1, None) is None
    assert lanes.still_ours(run, held)
    client().delete(f"lease:{run.code}")
    assert lanes.own(late, 1, None) is None  # it read the row before the other's token was on it
    assert lanes.still_ours(run, held)
