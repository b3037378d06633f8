"""The ground as a browser meets it: health, headers, origins, a dead worker, a restarted server."""

import asyncio
import urllib.error
import urllib.request

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.stack import RunningStack, wait_until


def headers(stack: RunningStack, path: str) -> dict[str, str]:
    with urllib.request.urlopen(stack.base_url + path, timeout=10) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


def test_health_names_every_part(stack: RunningStack) -> None:
    assert stack.health() == {
        "ready": True,
        "database": True,
        "valkey": True,
        "workers": {"sim.0": True, "sim.1": True, "sweep": True},
    }


def test_health_says_which_worker_is_gone(stack: RunningStack) -> None:
    stack.kill("sim.1")
    wait_until(lambda: not stack.health()["workers"]["sim.1"], "the heartbeat has expired")
    assert stack.get("/healthz")[0] == 503
    assert stack.health()["workers"]["sim.0"]
    stack.restart("sim.1")
    assert stack.health()["ready"]


def test_everything_comes_back_after_the_server_is_restarted(stack: RunningStack) -> None:
    stack.kill("valkey")
    assert stack.health()["valkey"] is False
    stack.restart("valkey")
    wait_until(lambda: stack.health()["ready"], "the workers found it again")


def test_the_page_forbids_what_it_does_not_use(stack: RunningStack) -> None:
    found = headers(stack, "/")
    assert "default-src 'none'" in found["content-security-policy"]
    assert "unsafe" not in found["content-security-policy"]
    assert found["referrer-policy"] == "no-referrer"
    assert found["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in found
    assert "server" not in found


def test_an_unknown_host_is_refused(stack: RunningStack) -> None:
    request = urllib.request.Request(stack.base_url + "/healthz", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 400


def other_port(origin: str) -> str:
    head, port = origin.rsplit(":", 1)
    return f"{head}:{int(port) % 65535 + 1}"


async def open_socket(stack: RunningStack, origin: str | None) -> int:
    """The HTTP status, or the closing code, with which a socket to nowhere is answered."""
    try:
        async with connect(
            stack.websocket_url + "/nowhere/", origin=None if origin is None else websockets.Origin(origin)
        ) as socket:
            await asyncio.wait_for(socket.recv(), 5)
    except InvalidStatus as refused:
        return refused.response.status_code
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0
    return 101


async def test_only_the_page_itself_may_open_a_socket(stack: RunningStack) -> None:
    log_before = stack.child("web").log.read_text()
    foreign = ("http://evil.example", other_port(stack.base_url), "null", None)
    assert [await open_socket(stack, origin) for origin in foreign] == [403] * len(foreign)
    assert [await open_socket(stack, origin) for origin in ("http://[", "http://a:b")] == [400, 400]
    assert await open_socket(stack, stack.base_url) == 403  # nothing is served there
    stack.kill("valkey")  # a refusal needs nobody's help
    assert [await open_socket(stack, origin) for origin in foreign] == [403] * len(foreign)
    stack.restart("valkey")
    assert "Traceback" not in stack.child("web").log.read_text().removeprefix(log_before)
