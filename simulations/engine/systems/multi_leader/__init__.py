"""Multi-leader replication. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.process import System
from simulations.engine.systems.multi_leader.descriptor import DESCRIPTOR
from simulations.engine.systems.multi_leader.messages import MESSAGES, Version
from simulations.engine.systems.multi_leader.meters import METERS, METRICS
from simulations.engine.systems.multi_leader.parameters import Parameters
from simulations.engine.systems.multi_leader.process import MultiLeader
from simulations.engine.systems.multi_leader.properties import CHECKS
from simulations.engine.systems.multi_leader.twins import TWINS

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": MultiLeader},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    entry=Version,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
)
