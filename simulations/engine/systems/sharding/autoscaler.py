"""An autoscaler as Kubernetes' HorizontalPodAutoscaler: measure, divide, round up, wait before shrinking.

Kubernetes documentation, "Horizontal Pod Autoscaling": every ``sync_s`` desired = ceil(pods x metric / target),
nothing within the tolerance; growth at most doubles the pods (or adds four) a sync, the default policy; when
shrinking, the highest recommendation of the stabilization window counts. The metric is requests a second and pod,
pods that still start included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from simulations.engine.process import DiskImage
from simulations.engine.sampling import normal_quantile
from simulations.engine.systems.sharding.messages import AskLoad, Load, Resize, Scale, ShardingMessage
from simulations.engine.systems.sharding.state import NAME, Part

AUTOSCALER = "autoscaler"
SECOND = 1_000_000
GROWTH_PODS = 4
ANSWERS_US = 500_000


@dataclass(slots=True)
class Autoscaler(Part):
    """``arrived``: pool or server -> requests it had counted at the last sync, and when; ``recommended``: (local
    time, pods) within the window; ``known``: servers that were members when last looked at."""

    arrived: dict[str, tuple[int, int]] = field(default_factory=dict)
    loads: dict[str, tuple[float, int]] = field(default_factory=dict)
    recommended: list[tuple[int, int]] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    load: float = 0.0

    # -- rules ----------------------------------------------------------------------------------------------------

    def desired(self, pods: int, ratio: float) -> int:
        """ceil(pods x metric / target); within the tolerance nothing changes."""
        if round(abs(ratio - 1), 9) <= self.parameters.tolerance:
            return pods
        return max(1, min(self.parameters.pods_max, ceil(round(pods * ratio, 9))))

    def limited(self, pods: int, desired: int) -> int:
        """The default policy of growth: twice as many or four more, whatever is more."""
        return min(desired, max(2 * pods, pods + GROWTH_PODS))

    def stabilized(self, pods: int, desired: int) -> int:
        """Shrink only to what the whole window would have allowed."""
        now, window = self.context.now, round(self.parameters.stabilization_s * SECOND)
        self.recommended = [one for one in self.recommended if one[0] > now - window]
        self.recommended.append((now, desired))
        return max(desired, min(pods, max(one[1] for one in self.recommended)))

    def measured(self, ratio: float) -> float:
        """A measurement is wrong by some share of itself."""
        noise = self.parameters.noise
        if not noise:
            return ratio
        return max(0.0, ratio * (1 + noise * normal_quantile(self.context.random.random() or 0.5)))

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.role = AUTOSCALER
        self.context.set_timer("sync", round(self.parameters.sync_s * SECOND))

    def on_timer(self, name: str) -> None:
        if name == "decide":
            self.decide()
            return
        self.context.set_timer("sync", round(self.parameters.sync_s * SECOND))
        if self.parameters.autoscaler:
            self.loads = {}
            for one in self.pools() or self.servers():
                self.context.send(one, AskLoad())
            if not self.pools():
                self.context.set_timer("decide", ANSWERS_US)

    def pools(self) -> tuple[str, ...]:
        return self.directory.get(f"{NAME}/pod_pool", ())

    def servers(self) -> tuple[str, ...]:
        """The servers of a sharded store, its keeper first: what is scaled when there are no pods."""
        return (*self.directory.get(f"{NAME}/keeper", ()), *self.directory.get(f"{NAME}/server", ()))

    def on_message(self, sender: str, message: ShardingMessage) -> None:
        """An answer. Of pools the last one decides; servers may be down, so who has answered in time counts."""
        if not isinstance(message, Load):
            return
        now = self.context.now
        before, since = self.arrived.get(sender, (0, 0))
        self.arrived[sender] = (message.arrived, now)
        arrived = message.arrived - before if message.arrived >= before else message.arrived
        self.loads[sender] = (arrived * SECOND / max(1, now - since), message.pods)
        if self.pools() and len(self.loads) == len(self.pools()):
            self.decide()

    def decide(self) -> None:
        """One sync: measure, compute, send."""
        pods = sum(one[1] for one in self.loads.values())
        if not pods and not self.pools():
            return
        self.load = sum(one[0] for one in self.loads.values())
        ratio = self.measured(self.load / max(1, pods) / self.parameters.pod_rps)
        desired = self.desired(max(1, pods), ratio)
        self.wanted = self.stabilized(pods, self.limited(pods, desired))
        self.context.note(
            "sharding.recommends", pods=pods, load=round(self.load), desired=desired, wanted=self.wanted
        )
        if not self.pools():
            self.resize(pods)
        elif self.wanted != pods:
            self.scale_pools()

    def scale_pools(self) -> None:
        """The pools share the pods evenly."""
        share, rest = divmod(self.wanted, len(self.loads))
        for number, pool in enumerate(sorted(self.loads)):
            self.context.send(pool, Scale(share + (number < rest)))

    def resize(self, members: int) -> None:
        """Spare servers that answered join; when shrinking, the last members leave. While a member is silent nothing
        changes: its shards could not move."""
        if any(server not in self.loads for server in self.known):
            return
        servers = self.servers()
        running = [server for server in servers if server in self.loads]
        current = [server for server in running if self.loads[server][1]]
        self.known = current
        spares = [server for server in running if not self.loads[server][1]]
        wanted = (current + spares)[: self.wanted]
        if len(wanted) != members:
            self.context.send(servers[0], Resize(tuple(wanted)))
