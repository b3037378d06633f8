"""The JSON API of "When was it lost?"."""

from __future__ import annotations

from typing import Annotated

import msgspec
from django.http import HttpRequest, HttpResponse

from simulations import selectors, visitors
from simulations.api import body, endpoint, integer, reply, spend
from simulations.models import Run
from simulations.services import losses, sweeps
from simulations.sweeps.loss import POINTS, SEEDS
from simulations.wire import BadInput

POINTS_MAX = 200
SEEDS_MAX = 1_000


class LossBody(msgspec.Struct, forbid_unknown_fields=True):
    """``branch``: the one that is shown unless it is named."""

    check: Annotated[str, msgspec.Meta(min_length=1, max_length=300)] = losses.CHECK
    points: Annotated[int, msgspec.Meta(ge=2, le=POINTS_MAX)] = POINTS
    seeds: Annotated[int, msgspec.Meta(ge=1, le=SEEDS_MAX)] = SEEDS
    branch: Annotated[int, msgspec.Meta(ge=0, le=10**6)] | None = None


@endpoint("GET", "POST")
def of_run(request: HttpRequest, code: str) -> HttpResponse:
    """GET: {loss: the newest LossState of a branch as it is now, or null}; POST: ask."""
    run = _run(code)
    visitor = visitors.visitor_of(request)
    shown = selectors.playhead_of(run).branch
    if request.method != "POST":
        row = losses.of_run(run, integer(request, "branch", shown, 10**6) or 0)
        return reply({"loss": None if row is None else losses.state(row, visitor)})
    spend(request, "runs")
    given = body(request, LossBody)
    branch = shown if given.branch is None else given.branch
    row = losses.start(run, branch, visitor, check=given.check, points=given.points, seeds=given.seeds)
    return reply(losses.state(row, visitor), 201)


def _run(code: str) -> Run:
    run = selectors.find_run(code)
    if run is None:
        raise BadInput("run", "there is no such run", status=404)
    return run


@endpoint("GET")
def one(request: HttpRequest, code: str) -> HttpResponse:
    """LossState."""
    return reply(losses.state(losses.find(code), visitors.visitor_of(request)))


@endpoint("POST")
def cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Stop; what is done stays."""
    visitor = visitors.visitor_of(request)
    return reply(losses.state(sweeps.cancel(losses.find(code), visitor), visitor))
