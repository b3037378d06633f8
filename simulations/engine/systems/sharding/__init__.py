"""Horizontal scaling. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from typing import Any

from simulations.engine import state_machine
from simulations.engine.process import System, are_addresses
from simulations.engine.systems.sharding.autoscaler import Autoscaler
from simulations.engine.systems.sharding.balancer import Balancer
from simulations.engine.systems.sharding.descriptor import DESCRIPTOR
from simulations.engine.systems.sharding.messages import MESSAGES
from simulations.engine.systems.sharding.meters import METERS, METRICS
from simulations.engine.systems.sharding.parameters import Parameters
from simulations.engine.systems.sharding.pool import PodPool
from simulations.engine.systems.sharding.process import ShardServer
from simulations.engine.systems.sharding.properties import CHECKS
from simulations.engine.systems.sharding.state import Record
from simulations.engine.systems.sharding.twins import TWINS

KEYS_MAX = 1_000_000
INITIAL = {"keys", "value_bytes", "members", "leader"}


def preset(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """What a cluster begins with: ``keys`` rows k0, k1, ... of ``value_bytes`` bytes each, dealt out to ``members``.
    ValueError names a wrong field."""
    for name in sorted(set(values) - INITIAL):
        raise ValueError(f"{name}: not one of {', '.join(sorted(INITIAL))}")
    for name in ("keys", "value_bytes"):
        number = values.get(name, 0)
        if not isinstance(number, int) or not 0 <= number <= KEYS_MAX:
            raise ValueError(f"{name}: a whole number from 0 to {KEYS_MAX}")
    if not are_addresses(values.get("members", [])):
        raise ValueError("members: a list of servers")
    begun = {"keys": values.get("keys", 0), "value_bytes": values.get("value_bytes", 0)}
    return {"begun": {**begun, "members": list(values.get("members", ()))}}, {}


SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={
        "server": ShardServer,
        "keeper": ShardServer,
        "balancer": Balancer,
        "autoscaler": Autoscaler,
        "pod_pool": PodPool,
    },
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    preset=preset,
    preset_addresses=("members",),
    is_leader=lambda process: bool(getattr(process, "keeps", False)),
    epoch=lambda process: int(process.epoch),
    metrics=METRICS,
    meters=METERS,
    entry=Record,
    linearizable=False,
    requests=(*state_machine.KINDS, "call"),
    operations=("configure", "command"),
)
