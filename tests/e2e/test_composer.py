"""The fault composer: bars and script are one thing, by mouse, by keyboard and by touch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.e2e.axe import serious_problems
from tests.e2e.conftest import Console, NewPage
from tests.e2e.kit import GEO, make_run, node

WAIT_MS = 20_000
FAULTS: list[dict[str, Any]] = [
    {"at_s": 20, "do": "kill", "target": "n2"},
    {"at_s": 30, "do": "restart", "target": "n2"},
    {"at_s": 40, "do": "pause", "target": "leader", "for_s": 5},
]
SCRIPTED = {**GEO, "faults": FAULTS}


def open_composer(page: Page) -> str:
    """A run with a script, at the composer; its address."""
    url = make_run(page, SCRIPTED)
    page.goto(f"{url}?view=composer")
    expect(bar(page, "Kill n2, 20 s to 30 s")).to_be_visible()
    return url


def bar(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Faults on the timeline").get_by_role(
        "button", name=name, exact=True
    )


def drag(page: Page, start: tuple[float, float], by_px: float) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by_px, start[1], steps=4)
    page.mouse.up()


def box_of(found: Locator) -> FloatRect:
    box = found.bounding_box()
    assert box is not None
    return box


def branches(page: Page, url: str) -> list[dict[str, Any]]:
    answer = page.request.get(f"/api/runs/{url.rsplit('/', 1)[-1]}")
    found: list[dict[str, Any]] = answer.json()["branches"]
    return found


def test_bars_are_the_script_both_ways_and_playing_it_forks(page: Page) -> None:
    url = open_composer(page)
    page.get_by_role("tab", name="Script").click()
    page.get_by_role("button", name="Edit as text").click()
    text = page.get_by_role("textbox", name="The script as text")

    # Dragged by mouse: the restart that ends it goes along, and the text says so at once.
    box = box_of(bar(page, "Kill n2, 20 s to 30 s"))
    drag(page, (box["x"] + box["width"] / 2, box["y"] + 12), box["width"])
    expect(bar(page, "Kill n2, 30 s to 40 s")).to_be_visible()
    assert [line["at_s"] for line in json.loads(text.input_value())] == [30, 40, 40]

    # Its end alone: only the restart moves.
    box = box_of(bar(page, "Kill n2, 30 s to 40 s"))
    drag(page, (box["x"] + box["width"], box["y"] + 12), -box["width"] / 2)
    expect(bar(page, "Kill n2, 30 s to 35 s")).to_be_visible()

    # Typed: the bars follow; what is no script yet changes nothing.
    text.fill('[{"at_s": 0.3, "do": "kill", "target": "n2", "for_s": 30}')
    expect(page.get_by_role("alert")).to_contain_text("not a script yet")
    expect(bar(page, "Kill n2, 30 s to 35 s")).to_be_visible()
    text.fill('[{"at_s": 0.3, "do": "kill", "target": "n2", "for_s": 30}]')
    expect(bar(page, "Kill n2, 0.3 s to 30.3 s")).to_be_visible()

    # In a smaller window its settings take nothing of the bars' room.
    page.set_viewport_size({"width": 1024, "height": 768})
    bar(page, "Kill n2, 0.3 s to 30.3 s").click()
    page.get_by_role("button", name="Settings", exact=True).click()
    dialog = page.get_by_role("dialog", name="Kill n2")
    expect(dialog.get_by_label("Lasts")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()

    page.get_by_role("button", name="Play this script").first.click()
    expect(page.get_by_role("group", name="Branches").get_by_role("button")).to_have_count(2)
    page.get_by_role("tab", name="Map").click()
    expect(node(page, "n2")).to_have_attribute("aria-label", re.compile("down"))
    old, new = branches(page, url)
    assert "faults" not in old
    assert (new["parent"], new["faults"]) == (0, [{"do": "kill", "target": "n2", "at_s": 0.3, "for_s": 30.0}])


def test_a_script_is_composed_by_keyboard_alone(page: Page, console: Console) -> None:
    console.allow("/api/experiments/check")
    page.goto("/build?from=RA-01")
    add = page.get_by_role("button", name="+ Add fault")
    add.wait_for(timeout=WAIT_MS)
    page.get_by_role("region", name="Faults on the timeline").locator("[data-bar]").first.focus()
    while page.locator("[data-bar]").count():
        page.keyboard.press("Delete")
    add.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("leader alone")
    page.keyboard.press("Enter")
    made = page.locator("[data-bar='0']")
    expect(made).to_be_focused()
    name = str(made.get_attribute("aria-label"))
    assert name.startswith("Partition leader alone, ")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(made).not_to_have_attribute("aria-label", name)
    page.keyboard.press("d")
    expect(page.locator("[data-bar='1']")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(made).to_be_focused()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    first, second = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["faults"]
    assert first["do"] == second["do"] == "partition"
    assert first["shape"] == second["shape"] == "isolate_leader"
    assert second["at_s"] > first["at_s"]
    assert first["for_s"] == second["for_s"]
    assert serious_problems(page) == []


def test_a_thumb_drags_and_repeats(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    open_composer(page)
    page.get_by_role("button", name="Fold").last.click()
    touched = bar(page, "Freeze leader, 40 s to 45 s")
    box = box_of(touched)
    thumb = page.context.new_cdp_session(page)

    def touch(kind: str, x: float | None = None) -> None:
        points = [] if x is None else [{"x": x, "y": box["y"] + 15}]
        thumb.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    start = box["x"] + box["width"] / 2
    touch("touchStart", start)
    for step in range(1, 5):
        touch("touchMove", start - step * box["width"] / 2)
    touch("touchEnd")
    expect(bar(page, "Freeze leader, 30 s to 35 s")).to_be_visible()
    page.get_by_role("button", name="Repeat").click()
    expect(bar(page, "Freeze leader, 30 s to 35 s, again every 15 s")).to_be_visible()
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Chance each time").fill("0.5")
    page.get_by_label("At most so many times").fill("3")
    page.get_by_role("button", name="Close").click()
    expect(
        bar(page, "Freeze leader, 30 s to 35 s, again every 15 s, 50 % chance, at most 3 times")
    ).to_be_visible()
    page.get_by_role("button", name="Play this script").click()
    expect(page.get_by_text("This is what the run follows")).to_be_visible()


def test_words_of_a_repeated_fault_lie_over_none_of_its_bars(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    often = {"at_s": 1, "do": "pause", "target": "leader", "for_s": 1, "every_s": 3}
    page.goto(make_run(page, {**GEO, "faults": [often], "stop_s": 20}) + "?view=composer")
    words = page.locator(".words.over")
    expect(words).to_contain_text("Freeze leader")
    below = words.bounding_box()
    assert below
    bars = page.locator(".row .bar, .row .again").all()
    assert len(bars) > 5
    for one in bars:
        box = one.bounding_box()
        assert box
        assert box["y"] >= below["y"] + below["height"] - 1
