"""Who may drive: the pen handed to one browser by a one-time link, or to all, and taken back."""

from __future__ import annotations

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.utils import timezone

from simulations import selectors
from simulations.live.publish import publish
from simulations.models import Grant, Run
from simulations.wire import BadInput

GRANT_DAYS = 30
ROLES_GIVEN = ("owner", "controller", "viewer")


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def _owned(code: str, visitor: str) -> Run:
    run = selectors.find_run(code)
    if run is None:
        raise BadInput("run", "there is no such run", status=404)
    if selectors.role_of(run, visitor) != "owner":
        raise BadInput("run", "only the owner hands out control", status=403)
    return run


def give(*, code: str, visitor: str, role: str) -> dict[str, Any]:
    """A link with a one-time token; whoever opens it first has the role."""
    if role not in ROLES_GIVEN:
        raise BadInput("role", "unknown role", ROLES_GIVEN)
    run = _owned(code, visitor)
    token = secrets.token_urlsafe(24)
    grant = Grant.objects.create(
        run=run,
        role=role,
        token_hash=token_hash(token),
        expires_at=timezone.now() + timedelta(days=GRANT_DAYS),
    )
    return {"id": grant.pk, "role": role, "token": token, "url": f"/g/{token}"}


def exchange(*, token: str, visitor: str) -> str:
    """Give the holder of a token its role, once; the clean address to go to. BadInput when the token is
    spent.
    """
    with transaction.atomic():
        grant = (
            Grant.objects.select_for_update(of=("self",))
            .select_related("run")
            .filter(token_hash=token_hash(token), revoked_at__isnull=True, expires_at__gt=timezone.now())
            .first()
        )
        if grant is None or (grant.holder and grant.holder != visitor):
            raise BadInput("token", "this link was used already, has expired or was taken back", status=404)
        grant.holder = visitor
        grant.save(update_fields=["holder"])
    tell_roles(grant.run.code, visitor)
    return f"/r/{grant.run.code}"


def revoke(*, grant_id: int, visitor: str) -> None:
    """Take a grant back; open sockets learn it at once."""
    grant = Grant.objects.select_related("run").filter(pk=grant_id).first()
    if grant is None:
        raise BadInput("grant", "there is no such grant", status=404)
    _owned(grant.run.code, visitor)
    Grant.objects.filter(pk=grant_id).update(revoked_at=timezone.now())
    tell_roles(grant.run.code, grant.holder)


def open_to_all(*, code: str, visitor: str, open: bool) -> None:
    """Give the pen to everybody who comes, or take it back."""
    run = _owned(code, visitor)
    Run.objects.filter(pk=run.pk).update(open_control=open)
    tell_roles(code, "")


def tell_roles(code: str, visitor: str) -> None:
    """The sockets of this visitor ("" for all) look up their role again."""
    publish(code, {"type": "run.role", "visitor": visitor})
