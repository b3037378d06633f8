"""Saved links inside other pages: a frame without the tools, and how an editor that speaks oEmbed finds it."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from simulations import selectors, views
from simulations.api import endpoint, integer, reply
from simulations.wire import BadInput

WIDTH, HEIGHT = 860, 560
SMALLEST = 240


@require_safe
@never_cache
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]  # a saved link shows what everybody with its address may see
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """A saved link in a frame: the picture, the clock, and the way to the whole page."""
    link = selectors.find_link(slug)
    if link is None:
        raise Http404("There is no such link.")
    return views.page(
        request, "embed.html", slug=slug, **{**views.words(link.experiment), "title": link.title}
    )


@endpoint("GET")
def oembed(request: HttpRequest) -> HttpResponse:
    """oEmbed 1.0: `?url=` the address of a saved link; `maxwidth`, `maxheight` in pixels."""
    if request.GET.get("format", "json") != "json":
        raise BadInput("format", "only json is served", ["json"], status=501)
    slug = slug_of(request.GET.get("url", ""))
    link = selectors.find_link(slug)
    if link is None:
        raise BadInput("url", "there is no such link", status=404)
    width = fitting(integer(request, "maxwidth", WIDTH), WIDTH)
    height = fitting(integer(request, "maxheight", HEIGHT), HEIGHT)
    address = f"{settings.ORIGINS[0]}/e/{slug}/embed"
    title = link.title or views.words(link.experiment)["title"]
    return reply(described(address, title, width, height))


def described(address: str, title: str, width: int, height: int) -> dict[str, Any]:
    """The answer for a frame of this size."""
    frame = (
        f'<iframe src="{escape(address)}" width="{width}" height="{height}" title="{escape(title)}" '
        'loading="lazy"></iframe>'
    )
    return {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Platform Lab",
        "provider_url": settings.ORIGINS[0],
        "title": title,
        "width": width,
        "height": height,
        "html": frame,
    }


def slug_of(url: str) -> str:
    """The slug of a saved link's address. BadInput for any other address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    head, _, slug = parts.path.removesuffix("/embed").rpartition("/")
    if head != "/e" or f"{parts.scheme}://{parts.netloc}" not in settings.ORIGINS:
        raise BadInput("url", "must be the address of a saved link", [f"{settings.ORIGINS[0]}/e/..."])
    return slug


def fitting(asked: int | None, usual: int) -> int:
    """A size within what was asked for, never too small to show anything."""
    return max(SMALLEST, min(asked or usual, usual))
