"""The report of a run, as a page and as a download."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from simulations import selectors
from simulations.api import endpoint, integer, spend
from simulations.services import reports, runs
from simulations.wire import BadInput


@endpoint("GET")
def run_report(request: HttpRequest, code: str) -> HttpResponse:
    """A report in ``format`` html, md or pdf and ``language`` en or zh (the reader's own when left out)."""
    run: Any = selectors.find_run(code)
    if run is None:
        raise BadInput("run", "there is no such run", status=404)
    spend(request, "reports")
    runs.note_visit(run)
    format = request.GET.get("format", "html")
    own = "zh" if (get_language() or "").startswith("zh") else "en"
    branch = integer(request, "branch", selectors.playhead_of(run).branch, 10**6)
    name, kind, data = reports.report(run, int(branch or 0), format, request.GET.get("language", own))
    response = HttpResponse(data, content_type=kind)
    if format != "html":
        response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
