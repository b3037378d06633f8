"""The live path measured against a real stack: Valkey, workers and daphne as `make run` starts them.

    python -m benchmarks.live [--json] [--quick]

`measure()` gives {name: {value, unit, goal, met}}. Every viewer is a real socket; the load comes from this
process, on the same machine, so that numbers include its own share of the processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from simulations import wire
from simulations.live.playhead import Playhead, server_ms
from tests.stack import RunningStack, running_stack
from tests.web.browser import Browser, origin

CLICKS = 100
VIEWERS = 200
JOINERS = 200
FORKERS = 200
OTHERS = 30
STALLED = 10
EXPERIMENT = "RA-01"


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies; infinite when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")


class Viewer:
    """A socket that acknowledges what it gets and notes when each revision arrived."""

    def __init__(self, browser: Browser, code: str) -> None:
        self.browser, self.code = browser, code
        self.revisions: dict[int, float] = {}
        self.frames: list[wire.FrameHeader] = []
        self.first = asyncio.Event()
        self.changed = asyncio.Event()
        self.answers: dict[str, dict[str, Any]] = {}
        self.head = Playhead()
        self.socket: ClientConnection
        self.task: asyncio.Task[None]

    async def open(self) -> Viewer:
        url = f"{self.browser.base_url.replace('http', 'ws', 1)}/ws/runs/{self.code}"
        headers = {"Cookie": self.browser.cookie_header()}
        self.socket = await connect(
            url,
            origin=origin(self.browser.base_url),
            additional_headers=headers,
            max_size=None,
            compression=None,
            open_timeout=30,
        )
        await self.say("hello")
        self.task = asyncio.create_task(self._read())
        return self

    async def say(self, type: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def command(self, key: str, do: dict[str, Any]) -> None:
        """Give a command at the moment this viewer sees."""
        at_us = self.head.at(server_ms(), 10**12)
        await self.say("command", key=key, branch=self.head.branch, at_us=at_us, do=do)

    async def _read(self) -> None:
        acked = 0.0
        async for data in self.socket:
            now = time.perf_counter()
            if isinstance(data, bytes):
                header, _ = wire.read_frame(data)
                self.frames.append(header)
                for revision in range(header.revision, 0, -1):
                    if revision in self.revisions:
                        break
                    self.revisions[revision] = now
                self.first.set()
                if now - acked > 0.5:
                    acked = now
                    await self.say("ack", branch=header.branch, to_us=header.t1_us)
            else:
                message = json.loads(data)
                if message.get("key"):
                    self.answers[message["key"]] = message
                if "playhead" in message:
                    self.head = msgspec.convert(message["playhead"], Playhead)
            self.changed.set()

    async def wait(self, test: Callable[[], Any], limit_s: float = 20) -> Any:
        """Wait until the test gives something."""
        end = time.perf_counter() + limit_s
        while not (found := test()):
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), end - time.perf_counter())
        return found

    async def answer(self, key: str) -> Any:
        """What the server says to a command."""
        return await self.wait(lambda: self.answers.get(key))

    async def revision(self, number: int) -> float:
        """When the first frame with this command arrived."""
        at: float = await self.wait(lambda: self.revisions.get(number))
        return at

    def holes(self) -> int:
        """How often a frame began after the end of what was there."""
        reached, holes = None, 0
        for header in self.frames:
            if reached is not None and header.t0_us > reached:
                holes += 1
            reached = header.t1_us
        return holes

    async def close(self) -> None:
        await self.socket.close()
        self.task.cancel()


async def browsers(stack: RunningStack, count: int) -> list[Browser]:
    """Visitors, each with a cookie of its own."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as pool:
        return await asyncio.gather(
            *(loop.run_in_executor(pool, Browser, stack.base_url) for _ in range(count))
        )


async def clicks(driver: Viewer, watchers: list[Viewer], count: int) -> list[float]:
    """Milliseconds from a click to the first frame of its revision, in every watcher."""
    found: list[float] = []
    for number in range(count):
        do = {"do": "pause" if number % 2 == 0 else "resume", "target": "n4"}
        key = f"c{number}-{time.monotonic_ns()}"
        began = time.perf_counter()
        await driver.command(key, do)
        revision = (await driver.answer(key))["revision"]
        for watcher in watchers:
            found.append((await watcher.revision(revision) - began) * 1000)
        await asyncio.sleep(0.15)
    return found


