"""A load balancer before pools of pods: each request goes to one pod, chosen by a policy.

``power_of_two``: of two pods drawn at random the one with less before it (Mitzenmacher, "The power of two choices in
randomized load balancing", IEEE TPDS 2001). What a pod has before it is counted here, and corrected by what the pools
tell once a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.engine.process import DiskImage, Request
from simulations.engine.systems.sharding.messages import Done, ShardingMessage, Status, Work
from simulations.engine.systems.sharding.state import Part

BALANCER = "balancer"


@dataclass(slots=True)
class Balancer(Part):
    """``waiting``: pool -> requests that each of its ready pods has before it; ``pods``: (pool, pod), all of them."""

    before: dict[str, list[int]] = field(default_factory=dict)
    pods: list[tuple[str, int]] = field(default_factory=list)
    turn: int = 0

    # -- rules ----------------------------------------------------------------------------------------------------

    def chosen(self) -> tuple[str, int]:
        """The pod for the next request."""
        policy, pods = self.parameters.policy, self.pods
        if policy == "round_robin":
            self.turn += 1
            return pods[self.turn % len(pods)]
        if policy == "random":
            return self.drawn()
        if policy == "power_of_two":
            return min(self.drawn(), self.drawn(), key=self.outstanding)
        self.turn += 1
        start = self.turn % len(pods)  # (ties go round, else the first pod would get them all)
        return min(pods[start:] + pods[:start], key=self.outstanding)

    def drawn(self) -> tuple[str, int]:
        found: tuple[str, int] = self.context.random.choice(self.pods)
        return found

    def outstanding(self, pod: tuple[str, int]) -> int:
        return self.before[pod[0]][pod[1]]

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.role = BALANCER

    def on_request(self, request: Request) -> None:
        if not self.pods:
            self.context.note("sharding.no_pods")
            self.context.reply(request, "fail")
            return
        pool, pod = self.chosen()
        self.before[pool][pod] += 1
        self.context.send(pool, Work(request, pod))

    def on_message(self, sender: str, message: ShardingMessage) -> None:
        if isinstance(message, Done):
            queues = self.before.get(sender, [])
            if message.pod < len(queues) and queues[message.pod]:
                queues[message.pod] -= 1
        elif isinstance(message, Status):
            self.before[sender] = list(message.queued)
            self.pods = [(pool, pod) for pool in sorted(self.before) for pod in range(len(self.before[pool]))]
            self.ready = len(self.pods)
