"""Mergeable replicated data types. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import System
from simulations.engine.systems.crdt.descriptor import DESCRIPTOR
from simulations.engine.systems.crdt.messages import MESSAGES
from simulations.engine.systems.crdt.meters import METERS, METRICS
from simulations.engine.systems.crdt.parameters import Parameters
from simulations.engine.systems.crdt.process import Crdt
from simulations.engine.systems.crdt.properties import NoLostUpdate
from simulations.engine.systems.crdt.twins import TWINS
from simulations.engine.systems.crdt.types import Atom


def preset(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The disk of a replica: key -> its first value (a list: a set; a whole number: a counter; a text: a register).
    ValueError names a wrong one."""
    for key, value in values.items():
        if isinstance(value, (bool, float, dict)) or value is None:
            raise ValueError(f"{key}: a list of elements, a whole number or a text")
    return ({"initial": values} if values else {}), {}


SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Crdt},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks={NoLostUpdate.name: NoLostUpdate},
    preset=preset,
    entry=Atom,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
)
