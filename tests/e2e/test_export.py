"""What one takes home from a run: a moving picture that others can open, and a picture of every view."""

from __future__ import annotations

import struct
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.kit import node, open_run, wait_for_leader

VIEWS = ("Space-time", "Logs", "Clients", "Metrics", "Inboxes", "Map")


def test_a_stretch_goes_home_as_a_moving_picture(page: Page) -> None:
    open_run(page)
    wait_for_leader(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    every_view(page)
    page.get_by_role("button", name="Save link").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("From, s").fill("0.1")
    dialog.get_by_label("To, s").fill("0.4")
    dialog.get_by_label("Speed, ×").fill("1")
    dialog.get_by_label("Width, px").select_option("480")
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Make and download").click()
    frames, width = gif(Path(waiting.value.path()).read_bytes())
    assert waiting.value.suggested_filename.endswith("-map.gif")
    assert (frames, width) == (4, 480)
    cancelled(page)


def test_a_trace_comes_home_and_plays_from_its_file(page: Page) -> None:
    url = open_run(page)
    leader = wait_for_leader(page)
    answer = page.request.get(f"/api/runs/{url.rpartition('/')[2]}/export?format=trace")
    page.goto("/open")
    chooser = page.get_by_label("Choose a file")
    chooser.set_input_files(trace_file(b'{"v": 1}\n'))
    expect(page.get_by_role("alert")).to_contain_text("line 1")
    chooser.set_input_files(trace_file(answer.body()))
    expect(node(page, "n5")).to_be_visible()
    expect(page.get_by_text("A trace from a file, read only.")).to_be_visible()
    expect(page.locator(".place b").first).to_contain_text("east")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(node(page, leader)).to_have_attribute("aria-label", f"{leader}, leader, term 1")


def trace_file(data: bytes) -> FilePayload:
    """A file as somebody chooses it."""
    return {"name": "run-trace.jsonl", "mimeType": "application/x-ndjson", "buffer": data}


def cancelled(page: Page) -> None:
    """A long one can be stopped, and the run stands where it stood."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Speed, ×").fill("0.01")
    dialog.get_by_role("button", name="Make and download").click()
    expect(dialog.get_by_role("progressbar")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog.get_by_role("button", name="Make and download")).to_be_enabled()


def every_view(page: Page) -> None:
    """Each view as a picture that is not empty."""
    for view in VIEWS:
        page.get_by_role("tab", name=view, exact=True).click()
        expect(page.locator(".view section").first).to_be_visible()
        page.get_by_role("button", name="Save link").click()
        for form, head in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
            with page.expect_download() as waiting:
                page.get_by_role("button", name=f"Download {form}").click()
            data = Path(waiting.value.path()).read_bytes()
            assert data.startswith(head)
            assert len(data) > 4_000
        page.keyboard.press("Escape")


def gif(data: bytes) -> tuple[int, int]:
    """Pictures in a GIF, and how wide they are."""
    assert data.startswith(b"GIF89a")
    assert data.endswith(b"\x3b")
    return data.count(b"\x21\xf9\x04"), struct.unpack("<H", data[6:8])[0]
