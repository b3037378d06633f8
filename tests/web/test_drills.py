"""Failure drills on the real stack: what breaks, and that runs go on as if nothing had happened."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
import redis
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from platform_lab.environment import redis_use
from simulations import catalogue, wire
from simulations.engine.world import World
from simulations.live.lease import home_shard
from tests.stack import RunningStack, running_stack, wait_until
from tests.web.browser import Browser, Socket, origin

EXPERIMENT = "RA-01"


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of this file's own: it is broken again and again."""
    with running_stack(tmp_path_factory.mktemp("drill")) as running:
        yield running


def straight_digest(browser: Browser, code: str, at_us: int) -> str:
    """What an uninterrupted run of the recipe gives at this time."""
    state = browser.get(f"/api/runs/{code}").json()
    number = state["playhead"]["branch"]
    commands = next(line["commands"] for line in state["branches"] if line["id"] == number)
    world = World(catalogue.load(EXPERIMENT), state["seed"], record="none")
    for command in sorted(commands, key=lambda item: (item["at_us"], item["seq"])):
        if command["at_us"] <= at_us:
            world.run_until(command["at_us"])
            world.command(command["at_us"], command["do"], command["seq"])
    world.run_until(at_us)
    return world.digest()


def watch_until(socket: Socket, at_us: int) -> wire.FrameHeader:
    """Acknowledge frames until one reaches a time."""
    while True:
        header = socket.frame()
        socket.say("ack", branch=header.branch, to_us=header.t1_us)
        if header.t1_us >= at_us:
            return header


