"""Every page in both themes, both languages and on a phone: axe finds nothing; Chinese pages have no English left."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import problems
from tests.e2e.conftest import NewPage
from tests.e2e.kit import make_run

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
    r"Platform Lab|Raft|Svelte Flow.*|English|§ .*|[0-9.,+–× /-]*( ?(ms|s|kB|%))?|[A-Z]+-[A-Z0-9]+|PBS|\W*|[+-]?\d.*ms"
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


LOOKS = [("dark", "zh-CN"), ("light", "en-US")]


@pytest.fixture(params=LOOKS, ids=lambda look: "-".join(look))
def page(request: pytest.FixtureRequest, new_page: NewPage) -> Page:
    """A page in one theme and one language."""
    scheme, locale = request.param
    return new_page(color_scheme=scheme, locale=locale, viewport={"width": 1440, "height": 900})


def found(page: Page) -> list[str]:
    """What keeps people out of a page."""
    chinese = page.evaluate("document.documentElement.lang").startswith("zh")
    return problems(page) + (left_in_english(page) if chinese else [])


def said(wrong: dict[str, list[str]]) -> str:
    """What was found where, one line each."""
    return "\n".join(f"{where}: {what}" for where, found_there in wrong.items() for what in found_there)


def pick_leader(page: Page) -> None:
    """Wait for a leader, in any language, and pick it."""
    led = page.locator("[data-node]:has(.crown)").first
    expect(led).to_be_visible()
    led.click()


def test_the_site(page: Page, console: Any) -> None:
    console.allow("404")
    wrong: dict[str, list[str]] = {}
    for path in SITE:
        page.goto(path)
        page.wait_for_load_state("networkidle" if path != "/" else "load")
        expect(page.locator("h1").first).to_be_attached()
        wrong[path] = found(page)
    assert not said(wrong), said(wrong)


def test_a_run_and_what_is_made_of_it(page: Page) -> None:
    url = make_run(page)
    page.goto(url)
    pick_leader(page)
    page.keyboard.press("L")
    wrong: dict[str, list[str]] = {}
    tabs = page.locator("main").get_by_role("tablist").first.get_by_role("tab")
    for tab in tabs.all():
        tab.click()
        page.wait_for_timeout(150)
        wrong[tab.inner_text()] = found(page)
    page.keyboard.press("?")
    wrong["keys"] = found(page)
    for part in ("?projector", "/report"):
        page.goto(url + part)
        page.wait_for_load_state("load")
        wrong[part] = found(page)
    assert not said(wrong), said(wrong)


@pytest.mark.parametrize(("scheme", "locale"), [("dark", "en-US"), ("light", "zh-CN")])
def test_a_run_on_a_phone(new_page: NewPage, scheme: str, locale: str) -> None:
    page = new_page(
        color_scheme=scheme, locale=locale, viewport={"width": 390, "height": 844}, has_touch=True
    )
    page.goto(make_run(page))
    pick_leader(page)
    wrong = {"phone": found(page)}
    assert not said(wrong), said(wrong)
