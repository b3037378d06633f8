"""For everyone: keys that can be changed, the picture in words, less motion."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage
from tests.e2e.kit import GEO, make_run, node, open_run, wait_for_leader

PAUSES = """async (count) => {
  const time = document.querySelector('input[aria-label="Time"]');
  const pauses = [];
  for (let shown = time.getAttribute('aria-valuetext'), since = null; pauses.length < count;) {
    const now = await new Promise(requestAnimationFrame);
    const next = time.getAttribute('aria-valuetext');
    if (next === shown) continue;
    if (since !== null) pauses.push(now - since);
    [shown, since] = [next, now];
  }
  return pauses;
}"""


def test_a_key_is_changed_refused_kept_and_printed_on_its_control(page: Page) -> None:
    url = make_run(page)
    page.goto(url)
    led = wait_for_leader(page)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    kill = dialog.get_by_role("button", name=re.compile("^Press a new key for: Kill · "))
    kill.click()
    page.keyboard.press("h")
    expect(dialog.get_by_text("H already means “Heal”.")).to_be_visible()
    page.keyboard.press("m")
    expect(kill).to_have_text("M")
    page.keyboard.press("Escape")
    page.reload()
    node(page, led).click()
    button = page.get_by_role("button", name="Kill", exact=True)
    expect(button.locator("kbd")).to_have_text("M")
    page.keyboard.press("k")
    page.keyboard.press("m")
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_visible()


def test_the_picture_is_told_in_words_and_walked_by_keys(page: Page) -> None:
    open_run(page)
    led = wait_for_leader(page)
    words = page.get_by_role("region", name="The cluster in words")
    expect(
        words.get_by_text(re.compile(rf"^{led}, leader, term \d+, log to \d+, committed to \d+"))
    ).to_be_attached()
    node(page, "n1").focus()
    page.keyboard.press("ArrowRight")
    expect(node(page, "n2")).to_be_focused()
    links = page.get_by_role("group", name="Links of n2")
    links.get_by_role("button").last.focus()
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Cut n2 to n5", exact=True).press("Enter")
    expect(words.get_by_text("The link from n2 to n5 is cut.")).to_be_attached(timeout=20_000)
    page.keyboard.press("h")
    expect(words.get_by_text("The link from n2 to n5 is cut.")).not_to_be_attached(timeout=20_000)


def test_a_source_in_chinese_is_readable_on_an_english_page(page: Page) -> None:
    page.goto(make_run(page, {**GEO, "cite": ["InfoQ 中国"]}))
    expect(page.get_by_text("InfoQ 中国")).to_be_attached()
    # Beside the two characters of the language switch: the slices of the whole font.
    faces = "[...document.fonts].filter((one) => one.family.includes('Noto Sans SC')).length > 50"
    page.wait_for_function(faces)


def test_with_less_motion_the_scene_goes_on_in_steps(new_page: NewPage) -> None:
    pauses = {}
    for wish in ("reduce", "no-preference"):
        page = new_page(reduced_motion=wish)
        open_run(page)
        wait_for_leader(page)
        pauses[wish] = page.evaluate(PAUSES, 4)
    assert min(pauses["reduce"]) > 400  # (500, as browsers count frames)
    assert min(pauses["no-preference"]) < 300
