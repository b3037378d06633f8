"""Every view of recorded traces looks as it did.

A picture that is meant to change is taken anew, looked at, and committed:
  PICTURES=rewrite .venv/bin/python -m pytest tests/e2e/test_pictures.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from tests.e2e import pictures
from tests.e2e.recorded_runs import serving
from tests.e2e.test_accessibility import hard_to_read

REWRITE = os.environ.get("PICTURES") == "rewrite"
WIDE = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
STAGE = "main"
# name: (trace, view, part of the page, options of the browser)
PICTURES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "map": ("partition", "map", STAGE, {}),
    "map-light-zh": ("partition", "map", STAGE, {"color_scheme": "light"}),
    "space": ("partition", "space", STAGE, {}),
    "logs": ("partition", "logs", STAGE, {}),
    "clients": ("partition", "clients", STAGE, {}),
    "metrics": ("partition", "metrics", STAGE, {}),
    "inbox": ("partition", "inbox", STAGE, {}),
    "composer": ("partition", "composer", STAGE, {}),
    "links": ("partition", "links", STAGE, {"color_scheme": "light"}),
    "tree": ("tree", "console", STAGE, {}),
    "lanes": ("lanes", "lanes", STAGE, {}),
    "timeline": ("partition", "map", "section[aria-label=Timeline]", {}),
    "phone": ("partition", "map", "#app", {"viewport": PHONE, "color_scheme": "light"}),
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the recordings are shown."""
    with serving() as found:
        yield found


def opened(browser: Browser, address: str, name: str) -> Locator:
    """What a picture is taken of."""
    trace, view, part, options = PICTURES[name]
    usual = {"viewport": WIDE, "locale": "en-US", "color_scheme": "dark", "reduced_motion": "reduce"}
    page = browser.new_context(**{**usual, **options}).new_page()
    language = "zh-hans" if name.endswith("-zh") else "en"
    page.context.add_cookies([{"name": "django_language", "value": language, "url": address}])
    page.add_init_script(path=pictures.SCRIPT)
    page.goto(f"{address}/e/{trace}?view={view}")
    expect(page.get_by_role("region").first).to_be_visible()
    expect(page.locator("section.timeline")).to_have_attribute("aria-busy", "false")
    if view == "clients":  # (the judge is asked when all of it is in hand)
        expect(page.locator("[data-judged]")).to_have_attribute("data-judged", "holds")
    return page.locator(part)


@pytest.mark.parametrize("name", PICTURES)
def test_a_view_looks_as_it_did(browser: Browser, address: str, name: str) -> None:
    part = opened(browser, address, name)
    picture = pictures.taken(part)
    part.page.context.close()
    if REWRITE:
        pictures.save(name, picture)
    assert pictures.differences(pictures.saved(name), picture) == []


def test_a_projector_shows_every_view_large(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    for view in ("space", "logs", "clients", "metrics", "inbox"):
        page.goto(f"{address}/e/partition?view={view}&projector")
        expect(page.locator("section.timeline")).to_have_attribute("aria-busy", "false")
        assert hard_to_read(page) == [], view
        # What is painted is as large and as sharp as what is written.
        for canvas in page.locator(".larger canvas:visible").all():
            shown, laid, dots = canvas.evaluate(
                "one => [one.getBoundingClientRect().width, one.offsetWidth, one.width]"
            )
            # (Plots are laid out large, for a library that knows nothing of enlarging.)
            assert shown / laid == pytest.approx(1 if view == "metrics" else 24 / 14, rel=0.02), view
            assert dots >= 0.98 * (shown), view
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert hard_to_read(page) == []
    page.close()


def test_a_projector_says_of_a_chosen_event_what_panels_say_elsewhere(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    page.goto(f"{address}/e/partition?view=space&projector")
    canvas = page.locator("section[aria-label='Space-time'] canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile(r" [1-9]\d* messages"))
    canvas.focus()
    for key in ("ArrowLeft", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    chosen = page.get_by_role("region", name="Selected event", exact=True)
    expect(chosen).to_contain_text("Cause")
    chosen.get_by_role("button").click()
    expect(chosen).to_be_hidden()
    page.close()


def test_a_phone_gives_a_saved_link_its_picture_first(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport=PHONE, has_touch=True)
    page.goto(f"{address}/e/partition")
    drawer = page.get_by_role("region", name="Inspector and events", exact=True)
    expect(drawer.get_by_role("button", name="Fold the panel away", exact=True)).to_be_disabled()
    shown = page.get_by_role("region", name="Cluster map").bounding_box()
    assert shown is not None
    assert shown["height"] > 0.35 * PHONE["height"]
    drawer.get_by_role("button", name="Events", exact=True).click()
    expect(page.get_by_role("region", name="Event feed")).to_be_in_viewport()
    page.close()


HARMLESS = (
    "#app { text-rendering: geometricPrecision; letter-spacing: .003em; -webkit-font-smoothing: auto; }"
)
CHANGES = {
    "a log without entries": ".strip i { background: transparent !important; }",
    "another hue": ":root { --term-0: #2fbf9b !important; }",
    "a follower like a leader": ".body { stroke-dasharray: none !important; }",
    "a node elsewhere": ".disc { margin-left: 9px; }",
    "smaller words": ".disc b { font-size: 12px !important; }",
    "no messages": "main canvas { visibility: hidden; }",
}


def test_a_changed_picture_is_told_from_another_hinting(browser: Browser, address: str) -> None:
    part = opened(browser, address, "map")
    before = pictures.taken(part)
    part.page.add_style_tag(content=HARMLESS)
    assert pictures.differences(before, pictures.taken(part)) == []
    for what, css in CHANGES.items():
        style = part.page.add_style_tag(content=css)
        assert pictures.differences(before, pictures.taken(part)), what
        style.evaluate("element => element.remove()")
    part.page.context.close()


def test_where_a_line_may_be_and_what_it_must_say() -> None:
    line = "b 100 40 120 20 -,#eef Nobody can decide."
    assert pictures.line_differences([line], ["b 102 41 123 20 -,#eef Nobody can decide."]) == []
    for other in (
        "b 112 40 120 20 -,#eef Nobody can decide.",
        "b 100 40 120 20 -,#f79 Nobody can decide.",
        "b 100 40 120 20 -,#eef All decide.",
    ):
        assert pictures.line_differences([line], [other])
    assert pictures.line_differences([line], []) == [f"- {line}"]
