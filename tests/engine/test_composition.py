"""Systems compose by messages: a gateway is the client of a Raft group and never imports it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
import pytest

from simulations import catalogue
from simulations.engine.experiment import parse
from simulations.engine.process import Descriptor, Process, Reply, Request, System, Text
from simulations.engine.registry import SYSTEMS
from simulations.engine.world import World


class Parameters(msgspec.Struct, forbid_unknown_fields=True):
    """None."""


@dataclass
class Gateway(Process):
    """Passes every request on to the storage it knows, follows its hints, and answers its own client."""

    watched: ClassVar[tuple[str, ...]] = ("forwarded", "answered")

    parameters: Parameters = field(default_factory=Parameters)
    forwarded: int = 0
    answered: int = 0
    target: str = ""
    open: dict[int, Request] = field(default_factory=dict)

    def on_request(self, request: Request) -> None:
        self.open[request.operation] = request
        self.forward(request)

    def forward(self, request: Request) -> None:
        storage = self.directory["raft"]
        self.target = self.target or storage[0]
        self.forwarded += 1
        self.context.send(self.target, msgspec.structs.replace(request, client=self.id))
        self.context.set_timer(f"again:{request.operation}", 150_000)

    def on_timer(self, name: str) -> None:
        request = self.open.get(int(name.partition(":")[2]))
        if request is not None:
            storage = self.directory["raft"]
            self.target = storage[(storage.index(self.target) + 1) % len(storage)]
            self.forward(request)

    def on_message(self, sender: str, message: Reply) -> None:
        request = self.open.get(message.operation)
        if request is None:
            return
        if message.outcome == "retry":
            self.target = message.hint or self.target
            return
        del self.open[message.operation]
        self.context.cancel_timer(f"again:{message.operation}")
        self.answered += 1
        self.context.reply(request, message.outcome, message.result)


GATEWAY = System(
    Descriptor("gateway", Text("gateway", "网关"), "", (), (), (), {}, ()),
    {"server": Gateway},
    (),
    Parameters,
)
BOTH = {**SYSTEMS, "gateway": GATEWAY}


def composed(seed: int = 1) -> World:
    plain: dict[str, Any] = {
        "format": 1,
        "id": "composed",
        "title": {"en": "Composed", "zh": "组合"},
        "system": "raft",
        "seed": seed,
        "topology": {
            "nodes": [
                {"id": "n1", "processes": ["raft", {"system": "gateway", "id": "gateway"}]},
                {"id": "n2"},
                {"id": "n3"},
            ]
        },
        "workload": [
            {
                "client": "c1",
                "at": "n2",
                "system": "gateway",
                "rate": 20,
                "session": True,
                "timeout_ms": 5000,
                "give_up_ms": 8000,
            }
        ],
        "faults": [
            {"at_s": 4, "do": "kill", "target": "leader", "for_s": 2},
            {"at_s": 8, "do": "pause", "target": "n1", "for_s": 1},
        ],
        "stop_s": 15,
    }
    return World(parse(plain, BOTH), systems=BOTH)


@pytest.mark.parametrize("seed", range(4))
def test_two_systems_talk_by_messages(seed: int) -> None:
    world = composed(seed)
    world.run_until(15_000_000)
    gateway = world.by_id["n1/gateway"].process
    assert isinstance(gateway, Gateway)
    assert gateway.answered > 50
    verdicts = {name: verdict.verdict for name, verdict in world.verdicts().items()}
    assert "violated" not in verdicts.values(), f"seed {seed}: {verdicts}"
    assert verdicts["one_leader_per_term"] == "holds"


def test_two_systems_fork_and_save_as_one_world() -> None:
    straight, other = composed(), composed()
    straight.run_until(15_000_000)
    for at in range(1_000_000, 15_000_001, 1_000_000):
        other.run_until(at)
        other = World.load(other.experiment, other.fork().save(), systems=BOTH)
    assert other.digest() == straight.digest()


@pytest.mark.parametrize(
    ("target", "name", "value", "reason"),
    [
        (None, "window", 8, None),
        ("db-east", "window", 8, None),
        ("o-cloud", "window", 8, "no_parameter"),
        ("o-cloud", "election_timeout_ms", [300, 600], None),
        ("o-cloud", "election_timeout_ms", [600, 300], "malformed"),
        (None, "window", -1, "malformed"),
    ],
)
def test_a_parameter_is_set_at_those_processes_that_have_it(
    target: str | None, name: str, value: Any, reason: str | None
) -> None:
    """Databases and orchestrators have different ones, and a node may run both."""
    world = World(catalogue.load("CO-03"))
    world.run_until(1_000_000)
    line = {"do": "set_parameter", "name": name, "value": value, **({"target": target} if target else {})}
    found = world.refusal(line)
    assert (found.reason if found else None) == reason
    if reason is None:
        for number, do in enumerate((line, {**line, "target": "all"})):
            world.command(1_000_000, do, number)
        world.run_until(2_000_000)


@pytest.mark.parametrize(
    ("id", "name", "value", "reason"),
    [
        ("SN-01", "shards", 9, "fixed_parameter"),
        ("BA-02", "replicas", 2, "fixed_parameter"),
        ("SN-01", "refresh_s", 3600, "malformed"),
        ("SN-01", "backup_every_s", 0, None),
        ("SN-01", "directory", True, None),
        ("MS-01", "mode", "shared_disk", None),
        ("MS-03", "mode", "semi_sync", None),
    ],
)
def test_a_running_system_survives_what_it_is_set_to(
    id: str, name: str, value: Any, reason: str | None
) -> None:
    """What it cannot take is refused with a reason; all else changes how it goes on, not whether."""
    world = World(catalogue.load(id))
    world.run_until(1_000_000)
    line = {"do": "set_parameter", "name": name, "value": value}
    found = world.refusal(line)
    assert (found.reason if found else None) == reason
    if reason is None:
        world.command(1_000_000, line, 1)
        assert world.run_until(8_000_000, budget=200_000) == "reached"
