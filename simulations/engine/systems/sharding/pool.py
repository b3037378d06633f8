"""A pool of pods: stateless workers with a queue each. A new pod takes its time to start.

A pod works on one request at a time, for 1 / pod_rps seconds; one that finds its queue full is refused at once.
Pods that are taken away hand what waits for them to the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulations.engine.process import DiskImage, Request
from simulations.engine.systems.sharding.messages import (
    AskLoad,
    Done,
    Load,
    Scale,
    ShardingMessage,
    Status,
    Work,
)
from simulations.engine.systems.sharding.state import NAME, Part

PODS = "pods"
STATUS_US = 1_000_000
SECOND = 1_000_000


@dataclass(slots=True)
class PodPool(Part):
    """``queues``: per ready pod its requests, the one it works on first; ``starting``: numbers of the pods that
    start."""

    queues: list[list[Request]] = field(default_factory=list)
    starting: list[int] = field(default_factory=list)
    begun: int = 0
    arrived: int = 0

    def on_start(self, disk: DiskImage) -> None:
        self.role = PODS
        self.wanted = self.parameters.pods
        self.queues = [[] for _ in range(self.wanted)]
        self.tell_status()

    def on_message(self, sender: str, message: ShardingMessage) -> None:
        if isinstance(message, Work):
            self.arrived += 1
            self.queue_up(message.request, message.pod, sender)
        elif isinstance(message, AskLoad):
            self.context.send(sender, Load(self.arrived, self.wanted))
        elif isinstance(message, Scale):
            self.scale(message.pods)

    def on_request(self, request: Request) -> None:
        """A request without a balancer goes to the shortest queue."""
        self.arrived += 1
        shortest = min(range(len(self.queues)), key=lambda pod: len(self.queues[pod]), default=-1)
        self.queue_up(request, shortest, "")

    def on_timer(self, name: str) -> None:
        kind, _, number = name.partition(" ")
        if kind == "status":
            self.tell_status()
        elif kind == "start":
            self.pod_ready(int(number))
        else:
            self.finish(int(number))

    # -- requests -------------------------------------------------------------------------------------------------

    def service_us(self) -> int:
        return round(SECOND / self.parameters.pod_rps)

    def queue_up(self, request: Request, pod: int, balancer: str) -> None:
        """A full queue refuses at once: waiting longer than its client does helps nobody."""
        if not 0 <= pod < len(self.queues) or len(self.queues[pod]) >= self.parameters.pod_queue:
            self.context.note("sharding.pod_full", pod=pod)
            self.context.reply(request, "fail")
            if balancer:
                self.context.send(balancer, Done(pod))
            return
        queue = self.queues[pod]
        queue.append(request)
        if len(queue) == 1:
            self.context.set_timer(f"pod {pod}", self.service_us())

    def finish(self, pod: int) -> None:
        """A pod is done with the first request of its queue."""
        if pod >= len(self.queues):
            return
        queue = self.queues[pod]
        self.context.reply(queue.pop(0), "ok")
        self.served += 1
        for balancer in self.directory.get(f"{NAME}/balancer", ()):
            self.context.send(balancer, Done(pod))
        if queue:
            self.context.set_timer(f"pod {pod}", self.service_us())

    # -- pods -----------------------------------------------------------------------------------------------------

    def tell_status(self) -> None:
        """The balancers learn of ready pods at once, and of queue lengths once a second."""
        self.ready = len(self.queues)
        self.queued = [len(queue) for queue in self.queues]
        for balancer in self.directory.get(f"{NAME}/balancer", ()):
            self.context.send(balancer, Status(tuple(self.queued)))
        self.context.set_timer("status", STATUS_US)

    def scale(self, pods: int) -> None:
        """More pods are started; fewer: those that start are given up first, then the last ready ones."""
        pods = max(0, min(pods, self.parameters.pods_max))
        self.context.note("sharding.scales", before=self.wanted, after=pods)
        self.wanted = pods
        while len(self.queues) + len(self.starting) < pods:
            self.begun += 1
            self.starting.append(self.begun)
            self.context.set_timer(f"start {self.begun}", round(self.parameters.pod_start_s * SECOND))
        while self.starting and len(self.queues) + len(self.starting) > pods:
            self.context.cancel_timer(f"start {self.starting.pop()}")
        while len(self.queues) > pods:
            self.take_away()
        self.tell_status()

    def take_away(self) -> None:
        """The last pod goes; the others take what waited for it."""
        pod = len(self.queues) - 1
        queue = self.queues.pop()
        self.context.cancel_timer(f"pod {pod}")
        for place, request in enumerate(queue):
            self.queue_up(request, place % len(self.queues) if self.queues else -1, "")

    def pod_ready(self, number: int) -> None:
        if number in self.starting:
            self.starting.remove(number)
            self.queues.append([])
            self.context.note("sharding.pod_ready", ready=len(self.queues))
            self.tell_status()
