"""Every page in both themes and languages, switched in place: axe finds nothing; Chinese pages have no English left."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import OF_COLOUR, problems
from tests.e2e.conftest import NewPage
from tests.e2e.kit import make_run
from tests.e2e.test_embed import SAVE
from tests.e2e.test_sweep import LONG_MS, start

SITE = ("/", "/gallery", "/concepts", "/build", "/compare", "/mine", "/history", "/sweeps", "/r/zzzzzz")

TEXTS = """() => {
  const found = new Set([document.title]);
  const alike = 'pre, code, kbd, cite, script, style, textarea';
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { data, parentElement: parent } = walk.currentNode;
    if (!parent.closest(alike) && parent.checkVisibility()) found.add(data.trim());
  }
  const named = [...document.querySelectorAll('[aria-label], [title], [placeholder]')];
  for (const one of named.filter((element) => element.checkVisibility())) {
    for (const name of ['aria-label', 'title', 'placeholder']) found.add(one.getAttribute(name) ?? '');
  }
  return [...found];
}"""
# Names, numbers, units, operations and paper sections are the same in every language.
SAME = re.compile(
    r"Platform Lab|(· )?Raft|Framed( · Platform Lab)?|Svelte Flow.*|English"
    r"|§ .*|[0-9.,+–× /-]*( ?(ms|s|kB|%))?|[A-Z]+-[A-Z0-9]+|PBS|\W*|[+-]?\d.*ms"
    r"|(c\d+:? )?(put|get|cas|append|delete|add)\b.*|c\d+(\.\d+)?|[a-z]+-[ab]|n\d( .*)?|east|west|south|[0-9a-f]{4,32}|"
    r".*\.py:\d+|.*\d{4}.*|[0-9a-z]{6}|PDF|Markdown|JSON|SVG|PNG|GIF|WebM|LIVE|[A-Z]|e2e-geo"
)


def left_in_english(page: Page) -> list[str]:
    """Texts of a Chinese page with Latin words and no Chinese character."""
    texts: list[str] = page.evaluate(TEXTS)
    words = [
        text for text in texts if re.search(r"[A-Za-z]{2}", text) and not re.search(r"[\u4e00-\u9fff]", text)
    ]
    return [text for text in words if not SAME.fullmatch(text)]


SWITCH = {"en": re.compile("英文"), "zh": re.compile("switch to Chinese")}
COOKIES = {"en": "en", "zh": "zh-hans"}
SPOKEN = {"en": re.compile("^en"), "zh": re.compile("^zh")}


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A page that opens dark and in English."""
    return new_page(color_scheme="dark", viewport={"width": 1440, "height": 900})


def speak(page: Page, language: str) -> None:
    """Another language: by the page's switch, even below an open dialog; a page without one is loaded again."""
    if SPOKEN[language].match(page.evaluate("document.documentElement.lang")):
        return
    switch = page.get_by_role("button", name=SWITCH[language], include_hidden=True)
    menu = page.locator("header .more > button")
    folded = menu.count() > 0 and not switch.count()
    if folded:
        menu.dispatch_event("click")
    if switch.count():
        switch.dispatch_event("click")
    else:
        page.evaluate("cookie => (document.cookie = cookie)", f"django_language={COOKIES[language]}; path=/")
        page.reload()
    expect(page.locator("html")).to_have_attribute("lang", SPOKEN[language])
    if folded:
        menu.dispatch_event("click")


SMALL = """(least) => {
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { data, parentElement: parent } = walk.currentNode;
    const hidden = !parent.checkVisibility() || parent.closest('.visually-hidden, noscript');
    if (hidden || !/[\\p{L}\\d]/u.test(data)) continue;
    // The projector shows the map larger than it is laid out.
    const zoom = parent.offsetHeight ? parent.getBoundingClientRect().height / parent.offsetHeight : 1;
    const size = Math.round(parseFloat(getComputedStyle(parent).fontSize) * zoom);
    if (size < least) found.add(`${size} px: ${data.trim().slice(0, 40)}`);
  }
  return [...found];
}"""
TEXT_PX, PROJECTED_PX = 14, 24


def hard_to_read(page: Page) -> list[str]:
    """Text too small to read, and a page that has to be scrolled sideways."""
    small: list[str] = page.evaluate(SMALL, PROJECTED_PX if "projector" in page.url else TEXT_PX)
    beyond: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return small + ([f"{beyond} px beyond the right edge"] if beyond > 0 else [])


