"""Disaster recovery over regions. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from typing import Any

from simulations.engine.process import System
from simulations.engine.systems.disaster_recovery.descriptor import DESCRIPTOR
from simulations.engine.systems.disaster_recovery.leading import SERVING
from simulations.engine.systems.disaster_recovery.messages import MESSAGES, Entry
from simulations.engine.systems.disaster_recovery.meters import METERS, METRICS, report
from simulations.engine.systems.disaster_recovery.parameters import Parameters
from simulations.engine.systems.disaster_recovery.process import Site
from simulations.engine.systems.disaster_recovery.properties import CHECKS
from simulations.engine.systems.disaster_recovery.twins import TWINS
from simulations.engine.systems.disaster_recovery.vault import Vault

__all__ = ["DESCRIPTOR", "SYSTEM"]


def preset(values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """A formatted disk (an empty one later on was lost), and whether this one leads first when the experiment says."""
    cells: dict[str, Any] = {"formatted": True}
    if "leader" in values:
        cells["leader"] = bool(values["leader"])
    return cells, {}


SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes={"server": Site, "recovery_site": Site, "backup_store": Vault},
    messages=MESSAGES,
    parameters=Parameters,
    twins=TWINS,
    checks=dict(CHECKS),
    preset=preset,
    is_leader=lambda process: getattr(process, "role", "") in SERVING,
    epoch=lambda process: int(process.epoch),
    metrics=METRICS,
    meters=METERS,
    entry=Entry,
    linearizable=False,
    operations=("promote", "backup", "restore_backup", "command", "warning"),
    report=report,
)
