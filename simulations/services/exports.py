"""Downloads and lists: descriptors, the catalogue's cards, a run as files."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import msgspec

from simulations import catalogue, concepts, limits, selectors, wire
from simulations.engine.experiment import variant
from simulations.engine.experiment.actions import ACTIONS
from simulations.engine.experiment.vocabulary import DISASTERS, SHAPES
from simulations.engine.registry import SYSTEMS
from simulations.engine.requirements import lacking
from simulations.histories.from_run import history_file, history_in
from simulations.histories.porcupine import porcupine_log
from simulations.histories.shiviz import shiviz_log
from simulations.models import Run
from simulations.services import ranges

FORMATS = ("experiment", "trace", "history", "porcupine", "recipe", "shiviz")


@lru_cache(maxsize=64)
def descriptors(*names: str) -> msgspec.Raw:
    """`{systems: {name: descriptor}, faults: {...}}` as JSON, made once; of all systems unless some are named."""
    faults = {name: action_plain(action) for name, action in ACTIONS.items()}
    found = {
        "systems": {name: msgspec.to_builtins(SYSTEMS[name].descriptor) for name in names or SYSTEMS},
        "faults": faults,
        "shapes": msgspec.to_builtins(SHAPES),
        "disasters": msgspec.to_builtins(DISASTERS),
    }
    return msgspec.Raw(msgspec.json.encode(found))


def action_plain(action: Any) -> dict[str, Any]:
    """An action of the fault vocabulary for menus and forms."""
    return {
        "title": msgspec.to_builtins(action.title),
        "group": action.group,
        "help": msgspec.to_builtins(action.help),
        "target": action.target,
        "target_optional": action.target_optional,
        "undo": action.undo,
        "one_of": list(action.one_of),
        "any_of": list(action.any_of),
        "arguments": {
            name: {
                "required": argument.required,
                "help": msgspec.to_builtins(argument.help),
                "schema": argument.kind.schema(),
            }
            for name, argument in action.arguments.items()
        },
    }


@lru_cache(maxsize=1)
def cards() -> list[dict[str, Any]]:
    """The catalogue in the order of the gallery."""
    return [card(id) for id in catalogue.ids()]


def card(id: str) -> dict[str, Any]:
    """One experiment of the catalogue. `available`: everything it needs is there."""
    experiment = catalogue.load(id)
    return {
        "id": id,
        "title": msgspec.to_builtins(experiment.title),
        "question": msgspec.to_builtins(experiment.question),
        "system": experiment.system,
        "nodes": len(experiment.topology.nodes),
        "variants": [
            {
                "id": item.id,
                "title": msgspec.to_builtins(item.title),
                "available": not lacking(variant(experiment, item.id), SYSTEMS),
            }
            for item in experiment.variants
        ],
        "rows": experiment.rows,
        "group": id.partition("-")[0],
        "stop_s": experiment.stop_s,
        "speed": experiment.play.speed,
        "available": not lacking(experiment, SYSTEMS),
    }


def concept_cards() -> dict[str, Any]:
    """The rows of the article, and per experiment what the tests found of each of its parts."""
    return {"rows": msgspec.to_builtins(concepts.rows()), "verdicts": concepts.recorded()}


def export(run: Run, branch_number: int, format: str) -> tuple[str, str, bytes]:
    """(file name, content type, bytes) of a download."""
    branch = selectors.branch_of(run, branch_number)
    if branch is None:
        raise wire.BadInput("branch", "there is no such branch", status=404)
    if format == "experiment":
        return (
            f"{run.code}.json",
            "application/json",
            pretty(json.loads(selectors.experiment_of(run, branch).plain)),
        )
    if format == "recipe":
        recipe = {
            "format": 1,
            "experiment": json.loads(selectors.experiment_of(run, branch).plain),
            "seed": run.seed,
            "engine": run.engine,
            "branch": branch_number,
            "branches": selectors.branches_plain(run),
        }
        return f"{run.code}-recipe.json", "application/json", pretty(recipe)
    if format in ("trace", "history", "porcupine", "shiviz"):
        chunks = [
            wire.decode_chunk(wire.read_frame(frame)[1])
            for frame in ranges.all_frames(run, branch, limits.EXPORT_FRAMES_MAX)
        ]
        if format == "history":
            return f"{run.code}-history.json", "application/json", history_file(chunks).encode()
        if format == "porcupine":
            log = porcupine_log(history_in(chunks))
            return f"{run.code}-porcupine.edn", "text/plain; charset=utf-8", log.encode()
        if format == "shiviz":
            return f"{run.code}-shiviz.log", "text/plain; charset=utf-8", shiviz_log(chunks).encode()
        head = {"format": "platform-lab-trace", "title": run.title, "seed": run.seed, "engine": run.engine}
        first = {**head, "experiment": json.loads(run.experiment.plain)}
        lines = b"\n".join(msgspec.json.encode(line) for line in (first, *chunks))
        return f"{run.code}-trace.jsonl", "application/x-ndjson", lines + b"\n"
    raise wire.BadInput("format", "unknown format", FORMATS)


def pretty(data: Any) -> bytes:
    """JSON for people."""
    return msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"
