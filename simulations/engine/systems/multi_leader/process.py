"""Multi-leader replication: every node accepts writes alone, ships them later, and settles conflicts by a policy.

Kleppmann, "Designing Data-Intensive Applications", 2017, chapter 5 (multi-leader replication); last write wins and
version vectors as there, single owner as "conflict avoidance". Each leader ships its own changes to all others, in
order.

Simplified: rows of a key and a value; the whole log of changes is kept and read back at a start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar
from zlib import crc32

from simulations.engine.log import Log
from simulations.engine.process import DiskImage, Process, Request, append, put
from simulations.engine.state_machine import effect_of, write
from simulations.engine.systems.multi_leader.messages import (
    Changes,
    Forward,
    Hello,
    LeaderMessage,
    Outcome,
    Received,
    Vector,
    Version,
    Welcome,
)
from simulations.engine.systems.multi_leader.parameters import CRDT, LWW, SINGLE_OWNER, Parameters
from simulations.engine.systems.multi_leader.versions import (
    Rows,
    joined,
    knows,
    later,
    merged,
    without_ancestors,
)

IN_STEP, AHEAD, CONFLICTED = "in_step", "ahead", "conflicted"
HANDLERS = {
    Changes: "on_changes", Received: "on_received", Hello: "on_hello",
    Welcome: "on_welcome", Forward: "on_forward", Outcome: "on_outcome",
}  # fmt: skip
KINDS = ("get", "create", "update", "put", "append", "cas", "delete", "lock", "unlock")
REMEMBERED = 1000
"""Answers kept for requests that come again."""
BATCH = 500
"""Changes in one message at most."""

Answer = tuple[str, Any]


@dataclass(slots=True)
class MultiLeader(Process):
    """One leader. ``changes``: every change it knows, in the order in which it came to know them; ``own``: its own
    ones; ``received``: origin -> how many of its changes; ``rows``: key -> the versions it shows; ``unmet``: peers
    whose changes may not all be here since this life began."""

    watched: ClassVar[tuple[str, ...]] = ("role", "changes.version", "state_hash")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    changes: Log = field(default_factory=Log)
    origin: str = ""

    # --- volatile ---
    role: str = IN_STEP
    own: Log = field(default_factory=Log)
    received: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Rows] = field(default_factory=dict)
    contexts: dict[str, Vector] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    conflicts: dict[str, bool] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    shipping: bool = False
    expecting: bool = False
    unmet: dict[str, bool] = field(default_factory=dict)
    forwarded: dict[int, Request] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)

    @property
    def in_conflict(self) -> list[str]:
        """The rows that show several versions, for the page."""
        return sorted(self.conflicts)

    # -- rules ----------------------------------------------------------------------------------------------------

    def wins(self, new: Version, old: Version) -> bool:
        """Last write wins: the clock decides, whoever knew whom."""
        return later(new, old)

    def shown_after(self, shown: Rows, new: Version) -> Rows:
        """What a row shows when one more version of it is known: the policy."""
        if self.parameters.policy == LWW:
            return (new,) if not shown or self.wins(new, shown[0]) else shown
        return self.beside(shown, new)

    def beside(self, shown: Rows, new: Version) -> Rows:
        """Version vectors: a version goes when one is there that knows it; concurrent ones stay."""
        return without_ancestors(shown, new)

    def value_of(self, shown: Rows) -> Any:
        """What a reader gets of a row: its value, the values of all siblings, or their merger."""
        if len(shown) == 1:
            return shown[0].value
        if self.parameters.policy == CRDT:
            return merged(shown)
        return [one.value for one in shown if one.value is not None] or None

    def owner_of(self, key: str) -> str:
        """Single owner: the leader that accepts all changes of a row."""
        leaders = sorted((self.id, *self.peers))
        return leaders[crc32(key.encode()) % len(leaders)]

    def leaves_gap(self, message: Changes) -> bool:
        """Changes are read in order: what begins beyond the next one waits until it is sent again."""
        return message.first > self.received.get(message.origin, 0) + 1

    def unconfirmed(self) -> list[str]:
        """Peers that must be sent something again."""
        return [peer for peer in self.peers if self.confirmed.get(peer, 0) < self.sent.get(peer, 0)]

    # -- small steps ----------------------------------------------------------------------------------------------

    def effect(self, request: Request) -> tuple[bool, Any, Answer]:
        """(whether a row changes, its new value, the answer) of an operation on what this leader shows."""
        if request.kind not in KINDS:
            return False, None, ("fail", f"operation: one of {', '.join(KINDS)}")
        exists = request.key in self.data
        if request.kind in ("create", "update"):
            if exists == (request.kind == "create"):
                return False, None, ("fail", "exists" if exists else "no such row")
            return True, request.argument, ("ok", None)
        writes, value, result = effect_of(self.data, request)
        return writes, value, ("ok", result)

    def accept(self, request: Request) -> Answer:
        """Carry out an operation here and now; nobody else is asked."""
        if request.operation in self.answers:
            return self.answers[request.operation]
        writes, value, answer = self.effect(request)
        if writes:
            self.change(request, value)
        if request.kind != "get":
            self.answers[request.operation] = answer
            if len(self.answers) > REMEMBERED:
                del self.answers[next(iter(self.answers))]
        return answer

    def change(self, request: Request, value: Any) -> None:
        """A change of this leader's own: stamped by its clock, and shipped later."""
        key, number = request.key, self.own.last + 1
        shown = self.rows.get(key, ())
        vector = joined(self.contexts.get(key, ()), ((self.origin, number),))
        replaced = tuple(one.name for one in shown)
        stamp = self.context.now
        version = Version(
            key, request.kind, value, self.origin, number, stamp, vector, replaced, request.operation
        )
        self.context.note("multi_leader.accepted", key=key, value=str(value), version=version.name)
        self.learn(version)
        self.context.persist(append("changes", (version,)))
        if not self.shipping:
            self.shipping = True
            self.context.set_timer("ship", int(self.parameters.replication_ms * 1000))

    def learn(self, version: Version) -> None:
        """One more change is known: the policy says what the row shows now."""
        key = version.key
        self.changes.append(version)
        if version.origin == self.origin:
            self.own.append(version)
        self.received[version.origin] = version.number
        shown = self.rows.get(key, ())
        self.rows[key] = after = self.shown_after(shown, version)
        self.contexts[key] = joined(self.contexts.get(key, ()), version.vector)
        self.explain(version, shown, after)
        value = self.value_of(after)
        self.state_hash = write(self.data, self.marks, key, value, self.state_hash)
        if len(after) > 1:
            self.conflicts[key] = True
        else:
            self.conflicts.pop(key, None)
        self.refresh_role()

    def explain(self, version: Version, shown: Rows, after: Rows) -> None:
        """Why a row shows what it shows."""
        if version not in after:
            self.context.note(
                "multi_leader.loses", key=version.key, version=version.name, winner=after[0].name
            )
        elif len(after) > 1:
            self.context.note(
                "multi_leader.siblings", key=version.key, count=len(after), policy=self.parameters.policy
            )
        elif shown and not knows(version, shown[0]):
            self.context.note(
                "multi_leader.replaces", key=version.key, version=version.name, loser=shown[0].name
            )

    def refresh_role(self) -> None:
        behind = any(self.confirmed.get(peer, 0) < self.own.last for peer in self.peers)
        self.role = CONFLICTED if self.conflicts else AHEAD if behind else IN_STEP

    def ship(self, peer: str) -> None:
        """Send a peer the own changes that it was not sent yet."""
        first = self.sent.get(peer, 0) + 1
        versions = self.own.slice(first, min(self.own.last, first + BATCH - 1) + 1)
        if versions:
            self.sent[peer] = first + len(versions) - 1
            self.context.send(peer, Changes(self.origin, first, versions))

    def greet(self) -> None:
        """Tell those whose changes are not all here what is, again and again."""
        for peer in self.unmet:
            self.context.send(peer, Hello(self.held()))
        if self.unmet:
            self.context.set_timer("greet", int(self.parameters.resend_ms * 1000))

    def held(self) -> Vector:
        return tuple(sorted(self.received.items()))

    # -- handlers -------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        # Who lost its disk must not give its old numbers to new changes: it begins again under another name.
        now = self.context.now
        self.origin = disk.cell("origin") or (self.id if now == 0 else f"{self.id}@{now}")
        self.context.persist(put("origin", self.origin))
        for version in disk.log("changes"):
            self.learn(version)
            self.answers[version.operation] = ("ok", None)  # should it come again, it is not repeated
        self.refresh_role()
        self.unmet = dict.fromkeys(self.peers, True)
        self.greet()

    def on_request(self, request: Request) -> None:
        owner = self.owner_of(request.key)
        if self.parameters.policy == SINGLE_OWNER and request.kind != "get" and owner != self.id:
            self.context.note("multi_leader.forwards", key=request.key, owner=owner)
            self.forwarded[request.operation] = request
            if len(self.forwarded) > REMEMBERED:
                del self.forwarded[next(iter(self.forwarded))]
            self.context.send(owner, Forward(request))
        else:
            outcome, result = self.accept(request)
            self.context.reply(request, outcome, result)

    def on_message(self, sender: str, message: LeaderMessage) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_forward(self, sender: str, message: Forward) -> None:
        outcome, result = self.accept(message.request)
        self.context.send(sender, Outcome(message.request.operation, outcome, result))

    def on_outcome(self, sender: str, message: Outcome) -> None:
        request = self.forwarded.pop(message.operation, None)
        if request is not None:
            self.context.reply(request, message.outcome, message.result)

    def on_changes(self, sender: str, message: Changes) -> None:
        if not self.leaves_gap(message):
            known = self.received.get(message.origin, 0)
            news = [version for version in message.versions if version.number > known]
            for version in news:
                if any(not self.has(name) for name in version.replaced):
                    self.context.note("multi_leader.overtakes", key=version.key, version=version.name)
                self.learn(version)
            if news:
                self.context.persist(append("changes", news))
        self.context.send(sender, Received(message.origin, self.received.get(message.origin, 0)))

    def has(self, name: str) -> bool:
        """Whether the version of this name is known here."""
        origin, _, number = name.rpartition(".")
        return self.received.get(origin, 0) >= int(number)

    def on_received(self, sender: str, message: Received) -> None:
        if message.origin != self.origin:
            return
        self.confirmed[sender] = max(message.number, self.confirmed.get(sender, 0))
        if self.sent.get(sender, 0) < self.own.last and not self.shipping:
            self.ship(sender)
        self.refresh_role()

    def on_hello(self, sender: str, message: Hello) -> None:
        """Send a leader that has just started what it lacks, whoever accepted it."""
        known = dict(message.received)
        self.confirmed[sender] = known.get(self.origin, 0)
        self.sent[sender] = self.own.last
        missing: dict[str, list[Version]] = {}
        for version in self.changes:
            if version.number > known.get(version.origin, 0):
                missing.setdefault(version.origin, []).append(version)
        for origin, versions in missing.items():
            for start in range(0, len(versions), BATCH):
                part = tuple(versions[start : start + BATCH])
                self.context.send(sender, Changes(origin, part[0].number, part))
        self.context.send(sender, Welcome(self.held()))
        self.refresh_role()

    def on_welcome(self, sender: str, message: Welcome) -> None:
        """A peer has sent what this leader lacked; once all of it is here, the two have met."""
        self.confirmed[sender] = dict(message.received).get(self.origin, 0)
        self.sent[sender] = max(self.sent.get(sender, 0), self.confirmed[sender])
        if all(self.received.get(origin, 0) >= number for origin, number in message.received):
            self.unmet.pop(sender, None)
        self.refresh_role()
        self.deliver()

    def on_timer(self, name: str) -> None:
        if name == "greet":
            self.greet()
            return
        if name == "ship":
            self.shipping = False
        else:
            self.expecting = False
            for peer in self.unconfirmed():
                self.sent[peer] = self.confirmed.get(peer, 0)
        self.deliver()

    def deliver(self) -> None:
        """Ship to everybody what it was not sent, and look again later whether it arrived."""
        for peer in self.peers:
            self.ship(peer)
        if not self.expecting and self.unconfirmed():
            self.expecting = True
            self.context.set_timer("resend", int(self.parameters.resend_ms * 1000))

    def on_parameters(self) -> None:
        """Another policy: every row shows what it would had it always been this one. So leaders that have the same
        versions agree, whatever each of them had seen or forgotten when the policy changed."""
        self.rows = {}
        for version in self.changes:
            self.rows[version.key] = self.shown_after(self.rows.get(version.key, ()), version)
        self.conflicts = {key: True for key, shown in self.rows.items() if len(shown) > 1}
        for key, shown in self.rows.items():
            self.state_hash = write(self.data, self.marks, key, self.value_of(shown), self.state_hash)
        self.refresh_role()
