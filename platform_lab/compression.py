"""Text is sent compressed; frames are compressed already, in the worker, once for everybody."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "application/json")


class TextCompression(GZipMiddleware):
    """Django's gzip (with its padding against guessed secrets) for pages and JSON alone."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.get("Content-Type", "").partition(";")[0]
        return super().process_response(request, response) if kind in COMPRESSED else response
