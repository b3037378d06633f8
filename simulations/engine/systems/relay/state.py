"""What a master and a relay hold: one list for both, so that the page can show either."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulations.engine.log import Log
from simulations.engine.process import Process, Request
from simulations.engine.systems.relay.messages import Entry
from simulations.engine.systems.relay.parameters import Parameters

NAME = "relay"


@dataclass(slots=True)
class State(Process):
    """``log``: every write in the order in which it was applied here; ``counts``: origin -> how many of its writes are
    in it; ``unconfirmed``: own writes that some other master may lack; ``confirmed``: master -> up to where it has
    them; ``relay``, ``epoch``: who carries them, and ``heard_us``: its last pulse; ``carried``: entries that a relay
    passed on."""

    watched: ClassVar[tuple[str, ...]] = ("role", "epoch", "log.version", "state_hash", "foreign")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    log: Log = field(default_factory=Log)

    # --- volatile ---
    role: str = "master"
    epoch: int = 0
    relay: str = ""
    heard_us: int = 0
    others: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    clock: int = 0
    foreign: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: Any = None
    versions: dict[str, tuple[int, str]] = field(default_factory=dict)
    unconfirmed: dict[int, Entry] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    waiting: dict[int, Request] = field(default_factory=dict)
    open: dict[int, int] = field(default_factory=dict)
    idle: bool = False

    # --- relay only ---
    masters: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    carried: int = 0
