"""Gossip: news spreads from node to node at random and dies out; what it missed is repaired by comparing.

Demers et al., "Epidemic algorithms for replicated database maintenance", 1987: rumour mongering (section 1.4) and
anti-entropy (1.3). The tree with batches is the other way to spread news, for comparison (Gossip Glomers 3d).

Simplified: values are only ever added; a node knows all addresses from the start, and of joins and leaves by rumour;
failures of nodes are not detected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process, Request, append, put
from simulations.engine.state_machine import write
from simulations.engine.systems.gossip.messages import (
    JOIN,
    LEAVE,
    VALUE,
    Digest,
    GossipMessage,
    Known,
    Push,
    Relay,
    Repair,
    Rumour,
    Vector,
)
from simulations.engine.systems.gossip.parameters import Parameters

IDLE, SPREADING, LEFT = "idle", "spreading", "left"
HANDLERS = {
    Push: "on_push", Known: "on_known", Relay: "on_relay", Digest: "on_digest", Repair: "on_repair",
}  # fmt: skip
READS = ("get", "read")
REMEMBERED = 1000
"""Operations kept for requests that come again."""


@dataclass(slots=True)
class Gossip(Process):
    """One node. ``values``: all news, in the order in which it came; ``held``: origin -> number -> news; ``known``:
    origin -> how many of its news without a gap; ``hot``: name of a rumour that is pushed -> rounds or bored peers."""

    watched: ClassVar[tuple[str, ...]] = ("role", "values.version", "state_hash")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    values: Log = field(default_factory=Log)
    origin: str = ""
    life: int = 0

    # --- volatile ---
    role: str = IDLE
    held: dict[str, dict[int, Rumour]] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    topics: dict[str, list[Any]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    hot: dict[str, int] = field(default_factory=dict)
    outbox: dict[str, list[Rumour]] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    accepted: dict[int, bool] = field(default_factory=dict)

    @property
    def gossips_with(self) -> list[str]:
        """The members it knows, for the page."""
        return list(self.members)

    # -- rules ----------------------------------------------------------------------------------------------------

    def dies(self, name: str) -> bool:
        """A rumour is pushed no more: it is old, or enough peers had known it."""
        settings = self.parameters
        limit = settings.rumour_rounds if settings.death == "age" else settings.bored_after
        return self.hot[name] >= limit

    def compares(self) -> bool:
        """Anti-entropy: every node compares with a random peer again and again. It is what makes delivery sure."""
        return self.parameters.repair_ms > 0

    def advance(self, origin: str) -> None:
        """What is known of an origin without a gap: only that may a digest claim."""
        held, known = self.held[origin], self.known.get(origin, 0)
        while known + 1 in held:
            known += 1
        self.known[origin] = known

    def lacking(self, known: Vector) -> list[Rumour]:
        """What somebody lacks who knows this much."""
        theirs = dict(known)
        found: list[Rumour] = []
        for origin in self.held:
            held, whole, after = self.held[origin], self.known[origin], theirs.get(origin, 0)
            found += [held[number] for number in range(after + 1, whole + 1)]
            if len(held) > whole:
                found += [news for number, news in held.items() if number > max(whole, after)]
        return found

    def tree_neighbours(self) -> list[str]:
        """Parent and children in the tree that all nodes compute alike: the members in order, as a heap."""
        members = sorted([self.id, *self.members])
        place, width = members.index(self.id), self.parameters.tree_fanout
        children = members[place * width + 1 : place * width + 1 + width]
        return [*([members[(place - 1) // width]] if place else []), *children]

    # -- small steps ----------------------------------------------------------------------------------------------

    def some_members(self, count: int) -> list[str]:
        """So many members, drawn without repetition."""
        rest = list(self.members)
        draw = self.context.random
        return [rest.pop(draw.integer(0, len(rest) - 1)) for _ in range(min(count, len(rest)))]

    def say(self, kind: str, key: str, value: Any, operation: int = 0) -> None:
        """News of this node's own."""
        number = len(self.held.get(self.origin, ())) + 1
        self.learn((Rumour(kind, key, value, self.origin, number, operation),), "", (0,))

    def learn(self, rumours: tuple[Rumour, ...], sender: str, ages: tuple[int, ...] = ()) -> list[str]:
        """Take in what is news, keep it on disk and (with ``ages``) spread it; returns the names of what was none."""
        fresh: list[Rumour] = []
        stale: list[str] = []
        for place, news in enumerate(rumours):
            if news.number in self.held.get(news.origin, ()):
                stale.append(news.name)
                continue
            self.take(news)
            fresh.append(news)
            if ages and self.parameters.broadcast == "rumour" and self.role != LEFT:
                self.heat(news.name, ages[place])
        if fresh:
            self.context.persist(append("values", fresh))
            # Repaired news too: the tree would take it for known when it comes that way as well, and stop there.
            if self.parameters.broadcast == "tree" and self.role != LEFT:
                self.pass_on(fresh, sender)
            self.refresh_role()
        return stale

    def take(self, news: Rumour) -> None:
        """One more piece of news is known."""
        self.values.append(news)
        self.held.setdefault(news.origin, {})[news.number] = news
        self.advance(news.origin)
        if news.kind == VALUE:
            self.topics.setdefault(news.key, []).append(news.value)
            self.state_hash = write(self.data, self.marks, news.name, news.value, self.state_hash)
        else:
            self.member(news)

    def member(self, news: Rumour) -> None:
        """Somebody joined or left; the later news of a node counts."""
        if int(news.value) <= self.times.get(news.key, 0):
            return
        self.times[news.key] = int(news.value)
        self.context.note(f"gossip.{news.kind}", node=news.key)
        if news.key == self.id:
            self.role = LEFT if news.kind == LEAVE else IDLE
        elif news.kind == JOIN and news.key in self.peers:
            self.members[news.key] = 1
        else:
            self.members.pop(news.key, None)

    def heat(self, name: str, age: int) -> None:
        """A rumour is worth telling: push it from the next round on."""
        self.hot[name] = age if self.parameters.death == "age" else 0
        if self.dies(name):
            del self.hot[name]
        elif len(self.hot) == 1:
            self.context.set_timer("round", int(self.parameters.round_ms * 1000))

    def pass_on(self, fresh: list[Rumour], sender: str) -> None:
        """Along the tree, to all neighbours but the one it came from, a batch at a time."""
        waits = bool(self.outbox)
        for neighbour in self.tree_neighbours():
            if neighbour != sender:
                self.outbox.setdefault(neighbour, []).extend(fresh)
        if self.outbox and not waits:
            self.context.set_timer("batch", int(self.parameters.batch_ms * 1000))

    def refresh_role(self) -> None:
        if self.role != LEFT:
            self.role = SPREADING if self.hot or self.outbox else IDLE

    def vector(self) -> Vector:
        return tuple(sorted(self.known.items()))

    def rumour(self, name: str) -> Rumour:
        origin, _, number = name.rpartition(".")
        return self.held[origin][int(number)]

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        now = self.context.now
        self.members = dict.fromkeys(self.peers, 1)
        # Who lost its disk must not give its old numbers to other news: it begins again under another name.
        self.origin = disk.cell("origin") or (self.id if now == 0 else f"{self.id}@{now}")
        self.life = disk.cell("life", 0) + 1
        self.context.persist(put("origin", self.origin), put("life", self.life))
        for news in disk.log("values"):
            self.take(news)
            self.accepted[news.operation] = True
        self.plan_repair(first=True)
        if self.life > 1 or self.origin != self.id:
            self.say(JOIN, self.id, self.times.get(self.id, 0) + 1)

    def plan_repair(self, first: bool = False) -> None:
        if self.compares():
            period = int(self.parameters.repair_ms * 1000)
            wait = self.context.random.integer(1, period) if first else period
            self.context.set_timer("repair", wait)

    def on_request(self, request: Request) -> None:
        """Any node takes any value, and answers from what it knows."""
        if request.kind in READS:
            self.context.reply(request, "ok", list(self.topics.get(request.key, ())))
            return
        if request.operation not in self.accepted:
            self.accepted[request.operation] = True
            if len(self.accepted) > REMEMBERED:
                del self.accepted[next(iter(self.accepted))]
            self.context.note("gossip.accepted", key=request.key, value=str(request.argument))
            self.say(VALUE, request.key, request.argument, request.operation)
        self.context.reply(request, "ok")

    def on_message(self, sender: str, message: GossipMessage) -> None:
        if self.role != LEFT or not isinstance(message, Digest):
            getattr(self, HANDLERS[type(message)])(sender, message)

    def on_push(self, sender: str, message: Push) -> None:
        stale = self.learn(message.rumours, sender, message.ages)
        if stale and self.parameters.death == "feedback":
            self.context.send(sender, Known(tuple(stale)))

    def on_known(self, sender: str, message: Known) -> None:
        """Feedback: a peer had known it; after several of them a rumour is boring."""
        for name in message.names:
            if name in self.hot:
                self.hot[name] += 1
                self.let_die(name)
        self.refresh_role()

    def let_die(self, name: str) -> None:
        if self.dies(name):
            del self.hot[name]
            self.context.note("gossip.dies", rumour=name)

    def on_relay(self, sender: str, message: Relay) -> None:
        self.learn(message.rumours, sender)

    def on_digest(self, sender: str, message: Digest) -> None:
        """Compare: send what the other lacks, and ask for what is lacking here."""
        if message.pull:
            missing = self.lacking(message.known)
            if missing:
                self.context.note("gossip.repairs", peer=sender, count=len(missing))
                self.context.send(sender, Repair(tuple(missing)))
        if message.push and any(self.known.get(origin, 0) < number for origin, number in message.known):
            self.context.send(sender, Digest(self.vector(), True, False))

    def on_repair(self, sender: str, message: Repair) -> None:
        self.learn(message.rumours, sender)

    def on_timer(self, name: str) -> None:
        if name == "repair":
            self.plan_repair()
            if self.role != LEFT:
                exchange = self.parameters.exchange
                for peer in self.some_members(1):
                    self.context.send(peer, Digest(self.vector(), exchange != "push", exchange != "pull"))
        elif name == "batch":
            for neighbour, rumours in self.outbox.items():
                self.context.send(neighbour, Relay(tuple(rumours)))
            self.outbox.clear()
        else:
            self.push_round()
        self.refresh_role()

    def push_round(self) -> None:
        """One round: every hot rumour to ``fanout`` random members, all in one message."""
        by_age = self.parameters.death == "age"
        rumours = tuple([self.rumour(name) for name in self.hot])
        ages = tuple([age + 1 if by_age else 0 for age in self.hot.values()])
        for peer in self.some_members(self.parameters.fanout):
            self.context.send(peer, Push(rumours, ages))
        for place, name in enumerate(list(self.hot)):
            self.hot[name] = ages[place] if by_age else self.hot[name]
            self.let_die(name)
        if self.hot:
            self.context.set_timer("round", int(self.parameters.round_ms * 1000))

    def on_operator(self, action: str, arguments: dict[str, Any]) -> None:
        """Nodes leave and join: the news spreads as any other."""
        for kind, word in ((LEAVE, "remove"), (JOIN, "add")):
            for node in arguments.get(word, ()):
                self.say(kind, str(node), self.times.get(str(node), 0) + 1)
                if kind == LEAVE:
                    self.context.note("gossip.tells", node=str(node))

    def on_parameters(self) -> None:
        self.plan_repair(first=True)
