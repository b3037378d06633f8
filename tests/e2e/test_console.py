"""The console: lines typed at a living ensemble, answered by the protocol, and the tree at the playhead."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from simulations import catalogue
from simulations.engine.checks.history import Operation
from simulations.engine.experiment import parse, to_plain
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from tests.e2e.conftest import NewPage
from tests.e2e.kit import open_run


def ensemble() -> dict[str, Any]:
    """Three servers and clients beside them, without faults."""
    plain = to_plain(catalogue.load("ZK-05"))
    plain["faults"] = []
    plain["play"] = {"speed": 0.5}
    return plain


def at_console(page: Page, client: str) -> Locator:
    page.get_by_role("tab", name="Console").click()
    page.get_by_label("as client").select_option(client)
    return page.get_by_role("region", name="Console")


def type_line(page: Page, line: str) -> None:
    page.get_by_label("Command line").fill(line)
    page.get_by_label("Command line").press("Enter")


def answer(console: Locator, line: str) -> Locator:
    """What was said to a line, once it was said."""
    return (
        console.get_by_role("listitem")
        .filter(has_text=re.compile(f"^{re.escape(line)}"))
        .get_by_role("status")
    )


def test_what_is_typed_is_answered_and_seen_in_the_tree(page: Page) -> None:
    open_run(page, ensemble(), first="s1")
    console = at_console(page, "consumer")
    expect(console.get_by_text("create /counter 0")).to_be_visible()
    type_line(page, "create /town Ulm -e")
    expect(answer(console, "create /town Ulm -e")).to_contain_text("/town")
    tree = console.locator(".tree")
    expect(tree.get_by_role("listitem").filter(has_text="Ulm")).to_contain_text(
        "ephemeral · version 0 · session"
    )
    type_line(page, "watch /town")
    expect(answer(console, "watch /town")).to_contain_text("Ulm")
    type_line(page, "set /town Bern -v 7")
    expect(answer(console, "set /town Bern -v 7")).to_contain_text(
        "failed BadVersion: the znode has another version by now"
    )
    type_line(page, "set /town Bern")
    expect(console.get_by_text("watch event /town changed")).to_be_visible()
    type_line(page, "swim /town")
    expect(page.get_by_role("alert")).to_contain_text("swim")


OPEN = """(code) => fetch(`/api/runs/${code}/share`, {method: 'POST', body: JSON.stringify({open_control: true}),
  headers: {'Content-Type': 'application/json', 'X-CSRFToken': document.body.dataset.csrf}})
  .then((answer) => answer.ok)"""
RECIPE = "(code) => fetch(`/api/runs/${code}/export?format=recipe`).then((answer) => answer.json())"


# What is said of who drives: whether it is in sight, and whether all of it is.
WHO = """() => [...document.querySelectorAll('.who > span')].map((one) => {
  const [box, room] = [one.getBoundingClientRect(), one.parentElement.getBoundingClientRect()];
  return { words: one.textContent, seen: box.top < room.bottom, whole: box.right <= room.right + 1 };
})"""


def test_who_drives_is_said_in_whole_words_or_not_at_all(page: Page, new_page: NewPage) -> None:
    url = open_run(page, ensemble(), first="s1")
    page.get_by_role("tab", name="Console").click()
    new_page().goto(url)
    expect(page.locator(".who").get_by_text("1 follows")).to_be_attached()
    shown = set()
    for width in range(1300, 1700, 20):  # the tabs take all of the row, then leave some of it, then enough
        page.set_viewport_size({"width": width, "height": 800})
        found = page.evaluate(WHO)
        assert [one for one in found if one["seen"] and not one["whole"]] == [], width
        shown.add(sum(one["seen"] for one in found))
    assert shown == {0, 1, 2}


def test_two_people_at_two_servers_get_the_answers_of_the_protocol(page: Page, new_page: NewPage) -> None:
    """Ann creates at s1, the leader; it is killed; Bob reads at s3. What he is told is what the recipe gives."""
    plain = ensemble()
    plain["checks"] = ["no_lost_ack"]
    plain["operations"] = [
        {"client": who, "at": at, "operation": "create", "key": f"/{who}", "value": at, "at_s": 0.5}
        for who, at in (("ann", "s1"), ("bob", "s3"))
    ]
    url = open_run(page, plain, first="s1")
    code = url.rpartition("/")[2]
    assert page.evaluate(OPEN, code)
    other = new_page()
    other.goto(url)
    hers, his = at_console(page, "ann"), at_console(other, "bob")
    expect(his.get_by_text("create /bob")).to_be_visible()
    type_line(page, "create /town Ulm")
    expect(answer(hers, "create /town Ulm")).to_contain_text("/town")
    page.get_by_role("button", name=re.compile("^Crash the leader")).click()
    expect(page.get_by_role("region", name="Event feed").get_by_text("You: Kill").first).to_be_visible()
    type_line(other, "get /town")
    expect(answer(his, "get /town")).not_to_have_text("waiting")
    said = answer(his, "get /town").inner_text()
    page.get_by_role("button", name="Pause", exact=True).click()
    his.get_by_label("Tree of").select_option("s3")
    tree = his.locator(".tree")
    expect(tree.get_by_text("Ulm")).to_be_visible()
    operation = replayed(page.evaluate(RECIPE, code), "bob", "get")
    assert (operation.outcome, operation.process) == ("ok", "s3")
    assert said.startswith(str(operation.result))
    page.get_by_role("button", name="Reset to start", exact=True).click()
    expect(tree.get_by_text("Ulm")).to_have_count(0)  # the tree is that of the moment on show


def replayed(recipe: dict[str, Any], client: str, kind: str) -> Operation:
    """An operation as the recipe gives it, without a browser."""
    world = World(parse(recipe["experiment"], SYSTEMS), recipe["seed"])
    for command in recipe["branches"][0]["commands"]:
        world.run_until(command["at_us"])
        world.command(command["at_us"], command["do"], command["seq"])
    world.run_until(round(world.experiment.stop_s * 1_000_000))
    found = [one for one in world.history.operations.values() if (one.client, one.kind) == (client, kind)]
    assert len(found) == 1
    return found[0]
