"""Every view on one clock: one selection, one pointer, causes and consequences, judged clients, costs of faults."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.kit import GEO, moment_ms, open_run, wait_for_leader
from tests.stack import wait_until

THROUGH = re.compile(r"([1-9]\d*) dashed arrows")


def view(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def canvas(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True).locator("canvas")


def pause_later(page: Page) -> None:
    """Stop once some writes were acknowledged."""
    wait_for_leader(page)
    expect(page.locator("p.result")).to_contain_text("0 acknowledged writes lost")
    page.get_by_role("button", name="Pause", exact=True).click()


def test_an_entry_an_operation_and_an_event_are_one_selection(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    view(page, "Logs")
    # The first entry is the leader's own; how many there are when time stops depends on the machine.
    entry = page.get_by_role("button", name=re.compile(r"^n2, entry \d+: put .*, term 1")).first
    expect(entry).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    written = str(entry.get_attribute("aria-label")).split(":")[0]
    page.get_by_label("Side by side with").select_option(label="+ Space-time")
    entry.click()
    card = page.get_by_role("region", name="Selected event", exact=True)
    expect(card).to_contain_text("Cause")
    expect(card).to_contain_text("Then")
    expect(page.get_by_role("img", name="The chosen event, at")).to_be_visible()  # on the timeline
    expect(page.locator("section.logs button.own")).to_have_accessible_name(
        re.compile(f"^{written}:")
    )  # in the log
    expect(canvas(page, "Space-time")).to_have_attribute("data-chosen", re.compile(r"^\d+$"))
    page.get_by_label("Side by side with").select_option(label="+ Clients")
    expect(canvas(page, "Clients")).to_have_attribute("data-chosen", re.compile(r"^\d+$"))  # its operation
    view(page, "Map")
    expect(
        page.get_by_role("img", name=re.compile(r"^n2: caused by .*It sent"))
    ).to_be_visible()  # its cause on the map
    card.get_by_role("button", name=re.compile("^↶")).click()  # on to the cause
    expect(card).not_to_contain_text("n2: append entries")


def test_what_is_pointed_at_in_one_view_is_shown_in_all(page: Page) -> None:
    open_run(page)
    pause_later(page)
    page.get_by_label("Side by side with").select_option(label="+ Space-time")
    diagram = canvas(page, "Space-time")
    expect(diagram).to_have_attribute("aria-label", re.compile(r" [1-9]\d* messages"))
    diagram.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    chosen = page.get_by_role("img", name="The chosen event, at")
    expect(chosen).to_be_visible()
    expect(page.get_by_role("img", name=re.compile(r"^\w+: (caused by|nothing earlier)"))).to_be_visible()
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Selected event", exact=True)
    expect(card).to_be_visible()
    card.get_by_role("button", name="Clear the selection").click()
    expect(card).to_be_hidden()
    line = page.get_by_role("region", name="Event feed", exact=True).locator("li", has_text="elected").first
    line.hover()
    expect(line).to_have_class(re.compile("chosen"))
    expect(diagram).to_have_attribute("data-chosen", re.compile(r"^\d+$"))


def test_hidden_kinds_keep_their_order(page: Page) -> None:
    open_run(page)
    pause_later(page)
    view(page, "Space-time")
    diagram = canvas(page, "Space-time")
    expect(diagram).to_have_attribute("aria-label", re.compile(r" [1-9]\d* messages"))
    page.get_by_text("Show", exact=True).click()
    page.get_by_role("checkbox", name=re.compile("^append entries")).uncheck()
    expect(diagram).to_have_attribute("aria-label", THROUGH)
    page.get_by_role("checkbox", name=re.compile("^append entries")).check()
    expect(diagram).not_to_have_attribute("aria-label", THROUGH)


def test_clients_are_judged_and_faults_have_a_price(page: Page) -> None:
    kill = [{"at_s": 1.2, "do": "kill", "target": "leader"}]
    open_run(page, {**GEO, "faults": kill, "play": {"speed": 1}})
    wait_until(lambda: moment_ms(page) > 1800, "something happens after the kill")
    page.get_by_role("button", name="Pause", exact=True).click()
    view(page, "Clients")
    expect(page.locator("[data-judged]")).to_have_attribute("data-judged", "holds")
    expect(canvas(page, "Clients")).to_have_attribute("aria-label", re.compile(r"[1-9]\d* acknowledged"))
    view(page, "Metrics")
    metrics = page.get_by_role("region", name="Metrics", exact=True)
    for name in ("Availability", "Latency", "Messages", "Lag", "Divergence"):
        expect(metrics.get_by_role("figure", name=re.compile(f"^{name}")).first).to_be_visible()
    cost = metrics.get_by_role("region", name=re.compile("^Kill"))
    expect(cost.get_by_role("row", name=re.compile("^RTO .*without|^RTO .*so far"))).to_be_visible()
    expect(cost.get_by_role("row", name=re.compile("^RPO"))).to_be_visible()
    expect(cost.get_by_role("columnheader")).to_have_text(["Metric", "Δ", "Was", "Now"])
