"""A business continuity drill. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.process import System
from simulations.engine.systems.bcdr_drill.descriptor import DESCRIPTOR
from simulations.engine.systems.bcdr_drill.messages import MESSAGES, Call
from simulations.engine.systems.bcdr_drill.meters import METRICS, report
from simulations.engine.systems.bcdr_drill.organisation import Approver, Commander
from simulations.engine.systems.bcdr_drill.parameters import Parameters
from simulations.engine.systems.bcdr_drill.properties import CHECKS, Decisions
from simulations.engine.systems.bcdr_drill.technology import Server, Technician
from simulations.engine.systems.bcdr_drill.twins import TWINS

__all__ = ["DESCRIPTOR", "SYSTEM"]

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={
        "server": Server,
        "standby": Server,
        "organisation": Commander,
        "approver": Approver,
        "technician": Technician,
    },
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=dict(CHECKS),
    metrics=METRICS,
    meters={Decisions.name: Decisions},
    entry=Call,
    linearizable=False,
    operations=("command", "warning"),
    report=report,
)
