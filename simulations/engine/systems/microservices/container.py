"""A container under a supervisor: it runs a version, and is started again, with growing pauses, whenever it dies.

Burns, Grant, Oppenheimer, Brewer, Wilkes, "Borg, Omega, and Kubernetes", ACM Queue 14(1), 2016. The pauses double up to
32 times the first one and are forgotten after ten of them without a crash (Kubernetes: 10 s doubling to 5 min, 10 min).
The supervisor lives on the same node: when the node dies, nobody restarts anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulations.engine.process import DiskImage, put
from simulations.engine.systems.microservices.messages import Answer, Call, Deploy, Probe, Ready
from simulations.engine.systems.microservices.service import SECOND, Chain, Service
from simulations.engine.systems.microservices.worker import CRASHED, RUNNING

STARTING = "starting"
BAD, CRASHING, SLOW = "bad", "crashing", "slow"
"""Versions with a defect: fails every request; dies soon after its start; takes 20 times as long. Others work."""
DIES_AFTER_US = 200_000


@dataclass(slots=True)
class Container(Chain):
    """One container. ``version``: what it runs (on disk: the image it was given last)."""

    version: str = "v1"
    deployer: str = ""
    started_us: int = 0

    def on_start(self, disk: DiskImage) -> None:
        Service.on_start(self, disk)
        self.version = disk.cell("version", self.version)
        self.run()

    def goes_wrong(self) -> bool:
        return self.version == BAD or Service.goes_wrong(self)

    def on_parameters(self) -> None:
        Service.on_parameters(self)
        if self.version == SLOW:
            self.service_us *= 20

    def on_message(self, sender: str, message: Call | Answer | Probe | Deploy) -> None:
        if isinstance(message, Deploy):
            self.on_deploy(sender, message)
        elif self.role != STARTING:
            # (Nobody answers while it starts.)
            Service.on_message(self, sender, message)

    def on_deploy(self, sender: str, message: Deploy) -> None:
        """Stop what runs, and start the other version. The image is on disk before it is run."""
        if message.version == self.version and self.role == RUNNING:
            self.context.send(sender, Ready(self.version))
            return
        self.context.note("microservices.deploys", version=message.version)
        self.context.persist(put("version", message.version))
        Service.crash(self)
        self.version, self.deployer, self.role, self.restarts = message.version, sender, STARTING, 0
        self.context.set_timer("start", round(self.parameters.restart_s * SECOND))

    def crash(self) -> None:
        """The supervisor sees it die, and starts it again after a pause that doubles."""
        Service.crash(self)
        if self.context.now - self.started_us > self.backoff_us(10):
            self.restarts = 0
        pause = self.backoff_us(2 ** min(self.restarts, 5))
        self.restarts += 1
        self.context.note("microservices.restarts", times=self.restarts, pause_ms=pause // 1000)
        self.context.set_timer("start", pause)

    def backoff_us(self, times: int) -> int:
        return max(1, round(self.parameters.restart_s * SECOND) * times)

    def on_other_timer(self, name: str) -> None:
        if name == "start":
            self.run()
        elif name == "dies":
            self.crash()
        else:
            Service.on_other_timer(self, name)

    def run(self) -> None:
        """The version runs now."""
        self.role, self.started_us = RUNNING, self.context.now
        self.on_parameters()
        if self.deployer:
            self.context.send(self.deployer, Ready(self.version))
            self.deployer = ""
        if self.version == CRASHING:
            self.context.set_timer("dies", DIES_AFTER_US)

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """``crash``: the container dies - not its node."""
        if action == "command" and arguments.get("name") == "crash" and self.role != CRASHED:
            self.crash()
