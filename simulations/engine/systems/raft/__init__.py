"""Raft. See README.md for the papers, what is modelled and what is left out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import System, are_addresses
from simulations.engine.systems.raft.descriptor import DESCRIPTOR
from simulations.engine.systems.raft.invariants import CHECKS as INVARIANTS
from simulations.engine.systems.raft.messages import MESSAGES, Entry
from simulations.engine.systems.raft.meters import METERS, METRICS, LogsEqual
from simulations.engine.systems.raft.parameters import Parameters
from simulations.engine.systems.raft.process import Raft
from simulations.engine.systems.raft.properties import CHECKS, epoch, is_leader
from simulations.engine.systems.raft.snapshot_checks import CHECKS as SNAPSHOT_CHECKS
from simulations.engine.systems.raft.twins import TWINS

ENTRIES_MAX = 100_000
PRESET_FIELDS = ("leader", "term", "voted_for", "log", "entries", "members")


def preset(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The disk of a process whose durable state an experiment gives: (cells, logs).

    ``log``: the terms of its entries, or ``entries``: how many no-ops (of its term); ``members``: who votes (everybody
    unless given); ``term``, ``voted_for``: as in RP Figure 2; ``leader``: true for the process that leads from the
    start, false for the others, whose term is then 1 unless given (so that nobody else can be elected in it).
    ValueError names a wrong field.
    """
    for name in values:
        if name not in PRESET_FIELDS:
            raise ValueError(f"{name}: not one of {', '.join(PRESET_FIELDS)}")
    check_types(values)
    terms = values.get("log", [])
    if "entries" in values:
        count = values["entries"]
        if terms or not isinstance(count, int) or not 0 <= count <= ENTRIES_MAX:
            raise ValueError(f"entries: an integer from 0 to {ENTRIES_MAX}, and no log beside it")
        terms = [max(1, values.get("term", 1))] * count
    term = values.get("term", max([1 if "leader" in values else 0, *terms]))
    if any(later < earlier for earlier, later in pairwise(terms)) or max(terms, default=0) > term:
        raise ValueError(f"log: terms never fall and do not exceed the server's term {term}")
    cells = {"term": term, "voted_for": values.get("voted_for", "")}
    if "members" in values:
        members = values["members"]
        if not members or not are_addresses(members):
            raise ValueError("members: a list of one or more servers")
        cells["members"] = (0, tuple(members))
    if values.get("leader"):
        cells["start_as"] = "leader"
    made = {term: Entry(term) for term in terms}
    return cells, {"log": [made[term] for term in terms]}


def check_types(values: dict[str, Any]) -> None:
    """Raises ValueError for a term that is no whole number, and for a vote that is no server."""
    terms = values.get("log", [])
    if not isinstance(terms, list) or not all(type(term) is int and term > 0 for term in terms):
        raise ValueError("log: a list of terms, whole numbers from 1 on")
    if type(values.get("term", 0)) is not int or values.get("term", 0) < 0:
        raise ValueError("term: a whole number from 0 on")
    if not isinstance(values.get("voted_for", ""), str):
        raise ValueError("voted_for: the id of a server")


SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Raft},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks={**CHECKS, **INVARIANTS, **SNAPSHOT_CHECKS, LogsEqual.name: LogsEqual},
    preset=preset,
    preset_addresses=("members",),
    is_leader=is_leader,
    epoch=epoch,
    entry=Entry,
    requests=state_machine.KINDS,
    operations=("campaign", "transfer", "configure"),
    metrics=METRICS,
    meters=METERS,
)
