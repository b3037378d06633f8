"""Branches: changing the past keeps the old future, pictures of both, and what they differ in."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.kit import node, open_run, wait_for_leader
from tests.e2e.test_compare import side

SAVE = """async () => {
  const run = location.pathname.split('/').pop();
  const body = JSON.stringify({run, branch: 0, at_us: 300000, title: 'kept'});
  const headers = {'Content-Type': 'application/json', 'X-CSRFToken': document.body.dataset.csrf};
  return (await (await fetch('/api/links', {method: 'POST', body, headers})).json()).url;
}"""


def branched(page: Page) -> str:
    """A run whose leader was killed, and on a second branch frozen instead; the leader's id."""
    open_run(page)
    led = wait_for_leader(page)
    node(page, led).click()
    page.get_by_role("button", name="Kill", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Reset to start", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("The old future is kept above the timeline.")).to_be_visible()
    return led


def test_the_past_is_changed_and_the_old_future_seen(page: Page) -> None:
    led = branched(page)
    tree = page.get_by_role("group", name="Branches", exact=True)
    original = tree.get_by_role("button", name="original", exact=True)
    original.focus()
    expect(page.locator("[data-thumb=here]")).to_be_visible()
    expect(page.locator("[data-thumb]")).to_contain_text("original")
    painted = page.locator("[data-thumb] canvas").evaluate("element => element.toDataURL().length")
    assert painted > 2000, "the picture is empty"
    page.locator("body").click(position={"x": 5, "y": 400})
    # Drag along the first row: onto the old branch, to where the leader is down.
    box = tree.get_by_role("presentation").bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 33)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 11, steps=3)
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + 11, steps=3)
    page.mouse.up()
    expect(tree.get_by_role("button", name="original: you are here", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="To the newest moment", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_visible()


def test_what_two_branches_differ_in_is_told(page: Page) -> None:
    branched(page)
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="Compare with …", exact=True).click()
    dialog = page.get_by_role("dialog", name="Compare with …", exact=True)
    dialog.get_by_role("textbox", name="Code or link", exact=True).fill("not a code")
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_role("link", name=re.compile("^original")).click()
    page.wait_for_url(re.compile(r"runs=\w+\.\d,\w+\.\d$"))
    page.get_by_role("button", name="Play", exact=True).click()
    parted = page.get_by_role("status").filter(has_text="They part at")
    expect(parted).to_contain_text("Freeze")
    states = page.get_by_text(re.compile(r"^\d+ fields differ on \d nodes"))
    expect(states).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    parted.get_by_role("button", name="Go there").click()
    slider = page.get_by_role("region", name="Timeline").get_by_role("slider", name="Time", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^0\.0\d+ seconds$"))


def test_a_run_stands_beside_its_saved_original(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    address = page.evaluate(SAVE)
    page.goto(address)
    page.get_by_role("button", name="Fork", exact=True).click()
    page.wait_for_url(re.compile(r"/r/\w+"))
    expect(node(page, "n1")).to_be_visible()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="Compare with …", exact=True).click()
    page.get_by_role("link", name="Its saved original", exact=True).click()
    page.wait_for_url(re.compile(r"runs=\w+\.\d,link:\w+$"))
    for label in ("A", "B"):
        expect(side(page, label).locator("[data-node]")).to_have_count(5)
    expect(side(page, "B").get_by_role("heading")).to_contain_text("as saved")
    expect(page.get_by_text("Equal so far, event for event.")).to_be_visible()


def test_a_phone_goes_to_another_branch_in_two_taps(page: Page) -> None:
    led = branched(page)
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    drawer = page.get_by_role("region", name="Inspector and events", exact=True)
    frozen = drawer.get_by_role("button", name=re.compile(f"^branch 2: Freeze {led}: you are here"))
    expect(frozen).to_have_attribute("aria-pressed", "true")
    drawer.get_by_role("button", name="Fold the panel away", exact=True).click()
    original = drawer.get_by_role("button", name=re.compile("^original"))
    expect(original).not_to_be_in_viewport()
    drawer.get_by_role("button", name="Branches", exact=True).click()
    expect(original).to_have_text(re.compile(r"from 0 ms, seen until \d"))
    original.click()
    expect(original).to_have_attribute("aria-pressed", "true")
    expect(original).to_have_text(re.compile("^original: you are here"))
    expect(frozen).to_be_hidden()
    page.get_by_role("button", name="To the newest moment", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
