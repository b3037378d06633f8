"""When was it lost, in a browser: asked next to the violated verdict, answered over the timeline, kept for a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.kit import node, open_run
from tests.engine.planted import PLANTED, lossy_seed

LONG_MS = 90_000


def test_asked_answered_and_kept(page: Page) -> None:
    open_run(page, {**PLANTED, "seed": lossy_seed(), "play": {"speed": 1}})
    verdicts = page.get_by_role("region", name="Verdicts")
    lamp = verdicts.get_by_role("button", name=re.compile("violated")).first
    expect(lamp).to_be_visible(timeout=LONG_MS)
    lamp.click()
    verdicts.get_by_role("button", name="When was it lost?").click()
    line = page.locator("[data-loss]")
    expect(line).to_have_attribute("data-loss", "done", timeout=LONG_MS)
    expect(line).to_contain_text("Lost between")
    curve = page.get_by_role("img", name=re.compile("^How likely the violation was"))
    expect(curve.locator("circle")).to_have_count(40)
    page.reload()
    expect(line).to_contain_text("Lost between", timeout=LONG_MS)
    line.get_by_role("button", name="Show that moment").click()
    # The write that was lost left at 1.5 s.
    slider = page.get_by_role("region", name="Timeline").get_by_role("slider", name="Time", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^1\.[45]\d* seconds$"))

    # A low projector shows curve and nodes together.
    page.set_viewport_size({"width": 1280, "height": 720})
    page.keyboard.press("j")
    expect(curve.locator("circle")).to_have_count(40)
    for id in ("n1", "n2"):
        expect(node(page, id)).to_be_in_viewport(ratio=1)
