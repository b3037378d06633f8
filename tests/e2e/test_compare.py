"""Clusters beside each other on one playhead: one button breaks all of them at the same virtual time."""

from __future__ import annotations

import re
from math import floor

from playwright.sync_api import Locator, Page, expect

from simulations.engine.experiment import parse
from simulations.engine.registry import SYSTEMS
from tests.e2e.conftest import Console, NewPage
from tests.e2e.kit import GEO, make_run, node, open_run, wait_for_leader
from tests.web import tallies

LEADING = re.compile(r"(leader.*, (term|ballot)|LEADING, epoch) \d+")


def side(page: Page, label: str) -> Locator:
    return page.get_by_role("region", name=label, exact=True)


def commands(page: Page, code: str) -> list[tuple[int, str]]:
    """The faults in the log of a run: virtual time and what."""
    state = page.evaluate("(code) => fetch(`/api/runs/${code}`).then((answer) => answer.json())", code)
    return [(one["at_us"], str(one["do"])) for branch in state["branches"] for one in branch["commands"]]


def recipes(page: Page, codes: list[str]) -> list[tallies.Recipe]:
    """Experiment, seed and commands of runs, as anybody can download them."""
    fetch = "(code) => fetch(`/api/runs/${code}/export?format=recipe`).then((answer) => answer.json())"
    found = [page.evaluate(fetch, code) for code in codes]
    return [
        (
            parse(one["experiment"], SYSTEMS),
            one["seed"],
            [(command["at_us"], command["seq"], command["do"]) for command in one["branches"][0]["commands"]],
        )
        for one in found
    ]


def cells(found: dict[str, float | None], lost: str) -> list[str]:
    """The same numbers as the table writes them."""

    def plain(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    def share(value: float | None) -> str:
        return "–" if value is None else f"{100 * value:.2f} %"

    def time(us: float | None) -> str:
        if us is None:
            return "–"
        return f"{floor(us / 1000 + 0.5)} ms" if us < 999_500 else f"{us / 1e6:.2f} s"

    return [
        plain(found["acknowledged"], 0),
        lost,
        plain(found["failed"], 0),
        f"{plain(found['hit'], 0)} of {plain(found['clients'], 0)}",
        share(found["availability"]),
        plain(found["cost"], 0),
        time(found["gap_us"]),
        time(found["latency_us"]),
        plain(found["messages"], 1),
        plain(found["round_trips"], 1),
    ]


def test_one_button_kills_the_leader_of_each_and_the_table_is_that_of_the_traces(page: Page) -> None:
    page.goto("/compare?experiment=RA-03")
    page.get_by_label("Side B").select_option("system:paxos")
    page.get_by_label("Side C").select_option("system:zookeeper")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("runs="))
    codes = page.url.partition("runs=")[2].split(",")
    for label in ("A", "B", "C"):
        expect(side(page, label).get_by_role("button", name=LEADING)).to_have_count(1)
    page.get_by_role("button", name="Play", exact=True).click()
    # Before its discovery and synchronization are over, nobody leads ZooKeeper.
    expect(side(page, "C").get_by_role("button", name=re.compile("BROADCAST")).first).to_be_visible(
        timeout=20_000
    )
    page.get_by_role("button", name=re.compile("^Crash the leader")).click()
    for label in ("A", "B", "C"):
        expect(side(page, label).get_by_role("button", name=re.compile(", down$"))).to_have_count(1)
    page.get_by_role("button", name="Pause", exact=True).click()
    first, *others = (commands(page, code) for code in codes)
    assert len(first) == 1
    assert all(other == first for other in others)
    made = recipes(page, codes)
    slider = page.get_by_role("slider", name="Time", exact=True)
    moment_ms = int(slider.input_value()) - 5
    slider.fill(str(moment_ms))
    until_us = moment_ms * 1000
    asked = [[one[:6] for one in tallies.traced(recipe, until_us)["operations"]] for recipe in made]
    assert asked[0] == asked[1] == asked[2]
    for row, recipe in enumerate(made, 1):
        expected = cells(tallies.tally(recipe, until_us), "0")
        expect(page.get_by_role("row").nth(row).get_by_role("cell")).to_have_text(expected)


def test_a_form_that_cannot_be_compared_says_why(page: Page, console: Console) -> None:
    console.allow("/api/comparisons")
    page.goto("/compare?experiment=RA-03")
    expect(page.get_by_label("Side B")).not_to_have_value("")
    page.get_by_label("Side B").select_option("set")
    page.get_by_role("combobox", name="Parameter", exact=True).select_option("heartbeat_ms")
    page.get_by_role("textbox", name="Value", exact=True).fill("soon")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("heartbeat_ms")


def test_two_branches_of_a_run_are_compared_apart_from_those_who_watch(page: Page) -> None:
    open_run(page)
    led = wait_for_leader(page)
    node(page, led).click()
    page.get_by_role("button", name="Kill", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Reset to start", exact=True).click()
    expect(page.get_by_role("button", name=f"{led}, down", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Freeze", exact=True).click()
    page.get_by_role("link", name=re.compile("^Compare with")).first.click()
    page.wait_for_url(re.compile(r"runs=\w+\.\d,\w+\.\d$"))
    for label in ("A", "B"):
        expect(side(page, label).locator("[data-node]")).to_have_count(5)
    expect(page.get_by_role("button", name=re.compile("^Crash the leader"))).to_have_count(0)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="They part at")).to_be_visible()


def test_a_fault_that_one_side_refuses_is_told_and_undone_where_it_acted(page: Page) -> None:
    led = open_run(page).rpartition("/")[2]
    slow = [{**GEO["workload"][0], "rate": 0.5}]
    leaderless = make_run(page, {**GEO, "timers": "manual", "workload": slow}).rpartition("/")[2]
    page.goto(f"/compare?runs={led},{leaderless}")
    expect(side(page, "A").get_by_role("button", name=LEADING)).to_have_count(1)
    page.get_by_role("button", name=re.compile("^Crash the leader")).click()
    notice = page.get_by_role("status").filter(has_text="Kill leader: done on A, not on B.")
    expect(notice).to_contain_text("B: Nobody is leader now.")
    down = side(page, "A").get_by_role("button", name=re.compile(", down$"))
    expect(down).to_have_count(1)
    given = commands(page, led)
    assert [do for _, do in given] == ["{'do': 'kill', 'target': 'leader'}"]
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Undo on A", exact=True).click()
    expect(down).to_have_count(0)
    expect(notice).to_be_hidden()
    slider = page.get_by_role("slider", name="Time", exact=True)
    expect(slider).to_have_attribute("aria-valuetext", f"{given[0][0] / 1e6:.3f} seconds")


def test_all_numbers_stand_side_by_side_in_a_small_window(page: Page) -> None:
    code = make_run(page).rsplit("/", 1)[-1]
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"/compare?runs={code},{code}")
    last = page.get_by_role("columnheader", name="round trips per operation")
    expect(last).to_be_in_viewport(ratio=1)
    tall = page.get_by_role("row").nth(1).bounding_box()
    assert tall
    assert tall["height"] < 32, "a number is broken into two lines"


def test_a_projector_shows_both_sides_whole_and_what_tells_them_apart(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 720})
    page.goto("/compare?projector")
    page.get_by_role("button", name="Start", exact=True).click()
    for label, setting in (("A", "PreVote: on"), ("B", "PreVote: off")):
        expect(side(page, label).get_by_role("heading")).to_contain_text(setting)
        expect(side(page, label).locator("[data-node]")).to_have_count(5)
        for one in side(page, label).locator("[data-node]").all():
            expect(one).to_be_in_viewport(ratio=0.99)
