"""Browser fixtures: Chromium against the session's real stack. Synchronous Playwright; no ORM in these tests.

  page         a page of a fresh profile at stack.base_url, 1280x800, English; `page.goto("/")`
  new_page     a function that opens another profile, with options as of Playwright's new_context:
               new_page(viewport={...}, locale="zh-CN", color_scheme="dark")
  lan_url      the origin of a second stack on this machine's own non-loopback address: plain http, no secure
               context; use as lan_page = new_page(base_url=lan_url)
  console      what the pages reported: any console error, uncaught exception or refused load fails the test
               at its end, unless the test said console.allow("part of the text") before
On failure a screenshot of every open page is left in test-results/.
"""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from platform_lab.supervisor.listener import addresses
from scripts import prepare
from tests.stack import RunningStack, running_stack

RESULTS = Path(__file__).resolve().parents[2] / "test-results"
# Quiet and self-contained; root (a container) cannot use the sandbox.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A machine that does three other things may take its time; what never comes still fails.
expect.set_options(timeout=30_000)
FAILED = pytest.StashKey[bool]()

NewPage = Callable[..., Page]


class Console:
    """Collects what went wrong in the pages of one test."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._allowed: list[str] = []

    def allow(self, part: str) -> None:
        """Errors that contain this text are expected."""
        self._allowed.append(part)

    def follow(self, page: Page) -> None:
        """Listen to a page's console and uncaught exceptions."""
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        """The errors nobody allowed."""
        return [error for error in self.errors if not any(part in error for part in self._allowed)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the fixtures know whether the test failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests: CHROMIUM, one on the PATH, or Playwright's own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=prepare.chromium(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def console() -> Iterator[Console]:
    """The pages' errors; an unexpected one fails the test."""
    collected = Console()
    yield collected
    assert not collected.unexpected()


@pytest.fixture
def new_page(
    browser: Browser, stack: RunningStack, console: Console, request: pytest.FixtureRequest
) -> Iterator[NewPage]:
    """Open a page in a new profile of its own; options as of Playwright's `browser.new_context`."""
    pages: list[Page] = []

    def open_page(**options: Any) -> Page:
        defaults = {"base_url": stack.base_url, "viewport": {"width": 1280, "height": 800}, "locale": "en-US"}
        page = browser.new_context(**(defaults | options)).new_page()
        console.follow(page)
        pages.append(page)
        return page

    yield open_page
    for number, page in enumerate(pages):
        if request.node.stash.get(FAILED, False) and not page.is_closed():
            RESULTS.mkdir(exist_ok=True)
            page.screenshot(path=RESULTS / f"{request.node.name}-{number}.png")
        page.context.close()


@pytest.fixture(scope="package")
def lan_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin under which another machine of the network would open the page."""
    found = addresses()
    assert found, "this machine has no address but loopback: connect it to a network"
    with running_stack(tmp_path_factory.mktemp("lan"), host=found[0]) as running:
        yield running.base_url


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page of a fresh profile."""
    return new_page()
