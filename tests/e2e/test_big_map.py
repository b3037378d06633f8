"""A hundred and one nodes: opened from the editor, looked at whole and near, messages counted by link."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.kit import node, wait_for_leader

DISCS = "[data-node]"


def open_example(page: Page) -> None:
    """Choose the example in the editor and run it."""
    page.goto("/build")
    page.get_by_label("Begin with ...").select_option(label="A whole example: 101 nodes, clients, outages")
    expect(page.locator("input.title")).to_have_value(re.compile("A hundred and one nodes"))
    page.get_by_role("button", name="▶ Run").click()
    expect(node(page, "n101")).to_be_visible()


def test_a_big_cluster_is_seen_whole_near_and_in_focus(page: Page, new_page: NewPage) -> None:
    open_example(page)
    expect(page.locator(DISCS)).to_have_count(101)
    leader = wait_for_leader(page)
    page.get_by_label("How messages are drawn").select_option("flows")
    expect(page.get_by_text(re.compile(rf"messages/s as flows\. Busiest: .*{leader}"))).to_be_visible(
        timeout=20_000
    )
    near(page, leader)
    focus(page, leader)
    phone(new_page(viewport={"width": 390, "height": 844}, has_touch=True), page.url)


def near(page: Page, leader: str) -> None:
    """The leader keeps its place in the window while one comes nearer, and shows more of itself."""
    node(page, leader).click()
    before = node(page, leader).bounding_box()
    for _ in range(3):
        page.keyboard.press("+")
    after = node(page, leader).bounding_box()
    assert before
    assert after
    assert after["width"] > 1.8 * before["width"]
    assert abs(after["x"] + after["width"] / 2 - before["x"] - before["width"] / 2) < 60
    expect(page.locator("svg.mini")).to_be_visible()
    expect(node(page, leader)).to_contain_text(leader)
    page.mouse.move(600, 400)
    page.mouse.wheel(0, 2_000)
    expect(page.locator("svg.mini")).to_be_hidden()


def focus(page: Page, leader: str) -> None:
    """Of a follower and who it talks with only those two are left."""
    follower = "n1" if leader != "n1" else "n2"
    node(page, follower).click()
    page.get_by_role("button", name="Focus").click()
    expect(page.locator(DISCS)).to_have_count(2)
    expect(node(page, leader)).to_be_visible()
    page.get_by_role("button", name="All", exact=True).first.click()
    expect(page.locator(DISCS)).to_have_count(101)


def phone(page: Page, url: str) -> None:
    """All of it fits a phone's window."""
    page.goto(url)
    expect(node(page, "n101")).to_be_visible()
    window = page.locator(".window").bounding_box()
    assert window
    for box in (node(page, id).bounding_box() for id in ("n1", "n5", "n96", "n101")):
        assert box
        assert window["x"] <= box["x"]
        assert box["x"] + box["width"] <= window["x"] + window["width"]
        assert window["y"] <= box["y"]
        assert box["y"] + box["height"] <= window["y"] + window["height"]
    expect(page.get_by_role("button", name="Zoom in", exact=True)).to_be_in_viewport(ratio=1)


def test_every_link_of_a_big_table_is_reached_though_few_are_drawn(page: Page) -> None:
    open_example(page)
    page.get_by_role("button", name="Link table").click()
    table = page.get_by_role("region", name="Links between nodes")
    cells = table.locator("[data-link]")
    expect(cells.first).to_be_visible()
    table.locator("[data-link='n1,n2']").focus()
    for _ in range(100):
        page.keyboard.press("ArrowDown")
    for _ in range(98):
        page.keyboard.press("ArrowRight")
    last = table.locator("[data-link='n101,n100']")
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport(ratio=1)
    # All but a few hundred of the 10,100 links are empty room.
    assert 50 < cells.count() < 1_500
    page.keyboard.press("Enter")
    expect(last).to_have_accessible_name(re.compile("n101 to n100: cut"))

    # Whoever scrolls away keeps the keyboard, and drags over what stands there now.
    table.locator(".scroll").evaluate("(box) => box.scrollTo(0, 0)")
    expect(table.locator("[data-link='n1,n2']")).to_be_visible()
    expect(last).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.link")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.link")
