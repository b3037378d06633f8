"""The socket of one viewer: strict messages in, frames and messages out. Work is done by services, in
threads.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import redis
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from simulations import limits, visitors, wire
from simulations.follow import Follower
from simulations.hub import hub
from simulations.limits import Bucket
from simulations.live.playhead import server_ms
from simulations.refusals import UNABLE
from simulations.services import commands, experiments, playheads, searches, states
from simulations.threads import in_thread
from simulations.watch import Watch

log = logging.getLogger(__name__)

UNACKED_BYTES_MAX = 1_000_000
UNACKED_FRAMES_MAX = 320
"""More than is sent ahead at once (frames.RING_MAX) and a second of it: what was simulated for a slow playhead lies
in many small frames when it is played fast."""
COMMANDS_PER_S, COMMANDS_BURST = 10.0, 20.0
MESSAGES_PER_S, MESSAGES_BURST = 30.0, 90.0
BYTES_PER_S, BYTES_BURST = 64_000.0, 192_000.0

TOO_FAST = {
    "en": "Too many commands in a short time. Wait a second.",
    "zh": "短时间内命令过多，请稍等片刻。",
}


class RunConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`/ws/runs/CODE`. Frames come from the hub, not from a channel of its own: one subscription per
    process.
    """

    channel_layer_alias = "none"

    watch: Watch | None = None
    visitor: str = ""
    name: str = ""
    code: str = ""
    role: str = "viewer"

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Straight to the handler: the stock version hops through one shared thread for every message."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        self.code = self.scope["url_route"]["kwargs"]["code"]
        self.visitor, self.name = visitors.socket_visitor(self.scope)
        self.joined = False
        self.unacked: list[tuple[int, int, int]] = []
        self.lagging = False
        self.bad = 0
        self.followers: dict[str, Follower] = {}
        self.commands = Bucket(COMMANDS_PER_S, COMMANDS_BURST)
        self.messages = Bucket(MESSAGES_PER_S, MESSAGES_BURST)
        self.bytes = Bucket(BYTES_PER_S, BYTES_BURST)
        address = (self.scope.get("client") or [""])[0]
        role = await in_thread(states.visitor_role, self.code, self.visitor)
        if role is None or await in_thread(limits.spend, "sockets", "", address) is not None:
            await self.close(code=4404 if role is None else 4429)
            return
        self.role = role
        try:
            self.watch = await hub().join(self.code, self)
        except (DatabaseError, redis.RedisError, OSError) as error:
            log.warning("Nobody can join run %s now: %r", self.code, error)
            await self.close(code=4503)  # the page tries again, and polls
            return
        await self.accept()

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """Leave; no thread hop for connections that were never used here."""
        from channels.exceptions import StopConsumer

        for follower in self.followers.values():
            follower.stop()
        if self.watch is not None:
            hub().leave(self.watch, self)
        raise StopConsumer

    # From the hub ---------------------------------------------------------

    async def send_frame(self, header: wire.FrameHeader, frame: bytes) -> None:
        """Send a frame unless this viewer is behind: it is told once, skips, and costs no memory."""
        for follower in self.followers.values():
            follower.feed(header, frame)
        if not self.joined or self.lagging:
            return
        waiting = sum(size for _, _, size in self.unacked)
        if len(self.unacked) >= UNACKED_FRAMES_MAX or waiting + len(frame) > UNACKED_BYTES_MAX:
            self.lagging = True
            await self.send_text(wire.message("lagging", from_us=header.t0_us).decode())
            return
        self.unacked.append((header.branch, header.t1_us, len(frame)))
        await self.base_send({"type": "websocket.send", "bytes": frame})

    async def send_text(self, text: str) -> None:
        """Send a message of the server."""
        if self.joined:
            await self.base_send({"type": "websocket.send", "text": text})

    async def role_changed(self) -> None:
        """A grant was given or taken: look the role up again and say so."""
        role = await in_thread(states.visitor_role, self.code, self.visitor)
        self.role = role or "viewer"
        await self.send_text(wire.message("role", role=self.role).decode())

    # From the page ---------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """One message. Whatever is wrong with it is answered and never closes the socket; a hundred in a
        row do.
        """
        try:
            await self._receive(text_data)
            self.bad = 0
        except wire.BadInput as error:
            await self._bad(error)
        except (DatabaseError, redis.RedisError, OSError) as error:
            log.warning("A message of run %s failed: %r", self.code, error)
            await self._error(wire.BadInput("server", UNABLE, status=503))

    async def _receive(self, text: str | None) -> None:
        if text is None:
            raise wire.BadInput("message", "text frames only")
        if len(text) > limits.MESSAGE_BYTES_MAX:
            raise wire.BadInput("message", f"longer than {limits.MESSAGE_BYTES_MAX} bytes")
        if not self.messages.take() or not self.bytes.take(len(text)):
            raise wire.BadInput("message", "too many messages in a short time", status=429)
        message = wire.decode_message(text)
        await HANDLERS[type(message)](self, message)

    async def _bad(self, error: wire.BadInput) -> None:
        self.bad += 1
        await self._error(error)
        if self.bad >= limits.BAD_MESSAGES_MAX:
            await self.close(code=4400)

    async def _error(self, error: wire.BadInput) -> None:
        """With the status that HTTP would have: a page says whether the field or the server is at fault."""
        await self._answer("error", **error.plain(), status=error.status)

    async def _answer(self, type: str, **fields: Any) -> None:
        await self.base_send({"type": "websocket.send", "text": wire.message(type, **fields).decode()})

    async def hello(self, message: wire.Hello) -> None:
        """Welcome, then what is needed to show the present moment."""
        assert self.watch is not None
        shared = await self.watch.shared_state()
        viewers = max(self.watch.total, len(self.watch.viewers))
        text = states.join_state(shared, self.role, self.visitor, viewers)
        await self.base_send({"type": "websocket.send", "text": text})
        self.joined, self.lagging = True, False
        self.unacked.clear()
        await self._catch_up(message.have)

    async def _catch_up(self, have: wire.Have | None = None) -> None:
        watch = self.watch
        if watch is None or watch.live is None:
            return
        live = watch.live
        at_us = live.playhead.at(server_ms(), live.stop_us)
        if have is not None and have.branch == live.playhead.branch and have.to_us > at_us:
            at_us = have.to_us
        for header, frame in await watch.frames_from(at_us, live.playhead.branch):
            await self.send_frame(header, frame)

    async def command(self, message: wire.GiveCommand) -> None:
        """A fault or a client operation."""
        if not self.commands.take():
            await self._answer("refused", key=message.key, reason="too_fast", text=TOO_FAST)
            return
        answer = await in_thread(commands.give_command, code=self.code, visitor=self.visitor, message=message)
        await self._reply(answer)

    async def undo(self, message: wire.Undo) -> None:
        """Take the last command back."""
        if not self.commands.take():
            await self._answer("refused", key=message.key, reason="too_fast", text=TOO_FAST)
            return
        await self._reply(
            await in_thread(commands.undo, code=self.code, visitor=self.visitor, key=message.key)
        )

    async def _reply(self, answer: commands.Answer) -> None:
        await self.base_send({"type": "websocket.send", "text": wire.encode_json(answer).decode()})

    async def playhead(self, message: wire.MovePlayhead) -> None:
        """Play, pause, speed, seek, branch."""
        await in_thread(playheads.move, code=self.code, visitor=self.visitor, message=message)

    async def until(self, message: wire.Until) -> None:
        """Run until something happens."""
        await in_thread(searches.begin, code=self.code, visitor=self.visitor, condition=message.condition)
        if self.watch is not None:
            self.watch.begin_search()

    async def ack(self, message: wire.Ack) -> None:
        """What has arrived: gives credit for more; one that lagged starts again at the present."""
        arrived = [i for i, item in enumerate(self.unacked) if item[:2] == (message.branch, message.to_us)]
        if arrived:  # sockets keep the order: everything sent before it has arrived as well
            del self.unacked[: arrived[-1] + 1]
        else:
            self.unacked = [item for item in self.unacked if item[1] > message.to_us]
        if self.lagging and not self.unacked:
            self.lagging = False
            await self._catch_up()

    async def want(self, message: wire.Want) -> None:
        """Frames elsewhere, for a viewer that looks around."""
        frames = await in_thread(states.frames_between, self.code, message.branch, message.from_us, None)
        for frame in frames[:8]:
            header, _ = wire.read_frame(frame)
            await self.send_frame(header, frame)

    async def ping(self, message: wire.Ping) -> None:
        """The server's clock."""
        await self._answer("pong", n=message.n, client_ms=message.client_ms, server_ms=server_ms())

    async def rename(self, message: wire.Rename) -> None:
        """Others see this name until the socket closes; the cookie keeps it (POST /api/name)."""
        self.name = visitors.clean_name(message.name)

    async def follow(self, message: wire.Follow) -> None:
        """Stream one node's state, as the shared playhead passes each change."""
        await in_thread(experiments.require_node, self.code, message.node)
        known = self.followers.pop(message.node, None)
        if known is not None:
            known.stop()
        if message.on and self.watch is not None:
            follower = Follower(message.node, self.watch, self._node)
            self.followers[message.node] = follower
            live = self.watch.live
            if live is not None:
                here = live.playhead.at(server_ms(), live.stop_us)
                for header, frame in await self.watch.frames_from(here, live.playhead.branch):
                    follower.feed(header, frame)

    async def _node(self, node: str, at_us: int, fields: dict[str, Any]) -> None:
        await self._answer("node", node=node, at_us=at_us, fields=fields)


Handler = Callable[[RunConsumer, Any], Awaitable[None]]
HANDLERS: dict[type[Any], Handler] = {
    wire.Hello: RunConsumer.hello,
    wire.GiveCommand: RunConsumer.command,
    wire.Undo: RunConsumer.undo,
    wire.MovePlayhead: RunConsumer.playhead,
    wire.Until: RunConsumer.until,
    wire.Ack: RunConsumer.ack,
    wire.Want: RunConsumer.want,
    wire.Ping: RunConsumer.ping,
    wire.Follow: RunConsumer.follow,
    wire.Rename: RunConsumer.rename,
}
