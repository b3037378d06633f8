"""The views of a run on one clock: space-time, two views at once."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.kit import node, open_run, result_line, settled, wait_for_leader
from tests.stack import wait_until

COUNTS = re.compile(r"Space-time diagram from .* (\d+) events, (\d+) messages, (\d+) of them lost\.")


def diagram(page: Page) -> tuple[int, int, int]:
    """Events, messages and lost ones that the diagram tells."""
    text = page.locator("section[aria-label='Space-time'] canvas").get_attribute("aria-label") or ""
    found = COUNTS.search(text)
    assert found, text
    return int(found[1]), int(found[2]), int(found[3])


def test_space_time_draws_what_happened_and_follows_the_clock(page: Page) -> None:
    open_run(page)
    led = wait_for_leader(page)
    page.get_by_role("tab", name="Space-time").click()
    canvas = page.locator("section[aria-label='Space-time'] canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile(r" [1-9]\d* messages"))
    page.get_by_role("button", name="Pause", exact=True).click()
    before = settled(lambda: diagram(page))
    page.get_by_role("button", name=f"Hide {led}", exact=True).click()
    expect(page.get_by_role("button", name=f"Show {led}", exact=True)).to_be_visible()
    wait_until(lambda: diagram(page)[0] < before[0], "fewer events")
    page.get_by_role("button", name=f"Show {led}", exact=True).click()
    expect(page.get_by_role("button", name=f"Hide {led}", exact=True)).to_be_visible()
    wait_until(lambda: diagram(page) == before, "all events again")
    page.get_by_role("button", name="Wider", exact=True).click()
    assert diagram(page)[0] >= before[0]


def test_two_views_stand_beside_each_other(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    page.get_by_label("Side by side with").select_option(label="+ Space-time")
    expect(page.get_by_role("region", name="Cluster map", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Space-time", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Space-time").click()  # they change places: no view is shown twice
    expect(page.get_by_role("region", name="Cluster map", exact=True)).to_have_count(1)
    expect(page.get_by_label("Side by side with")).to_have_value(re.compile(".*"))
    page.get_by_label("Side by side with").select_option(label="One view")
    expect(page.get_by_role("region", name="Cluster map", exact=True)).to_have_count(0)


def test_whoever_is_the_network_holds_an_election_by_hand(page: Page) -> None:
    open_run(page)
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="You are the network", exact=True).first.click()
    page.wait_for_url(re.compile("view=inbox"))
    inbox = page.get_by_role("region", name="Inbox of n2", exact=True)
    expect(inbox).to_be_visible()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(inbox).to_contain_text("No message waits.")
    # That all is held is how one plays, no fault.
    expect(result_line(page)).to_contain_text("Every message waits for you.")
    expect(page.get_by_role("meter", name="Fault budget")).to_have_attribute(
        "aria-valuetext", re.compile("used 0")
    )
    page.get_by_role("button", name="Fire election of n1", exact=True).click()
    expect(page.get_by_role("region", name="Inbox of n1", exact=True)).to_contain_text("candidate")
    for asked, asker in (("n2", "n1"), ("n3", "n1")) * 2:  # pre-votes, then votes
        asked_inbox = page.get_by_role("region", name=f"Inbox of {asked}", exact=True)
        asked_inbox.get_by_role("button", name=re.compile(f"^Deliver.*{asker}")).first.click()
        answers = page.get_by_role("region", name=f"Inbox of {asker}", exact=True)
        answers.get_by_role("button", name=re.compile(f"^Deliver.*{asked}")).first.click(timeout=20_000)
    expect(page.get_by_role("region", name="Inbox of n1", exact=True)).to_contain_text("leader")
    expect(page.get_by_role("slider", name="Time", exact=True)).to_have_value("0")


def test_a_run_goes_on_until_a_field_has_a_value(page: Page) -> None:
    open_run(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("combobox", name="Run until", exact=True).select_option("field")
    page.get_by_label("Field", exact=True).select_option(label="term")
    page.get_by_label("Comparison", exact=True).select_option(">=")
    page.get_by_label("Value", exact=True).fill("1")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.locator("[data-node][aria-label*='term 1']").first).to_be_visible()


def test_a_healed_majority_is_seen_to_recover(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    for id in ("n1", "n2", "n3"):
        node(page, id).click()
        page.get_by_role("button", name="Kill", exact=True).click()
        expect(page.get_by_role("button", name=f"{id}, down", exact=True)).to_be_visible()
    expect(page.locator("p.result")).to_contain_text("Nobody can decide.")
    page.get_by_role("button", name="Mend a majority and see").click()
    expect(page.get_by_text("It recovers: the next commit comes at")).to_be_visible()
    expect(page.locator("[data-node][aria-label$=', down']")).to_have_count(
        2
    )  # no more than a majority needs


def test_a_view_is_taken_home_as_a_picture(page: Page) -> None:
    open_run(page)
    led = wait_for_leader(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Save link", exact=True).first.click()
    with page.expect_download() as drawn:
        page.get_by_role("button", name="Download SVG").click()
    svg = drawn.value.path().read_text()
    assert svg.startswith("<svg")
    assert led in svg
    with page.expect_download() as painted:
        page.get_by_role("button", name="Download PNG").click()
    png = painted.value.path().read_bytes()
    assert png.startswith(b"\x89PNG")
    assert len(set(png)) > 100


def test_every_tab_can_be_reached_by_mouse_in_a_narrow_window(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1024, "height": 768})
    open_run(page)
    last = page.get_by_role("tab", name="Inboxes", exact=True)
    expect(last).not_to_be_in_viewport(ratio=0.9)
    page.get_by_text("›", exact=True).first.click()
    expect(last).to_be_in_viewport(ratio=0.9)
    expect(page.get_by_role("tab", name="Script", exact=True)).to_be_in_viewport(ratio=1)
    last.click()
    expect(last).to_have_attribute("aria-selected", "true")
