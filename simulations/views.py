"""The pages: Django renders title, description and preview; the bundle draws the rest from the API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from simulations import catalogue, selectors, visitors
from simulations.engine import experiment as format
from simulations.engine.harness import systems_of
from simulations.engine.process import Text
from simulations.models import Experiment
from simulations.services import experiments, exports, grants, runs
from simulations.wire import BadInput

LIVE_ON_FRONT_PAGE = "RA-01"


def described(experiment: format.Experiment) -> SafeString:
    """What the page has to know of this experiment's systems, as JSON inside the page: one request less, and
    not all systems.
    """
    text = bytes(exports.descriptors(*systems_of(experiment))).decode()
    return mark_safe(text.replace("<", "\\u003C").replace(">", "\\u003E").replace("&", "\\u0026"))


WHAT_IT_IS = Text(
    "Draw a cluster, choose how it replicates, break it while it runs, and see what survived.",
    "画出一个集群，选择复制方式，在运行中破坏它，看看什么能幸存下来。",
)


WHAT_A_CHECK_IS = Text(
    "Upload what the clients of a store asked and were told, and see whether one order of the operations explains "
    "every answer.",
    "上传客户端问了什么、得到了什么答复，看看是否存在一种操作顺序能解释所有答复。",
)


def said(text: Text) -> str:
    """A text in the reader's language."""
    return text.zh if (get_language() or "").startswith("zh") else text.en


def page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    """Render a page and give the browser its visitor id. Texts of the context are said in the reader's language."""
    visitors.visitor_of(request)
    spoken = {name: said(value) if isinstance(value, Text) else value for name, value in context.items()}
    spoken["description"] = spoken.get("description") or said(WHAT_IT_IS)
    response = render(request, template, {"language": get_language(), **spoken})
    visitors.remember(request, response)
    return response


def words(row: Experiment) -> dict[str, str]:
    """Title and question of an experiment in the reader's language, and what its systems are like."""
    experiment = experiments.parsed(row.plain)
    chinese = (get_language() or "").startswith("zh")
    title = experiment.title.zh if chinese else experiment.title.en
    question = experiment.question
    text = "" if question is None else question.zh if chinese else question.en
    return {"title": title, "description": text, "described": described(experiment)}


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """A running cluster one can break."""
    shown = catalogue.load(LIVE_ON_FRONT_PAGE)
    return page(request, "home.html", experiment=LIVE_ON_FRONT_PAGE, described=described(shown))


@require_safe
@never_cache
def gallery(request: HttpRequest) -> HttpResponse:
    """The catalogue."""
    return page(request, "gallery.html", title=Text("Gallery", "实验库"))


@require_safe
@never_cache
def build(request: HttpRequest) -> HttpResponse:
    """The editor."""
    return page(request, "build.html", title=Text("Build", "搭建"))


@require_safe
@never_cache
def concepts(request: HttpRequest) -> HttpResponse:
    """What the words mean."""
    return page(request, "concepts.html", title=Text("Concepts", "概念"))


@require_safe
@never_cache
def history(request: HttpRequest) -> HttpResponse:
    """A check of anybody's client history, drawn."""
    return page(
        request, "history.html", title=Text("Check a history", "检查历史"), description=WHAT_A_CHECK_IS
    )


@require_safe
@never_cache
def open_file(request: HttpRequest) -> HttpResponse:
    """A trace file of the visitor's, played without leaving the browser."""
    return page(request, "open.html", title=Text("Open a trace file", "打开轨迹文件"))


@require_safe
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """This browser's runs and links."""
    return page(request, "mine.html", title=Text("My runs and links", "我的运行与链接"))


@require_safe
@never_cache
def run(request: HttpRequest, code: str) -> HttpResponse:
    """A live run."""
    found = selectors.find_run(code)
    if found is None:
        raise Http404("There is no such run.")
    runs.note_visit(found)
    context = words(found.experiment)
    return page(request, "run.html", code=code, **{**context, "title": found.title or context["title"]})


@require_safe
@never_cache
def link(request: HttpRequest, slug: str) -> HttpResponse:
    """A saved link."""
    found = selectors.find_link(slug)
    if found is None:
        raise Http404("There is no such link.")
    context = words(found.experiment)
    here = f"{settings.ORIGINS[0]}/e/{slug}"
    found_by = f"{settings.ORIGINS[0]}/oembed?{urlencode({'url': here})}"
    return page(request, "link.html", slug=slug, oembed_url=found_by, **{**context, "title": found.title})


@require_GET  # and no HEAD: who only looks at the address, as messengers do, must not use it up
@never_cache
def grant(request: HttpRequest, token: str) -> HttpResponse:
    """Exchange a one-time token and go to the clean address."""
    try:
        address = grants.exchange(token=token, visitor=visitors.visitor_of(request))
    except BadInput as error:
        raise Http404(error.message) from error
    response = HttpResponseRedirect(address)
    response["Referrer-Policy"] = "no-referrer"
    visitors.remember(request, response)
    return response
