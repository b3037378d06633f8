"""Gossip. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.process import System
from simulations.engine.systems.gossip.descriptor import DESCRIPTOR
from simulations.engine.systems.gossip.messages import MESSAGES, Rumour
from simulations.engine.systems.gossip.meters import METERS, METRICS
from simulations.engine.systems.gossip.parameters import Parameters
from simulations.engine.systems.gossip.process import Gossip
from simulations.engine.systems.gossip.properties import NothingInvented
from simulations.engine.systems.gossip.twins import TWINS

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Gossip},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks={NothingInvented.name: NothingInvented},
    entry=Rumour,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
    operations=("configure",),
)
