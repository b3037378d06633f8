"""Shared nothing. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine import state_machine
from simulations.engine.process import System
from simulations.engine.systems.shared_nothing.descriptor import DESCRIPTOR
from simulations.engine.systems.shared_nothing.messages import MESSAGES, Entry
from simulations.engine.systems.shared_nothing.meters import METERS, METRICS
from simulations.engine.systems.shared_nothing.parameters import Parameters
from simulations.engine.systems.shared_nothing.properties import CHECKS
from simulations.engine.systems.shared_nothing.router import Directory
from simulations.engine.systems.shared_nothing.server import Server
from simulations.engine.systems.shared_nothing.twins import TWINS
from simulations.engine.systems.shared_nothing.vault import BackupStore

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Server, "directory": Directory, "backup_store": BackupStore},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=CHECKS,
    entry=Entry,
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
    requests=state_machine.KINDS,
    operations=("backup", "restore_backup", "promote"),
)
