"""Streams the state of one node to a script, each change at the moment the shared playhead passes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush
from typing import Any

from simulations import wire
from simulations.changes import Fields
from simulations.live.playhead import server_ms
from simulations.watch import Watch

CHANGES_MAX = 20_000
LOOK_S = 0.02
Send = Callable[[str, int, dict[str, Any]], Awaitable[None]]


class Follower:
    """One node's changes, waiting for the playhead. `node` may also be one process (`n1/sentinel`)."""

    def __init__(self, node: str, watch: Watch, send: Send) -> None:
        self.node, self.watch, self.send = node, watch, send
        self.changes: list[tuple[int, int, dict[str, Any]]] = []
        self.order = 0
        self.told_us = -1
        self.branch = -1
        self.task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """No more messages."""
        self.task.cancel()

    def feed(self, header: wire.FrameHeader, frame: bytes) -> None:
        """Take the node's changes out of a frame; they replace what was known from its start on."""
        if header.branch != self.branch:
            self.branch, self.changes, self.told_us = header.branch, [], -1
        self.changes = [item for item in self.changes if item[0] <= header.t0_us]
        chunk = wire.decode_chunk(wire.read_frame(frame)[1])
        first = self.told_us < 0 and not self.changes
        if first:
            for name, process in chunk["keyframe"]["processes"].items():
                if self._is_ours(name):
                    self._add(header.t0_us, {"process": name, **process["fields"]})
        changed = Fields(chunk)
        for event in chunk["events"]:
            fields = changed.of(event)
            if self._is_ours(event[3]) and fields:
                self._add(event[1], {"process": event[3], **fields})

    def _is_ours(self, process: str) -> bool:
        return process == self.node or process.split("/")[0] == self.node

    def _add(self, at_us: int, fields: dict[str, Any]) -> None:
        self.order += 1
        if len(self.changes) < CHANGES_MAX:
            heappush(self.changes, (at_us, self.order, fields))

    async def _run(self) -> None:
        while True:
            live = self.watch.live
            if live is not None:
                here = live.playhead.at(server_ms(), live.stop_us)
                while self.changes and self.changes[0][0] <= here:
                    at_us, _, fields = heappop(self.changes)
                    self.told_us = at_us
                    await self.send(self.node, at_us, fields)
            await asyncio.sleep(LOOK_S)
