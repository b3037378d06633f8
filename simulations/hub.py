"""The web process's side of live runs: one subscription per run and process, whatever the number of viewers.

A `Watch` receives what workers publish, hands it to this process's viewers, sends heartbeats, and asks
workers for more when what is simulated ahead of the playhead runs short. Nothing here touches the ORM on
the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import msgspec
import redis
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError, close_old_connections, connection

from simulations import wire
from simulations.live import lease
from simulations.live.lease import Live, Machine
from simulations.live.pace import Pace
from simulations.live.playhead import Playhead, server_ms
from simulations.live.publish import group_name
from simulations.live.valkey import async_client
from simulations.services import dispatch, searches, states

log = logging.getLogger(__name__)

TICK_S = 0.2
BEATS = 5
"""Ticks between two heartbeats."""
REST_AFTER_S = 30
"""Without viewers a run is no longer simulated after LINGER_S and forgotten here after REST_AFTER_S."""
LINGER_S = 5
RING_MAX = 192
RING_PAST = 24
"""Frames kept: from the playhead on as far as is sent, however short they are; fewer of what is over."""
WAITING_AFTER_S = 1.0
CLOCK_SLACK_MS = 5_000
"""Clocks of several web servers may differ by so much."""
SEARCH_MISSED_MAX = 2
"""Looks at Valkey without a search that was there, after which it counts as lost."""
R = TypeVar("R")


THREADS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="hub")
"""The hub's own. Commands that wait for a busy database can take all those of the event loop: heartbeats go on."""


async def in_thread(function: Callable[..., R], *arguments: Any, **named: Any) -> R:
    """Run blocking code (the ORM, Celery) in a thread of its own, never on the event loop."""
    return await sync_to_async(_with_connection, thread_sensitive=False)(function, arguments, named)


async def aside(function: Callable[..., R], *arguments: Any, **named: Any) -> R:
    """The same for the hub itself, in one of its own threads."""
    run = sync_to_async(_with_connection, thread_sensitive=False, executor=THREADS)
    return await run(function, arguments, named)


def _with_connection(function: Callable[..., R], arguments: Any, named: Any) -> R:
    keep = (
        connection.vendor == "sqlite"
    )  # opening a file and its pragmas again would cost more than the query
    if not keep:
        close_old_connections()
    try:
        return function(*arguments, **named)
    finally:
        if not keep:
            close_old_connections()


class Viewer(Protocol):
    """A socket, as the hub sees it."""

    visitor: str
    name: str
    role: str

    async def send_frame(self, header: wire.FrameHeader, frame: bytes) -> None: ...

    async def send_text(self, text: str) -> None: ...

    async def role_changed(self) -> None: ...


