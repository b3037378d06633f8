"""The gallery, the concepts, and what is mine."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.stack import wait_until

WAIT_MS = 20_000


def card(page: Page, id: str) -> Locator:
    return page.get_by_role("article", name=re.compile(f"^{id} "))


def test_every_experiment_is_there_and_search_finds_it(page: Page) -> None:
    entries = page.request.get("/api/catalogue").json()
    page.goto("/gallery")
    expect(page.get_by_role("article")).to_have_count(len(entries))
    page.get_by_role("searchbox", name="Search").fill("partition 领导")
    expect(card(page, "RA-03")).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("RA-01")
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_role("searchbox", name="Search").fill("no such words at all")
    expect(page.get_by_text("Nothing fits.")).to_be_visible()


def test_groups_and_systems_filter(page: Page) -> None:
    entries = page.request.get("/api/catalogue").json()
    page.goto("/gallery")
    page.get_by_role("combobox", name="Group").select_option("ZK")
    expect(page.get_by_role("article")).to_have_count(sum(entry["group"] == "ZK" for entry in entries))
    page.get_by_role("combobox", name="Group").select_option("")
    page.get_by_role("combobox", name="System").select_option(label="ZooKeeper (ZAB)")
    expect(page.get_by_role("article")).to_have_count(
        sum(entry["system"] == "zookeeper" for entry in entries)
    )


def test_what_cannot_be_played_says_why(page: Page) -> None:
    entries = page.request.get("/api/catalogue").json()
    page.goto("/gallery")
    for entry in [entry for entry in entries if not entry["available"]][:3]:
        found = card(page, entry["id"])
        expect(found.get_by_role("button", name=re.compile("^Run"))).to_have_attribute(
            "aria-disabled", "true"
        )
        expect(found).to_contain_text("Not yet playable")
    for entry in [entry for entry in entries if entry["available"]][:3]:
        expect(card(page, entry["id"])).not_to_contain_text("Not yet playable")


def test_a_preview_moves(page: Page) -> None:
    page.goto("/gallery")
    canvas = card(page, "RA-01").locator("canvas")
    expect(canvas).to_be_visible()
    pictures: set[str] = set()

    def moved() -> bool:
        pictures.add(str(canvas.evaluate("canvas => canvas.toDataURL()")))
        return len(pictures) > 3

    wait_until(moved, "the preview moves", WAIT_MS / 1000)


def test_run_and_variants_open_live_runs_and_are_mine(page: Page) -> None:
    page.goto("/gallery?q=RA-03")
    card(page, "RA-03").get_by_role("button", name=re.compile("^Run Partition")).click()
    page.wait_for_url(re.compile(r"/r/[0-9a-z]+$"), timeout=WAIT_MS)
    first = page.url.rsplit("/", 1)[-1]
    page.goto("/gallery?q=RA-03")
    card(page, "RA-03").get_by_text("2 variants").click()
    card(page, "RA-03").get_by_role("button", name="Run Nine servers split 3-3-3").click()
    page.wait_for_url(re.compile(r"/r/[0-9a-z]+$"), timeout=WAIT_MS)
    expect(page.get_by_role("button", name=re.compile(r"^n9, "))).to_be_visible()
    page.goto("/mine")
    expect(page.get_by_role("listitem").filter(has_text=first)).to_be_visible()
    page.get_by_role("link", name="New sweep").click()
    expect(page.get_by_role("button", name="Start the sweep")).to_be_visible()


def test_concepts_lead_to_their_experiments(page: Page) -> None:
    entries = page.request.get("/api/catalogue").json()
    page.goto("/concepts")
    expect(page.get_by_role("heading", level=3)).to_have_count(49)
    row = page.locator("#S26")
    expect(row.get_by_text("What holds")).to_be_visible()
    named = [entry for entry in entries if "S26" in entry["rows"] and entry["available"]]
    expect(row.get_by_role("button")).to_have_count(len(named))
    verdicts = row.locator("summary").first
    expect(verdicts).to_contain_text(re.compile(r"✓ (\d+) of \1 checks as expected"))
    verdicts.click()
    expect(row.get_by_text("no lost write").first).to_be_visible()
    row.get_by_role("button").first.click()
    page.wait_for_url("**/r/*")
