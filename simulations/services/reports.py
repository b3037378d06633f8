"""The report of a run: simulated again from its recipe up to what has been shown, and written down."""

from __future__ import annotations

from functools import lru_cache

from django.template.loader import render_to_string

from simulations import selectors
from simulations.engine import harness
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World
from simulations.live.playhead import server_ms
from simulations.live.recipe import Recipe
from simulations.live.worlds import experiment_of
from simulations.models import Branch, Run
from simulations.reports import fonts
from simulations.reports.content import Report, content, watched
from simulations.reports.markdown import markdown
from simulations.reports.pdf import pdf
from simulations.reports.wording import LANGUAGES, document
from simulations.services.positions import shown_us
from simulations.wire import BadInput

FORMATS = ("html", "md", "pdf")
EVENTS_MAX = 400_000
"""A report is made while somebody waits for it."""
TYPES = {"html": "text/html; charset=utf-8", "md": "text/markdown; charset=utf-8", "pdf": "application/pdf"}


def report(run: Run, branch_number: int, format: str, language: str) -> tuple[str, str, bytes]:
    """(file name, content type, bytes). BadInput names a wrong branch, format or language, and a run too long."""
    if format not in FORMATS:
        raise BadInput("format", "unknown format", FORMATS)
    if language not in LANGUAGES:
        raise BadInput("language", "unknown language", LANGUAGES)
    branch = selectors.branch_of(run, branch_number)
    if branch is None:
        raise BadInput("branch", "there is no such branch", status=404)
    recipe = selectors.recipe_of(run, branch)
    found = made(Made(recipe, seen_us(run, branch), run.code, run.title))
    return f"{run.code}-report.{format}", TYPES[format], written(found, format, language, run.code)


def seen_us(run: Run, branch: Branch) -> int:
    """Up to where the branch was shown: a report tells nothing that nobody has seen."""
    head = selectors.playhead_of(run)
    here = shown_us(run, head, server_ms()) if head.branch == branch.number else 0
    return min(run.stop_us, max(branch.played_us, here))


def written(found: Report, format: str, language: str, code: str) -> bytes:
    """A report in one format."""
    words = document(found, language)
    if format == "md":
        return markdown(words).encode()
    if format == "html":
        others = [one for one in LANGUAGES if one != language]
        values = {"report": words, "code": code, "others": others}
        return render_to_string("report.html", values).encode()
    try:
        return pdf(words)
    except fonts.NoFont as error:
        raise BadInput("format", str(error), FORMATS, status=503) from error


class Made:
    """What a report is made of; equal ones are the same report."""

    def __init__(self, recipe: Recipe, until_us: int, code: str, title: str) -> None:
        self.recipe, self.until_us, self.code, self.title = recipe, until_us, code, title
        done = recipe.due(until_us)
        self.key = (recipe.key, recipe.prefix(done), until_us, code, title)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Made) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=32)
def made(of: Made) -> Report:
    """Run the recipe again, with every meter of its systems. BadInput when that takes too many events."""
    experiment = experiment_of(of.recipe.experiment)
    checks = harness.make_checks(experiment, SYSTEMS)
    for name in harness.systems_of(experiment):
        for meter, kind in SYSTEMS[name].meters.items():
            checks.setdefault(meter, kind())
    world = World(experiment, of.recipe.seed, checks=checks)
    happened = watched(world)
    commands = [one for one in of.recipe.commands if one.at_us <= of.until_us]
    for command in commands:
        move(world, command.at_us)
        world.command(command.at_us, command.do, command.seq)
    move(world, of.until_us)
    return content(world, of.code, of.title, happened, commands)


def move(world: World, at_us: int) -> None:
    """Go on to a time, within the budget of events."""
    if world.run_until(at_us, budget=EVENTS_MAX - world.events) != "reached":
        raise BadInput("run", f"has more than {EVENTS_MAX} events, too many for a report", status=413)
