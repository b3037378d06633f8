"""A browser without a screen: its cookie, the API, and the socket of a run."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

import msgspec
from websockets.sync.client import ClientConnection, connect

from simulations import wire
from simulations.live.playhead import Playhead, server_ms

LIMIT_S = 30.0


class Answer:
    """Status, headers and body of a response."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)


class Browser:
    """One visitor. `base_url` has no closing slash."""

    def __init__(self, base_url: str, path: str = "/") -> None:
        self.base_url = base_url
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        self.page = self.get(path).body

    def cookie_header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, path: str, data: Any) -> Answer:
        return self.request("POST", path, data)

    def request(self, method: str, path: str, data: Any = None, raw: bytes | None = None) -> Answer:
        body = raw if raw is not None else None if data is None else json.dumps(data).encode()
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "")
        headers = {"Content-Type": "application/json", "X-CSRFToken": token or "", "Origin": self.base_url}
        request = urllib.request.Request(self.base_url + path, body, headers, method=method)
        try:
            with self.opener.open(request, timeout=20) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def new_run(self, experiment: Any = "RA-01", **fields: Any) -> str:
        answer = self.post("/api/runs", {"experiment": experiment, **fields})
        assert answer.status == 201, answer.body
        return str(answer.json()["code"])

    @contextmanager
    def socket(self, code: str, hello: bool = True) -> Iterator[Socket]:
        url = f"{self.base_url.replace('http', 'ws', 1)}/ws/runs/{code}"
        headers = {"Cookie": self.cookie_header()}
        with connect(
            url, origin=origin(self.base_url), additional_headers=headers, max_size=None
        ) as connection:
            socket = Socket(connection)
            if hello:
                socket.say("hello")
                socket.until("welcome")
            yield socket


def origin(base_url: str) -> Any:
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


class Socket:
    """A socket that keeps what it was sent."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.messages: list[dict[str, Any]] = []
        self.frames: list[tuple[wire.FrameHeader, bytes]] = []
        self.seen = 0

    def say(self, type: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": type, **fields}))

    def take(self, timeout: float = LIMIT_S) -> dict[str, Any] | wire.FrameHeader:
        """The next message or frame header."""
        data = self.connection.recv(timeout)
        if isinstance(data, bytes):
            header, body = wire.read_frame(data)
            self.frames.append((header, body))
            return header
        message: dict[str, Any] = json.loads(data)
        self.messages.append(message)
        return message

    def until(
        self, type: str, test: Callable[[dict[str, Any]], bool] = lambda message: True
    ) -> dict[str, Any]:
        """The next message of a type that passes the test."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            assert time.monotonic() < deadline, f"no {type} came; the last messages: {self.messages[-3:]}"
            found = self.take()
            if isinstance(found, dict) and found["type"] == type and test(found):
                return found

    def frame(self, test: Callable[[wire.FrameHeader], bool] = lambda header: True) -> wire.FrameHeader:
        """The next frame that passes the test, also one that came while a message was awaited: a worker may be
        quicker than the answer to a command.
        """
        deadline = time.monotonic() + LIMIT_S
        while True:
            while self.seen < len(self.frames):
                header, _ = self.frames[self.seen]
                self.seen += 1
                if test(header):
                    return header
            assert time.monotonic() < deadline, f"no such frame came; the last messages: {self.messages[-3:]}"
            self.take()

    def shown_us(self) -> int:
        """The virtual time that a page would show now, by the last playhead it was told."""
        told = next(message["playhead"] for message in reversed(self.messages) if "playhead" in message)
        return shown_us(told)

    def command(self, do: dict[str, Any], key: str) -> dict[str, Any]:
        """Give a command at the moment that is shown, on the first branch, and wait for its answer."""
        self.say("command", key=key, branch=0, at_us=self.shown_us(), do=do)
        while True:
            found = self.take()
            if isinstance(found, dict) and found.get("key") == key:
                return found
            if isinstance(found, dict) and found["type"] == "error":
                return found


def shown_us(playhead: dict[str, Any]) -> int:
    """The virtual time of this playhead, as messages tell it, now."""
    return msgspec.convert(playhead, Playhead).at(server_ms(), 1 << 60)
