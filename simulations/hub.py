"""The web process's side of live runs: all that its viewers watch, on one ticker and one round trip a second.

What there is to do for one run is in `watch.py`. Nothing here touches the ORM on the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from weakref import WeakKeyDictionary

import redis
from django.db import DatabaseError

from simulations.live import lease
from simulations.live.lease import Live, Machine
from simulations.live.valkey import async_client
from simulations.services import searches, states
from simulations.threads import aside
from simulations.watch import Viewer, Watch

log = logging.getLogger(__name__)

TICK_S = 0.2
BEATS = 5
"""Ticks between two heartbeats."""
REST_AFTER_S = 30
"""Without viewers a run is forgotten here after this; it is not simulated any more long before (watch.LINGER_S)."""


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
            await watch.take_fields(live)
            await watch.take_present(present)
            await watch.take_search(search)
        return lease.read_machine(found[-lease.MACHINE_ANSWERS :])

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
