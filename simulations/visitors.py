"""Who a browser is: an anonymous id in a signed cookie, with a name if its user gave one. No account, nothing
that identifies a person unless the person says so.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote, unquote

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

COOKIE = "visitor"
COOKIE_AGE_S = 2 * 365 * 24 * 3600
COOKIE_CHARACTERS_MAX = 700
NAME_MAX = 40
_signer = signing.Signer(salt="visitor.v1")


def new_visitor() -> str:
    """A fresh id: 128 random bits."""
    return secrets.token_hex(16)


def clean_name(text: str) -> str:
    """A name as others may see it: one line of printable characters (no marks that turn text around), at most
    NAME_MAX of them.
    """
    words = "".join(char if char.isprintable() else " " for char in text).split()
    return " ".join(words)[:NAME_MAX].strip()


def read_visitor(value: str | None) -> tuple[str, str]:
    """(id, name) of a cookie's value, empty when there is none or it is not ours."""
    if not value or len(value) > COOKIE_CHARACTERS_MAX:
        return "", ""
    try:
        visitor, _, name = _signer.unsign(value).partition("~")
    except signing.BadSignature:
        return "", ""
    return visitor, unquote(name)


def read_cookie(value: str | None) -> str:
    """The visitor of a cookie's value, "" when there is none or it is not ours."""
    return read_visitor(value)[0]


def cookie_value(visitor: str, name: str = "") -> str:
    """What the cookie holds."""
    return _signer.sign(f"{visitor}~{quote(name)}" if name else visitor)


def visitor_of(request: HttpRequest) -> str:
    """This browser's id; a new one is kept by `remember`."""
    known = getattr(request, "visitor_id", None) or read_cookie(request.COOKIES.get(COOKIE))
    request.visitor_id = known or new_visitor()  # type: ignore[attr-defined]
    return str(request.visitor_id)  # type: ignore[attr-defined]


def name_of(request: HttpRequest) -> str:
    """The name this browser's user gave, or ""."""
    renamed = getattr(request, "visitor_name", None)
    return read_visitor(request.COOKIES.get(COOKIE))[1] if renamed is None else str(renamed)


def rename(request: HttpRequest, name: str) -> str:
    """Take a name ("" for none), kept by `remember`: what others will see."""
    visitor_of(request)
    request.visitor_name = clean_name(name)  # type: ignore[attr-defined]
    return name_of(request)


def remember(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give a browser without a cookie its id, and a renamed one its name."""
    visitor, name = getattr(request, "visitor_id", None), name_of(request)
    if visitor and read_visitor(request.COOKIES.get(COOKIE)) != (visitor, name):
        response.set_cookie(
            COOKIE,
            cookie_value(visitor, name),
            max_age=COOKIE_AGE_S,
            httponly=True,
            samesite="Lax",
            secure=bool(settings.BEHIND_HTTPS),
        )


def socket_visitor(scope: dict[str, Any]) -> tuple[str, str]:
    """(id, name) of a socket, empty for scripts without a cookie."""
    return read_visitor((scope.get("cookies") or {}).get(COOKIE))


def address_of(request: HttpRequest) -> str:
    """The network address, used for abuse ceilings alone."""
    return str(request.META.get("REMOTE_ADDR") or "")
