"""The editor: a cluster drawn by mouse and by keyboard runs as it was drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from simulations import wire
from tests.e2e.axe import serious_problems
from tests.e2e.conftest import Console, NewPage
from tests.stack import wait_until

WAIT_MS = 20_000
FAR = ("n1", "n5")


@pytest.fixture(autouse=True)
def drafts_may_be_refused(console: Console) -> None:
    """A draft that the server refuses is an answer 400, which the browser logs."""
    console.allow("/api/experiments/check")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def field(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=re.compile(f"^{name}"))


def canvas(page: Page) -> Locator:
    return page.get_by_role("region", name="Canvas")


def mark(page: Page, name: str) -> Locator:
    return canvas(page).get_by_role("button", name=name, exact=True)


AT_REST = """async (flow) => {
  let before = '', same = 0;
  while (same < 30) {
    await new Promise(requestAnimationFrame);
    const now = flow.style.transform;
    same = now === before ? same + 1 : 0;
    before = now;
  }
}"""


def at_rest(page: Page) -> None:
    """Wait until the canvas has moved to what is new: a press that begins on a node and ends beside it is no click."""
    canvas(page).locator(".svelte-flow__viewport").evaluate(AT_REST)


def outline(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Cluster")


def downloaded(page: Page) -> dict[str, Any]:
    """The experiment as the page gives it away."""
    with page.expect_download() as download:
        button(page, "Download").click()
    found: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    return found


def nodes_by_zone(experiment: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in experiment["topology"]["nodes"]:
        found.setdefault(node["zone"], []).append(node["id"])
    return found


def sends(page: Page) -> Iterator[list[Any]]:
    """Every message of the page's run, or of its saved link, that has departed so far."""
    kind, name = page.url.rsplit("/", 2)[-2:]
    source = {"r": "runs", "e": "links"}[kind]
    answer = page.request.get(f"/api/{source}/{name}/range?from_us=0")
    assert answer.ok
    data = answer.body()
    while data:
        size = int.from_bytes(data[:4], "big")
        chunk = wire.decode_chunk(wire.read_frame(data[4 : 4 + size])[1])
        yield from chunk["sends"]
        data = data[4 + size :]


def latencies(page: Page, ends: tuple[str, str]) -> set[int]:
    """Microseconds that messages took between two nodes, either way."""
    arrived = [send for send in sends(page) if send[6] == 0 and {send[4], send[5]} == set(ends)]
    return {send[3] - send[2] for send in arrived}


def stand_for_election(page: Page, node: str) -> None:
    """A line of the script, written by keyboard, that makes a node talk to all the others early on."""
    press(page, page.locator("summary", has_text="Fault script"))
    press(page, button(page, "Add a line"))
    action = page.get_by_label("What happens")
    action.focus()
    page.keyboard.type("Stand for")
    expect(action).to_have_value("campaign")
    for name, text in (("target", node), ("at_s", "0.4")):
        page.locator(f'[data-path="faults[0].{name}"] input').focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(text)
    expect(page.get_by_role("button", name=f"0.4 s Stand for election {node}")).to_be_visible()


def run_and_measure(page: Page) -> None:
    """Start what was drawn; every message of the drawn link takes 80 ms, others do not."""
    stand_for_election(page, FAR[0])
    run = button(page, "▶ Run")
    expect(run).to_have_attribute("aria-disabled", "false")
    run.click()
    page.wait_for_url(re.compile(r"/r/[0-9a-z]{6,8}$"), timeout=WAIT_MS)
    expect(page.get_by_role("button", name=re.compile(r"^n7, "))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"^n\d, leader, term"))).to_be_visible()
    wait_until(lambda: latencies(page, FAR), "messages between n1 and n5", WAIT_MS / 1000)
    assert latencies(page, FAR) == {80_000}
    assert 80_000 not in latencies(page, ("n1", "n2"))


