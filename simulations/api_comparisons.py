"""The JSON API and the page of comparisons: one experiment in two or three forms, in step."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from simulations import views, visitors, wire
from simulations.api import body, endpoint, reply, spend
from simulations.engine.process import Text
from simulations.services import comparisons, experiments
from simulations.services.comparisons import Side
from simulations.wire import BadInput


class ComparisonBody(msgspec.Struct, forbid_unknown_fields=True):
    """`experiment`: catalogue id, slug, or an experiment itself."""

    experiment: str | dict[str, Any]
    sides: Annotated[list[Side], msgspec.Meta(max_length=8)]
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None


@endpoint("POST")
def create(request: HttpRequest) -> HttpResponse:
    """Runs that differ in what the sides say and in nothing else; they wait at their beginning."""
    spend(request, "runs")
    given = body(request, ComparisonBody)
    for index, side in enumerate(given.sides):
        if side.set is not None and not wire.finite(side.set):
            raise BadInput(
                f"sides[{index}].set", "is too large, too deep or holds a number that is not finite"
            )
    made = comparisons.create(
        visitor=visitors.visitor_of(request), reference=given.experiment, sides=given.sides, seed=given.seed
    )
    codes = [run.code for run in made]
    return reply({"runs": codes, "url": f"/compare?runs={','.join(codes)}"}, 201)


@endpoint("GET")
def forms(request: HttpRequest, id: str) -> HttpResponse:
    """The variants and systems that an experiment can be compared with."""
    return reply(comparisons.forms(experiments.named(id)))


@require_safe
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Clusters beside each other on one playhead."""
    return views.page(request, "compare.html", title=Text("Side by side", "并排对比"))
