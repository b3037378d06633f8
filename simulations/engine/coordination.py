"""What the clients of a coordination service and its servers say to each other, whichever system serves.

A client keeps a *session* alive at one server at a time and may move it to another. ``seen`` is the newest state that
it knows (an epoch and a counter in one integer): no server that is behind it may serve the session.
"""

from __future__ import annotations

from simulations.engine.process import Message, MessageSpec, Reply, Text


class CoordinationMessage(Message, tag=lambda name: "coordination." + name):
    """Base of all messages between a client and a coordination service."""


class Connect(CoordinationMessage):
    """A client opens a connection. ``session``: 0 for a new one; ``timeout_ms``: of the session it wants (0: the
    server's own); ``watches``: (path, mode) it still waits for.

    ``number``: rises with each connection of a client; the requests over it have the numbers (``Request.sequence``)
    that follow. So a server knows duplicates and late ones, and puts others in order, as TCP would.
    """

    number: int
    session: int
    timeout_ms: float = 0.0
    seen: int = 0
    watches: tuple[tuple[str, str], ...] = ()


class Connected(CoordinationMessage):
    """The server took the connection. ``session``: 0 when the session has expired; ``timeout_ms``: as agreed."""

    session: int
    timeout_ms: float
    seen: int = 0


class Disconnected(CoordinationMessage):
    """The server closed the connection, or did not take it."""

    reason: str = ""


class SessionPing(CoordinationMessage):
    """I am still here; ``sent``: number of the last request over this connection."""

    session: int
    sent: int


class SessionPong(CoordinationMessage):
    """So am I."""

    seen: int = 0


class WatchEvent(CoordinationMessage):
    """Something happened to a path that the client watches. ``change``: created | changed | deleted | child."""

    path: str
    change: str
    seen: int = 0


class Answer(Reply, tag="coordination.Answer"):
    """A reply that tells as of which state it was given."""

    seen: int = 0


class WatchAnswer(Answer, tag="coordination.WatchAnswer"):
    """The answer to a read with a watch. ``watch``: what the server keeps for it, "" for nothing."""

    watch: str = ""


MESSAGES: tuple[type[Message], ...] = (
    Connect, Connected, Disconnected, SessionPing, SessionPong, WatchEvent, Answer, WatchAnswer,
)  # fmt: skip

CHANGES = {
    "created": Text("was created", "已创建"),
    "changed": Text("changed", "已变更"),
    "deleted": Text("was deleted", "已删除"),
    "child": Text("has other children", "的子节点有变化"),
}
SPECS = (
    MessageSpec(
        "Connect", "request", Text("connect", "连接"), ("number", "session", "timeout_ms", "seen", "watches")
    ),
    MessageSpec(
        "Connected", "reply", Text("connected", "已连接"), ("session", "timeout_ms", "seen"), "session"
    ),
    MessageSpec("Disconnected", "oneway", Text("disconnected", "连接断开"), ("reason",)),
    MessageSpec("SessionPing", "request", Text("session ping", "会话心跳"), ("session", "sent")),
    MessageSpec("SessionPong", "reply", Text("session pong", "会话心跳应答"), ("seen",)),
    MessageSpec(
        "WatchEvent", "oneway", Text("watch event", "监听事件"), ("path", "change", "seen"),
        news=("path", "change"), words=CHANGES,
    ),
    MessageSpec(
        "Answer",
        "reply",
        Text("answer", "应答"),
        ("operation", "attempt", "outcome", "result", "hint", "seen"),
    ),
    MessageSpec(
        "WatchAnswer",
        "reply",
        Text("answer and watch", "应答并设监听"),
        ("operation", "attempt", "outcome", "result", "hint", "seen", "watch"),
    ),
)  # fmt: skip
"""How they are shown: for the descriptors of systems that use them."""
