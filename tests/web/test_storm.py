"""What many forks cost, in simulated events and tasks: counted, so that no busy machine changes the answer."""

from typing import Any

import pytest

from platform_lab.celery import app
from simulations.engine.world import World
from simulations.live.worlds import POOL
from simulations.models import Run
from simulations.services import dispatch, runs
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]
FORKS = 30
PLACES_US = [2_000_000 + 17_321 * number for number in range(FORKS)]


class Counts:
    """Events simulated and tasks queued since the last `take`."""

    def __init__(self) -> None:
        self.events, self.tasks = 0, 0

    def take(self) -> tuple[int, int]:
        found = self.events, self.tasks
        self.events = self.tasks = 0
        return found


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    found = Counts()
    run_until, send_task = World.run_until, app.send_task

    def counted_run(self: World, *arguments: Any, **named: Any) -> str:
        before = self.events
        outcome = run_until(self, *arguments, **named)
        found.events += self.events - before
        return outcome

    def counted_send(name: str, *arguments: Any, **named: Any) -> Any:
        found.tasks += name == dispatch.ADVANCE
        return send_task(name, *arguments, **named)

    monkeypatch.setattr(World, "run_until", counted_run)
    monkeypatch.setattr(app, "send_task", counted_send)
    return found


@pytest.fixture
def source() -> Run:
    """A run that everybody has watched from its beginning until 3 s."""
    kit.cold()
    run = kit.make_run()
    for at_us in range(0, 3_250_000, 250_000):
        kit.pause_at(run, at_us)
        kit.work(run.code)
    return run


def test_looking_at_a_fork_costs_no_simulation(source: Run, counts: Counts) -> None:
    kit.cold()
    for number, at_us in enumerate(PLACES_US):
        fork = runs.fork_run(visitor=f"{number:032x}", code=source.code, branch=0, at_us=at_us)
        kit.work(fork.code)
    assert counts.take() == (0, 0)
    assert not POOL.shelves


def cost_of_a_kill(source: Run, number: int, at_us: int, counts: Counts) -> tuple[int, int]:
    fork = runs.fork_run(visitor=kit.OWNER, code=source.code, branch=0, at_us=at_us)
    kit.work(fork.code)
    counts.take()
    assert kit.give(fork, {"do": "kill", "target": "n2"}, at_us=at_us, key=f"k{number}").type == "accepted"
    kit.work(fork.code)
    return counts.take()


def test_each_kill_simulates_its_own_future_and_no_past(source: Run, counts: Counts) -> None:
    costs = [cost_of_a_kill(source, number, at_us, counts) for number, at_us in enumerate(PLACES_US)]
    assert [tasks for _, tasks in costs] == [1] * FORKS
    assert max(events for events, _ in costs) <= 300


def test_a_worker_that_never_saw_the_past_simulates_it_once(source: Run, counts: Counts) -> None:
    kit.cold()
    costs = [cost_of_a_kill(source, number, at_us, counts) for number, at_us in enumerate(PLACES_US)]
    assert max(events for events, _ in costs[1:]) <= 300
