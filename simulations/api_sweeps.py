"""The JSON API of sweeps and of searches for the smallest failing case."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from simulations import catalogue, limits, selectors, views, visitors, wire
from simulations.api import body, endpoint, reply, spend
from simulations.engine.experiment import Experiment
from simulations.engine.process import Text
from simulations.live.recipe import LoggedCommand
from simulations.models import Run
from simulations.services import experiments, links, runs, shrinks, sweep_orders, sweeps
from simulations.sweeps.asked import ask
from simulations.sweeps.plan import grid_size
from simulations.wire import BadInput

RUNS_MAX = 20_000
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Names = Annotated[list[wire.Name], msgspec.Meta(max_length=40)]


class SweepBody(msgspec.Struct, forbid_unknown_fields=True):
    """Exactly one of experiment (catalogue id or slug) and run (code, with what was done to it)."""

    first_seed: Seed
    seeds: Annotated[int, msgspec.Meta(ge=1, le=RUNS_MAX)]
    experiment: str | None = None
    run: wire.Name | None = None
    set: dict[str, Any] = {}
    grid: dict[str, list[Any]] = {}
    metrics: Names | None = None
    checks: Names | None = None


@endpoint("GET", "POST")
def collection(request: HttpRequest) -> HttpResponse:
    """This browser's sweeps; or a new one."""
    visitor = visitors.visitor_of(request)
    if request.method != "POST":
        return reply({"sweeps": sweeps.of_visitor(visitor)})
    spend(request, "runs")
    sweep = sweeps.start(_order(body(request, SweepBody), visitor), visitor)
    return reply({"code": sweep.code, "url": f"/sweeps/{sweep.code}"}, 201)


def _order(given: SweepBody, visitor: str) -> sweep_orders.Order:
    if not wire.finite(given.set) or not wire.finite(given.grid):
        raise BadInput("set", "is too large, too deep or holds a number that is not finite")
    if grid_size(given.grid) * given.seeds > RUNS_MAX:
        raise BadInput("seeds", "are too many runs together with the grid", [f"1..{RUNS_MAX} runs"])
    base, reference = _subject(given.experiment, given.run, visitor)
    return sweep_orders.order_of(
        base,
        reference,
        (given.first_seed, given.first_seed + given.seeds - 1),
        settings=given.set,
        grid=given.grid,
        metrics=given.metrics,
        checks=given.checks,
    )


def _subject(experiment: str | None, run: str | None, visitor: str) -> tuple[Experiment, str]:
    """The experiment that is meant, and how to name it."""
    if (experiment is None) == (run is None):
        raise BadInput("experiment", "exactly one of experiment and run is needed", ["experiment", "run"])
    if run is None:
        return experiments.named(str(experiment)), str(experiment)
    found = _run(run)
    base, commands = _recipe(found)
    return sweep_orders.with_commands(base, commands), _name(found, base, commands, visitor)


def _name(run: Run, base: Experiment, commands: list[LoggedCommand], visitor: str) -> str:
    """How a command line names what a run is: the catalogue's id when it is just that, else a link saved for it."""
    shipped = base.id.partition("/")[0] in catalogue.ids() and not commands
    if shipped and experiments.canonical(catalogue.load(base.id)) == experiments.canonical(base):
        return base.id
    branch = selectors.playhead_of(run).branch
    return str(links.save_link(visitor=visitor, code=run.code, branch=branch, at_us=0, title="").slug)


def _run(code: str) -> Run:
    found = selectors.find_run(code)
    if found is None:
        raise BadInput("run", "there is no such run", status=404)
    return found


def _recipe(run: Run) -> tuple[Experiment, list[LoggedCommand]]:
    """The experiment of a run, and what was done on the branch that is shown."""
    line = selectors.branch_of(run, selectors.playhead_of(run).branch)
    if line is None:
        return experiments.parsed(run.experiment.plain), []
    return experiments.parsed(selectors.experiment_of(run, line).plain), list(selectors.commands_of(line))


@endpoint("GET")
def one(request: HttpRequest, code: str) -> HttpResponse:
    """SweepState."""
    return reply(sweeps.state(sweeps.find(code), visitors.visitor_of(request)))


