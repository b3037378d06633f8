"""Sweeps on real workers: the same numbers as in one process, whatever is killed, cancelled or done twice."""

from __future__ import annotations

from collections.abc import Iterator
from socket import gethostname
from typing import Any

import pytest
from django.conf import settings

from platform_lab.celery import app
from platform_lab.supervisor.child import Child
from platform_lab.supervisor.plan import worker_service
from platform_lab.supervisor.supervisor import Supervisor
from simulations.models import Sweep
from simulations.services import sweep_orders, sweep_queue, sweep_work, sweeps
from simulations.services.sweep_orders import Order
from simulations.sweeps import pool
from simulations.sweeps.result import summary
from tests.stack import wait_until

OWNER = "owner" * 4


def small(seeds: int = 60, **named: Any) -> Order:
    """Elections, which take a few ms each."""
    named.setdefault("metrics", ["election_ms"])
    return sweep_orders.order("EL-LAN", (1, seeds), **named)


def expected(order: Order) -> dict[str, Any]:
    """What one process of its own says."""
    return summary(order.subject, order.plan, pool.run_here(order.plain, order.plan, 1))


def finished(sweep: Sweep) -> bool:
    """Whether the sweep is over; looking asks for what got lost."""
    sweep.refresh_from_db()
    return bool(sweeps.state(sweep)["state"] == "done")


def without_curves(result: Any) -> Any:
    """A stored result as the command prints it."""
    blocks = [result, *result.get("points", [])]
    for block in blocks:
        for metric in block["metrics"].values():
            metric.pop("curve")
    return result


@pytest.mark.django_db(transaction=True)
def test_workers_give_the_numbers_of_one_process(live_redis: Any, workers: list[str]) -> None:
    order = small(grid={"ineligible": [0, 2]})
    sweep = sweeps.start(order, OWNER)
    wait_until(lambda: finished(sweep), "the sweep is done", 60)
    sweep.refresh_from_db()
    assert without_curves(sweep.result) == expected(order)
    assert sweep.batches.count() >= 2


@pytest.fixture
def second_worker(valkey: str, workers: list[str], process_group: Supervisor) -> Iterator[Child]:
    """Another process that takes batches of sweeps."""
    name = "sweep.second"
    if name not in process_group.children:
        process_group.start([worker_service(name, settings.SWEEP_QUEUE, 1, valkey)])
    child = process_group.children[name]
    # The queue's heartbeat is the first worker's: only an answer of its own tells that the second one is there.
    wait_until(
        lambda: app.control.ping(destination=[f"{name}@{gethostname()}"], timeout=1), f"{name} answers", 60
    )
    yield child
    child.kill()


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_midway_loses_and_doubles_nothing(live_redis: Any, second_worker: Child) -> None:
    order = small(2400)
    sweep = sweeps.start(order, OWNER)
    begun = sweep.batches.filter(state="waiting", attempts=1)
    wait_until(lambda: begun.count() == 2, "two batches are worked on", 60)
    second_worker.kill()
    assert sweeps.done_runs(sweep) < 2400
    wait_until(lambda: finished(sweep), "the sweep is done", 180)
    assert max(sweep.batches.values_list("attempts", flat=True)) == 2
    assert sum(row.stop - row.start for row in sweep.batches.all()) == 2400
    assert without_curves(sweep.result) == expected(order)


@pytest.mark.django_db(transaction=True)
def test_cancelled_and_resumed_it_loses_and_doubles_nothing(live_redis: Any, workers: list[str]) -> None:
    order = small(1200)
    sweep = sweeps.start(order, OWNER)
    wait_until(lambda: sweeps.done_runs(sweep) > 0, "some runs are done", 60)
    sweeps.cancel(sweep, OWNER)
    assert sweep.state == "cancelled"
    wait_until(lambda: not live_redis.keys("sweep:lease:*"), "no batch is worked on", 60)
    assert 0 < sweeps.done_runs(sweep) < 1200
    sweeps.resume(sweep, OWNER)
    wait_until(lambda: finished(sweep), "the sweep is done", 120)
    assert without_curves(sweep.result) == expected(order)


@pytest.mark.django_db
def test_doing_a_batch_twice_changes_nothing(live_redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_queue, "send", lambda *_: True)
    order = small(6)
    sweep = sweeps.start(order, OWNER)
    batch = sweep.batches.get()
    part = sweep_work.compute(sweep, batch)
    for _ in range(2):
        sweep_work.keep(sweep, batch, part)
    sweep_work.work(sweep.pk, 0, sweep.generation)
    assert sweeps.done_runs(sweep) == part.runs
    for piece in list(sweep.batches.filter(state="waiting")):
        sweep_work.work(sweep.pk, piece.start, sweep.generation)
    sweep.refresh_from_db()
    assert sweep.state == "done"
    assert without_curves(sweep.result) == expected(order)


@pytest.mark.django_db
def test_a_batch_of_an_older_generation_does_nothing(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_queue, "send", lambda *_: True)
    sweep = sweeps.start(small(3), OWNER)
    old = sweep.generation
    sweeps.cancel(sweep, OWNER)
    sweeps.resume(sweep, OWNER)
    sweep_work.work(sweep.pk, 0, old)
    assert sweeps.done_runs(sweep) == 0


@pytest.mark.django_db
def test_a_batch_that_kills_its_worker_three_times_is_set_aside(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep_queue, "send", lambda *_: True)
    sweep = sweeps.start(small(3), OWNER)
    for _ in range(3):
        assert sweep_work.begin(sweep, 0) is not None  # ... and the worker dies here
    sweep_work.work(sweep.pk, 0, sweep.generation)
    sweep.refresh_from_db()
    found = sweeps.state(sweep, OWNER)
    assert found["state"] == "done"
    assert found["done"] == 0
    assert found["quarantined"] == [{"point": 0, "from_seed": 1, "to_seed": 3}]
    monkeypatch.setattr(sweep_queue, "send_waiting", lambda sweep: None)
    sweeps.resume(sweep, OWNER)
    sweep_work.work(sweep.pk, 0, sweep.generation)
    assert sweeps.done_runs(sweep) == 3


@pytest.mark.django_db
def test_batches_whose_worker_died_are_queued_again_once(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[int]] = []
    monkeypatch.setattr(sweep_queue, "send", lambda _, __, starts: sent.append(starts))
    sweep = sweeps.start(small(3), OWNER)
    batch = sweep_work.begin(sweep, 0)
    assert batch is not None
    assert sweep_queue.revive(sweep) == 0
    sweep_queue.let_go(batch.pk)
    live_redis.delete(f"sweep:revived:{sweep.pk}")
    assert sweep_queue.revive(sweep) == 1
    live_redis.delete(f"sweep:revived:{sweep.pk}")
    assert sweep_queue.revive(sweep) == 0
    assert sent == [[0], [0]]
