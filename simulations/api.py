"""The JSON API. Every input is decoded strictly; every error is `{error: {field, message, allowed?}}`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, TypeVar

import msgspec
import redis
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.csrf import csrf_failure
from django.views.decorators.cache import never_cache
from django.views.defaults import server_error

from simulations import limits, selectors, visitors, wire
from simulations.live.detail import AGGREGATE, FULL, LEVELS
from simulations.refusals import TOO_MANY, UNABLE
from simulations.services import (
    experiments,
    exports,
    grants,
    links,
    messages,
    ranges,
    rules,
    runs,
    scripts,
    states,
)
from simulations.wire import BadInput

log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]
T = TypeVar("T")
UTF8 = "utf-8"


def reply(data: Any, status: int = 200) -> HttpResponse:
    """A JSON answer."""
    return HttpResponse(wire.encode_json(data), content_type="application/json", status=status)


def endpoint(*methods: str) -> Callable[[View], View]:
    """A view of the API: its methods, errors as JSON, and the visitor's cookie.

    Where GET is allowed, HEAD is answered alike (the server leaves the body out): a view that changes something asks
    for the method that does.
    """
    allowed = (*methods, "HEAD") if "GET" in methods else methods

    def wrap(view: View) -> View:
        @wraps(view)
        @never_cache
        def door(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
            try:
                if request.method not in allowed:
                    raise BadInput("method", "is not allowed here", allowed, status=405)
                require_storable(request.META["QUERY_STRING"])
                response = view(request, *arguments, **named)
            except BadInput as error:
                response = failure(error)
            except (DatabaseError, redis.RedisError, OSError):
                log.exception("%s %s failed", request.method, request.path)
                response = failure(BadInput("server", UNABLE, status=503))
                response["Retry-After"] = "5"
            if response.status_code == 405:
                response["Allow"] = ", ".join(allowed)
            visitors.remember(request, response)
            return response

        return door

    return wrap


@endpoint("GET", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
def nothing(request: HttpRequest) -> HttpResponse:
    """An address of the API that means nothing."""
    raise BadInput("address", "there is no such address", status=404)


def without_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What Django shows where the CSRF token is missing: to scripts an error of the API, to people a page."""
    if not request.path.startswith("/api/"):
        return csrf_failure(request, reason=reason)
    return failure(BadInput("X-CSRFToken", "is missing or not that of the cookie", status=403))