class Watch:
    """One run in this process."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.viewers: set[Any] = set()
        self.live: Live | None = None
        self.frames: list[tuple[wire.FrameHeader, bytes]] = []
        self.total = 0
        self.drivers: list[dict[str, str]] = []
        self.told: tuple[int, list[dict[str, str]]] | None = None
        self.pace = Pace()
        self.waiting_since: float | None = None
        self.progress: tuple[int, int] = (0, 0)
        self.empty_since = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.searching = 0
        self.state: tuple[float, bytes] | None = None
        self.state_lock = asyncio.Lock()

    async def start(self) -> None:
        """Subscribe, then read what is: nothing falls between."""
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add(group_name(self.code), channel)
        self.task = asyncio.create_task(self._receive(layer, channel))
        await self.refresh()

    async def stop(self) -> None:
        """Unsubscribe."""
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task

    async def _receive(self, layer: Any, channel: str) -> None:
        try:
            while True:
                message = await layer.receive(channel)
                try:
                    await self._handle(message)
                except Exception:
                    log.exception("A message of run %s was not handled", self.code)
        finally:
            with contextlib.suppress(redis.RedisError):
                await layer.group_discard(group_name(self.code), channel)

    async def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "run.frame":
            await self.frame(message["b"])
        elif message["type"] == "run.message":
            await self._message(message["t"])
        elif message["type"] == "run.role":
            for viewer in [viewer for viewer in self.viewers if message["visitor"] in ("", viewer.visitor)]:
                await viewer.role_changed()

    # Frames ---------------------------------------------------------

    async def frame(self, data: bytes) -> None:
        """A new frame: kept for those who join, sent to those who are here."""
        header, _ = wire.read_frame(data)
        self._remember(header, data)
        if self.live is not None and header.branch == self.live.playhead.branch:
            self.live = msgspec.structs.replace(
                self.live,
                head_us=header.t1_us,
                head_branch=header.branch,
                revision=max(header.revision, self.live.revision),
            )
        for viewer in list(self.viewers):
            await viewer.send_frame(header, data)

    def _remember(self, header: wire.FrameHeader, data: bytes) -> None:
        kept = [(h, d) for h, d in self.frames if h.branch == header.branch and h.t0_us < header.t0_us]
        here = self.live.playhead.at(server_ms(), self.live.stop_us) if self.live is not None else 0
        ahead = sum(1 for h, _ in kept if h.t1_us >= here)
        self.frames = [*kept[-min(max(RING_PAST, ahead), RING_MAX) :], (header, data)]

    def recent(self, at_us: int, branch: int) -> list[tuple[wire.FrameHeader, bytes]]:
        """Kept frames without a hole from the one that covers this moment; empty when they are not here."""
        frames = [item for item in self.frames if item[0].branch == branch]
        starts = [i for i, (header, _) in enumerate(frames) if header.t0_us <= at_us <= header.t1_us]
        if not starts:
            return []
        chain = frames[starts[-1] :]
        whole = all(b[0].t0_us <= a[0].t1_us for a, b in itertools.pairwise(chain))
        return chain if whole else []

    async def frames_from(self, at_us: int, branch: int) -> list[tuple[wire.FrameHeader, bytes]]:
        """What a viewer needs to show this moment and go on: from memory, else from the store."""
        found = self.recent(at_us, branch)
        if found or self.live is None:
            return found
        frames = self._with_newest(await self._stored(at_us, branch), branch)
        if branch == self.live.playhead.branch and frames:
            self.frames = frames[:RING_MAX]
        return frames

    def _with_newest(
        self, stored: list[tuple[wire.FrameHeader, bytes]], branch: int
    ) -> list[tuple[wire.FrameHeader, bytes]]:
        """Stored frames and those in memory that follow them.

        A worker sends a frame before it stores it, and more arrive while the store is read: without them,
        who joins just then would get everything but those.
        """
        revision = self.live.revision if self.live is not None else 0
        reached = stored[-1][0].t1_us if stored else None
        chain = list(stored)
        for header, data in self.frames:
            same = header.branch == branch and header.revision >= revision
            if same and reached is not None and header.t0_us <= reached < header.t1_us:
                chain.append((header, data))
                reached = header.t1_us
        return chain

    async def _stored(self, at_us: int, branch: int) -> list[tuple[wire.FrameHeader, bytes]]:
        """Stored frames from a moment on, as far ahead as viewers may see."""
        assert self.live is not None
        until_us = self.live.playhead.ahead_us(at_us, self.live.stop_us)
        loaded = await aside(states.frames_between, self.code, branch, at_us, until_us)
        return [(wire.read_frame(item)[0], item) for item in loaded]

    async def send_stored(self) -> None:
        """Send what is simulated already (preloaded, found by a search, lost on the way) as its time comes."""
        live = self.live
        if live is None or live.head_branch != live.playhead.branch or not self.viewers:
            return
        here = live.playhead.at(server_ms(), live.stop_us)
        chain = self.recent(here, live.playhead.branch)
        reached = chain[-1][0].t1_us if chain else here
        if chain and reached >= min(live.playhead.ahead_us(here, live.stop_us, share=0.6), live.head_us):
            return
        for header, data in (await self._stored(reached, live.playhead.branch))[: RING_MAX - len(chain)]:
            self._remember(header, data)
            for viewer in list(self.viewers):
                await viewer.send_frame(header, data)

    # Messages ---------------------------------------------------------

    async def _message(self, text: str) -> None:
        data = msgspec.json.decode(text)
        self.state = None
        moved = False
        if data["type"] == "playhead":
            moved = self._moved(msgspec.convert(data["playhead"], Playhead))
        elif data["type"] == "until_result":
            self.searching = 0
        elif data["type"] == "accepted" and self.live is not None:
            self.live = msgspec.structs.replace(self.live, revision=data.get("revision", self.live.revision))
        await self.broadcast(text)
        if moved:
            await self._push_there()

    def _moved(self, head: Playhead) -> bool:
        """Take over a newer playhead; True when viewers may lack the frames there."""
        if self.live is None or head.sequence <= self.live.playhead.sequence:
            return False
        self.live = msgspec.structs.replace(self.live, playhead=head)
        here = head.at(server_ms(), self.live.stop_us)
        return not self.recent(here, head.branch)

    async def _push_there(self) -> None:
        live = self.live
        if live is None:
            return
        here = live.playhead.at(server_ms(), live.stop_us)
        for header, data in await self.frames_from(here, live.playhead.branch):
            for viewer in list(self.viewers):
                await viewer.send_frame(header, data)

    def present(self, now: int) -> bytes:
        """Who watches in this process, as other processes read it: {count, at, drivers}."""
        named: dict[str, str] = {}
        for viewer in self.viewers:
            if viewer.role != "viewer" and viewer.visitor:
                named[viewer.visitor] = viewer.name or named.get(viewer.visitor, "")
        drivers = [{"id": id, "name": named[id]} for id in sorted(named)[: lease.DRIVERS_MAX]]
        return msgspec.json.encode({"count": len(self.viewers), "at": now, "drivers": drivers})

    async def broadcast(self, text: str) -> None:
        """A message for everybody here."""
        for viewer in list(self.viewers):
            await viewer.send_text(text)

    async def shared_state(self) -> bytes:
        """The part of RunState that is the same for everybody, as JSON; at most a second old."""
        async with self.state_lock:
            if self.state is None or time.monotonic() - self.state[0] > 1:
                self.state = (time.monotonic(), await aside(states.shared_state, self.code))
            return self.state[1]

    # Time ---------------------------------------------------------

    async def refresh(self) -> None:
        """Read the row when Valkey has forgotten the run, and remind Valkey."""
        fields: Any = {}
        with contextlib.suppress(redis.RedisError):
            fields = await async_client().hgetall(f"live:{self.code}")
        found = lease.read_live(fields)
        self.take(found if found is not None else await aside(states.revive, self.code, self.live))

    def take(self, found: Live | None) -> None:
        """What Valkey or the row says, unless what we know is newer."""
        if found is None:
            return
        if self.live is not None and self.live.playhead.sequence > found.playhead.sequence:
            found = msgspec.structs.replace(found, playhead=self.live.playhead)
        self.live = found

    async def compare(self) -> None:
        """Take from the row, and tell viewers, what nobody could be told while Valkey did not answer."""
        found = None if self.live is None else await aside(states.newer, self.code, self.live)
        if found is None:
            return
        live, branches = found
        self.state = None
        self.take(live)
        await self.broadcast(wire.message("branches", branches=branches).decode())
        await self.broadcast(wire.message("playhead", **states.playhead_message(live.playhead)).decode())
        await self._push_there()

    async def take_search(self, note: bytes | None) -> None:
        """A "run until" of which nothing is heard goes on, or is told to be lost: nobody waits in vain."""
        if note is not None:
            self.searching = SEARCH_MISSED_MAX
            await aside(searches.go_on, self.code, note)
        elif self.searching:
            self.searching -= 1  # its answer may still be on the way
            if not self.searching:
                await self.broadcast(searches.lost().decode())

    def short(self) -> bool:
        """Whether less is simulated ahead of the playhead than there should be."""
        live = self.live
        if live is None:
            return True
        here = live.playhead.at(server_ms(), live.stop_us)
        wanted = live.playhead.ahead_us(here, live.stop_us, share=0.6)
        return live.head_branch != live.playhead.branch or live.head_us < wanted or self._hole(here)

    def _hole(self, here: int) -> bool:
        """Whether the playhead was put before everything we were sent."""
        live = self.live
        known = [
            header for header, _ in self.frames if live is not None and header.branch == live.playhead.branch
        ]
        return bool(known) and here < known[0].t0_us and not self.recent(here, known[0].branch)

    @property
    def waited_s(self) -> float:
        """How long more has been asked for and nothing came."""
        return 0.0 if self.waiting_since is None else time.monotonic() - self.waiting_since

    async def tick(self, beat: bool, machine: Machine) -> None:
        """Ask for more when short; tell viewers once a second what is."""
        await self.send_stored()
        if not self.viewers and time.monotonic() - self.empty_since > LINGER_S:
            return  # what is ahead is enough for somebody who only reloads
        if not self.short():
            self.waiting_since = None
        else:
            self.waiting_since = self.waiting_since or time.monotonic()
            if machine.reachable:  # else each try would hold up the heartbeats that say so
                await self._ask()
        if self.live is not None:
            progress = (self.live.head_branch, self.live.head_us)
            if progress != self.progress:
                self.progress, self.waiting_since = progress, None
        if beat:
            if self._clock_went_back():
                self.take(await aside(states.revive, self.code, self.live))
            await self._beat(machine)

    async def _ask(self) -> None:
        """Ask a worker for more, once Valkey knows the run: of one that it forgot a worker knows only where it was
        moved last, and would throw everybody back to there.
        """
        try:
            known = lease.read_live(await async_client().hgetall(f"live:{self.code}"))
        except redis.RedisError:
            return
        if known is None:
            await self.refresh()
        await aside(dispatch.ask, self.code, self.waited_s)

    def _clock_went_back(self) -> bool:
        """Whether the server's clock was set to before the playhead's anchor: until then it would stand still."""
        head = None if self.live is None else self.live.playhead
        return head is not None and head.playing and head.anchor_ms - server_ms() > CLOCK_SLACK_MS

    async def _beat(self, machine: Machine) -> None:
        live = self.live
        if live is None:
            return
        head_us = live.head_us if live.head_branch == live.playhead.branch else 0
        beat = {
            "branch": live.playhead.branch,
            "revision": live.revision,
            "head_us": live.head_us,
            "playhead": msgspec.to_builtins(live.playhead),
            "viewers": max(self.total, len(self.viewers)),
            "server_ms": server_ms(),
            "true_speed": self.pace.look(live.playhead, head_us, server_ms(), live.stop_us),
        }
        await self.broadcast(wire.message("heartbeat", **beat).decode())
        if self.waited_s >= WAITING_AFTER_S:
            cause = states.waiting_for(self.code, machine)
            await self.broadcast(wire.message("waiting", **cause).decode())


class Hub:
    """All runs that this process's viewers watch."""

    def __init__(self) -> None:
        self.watches: dict[str, Watch] = {}
        self.starting = asyncio.Lock()
        self.ticker: asyncio.Task[None] | None = None
        self.process = f"{os.uname().nodename}.{os.getpid()}"
        self.machine = Machine()
        self.noted = time.monotonic()
        self.noting: asyncio.Task[None] | None = None

    async def join(self, code: str, viewer: Viewer) -> Watch:
        """A viewer arrives."""
        async with self.starting:
            watch = self.watches.get(code)
            if watch is None:
                watch = Watch(code)
                try:
                    await watch.start()
                except BaseException:  # who tries again begins anew
                    await watch.stop()
                    raise
                self.watches[code] = watch
            if self.ticker is None or self.ticker.done():
                self.ticker = asyncio.create_task(self._tick_for_ever())
        watch.viewers.add(viewer)
        watch.told = None  # who comes is told who is there
        return watch

    def leave(self, watch: Watch, viewer: Viewer) -> None:
        """A viewer goes; the run rests when nobody has come back for a while."""
        watch.viewers.discard(viewer)
        watch.empty_since = time.monotonic()

    async def _tick_for_ever(self) -> None:
        number = 0
        while self.watches:
            await asyncio.sleep(TICK_S)
            number += 1
            try:
                await self._tick(beat=number % BEATS == 0)
            except Exception:
                log.exception("The ticker stumbled")

    async def _tick(self, beat: bool) -> None:
        was_reachable = self.machine.reachable
        if beat:
            try:
                self.machine = await self._read()
            except redis.RedisError:
                self.machine = Machine(reachable=False)
        for watch in list(self.watches.values()):
            try:
                await self._tick_one(watch, beat, back=self.machine.reachable and not was_reachable)
            except Exception:  # one run in trouble holds up no other
                log.exception("The ticker stumbled over run %s", watch.code)
        if beat:
            self._note_shown()

    def _note_shown(self) -> None:
        """Have it remembered how far the runs went, beside the ticker: for a busy database everybody would wait."""
        busy = self.noting is not None and not self.noting.done()
        if busy or time.monotonic() - self.noted < states.NOTED_EVERY_S:
            return
        self.noted = time.monotonic()
        known = {code: watch.live for code, watch in self.watches.items()}
        playing = {code: live for code, live in known.items() if live is not None and live.playhead.playing}
        if playing:
            self.noting = asyncio.create_task(self._note(playing))

    async def _note(self, playing: dict[str, Live]) -> None:
        try:
            await aside(states.note_all_shown, playing)
        except DatabaseError as error:
            log.warning("Where runs are was not noted, the next time will do: %s", error)

    async def _tick_one(self, watch: Watch, beat: bool, back: bool) -> None:
        """`back`: Valkey answers again."""
        if not watch.viewers and time.monotonic() - watch.empty_since > REST_AFTER_S:
            await self._rest(watch)
            return
        if back:
            await watch.compare()
        await watch.tick(beat, self.machine)

    async def _read(self) -> Machine:
        """One round trip a second for all runs: what is live, how many watch, which workers answer."""
        codes = list(self.watches)
        now = int(time.time())
        async with async_client().pipeline(transaction=False) as pipe:
            for code in codes:
                pipe.hgetall(f"live:{code}")
                pipe.hset(f"presence:{code}", self.process, self.watches[code].present(now))
                pipe.expire(f"presence:{code}", 60)
                lease.ask_present(pipe, code)
                pipe.get(searches.search_key(code))
            lease.ask_machine(pipe)
            found = await pipe.execute()
        for index, code in enumerate(codes):
            live, _, _, *present, search = found[6 * index : 6 * index + 6]
            watch = self.watches[code]
            await self._take(watch, live)
            watch.total, watch.drivers = lease.read_present(present)
            await self._tell_presence(watch)
            await watch.take_search(search)
        return lease.read_machine(found[-lease.MACHINE_ANSWERS :])

    async def _take(self, watch: Watch, fields: Any) -> None:
        live = lease.read_live(fields)
        if live is None:
            await watch.refresh()
        else:
            known = watch.live
            watch.take(live)
            if known is not None and live.playhead.sequence > known.playhead.sequence:
                await watch.broadcast(
                    wire.message("playhead", **states.playhead_message(live.playhead)).decode()
                )
                await watch._push_there()

    async def _tell_presence(self, watch: Watch) -> None:
        present = (watch.total, watch.drivers)
        if watch.told != present:
            watch.told = present
            with contextlib.suppress(redis.RedisError):
                await async_client().hset(f"live:{watch.code}", "viewers", str(watch.total))
            await watch.broadcast(
                wire.message("presence", viewers=watch.total, drivers=watch.drivers).decode()
            )

    async def _rest(self, watch: Watch) -> None:
        self.watches.pop(watch.code, None)
        await watch.stop()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
