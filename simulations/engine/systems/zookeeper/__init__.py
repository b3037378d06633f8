"""ZooKeeper. See README.md for the sources, what is modelled and what is left out."""

from __future__ import annotations

from simulations.engine.process import System
from simulations.engine.systems.zookeeper import invariants, promises, properties
from simulations.engine.systems.zookeeper.descriptor import DESCRIPTOR
from simulations.engine.systems.zookeeper.messages import MESSAGES, Txn
from simulations.engine.systems.zookeeper.meters import METERS, METRICS
from simulations.engine.systems.zookeeper.parameters import Parameters
from simulations.engine.systems.zookeeper.presets import preset
from simulations.engine.systems.zookeeper.process import ZooKeeper
from simulations.engine.systems.zookeeper.properties import epoch, is_leader
from simulations.engine.systems.zookeeper.recipes import RecipeClient
from simulations.engine.systems.zookeeper.state import JOINER, OBSERVER, SERVER
from simulations.engine.systems.zookeeper.twins import TWINS

KINDS = (SERVER, OBSERVER, JOINER)

SYSTEM = System(
    descriptor=DESCRIPTOR,
    processes=dict.fromkeys(KINDS, ZooKeeper),
    messages=MESSAGES,
    parameters=Parameters,
    twins={name: dict.fromkeys(KINDS, twin) for name, twin in TWINS.items()},
    checks={**properties.CHECKS, **promises.CHECKS, **invariants.CHECKS},
    preset=preset,
    preset_addresses=("voters",),
    is_leader=is_leader,
    epoch=epoch,
    entry=Txn,
    operations=("campaign", "configure"),
    metrics=METRICS,
    meters=METERS,
    linearizable=False,
    client=RecipeClient,
)
