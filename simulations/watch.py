"""One live run in a web process: one subscription, whatever the number of viewers.

A `Watch` receives what workers publish, hands it to this process's viewers, sends heartbeats, and asks workers for
more when what is simulated ahead of the playhead runs short. Nothing here touches the ORM on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any, Protocol

import msgspec
import redis
from channels.layers import get_channel_layer

from simulations import wire
from simulations.live import lease
from simulations.live.frames import RING_MAX, Frame, KeptFrames
from simulations.live.lease import Live, Machine
from simulations.live.pace import Pace
from simulations.live.playhead import Playhead, server_ms
from simulations.live.publish import group_name
from simulations.live.valkey import async_client
from simulations.services import dispatch, searches, states
from simulations.threads import aside

log = logging.getLogger(__name__)

LINGER_S = 5
"""Without viewers a run is no longer simulated after this."""
WAITING_AFTER_S = 1.0
CLOCK_SLACK_MS = 5_000
"""Clocks of several web servers may differ by so much."""
SEARCH_MISSED_MAX = 2
"""Looks at Valkey without a search that was there, after which it counts as lost."""


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
        self.viewers: set[Viewer] = set()
        self.live: Live | None = None
        self.kept = KeptFrames()
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
        self.kept.keep(header, data, self._here())
        if self.live is not None and header.branch == self.live.playhead.branch:
            self.live = msgspec.structs.replace(
                self.live,
                head_us=header.t1_us,
                head_branch=header.branch,
                revision=max(header.revision, self.live.revision),
            )
        await self._show([(header, data)])

    async def _show(self, frames: list[Frame]) -> None:
        for header, data in frames:
            for viewer in list(self.viewers):
                await viewer.send_frame(header, data)

    def _here(self) -> int:
        """Where the playhead is now."""
        return self.live.playhead.at(server_ms(), self.live.stop_us) if self.live is not None else 0

    async def frames_from(self, at_us: int, branch: int) -> list[Frame]:
        """What a viewer needs to show this moment and go on: from memory, else from the store."""
        found = self.kept.chain(at_us, branch)
        if found or self.live is None:
            return found
        stored = await self._stored(at_us, branch)
        frames = self.kept.continued(stored, branch, self.live.revision)
        if branch == self.live.playhead.branch and frames:
            self.kept.replace(frames)
        return frames

    async def _stored(self, at_us: int, branch: int) -> list[Frame]:
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
        here = self._here()
        chain = self.kept.chain(here, live.playhead.branch)
        reached = chain[-1][0].t1_us if chain else here
        if chain and reached >= min(live.playhead.ahead_us(here, live.stop_us, share=0.6), live.head_us):
            return
        for frame in (await self._stored(reached, live.playhead.branch))[: RING_MAX - len(chain)]:
            self.kept.keep(*frame, self._here())
            await self._show([frame])

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
        return not self.kept.chain(self._here(), head.branch)

    async def _push_there(self) -> None:
        if self.live is not None:
            await self._show(await self.frames_from(self._here(), self.live.playhead.branch))

    async def _tell_playhead(self, head: Playhead) -> None:
        await self.broadcast(wire.message("playhead", **states.playhead_message(head)).decode())
        await self._push_there()

    def present(self, now: int) -> bytes:
        """Who watches in this process, as other processes read it: {count, at, drivers}."""
        named: dict[str, str] = {}
        for viewer in self.viewers:
            if viewer.role != "viewer" and viewer.visitor:
                named[viewer.visitor] = viewer.name or named.get(viewer.visitor, "")
        drivers = [{"id": id, "name": named[id]} for id in sorted(named)[: lease.DRIVERS_MAX]]
        return msgspec.json.encode({"count": len(self.viewers), "at": now, "drivers": drivers})

    async def take_present(self, present: list[Any]) -> None:
        """Who watches in all processes together; viewers are told when it is not what they know."""
        self.total, self.drivers = lease.read_present(present)
        if self.told == (self.total, self.drivers):
            return
        self.told = (self.total, self.drivers)
        with contextlib.suppress(redis.RedisError):
            await async_client().hset(f"live:{self.code}", "viewers", str(self.total))
        await self.broadcast(wire.message("presence", viewers=self.total, drivers=self.drivers).decode())

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

    async def take_fields(self, fields: Any) -> None:
        """What Valkey says once a second. A move of the playhead that was not heard of is told now."""
        found, known = lease.read_live(fields), self.live
        if found is None:
            await self.refresh()
            return
        self.take(found)
        if known is not None and found.playhead.sequence > known.playhead.sequence:
            await self._tell_playhead(found.playhead)

    async def compare(self) -> None:
        """Take from the row, and tell viewers, what nobody could be told while Valkey did not answer."""
        found = None if self.live is None else await aside(states.newer, self.code, self.live)
        if found is None:
            return
        live, branches = found
        self.state = None
        self.take(live)
        await self.broadcast(wire.message("branches", branches=branches).decode())
        await self._tell_playhead(live.playhead)

    def begin_search(self) -> None:
        """A viewer asked for a "run until"."""
        self.searching = SEARCH_MISSED_MAX

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
        here, branch = self._here(), live.playhead.branch
        wanted = live.playhead.ahead_us(here, live.stop_us, share=0.6)
        behind = live.head_branch != branch or live.head_us < wanted
        return behind or self.kept.begin_after(here, branch)  # the playhead was put before all we were sent

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
