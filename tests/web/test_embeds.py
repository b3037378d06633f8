"""Saved links inside other pages: who may frame what, and what an editor that speaks oEmbed is told."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client

from simulations.services import links
from tests.web import kit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("live_redis")]


@pytest.fixture
def slug() -> str:
    """A saved link."""
    run = kit.make_run()
    kit.work(run.code)
    return links.save_link(visitor=kit.OWNER, code=run.code, branch=0, at_us=0, title='A "small" one').slug


def oembed(client: Client, **query: Any) -> Any:
    return client.get(f"/oembed?{urlencode(query)}")


def test_any_page_may_frame_the_embedded_link_and_nothing_else(client: Client, slug: str) -> None:
    framed = client.get(f"/e/{slug}/embed")
    assert "frame-ancestors *" in framed["content-security-policy"]
    assert "default-src 'none'" in framed["content-security-policy"]
    for other in (f"/e/{slug}", "/", "/mine"):
        assert "frame-ancestors 'self'" in client.get(other)["content-security-policy"]
    assert client.get("/e/zzzzzzzz/embed").status_code == 404


def test_a_link_is_found_by_its_address(client: Client, slug: str) -> None:
    page = client.get(f"/e/{slug}").content.decode()
    found = re.search(r'type="application/json\+oembed" href="([^"]+)"', page)
    assert found
    address = html.unescape(found[1])
    assert address.startswith(settings.ORIGINS[0])
    answer = client.get(address.removeprefix(settings.ORIGINS[0])).json()
    assert (answer["version"], answer["type"], answer["title"]) == ("1.0", "rich", 'A "small" one')
    assert f'src="{settings.ORIGINS[0]}/e/{slug}/embed"' in answer["html"]
    assert 'title="A &quot;small&quot; one"' in answer["html"]


def test_the_frame_fits_into_what_was_asked_for(client: Client, slug: str) -> None:
    url = f"{settings.ORIGINS[0]}/e/{slug}"
    small = oembed(client, url=url, maxwidth=400, maxheight=300).json()
    assert (small["width"], small["height"]) == (400, 300)
    assert oembed(client, url=url, maxwidth=99_999).json()["width"] == 860


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({"url": "https://evil.example/e/abcdefgh"}, 400, "url"),
        ({"url": "http://["}, 400, "url"),
        ({}, 400, "url"),
        ({"url": "ORIGIN/e/zzzzzzzz"}, 404, "url"),
        ({"url": "ORIGIN/r/zzzzzz"}, 400, "url"),
        ({"url": "ORIGIN/e/zzzzzzzz", "format": "xml"}, 501, "format"),
        ({"url": "LINK", "maxwidth": "wide"}, 400, "maxwidth"),
    ],
)
def test_what_cannot_be_embedded_is_named(
    client: Client, slug: str, query: dict[str, str], status: int, field: str
) -> None:
    link = f"{settings.ORIGINS[0]}/e/{slug}"
    asked = {
        name: value.replace("ORIGIN", settings.ORIGINS[0]).replace("LINK", link)
        for name, value in query.items()
    }
    answer = oembed(client, **asked)
    assert answer.status_code == status, answer.content
    assert answer.json()["error"]["field"] == field