async def latency(stack: RunningStack, count: int) -> list[float]:
    """One driver, one viewer."""
    owner, guest = await browsers(stack, 2)
    code = owner.new_run(EXPERIMENT)
    driver, watcher = await Viewer(owner, code).open(), await Viewer(guest, code).open()
    await driver.first.wait()
    await watcher.first.wait()
    await clicks(driver, [watcher], 4)
    found = await clicks(driver, [watcher], count)
    await driver.close()
    await watcher.close()
    return found


async def busy_latency(stack: RunningStack, count: int) -> list[float]:
    """The same while OTHERS other runs play, each with its viewer and a seed of its own."""
    others = await browsers(stack, OTHERS)
    codes = [browser.new_run(EXPERIMENT, seed=1000 + i) for i, browser in enumerate(others)]
    viewers = [await Viewer(browser, code).open() for browser, code in zip(others, codes, strict=True)]
    await asyncio.gather(*(viewer.first.wait() for viewer in viewers))
    found = await latency(stack, count)
    for viewer in viewers:
        await viewer.close()
    return found


async def swept_latency(stack: RunningStack, count: int) -> list[float]:
    """The same while a sweep keeps every sweep worker busy."""
    (owner,) = await browsers(stack, 1)
    order = {"experiment": EXPERIMENT, "first_seed": 1, "seeds": 20_000}
    code = owner.post("/api/sweeps", order).json()["code"]
    state: dict[str, Any] = owner.get(f"/api/sweeps/{code}").json()
    while not state["done"]:
        await asyncio.sleep(0.2)
        state = owner.get(f"/api/sweeps/{code}").json()
    found = await latency(stack, count)
    assert owner.get(f"/api/sweeps/{code}").json()["state"] == "running", "the sweep ended too early"
    owner.post(f"/api/sweeps/{code}/cancel", {})
    return found


async def fan_out(stack: RunningStack, count: int, join: bool) -> dict[str, Any]:
    """VIEWERS on one run; then JOINERS more within 20 s."""
    owner, *guests = await browsers(stack, 1 + VIEWERS)
    code = owner.new_run(EXPERIMENT)
    driver = await Viewer(owner, code).open()
    viewers = [await Viewer(guest, code).open() for guest in guests]
    await asyncio.gather(*(viewer.first.wait() for viewer in viewers))
    await clicks(driver, viewers[:1], 2)
    found = await clicks(driver, viewers, count)
    before = sum(viewer.holes() for viewer in viewers)
    pictures = await joins(stack, code) if join else []
    result = {
        "latency": found,
        "holes": before,
        "pictures": pictures,
        "holes_join": sum(v.holes() for v in viewers) - before,
    }
    await asyncio.gather(*(viewer.close() for viewer in [driver, *viewers]))
    return result


async def joins(stack: RunningStack, code: str) -> list[float]:
    """Seconds from the first request of a new browser to its first frame; JOINERS of them spread over 20 s."""
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(32)
    opened: list[Viewer] = []

    async def one(delay_s: float) -> float:
        await asyncio.sleep(delay_s)
        began = time.perf_counter()
        browser = await loop.run_in_executor(pool, first_requests, stack.base_url, code)
        viewer = await Viewer(browser, code).open()
        opened.append(viewer)
        await asyncio.wait_for(viewer.first.wait(), 30)
        return time.perf_counter() - began

    found = await asyncio.gather(*(one(20 * number / JOINERS) for number in range(JOINERS)))
    await asyncio.gather(*(viewer.close() for viewer in opened))
    pool.shutdown()
    return list(found)


def first_requests(base_url: str, code: str) -> Browser:
    """What a browser asks for before its socket: the page and its assets."""
    browser = Browser(base_url, f"/r/{code}")
    for path in assets(browser.page):
        browser.get(path)
    return browser


def assets(page: bytes) -> list[str]:
    """Scripts and styles that a page names."""
    text = page.decode()
    parts = [part.split('"')[0] for part in text.split('src="')[1:] + text.split('href="')[1:]]
    return [part for part in dict.fromkeys(parts) if part.startswith("/static/")]


