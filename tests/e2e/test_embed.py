"""A saved link in the frame of another page: it plays, tells its height, and leads to the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from playwright.sync_api import Page, expect

from tests.e2e.kit import open_run, wait_for_leader
from tests.stack import RunningStack

SAVE = """async (code) => {
  const body = JSON.stringify({run: code, branch: 0, at_us: 0, title: 'Framed'});
  const answer = await fetch('/api/links', {method: 'POST', body,
    headers: {'Content-Type': 'application/json', 'X-CSRFToken': document.body.dataset.csrf}});
  return (await answer.json()).slug;
}"""
FOREIGN = """<html><body><script>
  addEventListener('message', (event) => { document.title = `${event.data.type} ${event.data.height}`; });
</script><iframe src="%s/e/%s/embed?autoplay&view=space" width="800" height="500"></iframe></body></html>"""


@contextmanager
def blog(body: str) -> Iterator[str]:
    """Somebody else's page, at an origin of its own."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/blog"
    server.shutdown()


def test_a_saved_link_plays_in_a_foreign_page(page: Page, stack: RunningStack) -> None:
    url = open_run(page)
    wait_for_leader(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    slug = page.evaluate(SAVE, url.rpartition("/")[2])
    with blog(FOREIGN % (stack.base_url, slug)) as address:
        page.goto(address)
        see_it_play(page, slug)


def test_a_frame_with_little_around_it_still_plays(page: Page, stack: RunningStack) -> None:
    url = open_run(page)
    wait_for_leader(page)
    slug = page.evaluate(SAVE, url.rpartition("/")[2])
    found = page.request.get(f"/oembed?url={stack.base_url}/e/{slug}&maxwidth=500").json()
    assert found["type"] == "rich"
    assert found["width"] == 500
    framed = found["html"].replace("/embed", "/embed?controls=min&amp;view=map")
    with blog(f"<html><body>{framed}</body></html>") as address:
        page.goto(address)
        frame = page.frame_locator("iframe")
        expect(frame.locator("[data-node]")).to_have_count(5)
        expect(frame.get_by_role("slider")).to_have_count(0)
        expect(frame.locator("p.result")).to_have_count(0)
        frame.get_by_role("button", name="Play", exact=True).click()
        expect(frame.get_by_role("button", name="Pause", exact=True)).to_be_visible()


def see_it_play(page: Page, slug: str) -> None:
    """The frame is drawn, plays, and has told its owner a height."""
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Framed")).to_be_visible()
    expect(frame.get_by_role("region", name="Space-time")).to_be_visible()
    expect(frame.get_by_role("button", name="Pause", exact=True)).to_be_visible()  # it plays by itself
    expect(frame.get_by_role("link", name="Open in Platform Lab")).to_have_attribute("href", f"/e/{slug}")
    expect(page).to_have_title(re.compile(r"^platform-lab:resize \d{3}$"))
