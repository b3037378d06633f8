"""What a class of 200 asks for at the same moment: few requests, little of it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Console, NewPage
from tests.e2e.kit import make_run, node, open_run

REQUESTS_MAX = 6
BYTES_MAX = 400_000


def test_a_run_opens_with_six_requests_and_400_kb(page: Page, new_page: NewPage) -> None:
    url = make_run(page)
    fresh = new_page()
    sent: dict[str, float] = {}
    ranges: list[str] = []

    def note(event: dict[str, Any]) -> None:
        sent[event["requestId"]] = 0

    def asked(event: dict[str, Any]) -> None:
        """Of the ranges only the first belongs to the opening: later ones are watching."""
        url = event["request"]["url"]
        if "/range?" in url:
            ranges.append(url)
        if not url.startswith("data:") and len(ranges) <= 1:
            note(event)

    def count(event: dict[str, Any]) -> None:
        if event["requestId"] in sent:
            sent[event["requestId"]] = event["encodedDataLength"]

    session = fresh.context.new_cdp_session(fresh)
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", asked)
    session.on("Network.webSocketCreated", note)
    session.on("Network.loadingFinished", count)
    fresh.goto(url)
    expect(node(fresh, "n1")).to_be_visible()
    fresh.wait_for_function("document.fonts.status === 'loaded'")
    assert 4 <= len(sent) <= REQUESTS_MAX
    assert 50_000 < sum(sent.values()) <= BYTES_MAX


def test_a_page_from_before_an_update_says_that_it_lacks_a_part(page: Page, console: Console) -> None:
    console.allow("404")
    console.allow("preload")
    console.allow("dynamically imported module")
    open_run(page)
    page.route("**/static/build/assets/*View*", lambda route: route.fulfill(status=404))
    page.get_by_role("tab", name="Space-time").click()
    missing = page.get_by_role("alert")
    expect(missing).to_contain_text("could not be loaded")
    page.unroute_all()
    missing.get_by_role("button", name="Reload").click()
    expect(missing).not_to_be_attached()
    expect(page.get_by_role("slider", name="Time", exact=True)).to_be_visible()
