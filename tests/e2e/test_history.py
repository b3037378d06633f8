"""The history page in a browser: upload, picture, keys, table, and a run's own history."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.e2e.axe import serious_problems
from tests.e2e.conftest import NewPage
from tests.e2e.kit import open_run, wait_for_leader

ANSWER_MS = 30_000
KEYS_CLIENTS = 10


def large_history(operations: int = 10_000) -> str:
    """Ten clients write and read keys of their own, one after another; the last read is stale."""
    rows: list[dict[str, Any]] = []
    for number in range(operations):
        client, turn = f"c{number % KEYS_CLIENTS}", number // KEYS_CLIENTS
        row: dict[str, Any] = {"id": number, "client": client, "key": client, "outcome": "ok"}
        begin = turn * 1_000 + number % KEYS_CLIENTS
        row |= {"invoked_us": begin, "returned_us": begin + 500}
        row |= {"kind": "get", "result": turn - 1} if turn % 2 else {"kind": "put", "argument": turn}
        rows.append(row)
    rows[-1]["result"] = 0
    return json.dumps({"format": 1, "operations": rows})


def upload(page: Page, name: str, content: str) -> None:
    file = FilePayload(name=name, mimeType="text/plain", buffer=content.encode())
    page.locator('input[type="file"]').set_input_files(file)


def picture(page: Page) -> Locator:
    return page.get_by_role("application")


def selected(page: Page) -> Locator:
    return page.locator("p.selected")


def test_an_example_shows_the_impossible_operation_with_its_sentence(page: Page) -> None:
    page.goto("/history")
    page.get_by_role("button", name="A stale read").click()
    verdict = page.locator("section.verdict")
    expect(verdict).to_contain_text("Not linearizable", timeout=ANSWER_MS)
    expect(verdict).to_contain_text("c4: get → 2 on x is impossible")
    expect(verdict).to_contain_text("put 4 of c3 began after cas 1→2 of c3 was acknowledged")
    expect(verdict).to_contain_text("14 of 18 events")
    expect(selected(page)).to_contain_text("c4: get → 2 on x")
    marked = page.get_by_role("row").filter(has_text="impossible")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("get → 2")
    page.get_by_text("Faults (1)").click()
    expect(page.get_by_text("partition n1 | n2 n3: 28 ms to 72 ms")).to_be_visible()


def test_a_history_that_another_one_replaces_is_let_go(page: Page) -> None:
    page.add_init_script(
        "const next = requestAnimationFrame; window.requestAnimationFrame = (go) => setTimeout(() => next(go), 300);"
    )
    page.goto("/history")
    for name in ("A stale read", "A lock held twice", "A stale read"):
        page.get_by_role("button", name=name).click()
        expect(selected(page)).to_be_visible(timeout=ANSWER_MS)
    page.get_by_role("link", name="Platform Lab").click()
    page.go_back()
    expect(page.get_by_role("button", name="A stale read")).to_be_visible()


def test_every_operation_is_reached_by_keys_and_by_the_table(page: Page) -> None:
    page.goto("/history")
    page.get_by_role("button", name="A lost answer").click()
    expect(page.locator("section.verdict")).to_contain_text("Linearizable", timeout=ANSWER_MS)
    picture(page).focus()
    page.keyboard.press("Home")
    expect(selected(page)).to_contain_text("0: put 1")
    page.keyboard.press("ArrowRight")
    expect(selected(page)).to_contain_text("0: cas 1→3 ✗")
    page.keyboard.press("ArrowDown")
    expect(selected(page)).to_contain_text("1: put 2 ?")
    expect(selected(page)).to_contain_text("never answered")
    page.get_by_role("button", name="get → 2").click()
    expect(selected(page)).to_contain_text("2: get → 2")
    expect(page.get_by_role("row").filter(has_text="get → 2")).to_contain_text("as number")


def test_ten_thousand_operations_scroll_zoom_and_lead_to_the_violation(page: Page) -> None:
    page.goto("/history")
    upload(page, "large.json", large_history())
    expect(page.locator("section.verdict")).to_contain_text("Not linearizable", timeout=ANSWER_MS)
    expect(page.locator("section.verdict")).to_contain_text("10000 operations")
    picture(page).focus()
    page.keyboard.press("Home")
    expect(selected(page)).to_contain_text("c0: put 0")
    assert picture(page).evaluate("e => e.scrollLeft") == 0
    page.keyboard.press("v")
    expect(selected(page)).to_contain_text("c9: get → 0")
    page.wait_for_function("document.querySelector('[role=application]').scrollLeft > 100000")
    page.get_by_role("button", name="All", exact=True).click()
    page.wait_for_function(
        "(e => e.scrollWidth < e.clientWidth * 1.5)(document.querySelector('[role=application]'))"
    )
    assert page.locator("canvas").evaluate("e => e.width * e.height") < 8_000_000
    assert page.locator("tbody tr").count() <= 50


def test_a_malformed_file_names_line_and_reason_in_both_languages(page: Page) -> None:
    page.goto("/history")
    upload(page, "bad.log", "INFO  jepsen.util - 0 :invoke :write 1\nINFO  jepsen.util - 1 :ok :write 1\n")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(
        "Line 2: process 1 completes an operation it never invoked", timeout=ANSWER_MS
    )
    expect(alert.locator("pre")).to_have_text("INFO  jepsen.util - 1 :ok :write 1")
    page.get_by_role("button", name="中文").click()
    expect(alert).to_contain_text("第 2 行：进程 1 完成了一个从未发起的操作")


def test_a_file_that_is_too_large_is_not_sent(page: Page) -> None:
    page.goto("/history")
    upload(page, "huge.json", " " * (8 * 1024 * 1024 + 1))
    expect(page.get_by_role("alert")).to_contain_text("8.4 MB")


def test_a_run_is_checked_from_its_share_dialog(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    page.get_by_role("button", name="Save link").click()
    page.get_by_role("link", name="Check the history").click()
    expect(page.locator("section.verdict")).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_role("link", name="Back to the run")).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)])
def test_no_serious_problem_and_nothing_wider_than_the_page(
    new_page: NewPage, scheme: str, size: tuple[int, int]
) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": size[0], "height": size[1]})
    page.goto("/history")
    page.get_by_role("button", name="A stale read").click()
    expect(page.locator("section.verdict")).to_contain_text("Not linearizable", timeout=ANSWER_MS)
    expect(page.locator("#verdict")).to_be_in_viewport()
    assert serious_problems(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
