"""A sweep in a browser: started, watched, its failure opened as a run and shrunk."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewPage

LONG_MS = 90_000


def start(page: Page, experiment: str, seeds: int, metric: str = "") -> None:
    """Fill in the form and send it."""
    page.goto(f"/sweeps?experiment={experiment}")
    page.locator("[name=seeds]").fill(str(seeds))
    if metric:
        page.locator("[name=metric]").select_option(metric)
    page.locator("form button[type=submit]").click()
    page.wait_for_url("**/sweeps/*")


def test_a_distribution_over_a_grid(page: Page) -> None:
    page.goto("/sweeps?experiment=EL-LAN")
    page.locator("[name=seeds]").fill("60")
    page.locator("[name=metric]").select_option("election_ms")
    page.locator("[name=vary]").select_option("ineligible")
    page.locator("[name=values]").fill("0, 2")
    page.get_by_role("button", name="Start the sweep").click()
    page.wait_for_url("**/sweeps/*")
    expect(page.get_by_role("status")).to_contain_text("done · 120 of 120 runs", timeout=LONG_MS)
    expect(page.locator(".uplot canvas")).to_be_visible()
    rows = page.locator("table", has_text="Setting").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Servers whose logs cannot win (ineligible) = 0")


def test_a_failure_is_opened_and_shrunk(page: Page) -> None:
    start(page, "RA-05/count_old_terms", 3)
    expect(page.get_by_role("status")).to_contain_text("done · 3 of 3 runs", timeout=LONG_MS)
    row = page.get_by_role("row").filter(has_text="no lost write")
    row.get_by_role("button", name="Show runs").click()
    failures = page.get_by_role("list", name="Runs of no lost write")
    expect(failures.locator("li")).to_have_count(3)
    failures.locator("li").first.get_by_role("button", name="Shrink").click()
    small = failures.get_by_role("link", name="Open the smallest case")
    expect(small).to_be_visible(timeout=LONG_MS)
    expect(failures).to_contain_text("faults are enough")
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert size
    page.set_viewport_size(size)
    small.click()
    page.wait_for_url("**/r/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("the smallest failing case", timeout=LONG_MS)
    page.go_back()


def test_cancel_and_resume_in_chinese_on_a_phone(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 800}, locale="zh-CN", color_scheme="light")
    start(page, "EL-LAN", 3000, "election_ms")
    page.get_by_role("button", name="取消").click()
    expect(page.get_by_role("status")).to_contain_text("已取消", timeout=LONG_MS)
    page.get_by_role("button", name="继续").click()
    expect(page.get_by_role("status")).to_contain_text("进行中", timeout=LONG_MS)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="取消").click()
    expect(page.get_by_role("status")).to_contain_text("已取消", timeout=LONG_MS)
