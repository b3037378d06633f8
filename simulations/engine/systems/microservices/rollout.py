"""Giving containers another version: all at once, one after another, or a canary first - with rollback.

Beyer et al., "The Site Reliability Workbook", chapter 16: a canary bounds how many users meet a bad version. Each
step takes its containers out of rotation, lets them change, and watches what they answer to requests for
``rollback_after_s``; when they fail more often than the others by ``MARGIN``, or do not pass their health checks, every
container that was changed gets the old version back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulations.engine.process import DiskImage, put
from simulations.engine.systems.microservices.backend import Backend
from simulations.engine.systems.microservices.messages import Deploy, Ready
from simulations.engine.systems.microservices.worker import Part

DRAIN_US = 200_000
"""How long requests under way get to end before a container is stopped."""
MARGIN = 0.05
ENOUGH = 10
"""Answers of changed containers that can be judged."""
PATIENCE_US = 2_000_000
"""How long beyond a start a container may keep silent."""
SECOND = 1_000_000
IDLE, DRAINING, STARTING, WATCHING = "", "draining", "starting", "watching"
ROLLING_BACK, ROLLED_BACK, DONE = "rolling back", "rolled back", "done"


@dataclass(slots=True)
class Rollout(Part):
    """The half of a balancer that deploys. ``changed``: containers that have the new version; ``batch``: those of this
    step; ``pending``: those to come; ``unready``: who has not said yet that it runs its version; ``canary``: who gets
    only its share; ``usual``: share of errors before the rollout (1: unknown)."""

    backends: dict[str, Backend] = field(default_factory=dict)
    version: str = "v1"
    old_version: str = ""
    changed: list[str] = field(default_factory=list)
    batch: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    unready: list[str] = field(default_factory=list)
    canary: str = ""
    usual: float = 1.0

    def refresh(self) -> None:
        """Who gets requests, and what the dashboard shows."""
        items = self.backends.items()
        self.healthy = tuple([name for name, backend in items if backend.is_healthy])
        self.ejected = tuple([name for name, backend in items if backend.ejected_us >= 0])
        self.available = tuple(
            [name for name, one in items if one.is_healthy and one.ejected_us < 0 and not one.is_out]
        )

    # -- rules ----------------------------------------------------------------------------------------------------

    def size_of_step(self) -> int:
        """How many containers change in the next step."""
        return len(self.pending) if self.parameters.deploy == "all_at_once" else 1

    def is_worse(self) -> bool:
        """Whether the changed containers fail more often than the others do, or than all did before. (The others may
        depend on the changed ones, and fail with them.)"""
        mine = self.answers(self.changed)
        others = self.answers([name for name in self.backends if name not in self.changed])
        total = sum(mine)
        if total < ENOUGH:
            return False
        expected = others[1] / sum(others) if sum(others) else 0.0
        return mine[1] / total > min(expected, self.usual) + MARGIN

    def unhealthy(self) -> list[str]:
        """Changed containers that health checks keep away from requests: no answer will tell how good they are."""
        return [name for name in self.changed if not self.backends[name].is_healthy]

    def watch_s(self) -> float:
        """How long a step is watched: at least as long as health checks need to tell good from bad."""
        parameters = self.parameters
        return max(parameters.rollback_after_s, (parameters.unhealthy_after + 1) * parameters.health_check_s)

    def answers(self, names: list[str]) -> tuple[int, int]:
        """Good and bad answers of these containers since the step began."""
        chosen = [self.backends[name] for name in names]
        return sum([one.version_ok for one in chosen]), sum([one.version_bad for one in chosen])

    def containers(self) -> list[str]:
        """Those of the backends that can run another version."""
        known = self.directory.get("microservices/container", ())
        return [name for name in self.backends if name in known]

    # -- what outlives the balancer -------------------------------------------------------------------------------

    def remember(self, is_under_way: bool) -> None:
        """The version that should run, and the one to go back to while a rollout is under way, are on disk."""
        plan = (self.version, self.old_version) if is_under_way else (self.version, "")
        self.context.persist(put("rollout", plan))

    def restore(self, disk: DiskImage) -> None:
        """A rollout that the balancer did not live to see the end of is taken back."""
        self.version, self.old_version = disk.cell("rollout", (self.version, ""))
        if self.old_version:
            self.context.note("microservices.rollout_interrupted", version=self.version)
            self.rollout, self.changed = ROLLING_BACK, self.containers()
            self.take_out(self.changed)

    # -- steps ----------------------------------------------------------------------------------------------------

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """``deploy`` with a ``version``: begin a rollout, unless one is under way."""
        if action != "command" or arguments.get("name") != "deploy":
            return
        containers = self.containers()
        if self.rollout not in (IDLE, ROLLED_BACK, DONE) or not containers:
            return
        version = (arguments.get("arguments") or {}).get("version", "v2")
        self.old_version, self.version = self.version, str(version)
        self.changed, self.pending = [], containers
        self.remember(True)
        self.context.note("microservices.rollout_begins", version=self.version, way=self.parameters.deploy)
        before = self.answers(list(self.backends))
        self.usual = before[1] / sum(before) if sum(before) >= ENOUGH else 1.0
        self.canary = self.pending[0] if self.parameters.deploy == "canary" else ""
        self.next_step()

    def next_step(self) -> None:
        """Take the next containers out of rotation."""
        size = self.size_of_step()
        self.batch, self.pending = self.pending[:size], self.pending[size:]
        if not self.batch:
            self.rollout = DONE
            self.remember(False)
            self.context.note("microservices.rollout_done", version=self.version)
            return
        self.rollout = DRAINING
        self.take_out(self.batch)

    def take_out(self, names: list[str]) -> None:
        for name in names:
            self.backends[name].is_out = True
        self.refresh()
        self.context.set_timer("rollout", DRAIN_US)

    def give_version(self, names: list[str], version: str) -> None:
        self.unready = list(names)
        self.ask_again(version)

    def ask_again(self, version: str) -> None:
        """Orders get lost: repeat them until every container says that it is ready."""
        for name in self.unready:
            self.context.send(name, Deploy(version))
        self.context.set_timer("rollout", round(self.parameters.restart_s * SECOND) + PATIENCE_US)

    def on_rollout_timer(self) -> None:
        if self.rollout == DRAINING:
            self.rollout = STARTING
            self.changed += self.batch
            self.give_version(self.batch, self.version)
        elif self.rollout == STARTING:
            self.ask_again(self.version)
        elif self.rollout == ROLLING_BACK:
            if not self.unready:
                self.unready = list(self.changed)
            self.ask_again(self.old_version)
        elif self.rollout == WATCHING:
            self.conclude()

    def on_ready(self, name: str, message: Ready) -> None:
        """A container runs its version: it gets requests again; when all do, watch what they answer."""
        if name not in self.unready:
            return
        self.unready.remove(name)
        self.backends[name].is_out = False
        self.refresh()
        if self.unready:
            return
        self.context.cancel_timer("rollout")
        if self.rollout == ROLLING_BACK:
            self.rollout = ROLLED_BACK
            self.context.note("microservices.rolled_back", version=self.old_version)
            self.version = self.old_version
            self.remember(False)
            return
        for backend in self.backends.values():
            backend.version_ok = backend.version_bad = 0
        self.rollout = WATCHING
        self.context.set_timer("rollout", round(self.watch_s() * SECOND))

    def conclude(self) -> None:
        """The watching is over: go on, or back."""
        unhealthy = self.unhealthy()
        if self.is_worse():
            good, bad = self.answers(self.changed)
            self.context.note("microservices.rolls_back", version=self.version, bad=bad, total=good + bad)
        elif unhealthy:
            self.context.note(
                "microservices.rolls_back_unhealthy", version=self.version, backends=", ".join(unhealthy)
            )
        else:
            self.canary = ""
            self.next_step()
            return
        self.rollout, self.canary = ROLLING_BACK, ""
        self.take_out(self.changed)
