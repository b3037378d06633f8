"""Primary-replica (master-slave). See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from typing import Any

from simulations.engine import failover, state_machine
from simulations.engine.process import System
from simulations.engine.systems.primary_replica.descriptor import DESCRIPTOR
from simulations.engine.systems.primary_replica.devices import Fence, SharedDisk
from simulations.engine.systems.primary_replica.messages import MESSAGES, Entry
from simulations.engine.systems.primary_replica.meters import METERS, METRICS
from simulations.engine.systems.primary_replica.parameters import Parameters
from simulations.engine.systems.primary_replica.process import PrimaryReplica
from simulations.engine.systems.primary_replica.properties import CHECKS, epoch, is_leader
from simulations.engine.systems.primary_replica.twins import KINDS, TWINS


def preset(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The disk of a process whose durable state an experiment gives: (cells, logs). ``leader``: true for the first
    primary, false for the others; ``term``: the epoch it leads in. ValueError names a wrong field."""
    for name in values:
        if name not in ("leader", "term"):
            raise ValueError(f"{name}: not one of leader, term")
    if "leader" not in values:
        return {}, {}
    return {"start_as": "primary" if values["leader"] else "replica", "epoch": values.get("term", 1)}, {}


SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={**dict.fromkeys(KINDS, PrimaryReplica), "shared_disk": SharedDisk, "fence": Fence},
    messages=(*MESSAGES, *failover.MESSAGES, *failover.FENCE_MESSAGES),
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    preset=preset,
    is_leader=is_leader,
    epoch=epoch,
    entry=Entry,
    operations=("promote",),
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
    requests=state_machine.KINDS,
)