async def storm(stack: RunningStack, spread_s: float) -> list[float]:
    """FORKERS visitors fork one run and kill a node: seconds from the click to its frame."""
    owner, *guests = await browsers(stack, 1 + FORKERS)
    code = owner.new_run(EXPERIMENT)
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(16)

    async def one(guest: Browser, delay_s: float) -> float:
        await asyncio.sleep(delay_s)
        began = time.perf_counter()
        answer = await loop.run_in_executor(pool, guest.post, "/api/runs", {"from": {"run": code}})
        viewer = await Viewer(guest, answer.json()["code"]).open()
        await viewer.wait(lambda: viewer.frames, 60)
        await viewer.command("kill", {"do": "kill", "target": "n3"})
        await viewer.wait(lambda: any(header.revision >= 1 for header in viewer.frames), 60)
        await viewer.close()
        return time.perf_counter() - began

    found = await asyncio.gather(
        *(one(guest, spread_s * number / FORKERS) for number, guest in enumerate(guests))
    )
    pool.shutdown()
    return list(found)


async def stalled(stack: RunningStack, seconds: float) -> float:
    """Megabytes that daphne grows by while STALLED viewers read nothing of a fast run."""
    owner, *guests = await browsers(stack, 1 + STALLED)
    code = owner.new_run(EXPERIMENT)
    driver = await Viewer(owner, code).open()
    await driver.first.wait()
    await driver.say("playhead", speed=2.0)
    before = memory_mb(stack.child("web").pid)
    sockets = []
    for guest in guests:
        url = f"{guest.base_url.replace('http', 'ws', 1)}/ws/runs/{code}"
        socket = await connect(
            url,
            origin=origin(guest.base_url),
            additional_headers={"Cookie": guest.cookie_header()},
            compression=None,
            ping_interval=None,
        )
        await socket.send('{"type":"hello"}')
        socket.transport.pause_reading()
        sockets.append(socket)
    most = before
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        await asyncio.sleep(0.5)
        most = max(most, memory_mb(stack.child("web").pid))
    await driver.close()
    for socket in sockets:
        socket.transport.abort()
    return most - before


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(stack: RunningStack, quick: bool = False) -> dict[str, dict[str, Any]]:
    """Everything, one after the other: {name: {value, unit, goal, met}}."""
    found: dict[str, dict[str, Any]] = {}
    count = 20 if quick else CLICKS

    def note(name: str, value: float, unit: str, goal: float) -> None:
        found[name] = {"value": round(value, 1), "unit": unit, "goal": goal, "met": value <= goal}

    alone = await latency(stack, count)
    note("click to frame in another viewer, p50", statistics.median(alone), "ms", 40)
    note("click to frame in another viewer, p99", percentile(alone, 0.99), "ms", 100)
    busy = await busy_latency(stack, count)
    note(f"the same with {OTHERS} other live runs, p50", statistics.median(busy), "ms", 150)
    note(f"the same with {OTHERS} other live runs, p99", percentile(busy, 0.99), "ms", 150)
    swept = await swept_latency(stack, count)
    note("the same with a full sweep, p50", statistics.median(swept), "ms", 150)
    note("the same with a full sweep, p99", percentile(swept, 0.99), "ms", 150)
    many = await fan_out(stack, 3 if quick else 10, join=True)
    note(f"click to frame in each of {VIEWERS} viewers, p99", percentile(many["latency"], 0.99), "ms", 300)
    note(f"holes in the frames of {VIEWERS} viewers", many["holes"], "", 0)
    note(f"first picture of {JOINERS} who join in 20 s, p95", percentile(many["pictures"], 0.95), "s", 5)
    note("holes of those already watching", many["holes_join"], "", 0)
    forks = await storm(stack, 20 if quick else 60)
    note(f"{FORKERS} who fork and kill a node, p99", percentile(forks, 0.99), "s", 5)
    note(f"memory for {STALLED} stalled viewers", await stalled(stack, 10 if quick else 25), "MB", 50)
    return found


def table(found: dict[str, dict[str, Any]]) -> str:
    """The measurements for people."""
    rows = [
        f"{name:<58} {item['value']:>9} {item['unit']:<3} goal {item['goal']:>5}"
        + ("" if item["met"] else "  MISSED")
        for name, item in found.items()
    ]
    return "\n".join(rows)


def run(action: Callable[[RunningStack], Awaitable[Any]]) -> Any:
    """Do something with a stack of its own."""
    with tempfile.TemporaryDirectory(prefix="lab-b-") as folder, running_stack(Path(folder)) as stack:
        return asyncio.run(action(stack))  # type: ignore[arg-type]


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    found = run(lambda stack: measure(stack, options.quick))
    print(json.dumps(found, indent=1) if options.json else table(found))


if __name__ == "__main__":
    main()
