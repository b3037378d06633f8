"""The front page: a running cluster that one can break, and the pages it leads to."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious_problems
from tests.e2e.conftest import NewPage

FIRST_S = 20
"""The first visitor of all waits for the simulation; everybody after that reads what is kept."""


def open_home(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("button", name=re.compile(r"^n\d, leader, term"))).to_be_visible(
        timeout=FIRST_S * 1000
    )


def test_kill_the_leader_says_what_happened(page: Page) -> None:
    open_home(page)
    page.get_by_role("button", name="Kill the leader").click()
    expect(page.get_by_text(re.compile(r"n\d is down|n\d went down"))).to_be_visible(timeout=FIRST_S * 1000)
    result = page.get_by_text(
        re.compile(r"^n\d went down\. \d+ ms later n\d took over, elected in term \d+\.")
    )
    expect(result).to_be_visible(timeout=FIRST_S * 1000)
    page.get_by_role("link", name="Open the whole lab").click()
    expect(page).to_have_url(re.compile(r"/r/[0-9a-z]+$"))
    expect(page.get_by_role("button", name=re.compile(r"^n\d, down"))).to_be_visible(timeout=FIRST_S * 1000)


def test_looking_costs_no_run(page: Page) -> None:
    open_home(page)
    assert page.request.get("/api/mine").json()["runs"] == []


def test_a_second_visitor_sees_it_and_breaks_it(page: Page, new_page: NewPage) -> None:
    open_home(page)
    other = new_page()
    open_home(other)
    other.get_by_role("button", name="Kill the leader").click()
    expect(other.get_by_text(re.compile(r"n\d is down|n\d went down"))).to_be_visible(timeout=FIRST_S * 1000)


def test_without_a_majority_it_says_so(page: Page) -> None:
    open_home(page)
    page.get_by_role("button", name="Kill the leader").click()
    for _ in range(2):
        again = page.get_by_role("button", name="Kill the new leader")
        expect(again).to_have_attribute("aria-disabled", "false", timeout=FIRST_S * 1000)
        leader = page.get_by_role("button", name=re.compile(r"^n\d, leader, term")).get_attribute(
            "aria-label"
        )
        assert leader is not None
        again.click()
        expect(page.get_by_role("button", name=f"{leader[:2]}, down")).to_be_visible(timeout=FIRST_S * 1000)
    expect(page.get_by_text("no majority is left")).to_be_visible(timeout=FIRST_S * 1000)


@pytest.mark.parametrize("address", ["/", "/gallery", "/concepts", "/mine"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible(new_page: NewPage, address: str, theme: str) -> None:
    page = new_page(color_scheme=theme)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert serious_problems(page) == []


@pytest.mark.parametrize("address", ["/", "/gallery", "/concepts", "/mine"])
def test_pages_fit_a_phone_and_speak_chinese(new_page: NewPage, address: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("[\u4e00-\u9fff]"))
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
