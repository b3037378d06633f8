"""The runs of one web process: what viewers are told while Valkey, the database or one run is in trouble."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import msgspec
import pytest
import redis
from django.db import DatabaseError

from simulations import wire
from simulations.hub import Hub
from simulations.live import lease
from simulations.live.build import BUILD
from simulations.live.lease import Live, Machine
from simulations.live.playhead import server_ms
from simulations.models import Run
from simulations.services import commands, dispatch, states
from simulations.services.states import waiting_for
from simulations.threads import in_thread
from tests.web import kit


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


def test_workers_of_another_build_do_not_count_as_ours() -> None:
    """After an upgrade of one half of the machine each would wait for the other, and nobody would say why."""
    ours, theirs = f"12 {BUILD}".encode(), b"34 0123456789abcdef"
    for beats, cause in (
        ([ours, None], "simulation"),
        ([theirs, ours], "simulation"),
        ([theirs, None], "version"),
        ([None, None], "worker"),
    ):
        machine = lease.read_machine([beats, [b"abcdef"]])
        assert waiting_for("abcdef", machine)["for"] == cause, beats


class Listener:
    """A viewer that keeps what it is told."""

    visitor, name, role = "", "", "viewer"

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    async def send_frame(self, header: wire.FrameHeader, frame: bytes) -> None:
        """Frames are no matter here."""

    async def send_text(self, text: str) -> None:
        self.told.append(json.loads(text))

    async def role_changed(self) -> None:
        """Nor are roles."""


async def joined(code: str) -> tuple[Hub, Listener]:
    """A viewer of a run in a hub that ticks only when it is told to."""
    hub, viewer = Hub(), Listener()
    await hub.join(code, viewer)
    assert hub.ticker is not None
    hub.ticker.cancel()
    return hub, viewer


def undo_unheard(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something and undo it while Valkey does not answer."""

    def unanswered(*arguments: Any, **named: Any) -> None:
        raise redis.ConnectionError

    with monkeypatch.context() as away:
        away.setattr(lease, "note_change", unanswered)
        away.setattr(commands, "publish_message", lambda code, message: None)
        kit.give(run, {"do": "kill", "target": "n2"}, at_us=0)
        assert commands.undo(code=run.code, visitor=kit.OWNER, key="u1").branch == 1


@pytest.mark.django_db(transaction=True)
async def test_what_was_done_while_valkey_did_not_answer_is_told_when_it_does(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_thread(kit.make_run, playing=False)
    hub, viewer = await joined(run.code)
    await in_thread(undo_unheard, run, monkeypatch)
    hub.machine = Machine(reachable=False)
    await hub._tick(beat=True)
    found = {message["type"]: message for message in viewer.told}
    assert [line["id"] for line in found["branches"]["branches"]] == [0, 1]
    assert found["heartbeat"]["branch"] == 1
    known = lease.read_live(live_redis.hgetall(f"live:{run.code}"))
    assert known is not None
    assert (known.playhead.branch, known.revision) == (1, 1)
    await hub.watches[run.code].stop()


@pytest.mark.django_db(transaction=True)
async def test_a_run_in_trouble_holds_up_no_other(live_redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = [await in_thread(kit.make_run, playing=False) for _ in range(2)]
    hub, viewer = await joined(first.code)
    other = Listener()
    watch = await hub.join(second.code, other)

    async def fails(*arguments: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(hub.watches[first.code], "send_stored", fails)
    await hub._tick(beat=True)
    assert "heartbeat" in [message["type"] for message in other.told]
    assert "heartbeat" not in [message["type"] for message in viewer.told]
    for one in (hub.watches[first.code], watch):
        await one.stop()


@pytest.mark.django_db(transaction=True)
async def test_a_busy_database_holds_up_no_heartbeat(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_thread(kit.make_run)
    hub, viewer = await joined(run.code)
    noted: list[list[str]] = []
    free = threading.Event()

    def wait(playing: dict[str, Live]) -> None:
        noted.append(list(playing))
        free.wait(10)

    monkeypatch.setattr(states, "note_all_shown", wait)
    try:
        for _ in range(2):
            hub.noted = 0.0  # long ago
            await hub._tick(beat=True)
        assert [message["type"] for message in viewer.told].count("heartbeat") == 2
        assert noted == [[run.code]]  # the second waits for the first
    finally:
        free.set()
    assert hub.noting is not None
    await hub.noting
    await hub.watches[run.code].stop()


@pytest.mark.django_db(transaction=True)
async def test_commands_that_wait_take_no_thread_from_the_heartbeat(live_redis: Any) -> None:
    run = await in_thread(kit.make_run)
    hub, viewer = await joined(run.code)
    free = threading.Event()
    waiting = [asyncio.create_task(in_thread(free.wait, 30)) for _ in range(40)]
    try:
        assert hub.watches[run.code].short()  # so that a worker is asked, which takes a thread
        await asyncio.wait_for(hub._tick(beat=True), 10)
    finally:
        free.set()
        await asyncio.gather(*waiting)
    assert "heartbeat" in [message["type"] for message in viewer.told]
    await hub.watches[run.code].stop()


@pytest.mark.django_db(transaction=True)
async def test_a_clock_that_is_set_back_stops_no_run(live_redis: Any) -> None:
    run = await in_thread(kit.make_run)
    ahead = {**run.playhead, "anchor_us": 300_000, "anchor_ms": server_ms() + 3_600_000}
    await in_thread(Run.objects.filter(pk=run.pk).update, playhead=ahead)
    hub, _ = await joined(run.code)
    await hub._tick(beat=True)
    live = hub.watches[run.code].live
    assert live is not None
    assert live.playhead.anchor_us == 300_000
    assert live.playhead.anchor_ms <= server_ms()
    await in_thread(run.refresh_from_db)
    assert run.playhead["anchor_ms"] == live.playhead.anchor_ms
    await hub.watches[run.code].stop()


@pytest.mark.django_db(transaction=True)
async def test_of_a_run_that_valkey_forgot_no_worker_is_asked_before_it_knows_where_viewers_are(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_thread(kit.make_run)
    hub, _ = await joined(run.code)
    watch = hub.watches[run.code]
    assert watch.live is not None
    head = msgspec.structs.replace(
        watch.live.playhead, playing=True, anchor_us=0, anchor_ms=server_ms() - 6000
    )
    watch.live = msgspec.structs.replace(watch.live, playhead=head, head_us=400_000)
    await in_thread(Run.objects.filter(pk=run.pk).update, playhead=msgspec.to_builtins(head))
    asked: list[int] = []

    def ask(code: str, late_s: float) -> None:
        known = lease.read_live(live_redis.hgetall(f"live:{code}"))
        assert known is not None
        asked.append(known.playhead.anchor_us)

    monkeypatch.setattr(dispatch, "ask", ask)
    live_redis.delete(f"live:{run.code}")
    await watch.tick(False, Machine())
    assert asked == [400_000]
    await watch.stop()


@pytest.mark.django_db(transaction=True)
async def test_a_run_that_cannot_be_read_leaves_no_subscription_behind(
    live_redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_thread(kit.make_run)
    live_redis.delete(f"live:{run.code}")

    def fails(*arguments: Any) -> None:
        raise DatabaseError("busy")

    monkeypatch.setattr(states, "revive", fails)
    hub = Hub()
    with pytest.raises(DatabaseError, match="busy"):
        await hub.join(run.code, Listener())
    assert not [task for task in asyncio.all_tasks() if "Watch._receive" in repr(task)]
    assert hub.watches == {}
