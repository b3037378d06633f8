"""How things are read: rows as plain records, never changed here."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from django.db.models import Q
from django.utils import timezone

from simulations.live.playhead import Playhead
from simulations.live.recipe import LoggedCommand, Recipe
from simulations.models import Branch, Command, Experiment, Grant, Run, SavedLink


def find_run(code: str) -> Run | None:
    """The run of this code with its experiment."""
    return Run.objects.select_related("experiment").filter(code=code).first()


def playhead_of(run: Run) -> Playhead:
    """The playhead as its row has it."""
    return msgspec.convert(run.playhead, Playhead)


def branch_of(run: Run, number: int) -> Branch | None:
    """A branch by its number."""
    return run.branches.select_related("experiment").filter(number=number).first()


def experiment_of(run: Run, branch: Branch) -> Experiment:
    """What a branch follows: the run's experiment, or that with a fault script of its own."""
    return branch.experiment or run.experiment


def commands_of(branch: Branch) -> list[LoggedCommand]:
    """The accepted commands of a branch, in the order they were given."""
    rows = branch.commands.filter(refused__isnull=True).order_by("seq")
    return [LoggedCommand(row.seq, row.at_us, row.do, row.by, row.key) for row in rows]


def recipe_of(run: Run, branch: Branch) -> Recipe:
    """Everything the trace of a branch depends on."""
    return make_recipe(experiment_of(run, branch), run.seed, run.engine, commands_of(branch))


def make_recipe(experiment: Experiment, seed: int, engine: int, commands: list[LoggedCommand]) -> Recipe:
    """A recipe of a saved experiment."""
    return Recipe(experiment.plain, experiment.fingerprint, seed, engine, commands)


def role_of(run: Run, visitor: str) -> str:
    """owner, controller or viewer: what this visitor may do in this run now."""
    if visitor and run.owner == visitor:
        return "owner"
    roles = set(valid_grants(run).filter(holder=visitor).values_list("role", flat=True)) if visitor else set()
    if "owner" in roles:
        return "owner"
    if "controller" in roles or run.open_control:
        return "controller"
    return "viewer"


def valid_grants(run: Run) -> Any:
    """Grants that are neither revoked nor expired."""
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return Grant.objects.filter(alive, run=run, revoked_at__isnull=True)


def branches_plain(run: Run) -> list[dict[str, Any]]:
    """All branches of a run with their commands, as the page reads them (docs/protocol.md, Branch)."""
    commands: dict[int, list[dict[str, Any]]] = {}
    rows = Command.objects.filter(run=run, refused__isnull=True).order_by("branch_id", "seq")
    for row in rows:
        plain = {"seq": row.seq, "at_us": row.at_us, "do": row.do, "by": row.by, "key": row.key}
        commands.setdefault(row.branch_id, []).append(plain)
    return [
        {
            "id": branch.number,
            "parent": branch.parent,
            "fork_us": branch.fork_us,
            "revision": branch.revision,
            "title": branch.title,
            "played_us": branch.played_us,
            "commands": commands.get(branch.id, []),
            **script_of(branch),
        }
        for branch in run.branches.select_related("experiment").order_by("number")
    ]


def script_of(branch: Branch) -> dict[str, Any]:
    """`{faults: [line, ...]}` of a branch with a script of its own, else nothing."""
    return {"faults": json.loads(branch.experiment.plain).get("faults", [])} if branch.experiment else {}


def find_link(slug: str) -> SavedLink | None:
    """A saved link with its experiment, without its trace."""
    return SavedLink.objects.select_related("experiment").filter(slug=slug).first()


def runs_of(visitor: str) -> list[dict[str, Any]]:
    """This browser's own runs, newest first."""
    rows = Run.objects.filter(owner=visitor).select_related("experiment").order_by("-visited_at")[:200]
    return [
        {
            "code": run.code,
            "title": title_of(run),
            "url": f"/r/{run.code}",
            "visited": run.visited_at.isoformat(),
        }
        for run in rows
    ]


def title_of(run: Run) -> str | dict[str, str]:
    """What somebody called it, or the title of its experiment in both languages."""
    title: dict[str, str] = json.loads(run.experiment.plain)["title"]
    return title if run.title in ("", *title.values()) else run.title


def links_of(visitor: str) -> list[dict[str, Any]]:
    """This browser's own saved links, newest first."""
    rows = SavedLink.objects.filter(owner=visitor).order_by("-created_at")[:200]
    return [
        {
            "slug": link.slug,
            "run": link.run_code,
            "title": link.title,
            "url": f"/e/{link.slug}",
            "created": link.created_at.isoformat(),
        }
        for link in rows
    ]