def test_a_worker_killed_while_playing_is_replaced_and_the_trace_is_the_same(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    name = f"sim.{home_shard(code, 2)}"
    with browser.socket(code) as socket:
        watch_until(socket, 200_000)
        assert socket.command({"do": "kill", "target": "n3"}, "k1")["type"] == "accepted"
        drill.kill(name)
        try:
            before = socket.frames[-1][0].t1_us
            # (At first it may say "simulation": on a busy machine the worker's last turn was a moment ago.)
            waiting = socket.until("waiting", lambda message: message["for"] == "worker")
            assert waiting["text"]["zh"]
            assert waiting["runs"] == 1
            header = watch_until(socket, before + 300_000)
        finally:
            drill.restart(name)
        assert header.hash == straight_digest(browser, code, header.t1_us)
        header = watch_until(socket, header.t1_us + 200_000)
        assert header.hash == straight_digest(browser, code, header.t1_us)


def test_a_search_outlives_its_workers_and_is_told_to_be_lost_with_valkey(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    never = {"field": "role", "op": "==", "value": "emperor"}
    with browser.socket(code) as socket:
        socket.say("playhead", play=False, to_us=0)
        socket.until("playhead", lambda message: not message["playhead"]["playing"])
        for name in ("sim.0", "sim.1"):
            drill.kill(name)
        socket.say("until", condition=never)
        for _ in range(8):  # longer than the task waits in its queue
            socket.until("heartbeat")
        for name in ("sim.0", "sim.1"):
            drill.restart(name)
        result = socket.until("until_result")
        assert (result["reason"], result["at_us"]) == ("not within", socket.messages[0]["stop_us"])
        for name in ("sim.0", "sim.1"):
            drill.kill(name)
        socket.say("until", condition=never)
        socket.say("ping", n=1, client_ms=0)
        socket.until("pong")  # the search has begun
        assert browser.get(f"/api/runs/{code}/poll").json()["searching"] is True
        drill.restart("valkey")
        try:
            assert socket.until("until_result")["reason"] == "lost"
            assert browser.get(f"/api/runs/{code}/poll").json()["searching"] is False
        finally:
            for name in ("sim.0", "sim.1"):
                drill.restart(name)


def test_all_workers_killed_and_back(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        watch_until(socket, 200_000)
        for name in ("sim.0", "sim.1"):
            drill.kill(name)
        socket.until("waiting", lambda message: message["for"] == "worker")
        reached = socket.frames[-1][0].t1_us
        for name in ("sim.0", "sim.1"):
            drill.restart(name)
        header = watch_until(socket, reached + 300_000)
        assert header.hash == straight_digest(browser, code, header.t1_us)


def test_a_restarted_web_server_finds_everything_as_it_was(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        watch_until(socket, 200_000)
        accepted = socket.command({"do": "kill", "target": "n3"}, "k1")
        reached = watch_until(socket, accepted["at_us"] + 100_000).t1_us
        drill.restart("web")
        with pytest.raises(ConnectionClosed):
            socket.until("closed")
    with browser.socket(code) as again:
        assert again.messages[0]["branches"][0]["commands"][0]["key"] == "k1"
        assert again.command({"do": "kill", "target": "n3"}, key="k1")["at_us"] == accepted["at_us"]
        header = watch_until(again, reached + 200_000)
        assert header.hash == straight_digest(browser, code, header.t1_us)


def test_a_restarted_valkey_loses_nothing_that_matters(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        watch_until(socket, 200_000)
        accepted = socket.command({"do": "kill", "target": "n3"}, "k1")
        watch_until(socket, accepted["at_us"] + 50_000)
        saved = browser.post("/api/links", {"run": code, "branch": 0, "at_us": 200_000, "title": "Kept"})
        slug = saved.json()["slug"]
        drill.restart("valkey")
        reached = socket.frames[-1][0].t1_us
        header = watch_until(socket, reached + 300_000)
        assert header.hash == straight_digest(browser, code, header.t1_us)
    assert browser.get(f"/api/links/{slug}").json()["title"] == "Kept"
    assert list(wire.split_frames(browser.get(f"/api/links/{slug}/range").body))
    assert browser.get(f"/api/runs/{code}").json()["branches"][0]["commands"][0]["key"] == "k1"


def test_a_restarted_valkey_throws_nobody_back(drill: RunningStack) -> None:
    """Nobody had moved the playhead since the start: only Valkey and the web process knew where it was."""
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        reached = watch_until(socket, 600_000).t1_us
        told = len(socket.messages)
        drill.restart("valkey")
        watch_until(socket, reached + 300_000)
        moves = [message for message in socket.messages[told:] if message["type"] == "playhead"]
        assert all(move["playhead"]["anchor_us"] >= 250_000 for move in moves)
        state = browser.get(f"/api/runs/{code}").json()
        assert state["playhead"]["anchor_us"] >= 250_000


def test_a_frozen_valkey_is_waited_for_once(drill: RunningStack) -> None:
    """Each of the calls that one click needs used to wait for it in turn, 46 s together."""
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        reached = watch_until(socket, 64_000).t1_us
        with drill.frozen("valkey"):
            began = time.monotonic()
            assert socket.command({"do": "kill", "target": "n3"}, "k1")["type"] == "accepted"
            assert browser.get(f"/api/runs/{code}/range?from_us=0&to_us=1").body == b""
            link = {"run": code, "branch": 0, "at_us": 0, "title": ""}
            assert browser.post("/api/links", link).json()["error"]["field"] == "link"
            until = {"type": "until", "condition": "election"}
            assert browser.post(f"/api/runs/{code}/messages", until).status == 503
            socket.until("waiting", lambda message: message["for"] == "server")
            assert time.monotonic() - began < 20
        # A worker may send what it had before it hears of the command.
        header = socket.frame(lambda header: header.revision == 1 and header.t1_us >= reached + 100_000)
        assert header.hash == straight_digest(browser, code, header.t1_us)


def test_who_comes_while_valkey_is_gone_gets_no_socket_and_polls(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    drill.kill("valkey")
    try:
        with pytest.raises(InvalidStatus, match="403"), browser.socket(code):
            pass
        assert browser.get(f"/api/runs/{code}/poll").json()["waiting"]["for"] == "server"
    finally:
        drill.restart("valkey")
    with browser.socket(code) as socket:
        watch_until(socket, 64_000)


def test_a_full_valkey_drops_what_was_used_least_and_runs_go_on(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    with redis.Redis.from_url(redis_use(drill.redis_url, 2)) as client:
        most = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 1_000_000)
        try:
            for number in range(100):
                client.set(f"chunk:old:{number}", b"x" * 20_000, ex=900)
            code = browser.new_run(EXPERIMENT)
            with browser.socket(code) as socket:
                assert socket.command({"do": "kill", "target": "n3"}, "k1")["type"] == "accepted"
                # (A worker may send what it had before it hears of the command.)
                header = socket.frame(lambda header: header.revision == 1 and header.t1_us >= 200_000)
                assert header.hash == straight_digest(browser, code, header.t1_us)
        finally:
            client.config_set("maxmemory", most)


def test_a_hole_is_filled_by_one_range(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        watch_until(socket, 500_000)
    lost_from, lost_to = 128_000, 384_000
    answer = browser.get(f"/api/runs/{code}/range?branch=0&from_us={lost_from}&to_us={lost_to}")
    headers = [wire.read_frame(item)[0] for item in wire.split_frames(answer.body)]
    assert headers[0].t0_us <= lost_from
    assert headers[-1].t1_us >= lost_to
    assert answer.headers["X-Complete"] == "1"


def test_what_the_cache_has_lost_is_computed_again_for_a_range(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        watch_until(socket, 500_000)
        first = {header.t0_us: header.hash for header, _ in socket.frames}
    with redis.Redis.from_url(redis_use(drill.redis_url, 2)) as client:
        for pattern in ("chunk:*", f"tiles:{code}:*", "checkpoints:*"):
            for key in client.scan_iter(pattern):
                client.delete(key)
    # An answer that is not complete yet says so: whoever asks, asks again.
    path = f"/api/runs/{code}/range?branch=0&from_us=0&to_us=300000"
    wait_until(lambda: browser.get(path).headers["X-Complete"] == "1", "the range is whole again")
    headers = [wire.read_frame(item)[0] for item in wire.split_frames(browser.get(path).body)]
    assert headers[0].t0_us == 0
    assert headers[-1].t1_us >= 300_000
    assert all(first[header.t0_us] == header.hash for header in headers if header.t0_us in first)


def test_stalled_viewers_cost_little_and_slow_nobody(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    browser.post(f"/api/runs/{code}/messages", {"type": "playhead", "speed": 1.0})
    url = f"{drill.websocket_url}/ws/runs/{code}"
    with browser.socket(code) as socket, ExitStack() as opened:
        watch_until(socket, 200_000)
        before = memory_mb(drill.child("web").pid)
        for _ in range(10):
            one = opened.enter_context(
                connect(
                    url,
                    origin=origin(drill.base_url),
                    additional_headers={"Cookie": browser.cookie_header()},
                    compression=None,
                    max_queue=1,
                    ping_interval=None,
                )
            )
            one.send(json.dumps({"type": "hello"}))
            opened.callback(one.socket.close)  # before the closing handshake, which it would not answer
        watch_until(socket, 8_000_000)
        assert all(a.t1_us >= b.t0_us for (a, _), (b, _) in pairwise(socket.frames))
        assert memory_mb(drill.child("web").pid) - before < 50


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} is gone")


def preloaded(browser: Browser, code: str) -> None:
    """Pause a run at its start and wait until it is computed to its end."""
    browser.post(f"/api/runs/{code}/messages", {"type": "playhead", "play": False})
    wait_until(lambda: share_preloaded(browser, code) == 1.0, "the run is preloaded", 60)


def share_preloaded(browser: Browser, code: str) -> float:
    answer = browser.post(f"/api/runs/{code}/preload", {})
    assert answer.status == 200, answer.body
    return float(answer.json()["share"])


def test_a_preloaded_run_is_played_fast_by_a_viewer_that_keeps_up(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    preloaded(browser, code)  # in short frames, for a tenth
    with browser.socket(code) as socket:
        socket.say("playhead", play=True, speed=1.0)
        while not socket.frames or socket.frames[-1][0].t1_us < 6_000_000:
            last = socket.frames[-1][0] if socket.frames else None
            if (
                isinstance(socket.take(), dict)
                and last is not None
                and socket.messages[-1]["type"] == "heartbeat"
            ):
                socket.say("ack", branch=last.branch, to_us=last.t1_us)
        assert not {message["type"] for message in socket.messages} & {"lagging", "waiting"}
        # Once ahead of the paused playhead, once when it began to play.
        assert max(Counter(header.t0_us for header, _ in socket.frames).values()) <= 2


def told_to_lag(socket: Socket) -> bool:
    return any(message["type"] == "lagging" for message in socket.messages)


def test_a_viewer_that_never_acknowledges_is_told_and_catches_up(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    preloaded(browser, code)
    with browser.socket(code) as socket:
        number = 0
        while not told_to_lag(socket):  # at each place everything ahead is sent: many short frames
            number += 1
            socket.say("playhead", to_us=number % 4 * 3_000_000, speed=2.0, play=True)
            socket.until("heartbeat")
        lagging = next(message for message in socket.messages if message["type"] == "lagging")
        assert lagging["from_us"] > 0
        last = socket.frames[-1][0]
        socket.seen = len(socket.frames)
        socket.say("ack", branch=last.branch, to_us=last.t1_us)
        # What covers the present moment comes first, of whatever revision it was; then the run goes on for it.
        socket.frame(lambda header: header.t1_us > last.t1_us and header.revision >= last.revision)


def test_garbage_is_answered_and_a_hundred_in_a_row_close_the_socket(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        socket.connection.send("{")
        assert socket.until("error")["field"] == "message"
        socket.connection.send(b"\x00\x01")
        assert socket.until("error")["message"]
        socket.say("ping", n=1, client_ms=5)
        assert socket.until("pong")["n"] == 1
        for _ in range(130):
            socket.connection.send("[]")
        with pytest.raises(ConnectionClosed) as closed:
            socket.until("closed")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4400


def test_a_page_of_another_origin_gets_no_socket(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    for wrong in ("http://evil.example", "http://127.0.0.1:1", None):
        with pytest.raises(Exception, match="403"):
            connect(f"{drill.websocket_url}/ws/runs/{code}", origin=wrong)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"rejected|403|4404"), browser.socket("zzzzzz"):
        pass


def test_commands_come_no_faster_than_a_hand_can(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT)
    with browser.socket(code) as socket:
        for number in range(40):
            do = {"do": "pause" if number % 2 == 0 else "resume", "target": "n2"}
            socket.say("command", key=f"k{number}", branch=0, at_us=0, do=do)
        assert socket.until("refused", lambda message: message["reason"] == "too_fast")["text"]["en"]


def test_preloading_computes_a_run_to_its_end_so_that_it_plays_without_workers(drill: RunningStack) -> None:
    browser = Browser(drill.base_url)
    code = browser.new_run(EXPERIMENT, set={"stop_s": 12})
    preloaded(browser, code)
    for name in ("sim.0", "sim.1"):
        drill.kill(name)
    try:
        with browser.socket(code) as socket:
            socket.say("playhead", to_us=11_000_000, play=False)
            header = socket.frame(lambda header: header.t0_us <= 11_000_000 <= header.t1_us)
            assert header.hash == straight_digest(browser, code, header.t1_us)
    finally:
        for name in ("sim.0", "sim.1"):
            drill.restart(name)