def themed(page: Page, theme: str, options: dict[str, Any] | None = None) -> list[str]:
    """What axe finds in one theme."""
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    return [f"{theme}: {problem}" for problem in problems(page, options=options)]


def found(page: Page) -> list[str]:
    """What keeps people out of the page on show, in both themes and languages."""
    wrong: list[str] = []
    for language in ("zh", "en"):
        speak(page, language)
        wrong += themed(page, "dark") + themed(page, "light", OF_COLOUR)
        wrong += hard_to_read(page)
        wrong += left_in_english(page) if language == "zh" else []
    return wrong


def said(wrong: dict[str, list[str]]) -> str:
    """What was found where, one line each."""
    return "\n".join(f"{where}: {what}" for where, found_there in wrong.items() for what in found_there)


def ready(page: Page, path: str) -> None:
    """A page with what it fetches on it."""
    page.goto(path)
    page.wait_for_load_state("networkidle" if path != "/" else "load")
    expect(page.locator("h1").first).to_be_attached()


def pick_leader(page: Page) -> None:
    """Wait for a leader and pick it."""
    led = page.locator("[data-node]:has(.crown)").first
    expect(led).to_be_visible()
    led.click()


def test_the_site(page: Page, console: Any) -> None:
    console.allow("404")
    wrong: dict[str, list[str]] = {}
    for path in SITE:
        ready(page, path)
        wrong[path] = found(page)
    assert not said(wrong), said(wrong)


def test_every_page_can_be_read_from_the_last_row(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 720})
    wrong: dict[str, list[str]] = {}
    for path in ("/", "/gallery", "/concepts", "/build", "/history", "/sweeps"):
        ready(page, f"{path}?projector")
        wrong[path] = hard_to_read(page)
    assert not said(wrong), said(wrong)
    page.get_by_role("button", name="Projector view").click()
    page.goto("/mine")
    expect(page.locator("html[data-projector]")).to_have_count(0)


def open_tabs(page: Page, number: int) -> None:
    """The tab of that number in each panel that has so many."""
    for panel in page.locator("aside").all():
        tabs = panel.get_by_role("tablist").first.get_by_role("tab")
        if number < tabs.count():
            tabs.nth(number).dispatch_event("click")


def test_a_run_and_what_is_made_of_it(page: Page) -> None:
    url = make_run(page)
    page.goto(url)
    pick_leader(page)
    page.keyboard.press("L")
    wrong: dict[str, list[str]] = {}
    tabs = page.locator("main").get_by_role("tablist").first.get_by_role("tab")
    for number, tab in enumerate(tabs.all()):
        tab.click()
        open_tabs(page, number)
        expect(page.locator("main .view > *").first).to_be_visible()
        wrong[tab.inner_text()] = found(page)
    page.keyboard.press("?")
    wrong["keys"] = found(page)
    slug = page.evaluate(SAVE, url.rpartition("/")[2])
    # The projector comes last: it stays one from page to page.
    for path in (f"{url}/report", f"/e/{slug}", f"/e/{slug}/embed", f"{url}?projector"):
        page.goto(path)
        page.wait_for_load_state("load")
        expect(page.locator("h1").first).to_be_attached()
        wrong[path] = found(page)
    assert not said(wrong), said(wrong)


def test_a_comparison_while_it_runs(page: Page) -> None:
    page.goto("/compare?experiment=RA-03")
    page.get_by_label("Side B").select_option("system:paxos")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("runs="))
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator("[data-node]:has(.crown)").nth(1)).to_be_visible()
    wrong = {"comparison": found(page)}
    assert not said(wrong), said(wrong)


def test_a_sweep_that_is_done(page: Page) -> None:
    start(page, "RA-05/count_old_terms", 3)
    expect(page.get_by_role("status")).to_contain_text("done · 3 of 3 runs", timeout=LONG_MS)
    page.get_by_role("row").filter(has_text="no lost write").get_by_role("button", name="Show runs").click()
    expect(page.get_by_role("list", name="Runs of no lost write").locator("li")).to_have_count(3)
    wrong = {"sweep": found(page)}
    assert not said(wrong), said(wrong)


def test_a_run_on_a_phone(new_page: NewPage) -> None:
    page = new_page(color_scheme="dark", viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(make_run(page))
    pick_leader(page)
    wrong = {"phone": found(page)}
    assert not said(wrong), said(wrong)
