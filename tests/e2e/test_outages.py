"""Parts of the server die under an open page: it says so, waits, and goes on. On a stack of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Console, NewPage
from tests.e2e.kit import node, open_run, wait_for_leader
from tests.stack import RunningStack, running_stack

WAITS = re.compile("Waiting for")


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("outage")) as running:
        yield running


@pytest.fixture
def watcher(new_page: NewPage, own_stack: RunningStack) -> Page:
    return new_page(base_url=own_stack.base_url)


def kill_leader(page: Page) -> None:
    led = wait_for_leader(page)
    node(page, led).click()
    page.get_by_role("button", name="Kill", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_visible()


def test_a_page_cut_off_says_so_and_comes_back(
    watcher: Page, own_stack: RunningStack, console: Console
) -> None:
    console.allow("WebSocket")
    console.allow("Failed to load resource")
    open_run(watcher)
    wait_for_leader(watcher)
    live = watcher.get_by_role("button", name="Back to live", exact=True)
    expect(live).to_have_class(re.compile(r"\bon\b"))
    own_stack.kill("web")
    expect(watcher.get_by_role("alert")).to_contain_text("cut off")
    expect(live).not_to_have_class(re.compile(r"\bon\b"))
    own_stack.restart("web")
    expect(watcher.get_by_role("alert")).to_be_hidden()
    kill_leader(watcher)


def test_a_page_that_waits_for_a_worker_says_so(watcher: Page, own_stack: RunningStack) -> None:
    open_run(watcher)
    wait_for_leader(watcher)
    for name in ("sim.0", "sim.1"):
        own_stack.kill(name)
    expect(watcher.get_by_text(WAITS)).to_be_visible(timeout=45_000)
    for name in ("sim.0", "sim.1"):
        own_stack.restart(name)
    expect(watcher.get_by_text(WAITS)).to_be_hidden(timeout=45_000)
    kill_leader(watcher)
