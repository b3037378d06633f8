"""A system for testing the engine itself: its processes do what requests tell them and write down what they see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.experiment import parse
from simulations.engine.process import (
    Descriptor,
    DiskImage,
    Message,
    Parameter,
    Process,
    Request,
    System,
    Text,
    append,
    put,
)
from simulations.engine.world import World


class ProbeMessage(Message, tag=lambda name: "probe." + name, gc=False):
    """Base of the probe's messages."""


class Ping(ProbeMessage, gc=False):
    """Carries a text."""

    text: str
    number: int = 0


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """``word``: anything."""

    word: str = "quiet"


@dataclass
class Probe(Process):
    """Requests: tell (key: whom, argument: text), burst (argument: how many), timer (key: name, argument: us), write
    (argument: value, then tell everybody), log (argument: entries), early (write, but tell before it is durable)."""

    watched: ClassVar[tuple[str, ...]] = ("lives", "seen_count")

    parameters: Parameters = field(default_factory=Parameters)
    lives: int = 0
    seen_count: int = 0
    seen: list[tuple[int, str]] = field(default_factory=list)
    restored: str = ""
    entries: int = 0

    def see(self, what: str) -> None:
        self.seen.append((self.context.now, what))
        self.seen_count += 1

    def on_start(self, disk: DiskImage) -> None:
        self.lives = disk.cell("lives", 0) + 1
        self.restored = disk.cell("value", "")
        self.entries = disk.log("log").last
        self.context.persist(put("lives", self.lives))
        self.see(f"start {self.restored} {self.entries}")

    def on_message(self, sender: str, message: Ping) -> None:
        self.see(f"{sender} says {message.text}")
        self.context.note("probe.heard", what=message.text)

    def on_timer(self, name: str) -> None:
        self.see(f"timer {name}")

    def on_durable(self, write: int) -> None:
        self.see(f"durable {write}")

    def on_parameters(self) -> None:
        self.see(f"parameter {self.parameters.word}")

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        self.see(f"operator {action}")

    def on_request(self, request: Request) -> None:
        getattr(self, "do_" + request.kind)(request)
        self.context.reply(request, "ok", request.argument, before_durable=True)

    def do_tell(self, request: Request) -> None:
        self.context.send(request.key, Ping(str(request.argument)))

    def do_burst(self, request: Request) -> None:
        for number in range(int(request.argument)):
            self.context.send(request.key, Ping(f"b{number}", number))

    def do_timer(self, request: Request) -> None:
        self.context.set_timer(request.key, int(request.argument))

    def do_cancel(self, request: Request) -> None:
        self.context.cancel_timer(request.key)

    def do_write(self, request: Request) -> None:
        self.context.send(self.peers[0], Ping("before"))
        self.context.persist(put("value", request.argument))
        self.context.send(self.peers[0], Ping("after"))

    def do_early(self, request: Request) -> None:
        self.context.persist(put("value", request.argument))
        self.context.send(self.peers[0], Ping("early"), before_durable=True)

    def do_log(self, request: Request) -> None:
        self.context.persist(append("log", [f"e{number}" for number in range(int(request.argument))]))


WORD = Parameter("word", "text", "quiet", Text("word", "词"), Text("Anything.", "任意。"))

SYSTEM = System(
    Descriptor("probe", Text("probe", "探针"), "", (), (), (), {}, (WORD,)),
    {"server": Probe},
    (Ping,),
    Parameters,
    linearizable=False,
    operations=("campaign", "transfer", "promote"),
    is_leader=lambda process: process.id == "n2",
    epoch=lambda process: 1,
)
SYSTEMS = {"probe": SYSTEM}


def world(
    *,
    nodes: int = 3,
    topology: dict[str, Any] | None = None,
    faults: list[dict[str, Any]] | None = None,
    operations: Sequence[tuple[float, str, str, str, Any]] = (),
    latency_ms: Any = 10,
    record: str = "checks",
    stop_s: float = 30,
    seed: int = 1,
    **more: Any,
) -> World:
    """A world of probes. ``operations``: (at_s, node told, kind, key, value)."""
    plain = {
        "format": 1,
        "id": "probe",
        "title": {"en": "Probe", "zh": "探针"},
        "system": "probe",
        "seed": seed,
        "topology": topology
        or {
            "regions": [{"id": "r", "zones": [{"id": "a"}]}],
            "nodes": [{"id": f"n{number}", "zone": "a"} for number in range(1, nodes + 1)],
            "links": {"default": {"latency_ms": latency_ms}},
        },
        "operations": [
            {"client": f"at-{at}", "at": at, "to": at, "operation": kind, "key": key, "value": value, "at_s": at_s,
             "timeout_ms": 5000, "give_up_ms": 5000}
            for at_s, at, kind, key, value in operations
        ],
        "faults": faults or [],
        "stop_s": stop_s,
        **more,
    }  # fmt: skip
    return World(parse(plain, SYSTEMS), systems=SYSTEMS, record=record)


def seen(world: World, node: str) -> list[tuple[float, str]]:
    """What a probe saw, times in milliseconds of its own clock."""
    process = world.by_id[node].process
    assert isinstance(process, Probe)
    return [(at / 1000, what) for at, what in process.seen]


def heard(world: World, node: str) -> list[str]:
    """What a probe heard from others."""
    return [what for _, what in seen(world, node) if " says " in what]