def unusable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django shows of a request that it cannot read. Its own page looks for the CSRF token of people in the very
    form that cannot be read, and fails.
    """
    if not request.path.startswith("/api/"):
        return render(request, "400.html", status=400)
    try:
        require_utf8(request)
        if isinstance(exception, RequestDataTooBig):
            most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            raise BadInput("body", f"longer than {most} bytes", status=413)
    except BadInput as error:
        return failure(error)
    return failure(BadInput("query" if request.method in ("GET", "HEAD") else "body", "cannot be read"))


def broken(request: HttpRequest) -> HttpResponse:
    """What is shown where the product itself failed: to scripts an error of the API, to people a page."""
    if not request.path.startswith("/api/"):
        return server_error(request)
    return failure(BadInput("server", UNABLE, status=500))


def require_storable(query: str) -> None:
    """BadInput for the character that PostgreSQL cannot store, and nobody means."""
    if "%00" in query:
        raise BadInput("query", wire.UNSTORABLE)


def failure(error: BadInput) -> HttpResponse:
    """An error as the page reads it."""
    found: dict[str, Any] = {"error": error.plain()}
    if isinstance(error, experiments.BadExperiment):
        found["errors"] = error.problems
    return reply(found, error.status)


def body(request: HttpRequest, shape: type[T]) -> T:
    """The JSON body as a struct. BadInput names the field; a body of another type or too large is refused."""
    if request.content_type != "application/json":
        raise BadInput("Content-Type", "must be application/json", ["application/json"], status=415)
    require_utf8(request)
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > limits.EXPERIMENT_BYTES_MAX:
        raise BadInput("body", f"longer than {limits.EXPERIMENT_BYTES_MAX} bytes", status=413)
    return wire.decode_strictly(msgspec.json.Decoder(shape), request.body, whole="body")


def require_utf8(request: HttpRequest) -> None:
    """BadInput when a body is said to be in another encoding than the one in which all bodies are read."""
    given = (request.content_params or {}).get("charset", UTF8)
    if given.lower() not in (UTF8, "utf8"):
        raise BadInput("Content-Type", "must be in UTF-8", [f"charset={UTF8}"], status=415)


def integer(request: HttpRequest, name: str, default: int | None, highest: int = 10**13) -> int | None:
    """A whole number of the query."""
    text = request.GET.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 14 or int(text) > highest:
        raise BadInput(name, "must be a whole number", [f"0..{highest}"])
    return int(text)


def spend(request: HttpRequest, purpose: str) -> None:
    """Count one use against the limits of this visitor and, far above, of this address."""
    met = limits.spend(purpose, visitors.visitor_of(request), visitors.address_of(request))
    if met is not None:
        raise BadInput(met, TOO_MANY, status=429)


# What there is ---------------------------------------------------------


@endpoint("GET")
def systems(request: HttpRequest) -> HttpResponse:
    """Descriptors of all systems, with the fault vocabulary."""
    return reply(exports.descriptors())


@endpoint("GET")
def system_source(request: HttpRequest, name: str) -> HttpResponse:
    """The functions of a system, so that the page can show the rule that ran."""
    return reply({"functions": rules.rules_of(name)})


@endpoint("GET")
def catalogue(request: HttpRequest) -> HttpResponse:
    """The experiments that ship, as cards."""
    return reply(exports.cards())


@endpoint("GET")
def concepts(request: HttpRequest) -> HttpResponse:
    """The rows of the article with what holds, and the verdicts of the experiments that show it."""
    return reply(exports.concept_cards())


@endpoint("GET")
def catalogue_entry(request: HttpRequest, id: str) -> HttpResponse:
    """One experiment, plain."""
    return reply(experiments.plain_of(experiments.named(id)))


@endpoint("GET")
def catalogue_range(request: HttpRequest, id: str) -> HttpResponse:
    """Frames of an experiment as nobody has touched it, for cards and the front page: no run is made."""
    from_us, to_us = integer(request, "from_us", 0) or 0, integer(request, "to_us", None)
    found = ranges.catalogue_range(experiments.named(id), from_us, to_us)
    return range_reply(request, found)


class CheckBody(msgspec.Struct, forbid_unknown_fields=True):
    experiment: dict[str, Any]


@endpoint("POST")
def check_experiment(request: HttpRequest) -> HttpResponse:
    """The normal form of an experiment, or everything that is wrong with it."""
    spend(request, "checks")
    experiment = experiments.parse(body(request, CheckBody).experiment)
    experiments.require_available(experiment)
    return reply({"experiment": experiments.plain_of(experiment), "warnings": []})


# Runs ---------------------------------------------------------


class From(msgspec.Struct, forbid_unknown_fields=True):
    run: wire.Name | None = None
    link: wire.Name | None = None
    branch: wire.Number | None = None
    at_us: wire.Micros | None = None


class RunBody(msgspec.Struct, forbid_unknown_fields=True):
    experiment: str | dict[str, Any] | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None
    set: dict[str, Any] | None = None
    from_: From | None = msgspec.field(default=None, name="from")
    title: Annotated[str, msgspec.Meta(max_length=limits.TITLE_MAX)] = ""
    playing: bool = True


@endpoint("POST")
def create_run(request: HttpRequest) -> HttpResponse:
    """A run of an experiment, or a fork of a run or of a saved link."""
    spend(request, "runs")
    given = body(request, RunBody)
    visitor = visitors.visitor_of(request)
    if (given.experiment is None) == (given.from_ is None):
        raise BadInput("experiment", "exactly one of experiment and from is needed", ["experiment", "from"])
    run = _fork(visitor, given.from_) if given.from_ is not None else _create(visitor, given)
    return reply({"code": run.code, "url": f"/r/{run.code}"}, 201)


def _fork(visitor: str, source: From) -> Any:
    if (source.run is None) == (source.link is None):
        raise BadInput("from", "exactly one of run and link is needed", ["run", "link"])
    if source.link is not None:
        link = selectors.find_link(source.link)
        if link is None:
            raise BadInput("from.link", "there is no such link", status=404)
        return links.fork_link(visitor=visitor, link=link, branch=source.branch, at_us=source.at_us)
    return runs.fork_run(visitor=visitor, code=str(source.run), branch=source.branch, at_us=source.at_us)


def _create(visitor: str, given: RunBody) -> Any:
    if isinstance(given.experiment, str):
        experiment = experiments.named(given.experiment)
    else:
        experiment = experiments.parse(given.experiment)
    if given.set is not None and not wire.finite(given.set):
        raise BadInput("set", "is too large, too deep or holds a number that is not finite")
    experiment = experiments.with_overrides(experiment, given.set or {})
    experiments.require_available(experiment)
    return runs.create_run(
        visitor=visitor, experiment=experiment, seed=given.seed, title=given.title, playing=given.playing
    )


def _run(code: str) -> Any:
    run = selectors.find_run(code)
    if run is None:
        raise BadInput("run", "there is no such run", status=404)
    return run


@endpoint("GET")
def run_state(request: HttpRequest, code: str) -> HttpResponse:
    """RunState."""
    run = _run(code)
    runs.note_visit(run)
    return reply(states.run_state(run, visitors.visitor_of(request)))


class ScriptBody(msgspec.Struct, forbid_unknown_fields=True):
    key: wire.Key
    branch: wire.Number
    at_us: wire.Micros
    faults: list[dict[str, Any]]


@endpoint("POST")
def play_script(request: HttpRequest, code: str) -> HttpResponse:
    """A branch that follows another fault script; the shared playhead goes there."""
    spend(request, "runs")
    given = body(request, ScriptBody)
    branch = scripts.play(
        code=code,
        visitor=visitors.visitor_of(request),
        key=given.key,
        branch=given.branch,
        at_us=given.at_us,
        faults=given.faults,
    )
    return reply({"branch": branch.number}, 201)


@endpoint("GET")
def run_range(request: HttpRequest, code: str) -> HttpResponse:
    """Frames that cover a span, computed again when nobody has them any more."""
    run = _run(code)
    branch = integer(request, "branch", selectors.playhead_of(run).branch, 10**6)
    from_us = integer(request, "from_us", 0) or 0
    limit = integer(request, "limit", limits.RANGE_FRAMES_MAX, limits.RANGE_FRAMES_MAX)
    to_us = integer(request, "to_us", None)
    level = request.GET.get("level", AGGREGATE)
    if level not in LEVELS:
        raise BadInput("level", "there is no such level", LEVELS)
    found = ranges.run_range(run, int(branch or 0), from_us, to_us, int(limit or 1), refined=level == FULL)
    return range_reply(request, found)


def range_reply(request: HttpRequest, found: ranges.Range) -> HttpResponse:
    """Frames behind their lengths; complete ones never change and may be kept by anybody."""
    if request.headers.get("If-None-Match") == found.etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(found.data, content_type="application/octet-stream")
    response["ETag"] = found.etag
    response["X-Head-Us"] = str(found.head_us)
    response["X-Complete"] = "1" if found.complete else "0"
    response["Cache-Control"] = "private, max-age=86400, immutable" if found.complete else "no-store"
    return response


@endpoint("POST")
def run_messages(request: HttpRequest, code: str) -> HttpResponse:
    """One socket message by HTTP."""
    spend(request, "messages")
    require_utf8(request)
    if len(request.body) > limits.MESSAGE_BYTES_MAX:
        raise BadInput("body", f"longer than {limits.MESSAGE_BYTES_MAX} bytes", status=413)
    _run(code)
    message = wire.decode_message(request.body)
    answers = messages.handle(code=code, visitor=visitors.visitor_of(request), message=message)
    return reply({"messages": answers})


POLLED = re.compile(r"\d{1,15}-\d{1,9}", re.ASCII)


@endpoint("GET")
def run_poll(request: HttpRequest, code: str) -> HttpResponse:
    """RunState for a page without a socket; asking keeps the run simulated ahead."""
    run = _run(code)
    runs.note_visit(run)
    after = request.GET.get("after", "")
    if after and not POLLED.fullmatch(after):
        raise BadInput("after", "is not what an earlier answer said")
    return reply(messages.poll(run, visitors.visitor_of(request), after))


@endpoint("GET")
def run_export(request: HttpRequest, code: str) -> HttpResponse:
    """Downloads: experiment, trace, history, recipe."""
    run = _run(code)
    branch = integer(request, "branch", selectors.playhead_of(run).branch, 10**6)
    name, kind, data = exports.export(run, int(branch or 0), request.GET.get("format", ""))
    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class ShareBody(msgspec.Struct, forbid_unknown_fields=True):
    open_control: bool


@endpoint("POST")
def run_share(request: HttpRequest, code: str) -> HttpResponse:
    """Give the pen to everybody who comes, or take it back."""
    given = body(request, ShareBody)
    grants.open_to_all(code=code, visitor=visitors.visitor_of(request), open=given.open_control)
    return reply({"open_control": given.open_control})


@endpoint("POST")
def run_preload(request: HttpRequest, code: str) -> HttpResponse:
    """Compute the shared branch to its end and keep it."""
    spend(request, "messages")
    return reply(messages.preload(code=code, visitor=visitors.visitor_of(request)))


# Links, grants, mine ---------------------------------------------------------


class LinkBody(msgspec.Struct, forbid_unknown_fields=True):
    run: wire.Name
    branch: wire.Number
    at_us: wire.Micros
    title: Annotated[str, msgspec.Meta(max_length=limits.TITLE_MAX)] = ""


@endpoint("POST")
def create_link(request: HttpRequest) -> HttpResponse:
    """Save a moment."""
    spend(request, "links")
    given = body(request, LinkBody)
    link = links.save_link(
        visitor=visitors.visitor_of(request),
        code=given.run,
        branch=given.branch,
        at_us=given.at_us,
        title=given.title,
    )
    return reply({"slug": link.slug, "url": f"/e/{link.slug}"}, 201)


def _link(slug: str) -> Any:
    link = selectors.find_link(slug)
    if link is None:
        raise BadInput("link", "there is no such link", status=404)
    return link


@endpoint("GET")
def link_state(request: HttpRequest, slug: str) -> HttpResponse:
    """LinkState."""
    return reply(links.link_state(_link(slug), visitors.visitor_of(request)))


@endpoint("GET")
def link_range(request: HttpRequest, slug: str) -> HttpResponse:
    """Recorded frames."""
    link = _link(slug)
    data = links.link_frames(link, integer(request, "from_us", 0) or 0, integer(request, "to_us", None))
    return range_reply(request, ranges.recorded(data, link))


@endpoint("GET")
def mine(request: HttpRequest) -> HttpResponse:
    """This browser's runs and links."""
    visitor = visitors.visitor_of(request)
    own = {"runs": selectors.runs_of(visitor), "links": selectors.links_of(visitor)}
    return reply({"you": visitor, "name": visitors.name_of(request), **own})


class NameBody(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=200)]


@endpoint("POST")
def set_name(request: HttpRequest) -> HttpResponse:
    """The name others see beside this browser's pen; "" for none."""
    spend(request, "messages")
    name = visitors.rename(request, body(request, NameBody).name)
    return reply({"you": visitors.visitor_of(request), "name": name})


class GrantBody(msgspec.Struct, forbid_unknown_fields=True):
    run: wire.Name
    role: str


@endpoint("POST")
def create_grant(request: HttpRequest) -> HttpResponse:
    """A link that hands a role to whoever opens it first."""
    spend(request, "grants")
    given = body(request, GrantBody)
    grant = grants.give(code=given.run, visitor=visitors.visitor_of(request), role=given.role)
    url = reverse("grant", args=[grant["token"]])
    return reply({**grant, "url": url, "origins": settings.ORIGINS}, 201)


@endpoint("DELETE")
def revoke_grant(request: HttpRequest, id: int) -> HttpResponse:
    """Take a role back."""
    grants.revoke(grant_id=id, visitor=visitors.visitor_of(request))
    return reply({"revoked": id})
