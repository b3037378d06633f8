"""The leaderless quorum store. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import System, are_addresses
from simulations.engine.systems.quorum_store.descriptor import DESCRIPTOR
from simulations.engine.systems.quorum_store.messages import MESSAGES
from simulations.engine.systems.quorum_store.meters import METERS, METRICS, SAMPLES
from simulations.engine.systems.quorum_store.parameters import Parameters
from simulations.engine.systems.quorum_store.process import QuorumStore
from simulations.engine.systems.quorum_store.properties import CHECKS
from simulations.engine.systems.quorum_store.twins import KINDS, TWINS

KEYS_MAX = 100_000
PRESETS = ("members", "keys", "stale_keys")


def preset(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """``members``: who is in the ring; ``keys``: how many keys there are (k0, k1, ...), each written once, to None;
    ``stale_keys``: of how many of them (the first) this node has only an older version. ValueError names a wrong
    field."""
    if not are_addresses(values.get("members", [])):
        raise ValueError("members: a list of replicas")
    for name in ("keys", "stale_keys"):
        number = values.get(name, 0)
        if type(number) is not int or not 0 <= number <= KEYS_MAX:
            raise ValueError(f"{name}: a whole number from 0 to {KEYS_MAX}")
    return {name: values[name] for name in PRESETS if name in values}, {}


SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes=dict.fromkeys(KINDS, QuorumStore),
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    preset=preset,
    preset_addresses=("members",),
    metrics=METRICS,
    meters=METERS,
    operations=("configure", "command"),
    samples=SAMPLES,
    shown=("read_latency_ms", "write_latency_ms", "fresh_at_ms", "t_visibility_999_ms"),
)
