"""Paxos. See README.md for the paper, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.process import System
from simulations.engine.systems.paxos import invariants
from simulations.engine.systems.paxos.descriptor import DESCRIPTOR
from simulations.engine.systems.paxos.messages import MESSAGES, Entry
from simulations.engine.systems.paxos.meters import METERS, METRICS
from simulations.engine.systems.paxos.parameters import Parameters
from simulations.engine.systems.paxos.presets import preset
from simulations.engine.systems.paxos.process import Paxos
from simulations.engine.systems.paxos.properties import CHECKS, epoch, is_leader
from simulations.engine.systems.paxos.twins import KINDS, TWINS

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes=dict.fromkeys(KINDS, Paxos),
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks={**CHECKS, **invariants.CHECKS},
    preset=preset,
    is_leader=is_leader,
    epoch=epoch,
    entry=Entry,
    operations=("campaign",),
    metrics=METRICS,
    meters=METERS,
)
