"""A replica of mergeable types: it answers alone, and merges what the others send whenever it comes.

Shapiro et al., "Conflict-free replicated data types", 2011; delta-state replication after Almeida, Shoker, Baquero,
2018, Algorithm 2 (delta intervals with acknowledgements). See types.py for the types and their joins.

Simplified: removed additions stay as tombstones; a register's timestamp is the node's clock, raised above what the
replica has seen of that register.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.process import DiskImage, Process, Request, append, put
from simulations.engine.state_machine import write
from simulations.engine.systems.crdt.messages import CrdtMessage, Hello, Merge, Merged, Welcome
from simulations.engine.systems.crdt.parameters import Parameters
from simulations.engine.systems.crdt.types import (
    COUNTER,
    JOINS,
    LWW_SET,
    ONLY,
    OR_SET,
    PRECEDENCE,
    REGISTER,
    AnyPart,
    Atom,
    Counted,
    Parts,
    Stamped,
    Tagged,
    Versioned,
    joined,
    meaning,
)

SETTLED, AHEAD = "settled", "ahead"
HANDLERS: dict[type, str] = {
    Merge: "on_merge",
    Merged: "on_merged",
    Hello: "on_hello",
    Welcome: "on_welcome",
}
UPDATES = {
    "add": "add",
    "append": "add",
    "remove": "remove",
    "increment": "count",
    "decrement": "count",
    "put": "assign",
}
REMEMBERED = 1000
"""Answers kept for requests that come again."""


@dataclass(slots=True)
class Crdt(Process):
    """One replica. ``parts``: key -> part -> value; ``kinds``: key -> type; ``changed``: (key, part) as text -> number
    of the replica's last change of it; ``acknowledged``: peer -> number of the last change it confirmed."""

    watched: ClassVar[tuple[str, ...]] = ("role", "state_hash")

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    kinds: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Parts] = field(default_factory=dict)
    life: int = 0
    name: str = ""

    # --- volatile ---
    role: str = SETTLED
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    number: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    tags: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict)
    answers: dict[int, Any] = field(default_factory=dict)
    unmet: dict[str, bool] = field(default_factory=dict)

    # -- rules ----------------------------------------------------------------------------------------------------

    def join(self, kind: str, old: Any, new: Any) -> Any:
        """The least value that is at least both."""
        return JOINS[kind](old, new)

    def tag(self, element: str) -> str:
        """OR-set: every addition has a name that no other addition ever has."""
        self.tags += 1
        return f"{self.name}.{self.life}.{self.tags}"

    def counted_as(self) -> str:
        """Counter: every replica counts in a part of its own."""
        return self.name

    def observed(self, key: str, element: str) -> list[str]:
        """OR-set: a removal takes exactly the additions that this replica has seen."""
        parts = self.parts.get(key, {})
        return [tag for tag, one in parts.items() if one == Tagged(element, True)]

    def stamp(self, key: str) -> int:
        """A register's timestamp: the clock, but later than all that was seen here."""
        seen: Any = self.parts.get(key, {}).get(ONLY)
        return self.context.now if seen is None else max(self.context.now, seen.stamp + 1)

    # -- updates: each returns the parts to change and the result --------------------------------------------------

    def add(self, request: Request, kind: str) -> tuple[Parts, Any]:
        element = str(request.argument)
        if kind == OR_SET:
            return {self.tag(element): Tagged(element, True)}, True
        return self.replace(request.key, kind, {*self.data.get(request.key, ()), element}), True

    def remove(self, request: Request, kind: str) -> tuple[Parts, Any]:
        element = str(request.argument)
        if element not in self.data.get(request.key, ()):
            return {}, False
        if kind == OR_SET:
            return {tag: Tagged(element, False) for tag in self.observed(request.key, element)}, True
        return self.replace(request.key, kind, {*self.data[request.key]} - {element}), True

    def replace(self, key: str, kind: str, elements: set[str]) -> Parts:
        """A set that is kept as a whole, under its next timestamp or version vector."""
        whole = tuple(sorted(elements))
        if kind == LWW_SET:
            return {ONLY: Stamped(self.stamp(key), self.id, list(whole))}
        known: Any = self.parts.get(key, {}).get(ONLY)
        vector = known.vector if known is not None else ()
        own = ((self.name, dict(vector).get(self.name, 0) + 1),)
        return {ONLY: Versioned(joined(vector, own), whole)}

    def count(self, request: Request, kind: str) -> tuple[Parts, Any]:
        """PN-counter: a replica changes only its own part; what is taken away is counted apart, upwards."""
        by = int(request.argument)
        old: Any = self.parts.get(request.key, {}).get(self.counted_as(), Counted())
        up, down = (by, 0) if request.kind == "increment" else (0, by)
        return {self.counted_as(): Counted(old.added + up, old.taken + down)}, True

    def assign(self, request: Request, kind: str) -> tuple[Parts, Any]:
        return {ONLY: Stamped(self.stamp(request.key), self.id, request.argument)}, True

    # -- small steps ------------------------------------------------------------------------------------------------

    def kind_for(self, request: Request) -> str:
        """The type that an operation needs its key to have."""
        update = UPDATES[request.kind]
        return {"count": COUNTER, "assign": REGISTER}.get(update, self.parameters.cart)

    def store(self, key: str, kind: str, part: str, value: AnyPart) -> None:
        """One part of a key is different now."""
        if self.kinds.get(key, kind) != kind:
            self.parts[key] = {}
        self.kinds[key] = kind
        self.parts.setdefault(key, {})[part] = value
        self.number += 1
        self.changed[f"{key}\n{part}"] = self.number

    def show(self, keys: Iterable[str]) -> None:
        """What readers see of these keys."""
        for key in keys:
            value = meaning(self.kinds[key], self.parts[key])
            self.state_hash = write(self.data, self.marks, key, value, self.state_hash)

    def keep(self, atoms: list[Atom]) -> None:
        """Store these parts, here and on disk; what leaves afterwards waits for the disk."""
        for atom in atoms:
            self.store(atom.key, atom.kind, atom.part, atom.value)
        self.show(dict.fromkeys(atom.key for atom in atoms))
        self.context.persist(append("atoms", atoms))
        self.refresh_role()

    def refresh_role(self) -> None:
        behind = any(self.acknowledged.get(peer, 0) < self.number for peer in self.peers)
        self.role = AHEAD if behind else SETTLED

    def atoms_for(self, peer: str) -> tuple[Atom, ...]:
        """What a peer is sent: all parts, or those that changed since its last acknowledgement."""
        after = self.acknowledged.get(peer, 0) if self.parameters.replication == "delta" else 0
        found: list[Atom] = []
        for key, parts in self.parts.items():
            kind = self.kinds[key]
            found += [
                Atom(key, kind, part, value)
                for part, value in parts.items()
                if self.changed.get(f"{key}\n{part}", 0) > after
            ]
        return tuple(found)

    def targets(self) -> list[str]:
        """The peers of this round, drawn without repetition when not all are meant."""
        peers = list(self.peers)
        fanout = self.parameters.fanout
        if not 0 < fanout < len(peers):
            return peers
        return [peers.pop(self.context.random.integer(0, len(peers) - 1)) for _ in range(fanout)]

    # -- handlers ---------------------------------------------------------------------------------------------------

    def on_start(self, disk: DiskImage) -> None:
        self.life, self.name = disk.cell("life", 0) + 1, disk.cell("name", self.id)
        if self.life == 1 and self.context.now:
            self.begin_anew()
        self.context.persist(put("life", self.life))
        for key, value in disk.cell("initial", {}).items():
            self.begin_with(key, value)
        for atom in disk.log("atoms"):
            self.store(atom.key, atom.kind, atom.part, atom.value)
            if atom.operation:  # it was carried out: should it come again, it is answered and not repeated
                self.answers[atom.operation] = True
        self.show(self.parts)
        self.refresh_role()
        self.context.set_timer("sync", self.context.random.integer(0, self.interval_us()))

    def begin_anew(self) -> None:
        """A disk that is empty after the beginning was lost: what the old life counted and tagged is still with others,
        so this one does so under another name, and they do not know that it needs everything."""
        self.life = abs(self.context.now)
        self.name = f"{self.id}@{self.life}"
        self.context.persist(put("name", self.name))
        self.unmet = dict.fromkeys(self.peers, True)
        self.greet()

    def greet(self) -> None:
        for peer in self.unmet:
            self.context.send(peer, Hello())

    def begin_with(self, key: str, value: Any) -> None:
        """What the experiment gives to every replica: equal parts everywhere, older than any update."""
        kind = self.parameters.cart
        if isinstance(value, (list, tuple)):
            elements = tuple(sorted(map(str, value)))
            if kind == OR_SET:
                for element in elements:
                    self.store(key, kind, f"initial.{element}", Tagged(element, True))
            else:
                whole: AnyPart = Versioned((), elements)
                if kind == LWW_SET:
                    whole = Stamped(0, "", list(elements))
                self.store(key, kind, ONLY, whole)
        elif isinstance(value, int):
            self.store(key, COUNTER, "initial", Counted(max(value, 0), max(-value, 0)))
        else:
            self.store(key, REGISTER, ONLY, Stamped(0, "", value))

    def interval_us(self) -> int:
        return int(self.parameters.sync_ms * 1000)

    def on_request(self, request: Request) -> None:
        """Any replica answers alone, at once; nobody else is asked."""
        if request.kind == "get":
            self.context.reply(request, "ok", self.data.get(request.key))
        elif request.operation in self.answers:
            self.context.reply(request, "ok", self.answers[request.operation])
        elif (problem := self.problem(request)) is not None:
            self.context.reply(request, "fail", problem)
        else:
            self.update(request)

    def problem(self, request: Request) -> str | None:
        """Why an operation does not fit, if so."""
        if request.kind not in UPDATES:
            return f"operation: one of get, {', '.join(UPDATES)}"
        kind = self.kind_for(request)
        if self.kinds.get(request.key, kind) != kind:
            return f"key: {request.key} is a {self.kinds[request.key]}, not a {kind}"
        if kind == COUNTER and not str(request.argument).isdecimal():
            return "value: a whole number, at least 0"
        return None

    def update(self, request: Request) -> None:
        kind = self.kind_for(request)
        parts, result = getattr(self, UPDATES[request.kind])(request, kind)
        # An update is a join too: with a value that is larger than the old one.
        news = self.news(tuple([Atom(request.key, kind, part, value) for part, value in parts.items()]))
        if news:
            news[-1] = msgspec.structs.replace(news[-1], operation=request.operation)
            self.keep(news)
        self.context.note(
            f"crdt.{UPDATES[request.kind]}", key=request.key, value=str(request.argument), type=kind
        )
        self.answers[request.operation] = result
        if len(self.answers) > REMEMBERED:
            del self.answers[next(iter(self.answers))]
        self.context.reply(request, "ok", result)

    def on_timer(self, name: str) -> None:
        self.context.set_timer("sync", self.interval_us())
        self.greet()
        for peer in self.targets():
            atoms = self.atoms_for(peer)
            if atoms:
                self.context.send(peer, Merge(self.life, self.number, atoms))

    def on_message(self, sender: str, message: CrdtMessage) -> None:
        getattr(self, HANDLERS[type(message)])(sender, message)

    def on_merge(self, sender: str, message: Merge) -> None:
        """Join what came, part by part; what is no news changes nothing."""
        news = self.news(message.atoms)
        if news:
            self.keep(news)
            self.context.note("crdt.merged", parts=len(news), of=len(message.atoms), sender=sender)
        self.context.send(sender, Merged(message.life, message.number))

    def news(self, atoms: tuple[Atom, ...]) -> list[Atom]:
        """The parts that a join with these changes. Of two types that replicas gave to a key at once the one with
        precedence stays, as the larger value of a join: whatever the other held is less."""
        found: list[Atom] = []
        for atom in atoms:
            kind = self.kinds.get(atom.key, atom.kind)
            if PRECEDENCE.index(atom.kind) < PRECEDENCE.index(kind):
                continue
            old = self.parts.get(atom.key, {}).get(atom.part) if kind == atom.kind else None
            new = atom.value if old is None else self.join(atom.kind, old, atom.value)
            if new != old:
                found.append(Atom(atom.key, atom.kind, atom.part, new))
        return found

    def on_merged(self, sender: str, message: Merged) -> None:
        if message.life == self.life and message.number > self.acknowledged.get(sender, 0):
            self.acknowledged[sender] = message.number
            self.refresh_role()

    def on_hello(self, sender: str, message: Hello) -> None:
        """What it had confirmed is gone: the next round sends it everything."""
        self.acknowledged.pop(sender, None)
        self.refresh_role()
        self.context.send(sender, Welcome())

    def on_welcome(self, sender: str, message: Welcome) -> None:
        self.unmet.pop(sender, None)

    def on_parameters(self) -> None:
        self.context.set_timer("sync", self.interval_us())