@endpoint("POST")
def cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Stop a sweep; what is done stays."""
    visitor = visitors.visitor_of(request)
    return reply(sweeps.state(sweeps.cancel(sweeps.find(code), visitor), visitor))


@endpoint("POST")
def resume(request: HttpRequest, code: str) -> HttpResponse:
    """Go on with what is not done."""
    visitor = visitors.visitor_of(request)
    return reply(sweeps.state(sweeps.resume(sweeps.find(code), visitor), visitor))


@endpoint("GET")
def failures(request: HttpRequest, code: str) -> HttpResponse:
    """The first runs in which a check came out other than expected."""
    return reply({"failures": sweeps.failing_runs(sweeps.find(code), request.GET.get("check", ""))})


class OpenBody(msgspec.Struct, forbid_unknown_fields=True):
    seed: Seed
    set: dict[str, Any] = {}


@endpoint("POST")
def open_run(request: HttpRequest, code: str) -> HttpResponse:
    """One of the sweep's runs as a live run."""
    spend(request, "runs")
    given = body(request, OpenBody)
    experiment = sweep_experiment(code, given.set)
    run = runs.create_run(visitor=visitors.visitor_of(request), experiment=experiment, seed=given.seed)
    return reply({"code": run.code, "url": f"/r/{run.code}"}, 201)


def sweep_experiment(code: str, settings: dict[str, Any]) -> Experiment:
    """A sweep's experiment with the settings of one of its points."""
    sweep = sweeps.find(code)
    if settings not in [*sweeps.plan_of(sweep).points, {}]:
        points = [str(point) for point in sweeps.plan_of(sweep).points]
        raise BadInput("set", "is no point of this sweep", points)
    return experiments.with_overrides(experiments.parsed(sweep.experiment.plain), settings)


# -- what can be asked for ----------------------------------------------------------------------------------------


@endpoint("GET")
def choices(request: HttpRequest) -> HttpResponse:
    """What a sweep of this experiment can vary and ask, as docs/protocol.md says."""
    code = request.GET.get("run")
    experiment = _recipe(_run(code))[0] if code else experiments.named(request.GET.get("experiment", ""))
    asked = ask(experiment)
    return reply(
        {
            "id": experiment.id,
            "title": msgspec.to_builtins(experiment.title),
            "seed": experiment.seed,
            "knobs": {name: knob.value for name, knob in experiment.knobs.items()},
            "parameters": experiment.parameters,
            "words": experiments.setting_words(experiment),
            "metrics": list(asked.metrics),
            "checks": list(asked.checks),
        }
    )


# -- the smallest failing case ------------------------------------------------------------------------------------


class ShrinkBody(msgspec.Struct, forbid_unknown_fields=True):
    """A run of a sweep (sweep, seed, set), or a live run with everything done on the branch that is shown."""

    check: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    sweep: wire.Name | None = None
    run: wire.Name | None = None
    seed: Seed | None = None
    set: dict[str, Any] = {}


@endpoint("POST")
def begin_shrink(request: HttpRequest) -> HttpResponse:
    """Begin a search."""
    spend(request, "runs")
    given = body(request, ShrinkBody)
    if (given.sweep is None) == (given.run is None):
        raise BadInput("sweep", "exactly one of sweep and run is needed", ["sweep", "run"])
    if given.run is not None:
        run = _run(given.run)
        experiment, commands = _recipe(run)
        seed = run.seed
    else:
        experiment, commands = sweep_experiment(str(given.sweep), given.set), []
        seed = experiment.seed if given.seed is None else given.seed
    row = shrinks.start(
        visitor=visitors.visitor_of(request),
        experiment=experiment,
        seed=seed,
        check=given.check,
        commands=commands,
    )
    return reply(shrinks.state(row, row.owner), 201)


@endpoint("GET")
def shrink(request: HttpRequest, code: str) -> HttpResponse:
    """ShrinkState."""
    return reply(shrinks.state(shrinks.find(code), visitors.visitor_of(request)))


@endpoint("POST")
def cancel_shrink(request: HttpRequest, code: str) -> HttpResponse:
    """Stop a search."""
    visitor = visitors.visitor_of(request)
    return reply(shrinks.state(shrinks.cancel(shrinks.find(code), visitor), visitor))


# -- the pages ----------------------------------------------------------------------------------------------------


@require_safe
@never_cache
def page(request: HttpRequest, code: str = "") -> HttpResponse:
    """A sweep; without a code, what to start one with and those of this browser."""
    title, status = "", 200
    if code:
        try:
            sweep = sweeps.find(code)
        except BadInput:
            status = 404
        else:
            title = views.words(sweep.experiment)["title"]
    named = title[: limits.TITLE_MAX] or Text("Sweeps", "批量运行")
    response = views.page(request, "sweep.html", code=code, title=named)
    response.status_code = status
    return response