def test_seven_nodes_drawn_by_mouse_run_and_open_elsewhere(page: Page, new_page: NewPage) -> None:
    page.goto("/build")
    for _ in range(3):
        button(page, "Region").click()
    for number in range(7):
        region = ("east", "west", "south")[number % 3]
        drag_into(page, "Node", f"{region}-a")
        expect(mark(page, f"node n{number + 1}")).to_be_visible()
    assert nodes_by_zone(downloaded(page)) == {
        "east-a": ["n1", "n4", "n7"],
        "west-a": ["n2", "n5"],
        "south-a": ["n3", "n6"],
    }
    pull(page, *FAR)
    expect(page.get_by_role("heading", name="link n1 — n5")).to_be_visible()
    field(page, "Latency").fill("80")
    expect(mark(page, "link n1 to n5, 80 ms")).to_be_visible()
    run_and_measure(page)
    open_elsewhere(page, new_page)


def drag_into(page: Page, piece: str, place: str) -> None:
    """Drag a piece from the palette to the free corner of a place."""
    at_rest(page)
    box = canvas(page).locator(f'[data-id="{place}"]').bounding_box()
    area = canvas(page).bounding_box()
    assert box is not None
    assert area is not None
    corner = {"x": box["x"] + box["width"] - 12 - area["x"], "y": box["y"] + box["height"] - 12 - area["y"]}
    button(page, piece).drag_to(canvas(page), target_position={"x": corner["x"], "y": corner["y"]})


def pull(page: Page, start: str, end: str) -> None:
    """Draw a link from the ring of one node to another node."""
    at_rest(page)
    ring = canvas(page).locator(f'[data-id="{start}"] .svelte-flow__handle')
    here, there = ring.bounding_box(), mark(page, f"node {end}").bounding_box()
    assert here is not None
    assert there is not None
    page.mouse.move(here["x"] + here["width"] / 2, here["y"] + here["height"] / 2)
    page.mouse.down()
    page.mouse.move(there["x"] + 10, there["y"] + 10, steps=8)
    page.mouse.move(there["x"] + there["width"] / 2, there["y"] + there["height"] / 2, steps=4)
    page.mouse.up()


def open_elsewhere(page: Page, new_page: NewPage) -> None:
    """A saved link shows the same cluster and the same 80 ms in another profile."""
    button(page, "Save link").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save link").click()
    saved = dialog.get_by_role("textbox", name="Link to this moment")
    expect(saved).to_have_value(re.compile(r"/e/[0-9a-z]+"))
    other = new_page()
    other.goto(saved.input_value())
    expect(other.get_by_role("button", name=re.compile(r"^n7, "))).to_be_visible()
    assert latencies(other, FAR) == {80_000}


def press(page: Page, locator: Locator) -> None:
    """Use a control without the mouse."""
    locator.focus()
    page.keyboard.press("Enter")


def test_seven_nodes_drawn_by_keyboard_run(page: Page) -> None:
    page.goto("/build")
    for region, count in (("east", 3), ("west", 2), ("south", 2)):
        press(page, button(page, "Region"))
        expect(outline(page).get_by_role("button", name=f"{region}-a zone")).to_be_visible()
        for _ in range(count):
            # The new node is selected, and the next one joins it in its zone.
            press(page, button(page, "Node"))
    expect(mark(page, "node n7")).to_be_visible()
    for name, end in (("Link from", "n1"), ("Link to", "n5")):
        choice = page.get_by_role("combobox", name=name)
        choice.focus()
        page.keyboard.type(end)
        expect(choice).to_have_value(end)
    press(page, button(page, "Add link"))
    field(page, "Latency").focus()
    page.keyboard.type("80")
    expect(mark(page, "link n1 to n5, 80 ms")).to_be_visible()
    assert [len(ids) for ids in nodes_by_zone(downloaded(page)).values()] == [3, 2, 2]
    run_and_measure(page)


