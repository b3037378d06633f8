"""Recorded traces, and a small server that shows them as saved links: what pictures of the views are taken of.

  .venv/bin/python -m tests.e2e.recorded_runs            serve them, one address each, for whoever works on a view
  .venv/bin/python -m tests.e2e.recorded_runs --record   run the recipes again and write the traces anew

A trace holds everything a page asks for - descriptors, link, frames - so that a picture changes when the page's own
code does, and never because an engine or a descriptor did.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from django.template.loader import render_to_string

from tests.e2e.kit import GEO

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "recorded"
CHUNK_US = 500_000
MADE = "2026-01-01T00:00:00+00:00"
Command = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """An experiment of the catalogue or a record, what people did to it, the moment shown, where it ends."""

    experiment: str | dict[str, Any]
    at_us: int
    stop_us: int
    commands: tuple[Command, ...] = ()
    chunk_us: int = CHUNK_US


CUT = {"do": "partition", "groups": [["n1", "n2"], ["n3", "n4", "n5"]]}
FLOOD = {"do": "region_outage", "target": "home", "cause": "flood", "warning_s": 5}
RECIPES = {
    "partition": Recipe(
        {**GEO, "stop_s": 4},
        at_us=3_452_000,
        stop_us=4_000_000,
        commands=((1_500_000, {"do": "kill", "target": "n5"}), (2_400_000, CUT)),
    ),
    "tree": Recipe("ZK-02", at_us=3_000_000, stop_us=3_500_000),
    "lanes": Recipe(
        "DR-04", at_us=18_000_000, stop_us=20_000_000, commands=((3_000_000, FLOOD),), chunk_us=5_000_000
    ),
}


class Recording(msgspec.Struct):
    """Everything a page asks for, as it was answered."""

    link: dict[str, Any]
    systems: dict[str, Any]
    frames: bytes


def record(name: str, recipe: Recipe, folder: Path = FOLDER) -> None:
    """Run a recipe and write what a page would be told of it."""
    from simulations import catalogue, wire
    from simulations.engine.world import World
    from simulations.services import experiments, exports

    named = isinstance(recipe.experiment, str)
    experiment = catalogue.load(str(recipe.experiment)) if named else experiments.parse(recipe.experiment)
    world = World(experiment, experiment.seed, record="full")
    step_us = recipe.chunk_us
    chunks = [wire.encode_chunk(chunk) for chunk in run(world, recipe)]
    headers = [
        wire.FrameHeader("recorded", 0, 0, index, index * step_us, (index + 1) * step_us, "", "")
        for index in range(len(chunks))
    ]
    frames = [wire.frame(header, body) for header, body in zip(headers, chunks, strict=True)]
    described = msgspec.json.decode(exports.descriptors())
    described["systems"] = {experiment.system: described["systems"][experiment.system]}
    link = link_of(name, recipe, experiments.plain_of(experiment))
    packed = msgspec.msgpack.encode(Recording(link, described, wire.join_frames(frames)))
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.trace").write_bytes(zlib.compress(packed, 9))


def run(world: Any, recipe: Recipe) -> Iterator[Any]:
    """The chunks of a recipe, one after the other."""
    for number, (at_us, do) in enumerate(recipe.commands):
        world.command(at_us, do, number)
    for end_us in range(recipe.chunk_us, recipe.stop_us + 1, recipe.chunk_us):
        while world.run_until(end_us, budget=100_000) == "budget":
            pass
        yield world.take_chunk()


def link_of(name: str, recipe: Recipe, experiment: dict[str, Any]) -> dict[str, Any]:
    """LinkState of docs/protocol.md, the same on every machine and day."""
    commands = [
        {"seq": number, "at_us": at_us, "do": do, "by": "", "key": ""}
        for number, (at_us, do) in enumerate(recipe.commands)
    ]
    line = {"id": 0, "parent": None, "fork_us": 0, "revision": 0, "title": "", "played_us": recipe.at_us}
    playhead = {
        "branch": 0,
        "playing": False,
        "speed": 0.1,
        "anchor_us": recipe.at_us,
        "anchor_ms": 0,
        "sequence": 0,
    }
    return {
        "slug": name, "title": experiment["title"]["en"], "experiment": experiment, "seed": experiment["seed"],
        "engine": 1, "engine_now": 1, "reproduces": True, "branches": [{**line, "commands": commands}], "branch": 0,
        "at_us": recipe.at_us, "stop_us": recipe.stop_us, "role": "viewer", "you": "reader", "mine": False,
        "playhead": {**playhead, "gate_us": None}, "created": MADE, "server_ms": 0,
        "trace": {"from_us": 0, "to_us": recipe.stop_us, "complete": True},
    }  # fmt: skip


def load(name: str, folder: Path = FOLDER) -> Recording:
    """A recording. FileNotFoundError when there is none of this name."""
    return msgspec.msgpack.decode(zlib.decompress((folder / f"{name}.trace").read_bytes()), type=Recording)


class Handler(SimpleHTTPRequestHandler):
    """The built page and its pictures from disk, a page and its answers from a recording."""

    folder = FOLDER
    judged: ClassVar[list[bytes]] = []

    def do_GET(self) -> None:
        """Answer one request."""
        path = urlsplit(self.path).path.strip("/").split("/")
        if path[0] == "static":
            return super().do_GET()
        try:
            return self._say(*self._answer(path))
        except FileNotFoundError:
            return self.send_error(404)

    def do_POST(self) -> None:
        """A history is judged on the spot."""
        from simulations.services.histories import Question, judgement

        text = self.rfile.read(int(self.headers["Content-Length"]))
        self.judged.append(msgspec.json.encode(judgement(text, Question("json"))))
        self._say("application/json", msgspec.json.encode({"id": str(len(self.judged) - 1)}))

    def _answer(self, path: list[str]) -> tuple[str, bytes]:
        match path:
            case ["e", name]:
                page = render_to_string("link.html", {"slug": name, "title": name})
                return "text/html; charset=utf-8", page.encode()
            case ["api", "systems"]:
                return "application/json", msgspec.json.encode(self._shown().systems)
            case ["api", "links", name]:
                return "application/json", msgspec.json.encode(load(name, self.folder).link)
            case ["api", "links", name, "range"]:
                return "application/octet-stream", self._part(load(name, self.folder).frames)
            case ["api", "histories", number]:
                return "application/json", self.judged[int(number)]
        raise FileNotFoundError(self.path)

    def _part(self, frames: bytes) -> bytes:
        """The frames of the span that is asked for."""
        from simulations import wire

        asked = parse_qs(urlsplit(self.path).query)
        from_us, to_us = (int(asked[name][0]) for name in ("from_us", "to_us"))
        found = ((wire.read_frame(one)[0], one) for one in wire.split_frames(frames))
        return wire.join_frames(one for head, one in found if head.t0_us < to_us and head.t1_us > from_us)

    def _shown(self) -> Recording:
        """The recording of the page that asks."""
        return load(self.headers.get("Referer", "").partition("?")[0].rpartition("/")[2], self.folder)

    def _say(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(port: int = 0, folder: Path = FOLDER) -> Iterator[str]:
    """The address under which the recordings of a folder are shown: /e/<name>."""
    handler = type("FolderHandler", (Handler,), {"folder": folder})
    server = ThreadingHTTPServer(("127.0.0.1", port), lambda *given: handler(*given, directory=str(ROOT)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    """See the top of this file."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "platform_lab.settings")
    django.setup()
    if "--record" in sys.argv:
        for name, recipe in RECIPES.items():
            record(name, recipe)
        return
    with serving() as address:
        print("\n".join(f"{address}/e/{name}" for name in RECIPES), flush=True)
        Thread.join(Thread(target=input))


if __name__ == "__main__":
    main()
