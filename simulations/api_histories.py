"""The API of the history page: send a history, then ask until its answer is there."""

from __future__ import annotations

import gzip

from django.http import HttpRequest, HttpResponse

from simulations import limits
from simulations.api import endpoint, reply, require_utf8, spend
from simulations.services import histories
from simulations.wire import BadInput

CONTENT_TYPES = ("text/plain", "application/octet-stream")


@endpoint("POST")
def create(request: HttpRequest) -> HttpResponse:
    """Keep the body, a history file as it is, and have it judged. Query: format, model, initial."""
    spend(request, "histories")
    if request.content_type not in CONTENT_TYPES:
        raise BadInput("Content-Type", "must be the file as it is", CONTENT_TYPES, status=415)
    require_utf8(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > limits.HISTORY_BYTES_MAX:
        raise BadInput("body", f"longer than {limits.HISTORY_BYTES_MAX} bytes", status=413)
    given = request.GET
    question = histories.Question(
        given.get("format") or histories.AUTO, given.get("model") or None, given.get("initial") or None
    )
    # Read as a stream: bodies of the API's other doors are held to a much lower limit.
    text = request.read(limits.HISTORY_BYTES_MAX + 1)
    return reply({"id": histories.submit(text, question)}, 202)


@endpoint("GET")
def answer(request: HttpRequest, id: str) -> HttpResponse:
    """The verdict and what to draw; {state: waiting} until then."""
    packed = histories.found(id)
    if packed is None:
        return reply({"state": "waiting"}, 202)
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return HttpResponse(gzip.decompress(packed), content_type="application/json")
    response = HttpResponse(packed, content_type="application/json")
    response["Content-Encoding"] = "gzip"
    return response