def test_what_is_invalid_is_refused_where_it_is_typed(page: Page) -> None:
    page.goto("/build")
    expect(page.get_by_text("Add a node first.")).to_be_visible()
    page.get_by_role("combobox", name="Begin with").select_option("one_zone_5")
    heartbeat = field(page, "heartbeat interval")
    heartbeat.fill("0")
    expect(page.get_by_text("At least 1 is needed.").first).to_be_visible()
    expect(heartbeat).to_have_attribute("aria-invalid", "true")
    expect(button(page, "▶ Run")).to_have_attribute("aria-disabled", "true")
    assert "heartbeat_ms" not in downloaded(page)["parameters"]
    heartbeat.fill("60")
    expect(heartbeat).to_have_attribute("aria-invalid", "false")
    assert downloaded(page)["parameters"]["heartbeat_ms"] == 60


def test_the_servers_refusal_stands_at_its_field(page: Page) -> None:
    page.goto("/build?from=RA-01")
    page.get_by_role("heading", name="Fault script").click()
    page.get_by_role("complementary", name="Settings").get_by_role(
        "button", name=re.compile("Kill n1")
    ).click()
    page.get_by_label("To whom").fill("n99")
    entry = page.locator('[data-path="faults[0].target"]')
    expect(entry.get_by_role("alert")).to_contain_text("n99")
    page.get_by_label("To whom").fill("leader")
    expect(entry.get_by_role("alert")).to_have_count(0)


def test_undo_redo_rename_and_delete(page: Page) -> None:
    page.goto("/build")
    page.get_by_role("combobox", name="Begin with").select_option("three_regions_5")
    at_rest(page)
    mark(page, "node n3").click()
    field(page, "Name").fill("witness")
    expect(mark(page, "node witness")).to_be_visible()
    button(page, "Undo").click()
    expect(mark(page, "node n3")).to_be_visible()
    button(page, "Redo").click()
    at_rest(page)
    mark(page, "node witness").click()
    page.keyboard.press("Delete")
    expect(mark(page, "node witness")).to_have_count(0)
    assert [node["id"] for node in downloaded(page)["topology"]["nodes"]] == ["n1", "n2", "n4", "n5"]
    page.keyboard.press("Control+z")
    expect(mark(page, "node witness")).to_be_visible()


def test_a_file_goes_out_and_comes_back(page: Page, tmp_path: Path) -> None:
    page.goto("/build?from=RA-03")
    expect(mark(page, "node n5")).to_be_visible()
    experiment = downloaded(page)
    experiment["stop_s"] = 21
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(experiment), encoding="utf-8")
    page.goto("/build")
    page.locator('input[type="file"]').set_input_files(file)
    expect(mark(page, "node n5")).to_be_visible()
    assert downloaded(page) == experiment
    file.write_text("{", encoding="utf-8")
    page.locator('input[type="file"]').set_input_files(file)
    expect(page.get_by_role("alert").filter(has_text="not valid JSON")).to_be_visible()


def test_a_node_is_dragged_into_another_zone(page: Page) -> None:
    page.goto("/build")
    page.get_by_role("combobox", name="Begin with").select_option("three_regions_5")
    expect(mark(page, "node n5")).to_be_visible()
    at_rest(page)
    mark(page, "node n5").hover()
    page.mouse.down()
    box = mark(page, "zone east-a").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 90, steps=12)
    page.mouse.up()
    expect(page.get_by_role("combobox", name="Stands in")).to_have_count(0)
    assert nodes_by_zone(downloaded(page))["east-a"] == ["n1", "n4", "n5"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_editor_is_accessible(new_page: NewPage, theme: str) -> None:
    page = new_page(color_scheme=theme)
    page.goto("/build?from=RA-01")
    at_rest(page)
    mark(page, "node n1").click()
    for section in ("Title, seed and time", "Clients", "Fault script", "Checks"):
        page.get_by_role("heading", name=section).click()
    assert serious_problems(page) == []


def test_the_editor_fits_a_phone_in_chinese(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.goto("/build")
    page.get_by_role("combobox", name="从……开始").select_option("three_regions_5")
    expect(page.get_by_role("region", name="画布")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
