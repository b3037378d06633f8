"""Redis Sentinel. See README.md for the source, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine import failover
from simulations.engine.process import System
from simulations.engine.systems.sentinel.descriptor import DESCRIPTOR
from simulations.engine.systems.sentinel.messages import MESSAGES
from simulations.engine.systems.sentinel.process import Parameters, Sentinel
from simulations.engine.systems.sentinel.properties import CHECKS
from simulations.engine.systems.sentinel.twins import TWINS

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Sentinel},
    messages=(*MESSAGES, *failover.MESSAGES),
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    linearizable=False,
)
