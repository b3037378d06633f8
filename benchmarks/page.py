"""The page measured in Chromium: how smoothly a big cluster moves, how soon a first visit sees one run.

    python -m benchmarks.page [--quick]

The map plays a recorded trace of 101 nodes over 5 regions with more than 2,000 messages in flight, on the page as it
is built and served. A frame's *interval* is what the eye gets; without a GPU the browser paints with the processor,
so intervals say as much about this machine as about the page. *Script* and *layout* are the page's own share of a
frame, as the browser accounts for them, and hold on any machine of this speed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks import bundle

NODES, IN_FLIGHT = 101, 2_000
WRITES_PER_S = 23
START_US, STOP_US, CHUNK_US = 3_000_000, 4_800_000, 100_000
VIEW = {"width": 1440, "height": 900}
FRAME_MS = 1000 / 60
LONG_MS = 50.0

FRAMES = """(seconds) => new Promise((done) => {
  const times = [];
  const frame = (now) => {
    times.push(now);
    if (now - times[0] < seconds * 1000) requestAnimationFrame(frame);
    else done(times);
  };
  requestAnimationFrame(frame);
})"""
FIRST_NODE = """addEventListener('DOMContentLoaded', () => {
  const look = () => {
    if (document.querySelectorAll('[data-node]').length < 3) return false;
    requestAnimationFrame(() => { window.firstNode = performance.now(); });
    return true;
  };
  const watch = new MutationObserver(() => look() && watch.disconnect());
  watch.observe(document.body, {childList: true, subtree: true});
});"""


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def record_big(folder: Path) -> int:
    """Record the example that ships, with busier clients; the fewest messages in flight in what is played."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_lab.settings")
    django.setup()
    from simulations import catalogue
    from simulations.engine.experiment import to_plain
    from tests.e2e.recorded_runs import Recipe, load, record

    plain = to_plain(catalogue.load(f"BIG-{NODES}"))
    plain["workload"] = [{**line, "rate": WRITES_PER_S, "in_flight": 100} for line in plain["workload"]]
    plain["faults"], plain["stop_s"] = [], 10
    record("big", Recipe(plain, START_US, STOP_US, chunk_us=CHUNK_US), folder)
    return fewest_in_flight(load("big", folder).frames)


def fewest_in_flight(frames: bytes) -> int:
    """The fewest messages under way at any tenth of a second of what is played."""
    from simulations import wire

    chunks = [
        msgspec.to_builtins(wire.decode_chunk(wire.read_frame(one)[1])) for one in wire.split_frames(frames)
    ]
    sends = [send for chunk in chunks for send in chunk["sends"]]
    moments = range(START_US, STOP_US, CHUNK_US)
    return int(min(sum(send[2] <= at_us < send[3] for send in sends) for at_us in moments))


class Costs:
    """What the browser spent between two looks, in milliseconds a frame."""

    NAMES = {"script": "ScriptDuration", "layout and style": "LayoutDuration", "style": "RecalcStyleDuration"}

    def __init__(self, session: CDPSession) -> None:
        self.session = session
        self.before = self.now()

    def now(self) -> dict[str, float]:
        found = self.session.send("Performance.getMetrics")["metrics"]
        return {item["name"]: item["value"] for item in found}

    def each(self, frames: int) -> dict[str, float]:
        after = self.now()
        spent = {name: (after[key] - self.before[key]) * 1000 / frames for name, key in self.NAMES.items()}
        spent["layout and style"] += spent.pop("style")
        return spent


def play(page: Page, drawn: str, seconds: float) -> dict[str, float]:
    """Play from the start of the busy stretch and watch the frames."""
    page.get_by_label("How messages are drawn").select_option(drawn)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # the page's own processor time
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(1000)
    costs = Costs(session)
    times = page.evaluate(FRAMES, seconds)
    each = costs.each(len(times))
    page.get_by_role("button", name="Pause", exact=True).click()
    intervals = [b - a for a, b in itertools.pairwise(times)]
    return {
        "frames a second": 1000 / statistics.mean(intervals),
        "interval p50": percentile(intervals, 0.5),
        "interval p95": percentile(intervals, 0.95),
        "interval p99": percentile(intervals, 0.99),
        "long frames": sum(one > LONG_MS for one in intervals) * 60 / seconds,
        **each,
    }


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser the tests use."""
    from scripts import prepare
    from tests.e2e.conftest import FLAGS

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=prepare.chromium(), args=FLAGS)
        yield browser
        browser.close()


def map_figures(seconds: float) -> tuple[int, dict[str, dict[str, float]]]:
    """Messages in flight, and what was measured for each way of drawing them."""
    from tests.e2e.recorded_runs import serving

    with tempfile.TemporaryDirectory(prefix="lab-p-") as name, chromium() as browser:
        in_flight = record_big(Path(name))
        with serving(folder=Path(name)) as address:
            page = browser.new_context(viewport=VIEW, locale="en-US").new_page()  # type: ignore[arg-type]
            found = {}
            for drawn in ("dots", "flows"):
                page.goto(f"{address}/e/big")
                page.locator(f"[data-node=n{NODES}]").wait_for(timeout=60_000)
                page.wait_for_timeout(1500)
                found[drawn] = play(page, drawn, seconds)
        return in_flight, found


def front_page_s(browser: Browser, base_url: str) -> float:
    """Seconds from the first byte of the front page to its cluster on the screen, in a fresh profile."""
    page = browser.new_context(base_url=base_url, viewport=VIEW, locale="en-US").new_page()  # type: ignore[arg-type]
    page.add_init_script(FIRST_NODE)
    page.goto("/")
    page.locator("[data-node]").nth(2).wait_for(timeout=30_000)
    page.wait_for_timeout(100)  # its frame is on the screen
    spent: float = page.evaluate(
        "window.firstNode - performance.getEntriesByType('navigation')[0].responseStart"
    )
    page.context.close()
    return spent / 1000


def load_figures(times: int) -> list[float]:
    """First visits to the front page, on a stack of its own; the very first one simulates and does not count."""
    from tests.stack import running_stack

    with (
        tempfile.TemporaryDirectory(prefix="lab-p-") as name,
        running_stack(Path(name)) as stack,
        chromium() as browser,
    ):
        return [front_page_s(browser, stack.base_url) for _ in range(times + 1)][1:]


Row = tuple[str, float, str, float | None]


def measure(quick: bool) -> list[Row]:
    """(name, value, unit, the most it should be) of everything."""
    in_flight, found = map_figures(2 if quick else 6)
    rows: list[Row] = [(f"messages in flight at least, {NODES} nodes", in_flight, "", None)]
    for drawn, figures in found.items():
        for name, value in figures.items():
            unit = "" if name == "frames a second" else "/min" if name == "long frames" else "ms"
            most = FRAME_MS if name == "script" else None
            rows.append((f"map as {drawn}: {name}", value, unit, most))
    for page in ("home", "run"):
        rows.append((f"script of a first visit, {page}", bundle.script_bytes(page, "br") / 1000, "kB", 300))
    rows.append(("front page alive after its first byte", max(load_figures(1 if quick else 5)), "s", 2))
    return rows


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for name, value, unit, most in measure(parser.parse_args().quick):
        print(f"{name:<58} {value:>9.4g} {unit:<4} {'' if most is None else f'at most {most:.4g}'}")


if __name__ == "__main__":
    main()
