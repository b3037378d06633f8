"""Links one by one and many at once, nodes picked together, and what the cluster still bears."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.e2e.kit import labels, node, open_run, wait_for_leader

WAIT_MS = 15_000


def link(page: Page, name: str) -> Locator:
    """A cell of the table by how its name begins."""
    return page.get_by_role("region", name="Links between nodes").get_by_role(
        "button", name=re.compile(f"^{name}")
    )


def centre(found: Locator) -> tuple[float, float]:
    box = found.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def commands(page: Page) -> list[dict[str, Any]]:
    answer = page.request.get(f"/api/runs/{page.url.rsplit('/', 1)[-1].split('?')[0]}")
    return [command["do"] for command in answer.json()["branches"][-1]["commands"]]


def test_links_are_cut_one_way_many_at_once_and_made_slow(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    page.get_by_role("button", name="Link table").click()
    link(page, "n1 to n2: open").click()
    expect(link(page, "n1 to n2: cut")).to_be_visible()
    expect(link(page, "n2 to n1: open, 5 ms")).to_be_visible()
    link(page, "n1 to n2: cut").click()
    expect(link(page, "n1 to n2: open")).to_be_visible()

    page.mouse.move(*centre(link(page, "n3 to n1")))
    page.mouse.down()
    page.mouse.move(*centre(link(page, "n3 to n5")), steps=16)
    page.mouse.up()
    for other in ("n1", "n2", "n4", "n5"):
        expect(link(page, f"n3 to {other}: cut")).to_be_visible()
    assert commands(page)[-1] == {
        "do": "cut",
        "from": ["n3"],
        "to": ["n1", "n2", "n4", "n5"],
        "one_way": True,
    }

    page.get_by_role("radio", name="Loss").click()
    page.get_by_role("spinbutton", name="Loss").fill("40")
    link(page, "n4 to n5: open").click()
    expect(link(page, "n4 to n5: open, 40 ms, 40 % lost")).to_be_visible()
    # By keyboard: from there one to the left, which is n3.
    page.get_by_role("radio", name="Latency").click()
    link(page, "n4 to n5").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(link(page, "n4 to n3: open, 200 ms")).to_be_visible()


def test_a_lasso_picks_who_is_isolated_and_the_budget_counts_them(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    budget = page.get_by_role("meter", name="Fault budget")
    expect(budget).to_have_attribute("aria-valuetext", re.compile("tolerates f = 2, used 0"))
    page.keyboard.press("g")
    boxes = [node(page, id).bounding_box() for id in ("n1", "n2")]
    found = [box for box in boxes if box]
    left, top = min(box["x"] for box in found) - 14, min(box["y"] for box in found) - 14
    right = max(box["x"] + box["width"] for box in found) + 14
    bottom = max(box["y"] + box["height"] for box in found) + 14
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    menu = page.get_by_role("menu", name="Actions for n1, n2")
    menu.get_by_role("menuitem", name="Cut them off together").click()
    expect(budget).to_have_attribute("aria-valuetext", re.compile("used 2"))
    assert commands(page)[-1] == {"do": "partition", "groups": [["n1", "n2"], ["n3", "n4", "n5"]]}

    # One more by Shift, then all of them at once.
    node(page, "n3").click(modifiers=["Shift"])
    page.get_by_role("button", name="Act on the group").click()
    page.get_by_role("menu", name="Actions for n1, n2, n3").get_by_role("menuitem", name="Kill").click()
    expect(budget).to_have_attribute("aria-valuetext", re.compile("No majority is left"))
    expect(node(page, "n3")).to_have_attribute("aria-label", re.compile("down"))
    assert sum("down" in name for name in labels(page)) == 3


def test_a_majority_that_does_not_recover_names_what_blocks_it(page: Page) -> None:
    open_run(page)
    page.get_by_role("tab", name="Inboxes").click()
    page.get_by_role("button", name="You are the network").click()
    page.wait_for_url(re.compile("view=inbox"), timeout=WAIT_MS)
    recover = page.get_by_role("button", name="Mend a majority and see")
    expect(recover).to_have_attribute("aria-disabled", "false")
    recover.click()
    notice = page.get_by_text("What blocks it: timers fire only by hand in this run.")
    expect(notice).to_be_visible(timeout=2 * WAIT_MS)
