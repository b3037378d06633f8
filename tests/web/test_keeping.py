"""What is kept and what goes: old runs, preloaded runs."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from platform_lab.celery import app
from simulations import limits, selectors, tasks
from simulations.live import lease
from simulations.models import Branch, Run
from simulations.services import advance, dispatch, runs, states
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What is put into the workers' queues (and goes there)."""
    found: list[tuple[str, list[Any]]] = []
    really = app.send_task

    def send_task(name: str, args: list[Any], **named: Any) -> Any:
        found.append((name, args))
        return really(name, args=args, **named)

    monkeypatch.setattr(app, "send_task", send_task)
    return found


def aged(days: int, **fields: Any) -> Run:
    run = kit.make_run()
    Run.objects.filter(pk=run.pk).update(visited_at=timezone.now() - timedelta(days=days), **fields)
    return run


def test_runs_nobody_visits_go_after_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "CLEAR_BATCH", 2)
    for _ in range(5):
        kit.give(aged(limits.RUN_KEPT_DAYS + 1), {"do": "kill", "target": "n2"})
    kept = {aged(limits.RUN_KEPT_DAYS - 1).pk, kit.make_run().pk, aged(400, pinned=True).pk}
    assert runs.remove_old_runs() == 5
    assert set(Run.objects.values_list("pk", flat=True)) == kept
    assert set(Branch.objects.values_list("run_id", flat=True)) == kept


def test_making_runs_asks_for_it_once_a_day(sent: list[tuple[str, list[Any]]], live_redis: Any) -> None:
    for _ in range(3):
        kit.make_run()
    assert sent.count((dispatch.CLEAR, [])) == 1
    assert 0 < live_redis.ttl("cleared") <= 24 * 3600
    live_redis.delete("cleared")
    kit.make_run()
    assert sent.count((dispatch.CLEAR, [])) == 2


def test_the_task_does_it() -> None:
    old = aged(limits.RUN_KEPT_DAYS + 1)
    tasks.clear()
    assert not Run.objects.filter(pk=old.pk).exists()


def preload(code: str) -> None:
    at_us: int | None = 0
    while at_us is not None:
        at_us = advance.preload(code, at_us)


def test_a_preloaded_run_is_computed_again_at_the_first_visit_after_valkey_lost_it(
    sent: list[tuple[str, list[Any]]], live_redis: Any
) -> None:
    run = kit.make_run()
    kit.pause_at(run, 0)
    Run.objects.filter(pk=run.pk).update(pinned=True)
    preload(run.code)
    before = kit.tiles(run)
    live_redis.flushdb()
    kit.cold()
    sent.clear()
    states.revive(run.code)
    assert (dispatch.PRELOAD, [run.code, 0]) in sent
    assert live_redis.get(f"preload:{run.code}") == b"0"
    preload(run.code)
    assert kit.tiles(run) == before
    assert before[-1].t1_us == run.stop_us


def test_when_everything_ended_a_run_goes_on_from_where_it_was_seen(live_redis: Any) -> None:
    run = kit.make_run()
    head = kit.move(run, play=True)
    long_ago = msgspec.structs.replace(head, anchor_ms=head.anchor_ms - 60_000)
    Run.objects.filter(pk=run.pk).update(playhead=msgspec.to_builtins(long_ago))
    states.note_shown(run.code, lease.Live(long_ago, run.stop_us, head_us=2_000_000))
    live_redis.flushdb()
    kit.cold()
    kit.work(run.code)
    run.refresh_from_db()
    assert 2_000_000 <= selectors.playhead_of(run).anchor_us < 2_100_000


def test_a_run_that_is_not_pinned_is_not(sent: list[tuple[str, list[Any]]]) -> None:
    run = kit.make_run()
    states.revive(run.code)
    assert dispatch.PRELOAD not in [name for name, _ in sent]


def test_preloading_pins_what_was_there_and_makes_aggregates_anew(live_redis: Any) -> None:
    run = kit.make_run()
    kit.move(run, play=False, to_us=0, speed=100.0)
    kit.work(run.code)
    assert "aggregate" in {tile.level for tile in kit.tiles(run)}
    assert live_redis.ttl(kit.tiles(run)[0].key) < 3_600
    preload(run.code)
    known = kit.tiles(run)
    assert {tile.level for tile in known} == {"full"}
    assert known[-1].t1_us == run.stop_us
    assert all(live_redis.ttl(tile.key) > 3_600 for tile in known)
