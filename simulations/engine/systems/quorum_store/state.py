"""What a node of the quorum store knows, and what it keeps on its disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from simulations.engine.process import DiskImage, Process, Request, put
from simulations.engine.state_machine import write as write_value
from simulations.engine.systems.quorum_store.parameters import SIBLINGS, Parameters
from simulations.engine.systems.quorum_store.placement import LEAVES, Ring, leaf_of, owners
from simulations.engine.systems.quorum_store.versions import (
    Stamp,
    Version,
    Versions,
    concurrent,
    shown,
    siblings,
    stamp,
)

NAME = "quorum_store"
SERVING, HINTING, REFUSING, JOINING, LEAVING, OUTSIDE, COORDINATING = (
    "serving", "hinting", "refusing", "joining", "leaving", "outside", "coordinating",
)  # fmt: skip
READ, QUERY, WRITE, BACK, PROBE = "read", "query", "write", "back", "probe"
MILLISECOND, SECOND = 1_000, 1_000_000
Groups = tuple[tuple[tuple[str, ...], int], ...]
"""Quorums that must all be met: (owners, how many of them)."""


class Pending(msgspec.Struct):
    """One round of an operation that this node coordinates.

    ``asked``: who should answer; ``groups``: whose answers are enough; ``acks``: who did (or whose hint counts);
    ``replies``: what they hold; ``done``: the client has its answer (or the round its result).
    """

    kind: str
    key: str
    request: Request | None
    groups: Groups
    asked: list[str]
    started_us: int
    due_us: int
    version: Version | None = None
    acks: list[str] = []
    replies: dict[str, Versions] = {}
    earlier: Version | None = None
    done: bool = False
    late: bool = False
    probe: str = ""


class Probe(msgspec.Struct):
    """Reads that follow a write at fixed delays, to see how fresh they are. ``left``: those without an answer yet."""

    key: str
    stamp: Stamp
    operation: int
    left: int
    request: Request | None = None


class Probed(msgspec.Struct, frozen=True, array_like=True):
    """What one of them found; ``at_ms`` -1: the write itself. ``ticket``: of the round; ``first``: the replicas that
    answered first, as many as a read needs."""

    operation: int
    at_ms: float
    latency_us: int
    fresh: bool
    ticket: int
    first: tuple[str, ...] = ()


class Session(msgspec.Struct):
    """An anti-entropy session with one peer: the tree's hashes here, what is awaited, and who comes next."""

    number: int = 0
    peer: str = ""
    queue: list[str] = []
    tree: list[int] = []
    level: int = 0
    indexes: tuple[int, ...] = ()
    leaves: tuple[int, ...] = ()
    tries: int = 0


@dataclass(slots=True)
class State(Process):
    """One node: a replica of its keys, and the coordinator of what clients ask it."""

    watched: ClassVar[tuple[str, ...]] = (
        "role", "state_hash", "writes", "conflicts", "read_repaired", "repair_streamed", "moved", "probes",
    )  # fmt: skip

    parameters: Parameters = field(default_factory=Parameters)

    # --- persistent ---
    store: dict[str, Versions] = field(default_factory=dict)
    hints: dict[str, dict[str, Version]] = field(default_factory=dict)
    ring: Ring = field(default_factory=Ring)
    taken: dict[int, Version] = field(default_factory=dict)
    fences: dict[int, int] = field(default_factory=dict)
    life: int = 0

    # --- volatile: replica ---
    role: str = SERVING
    leaves: dict[int, list[str]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    state_hash: int = 0
    touched: list[str] = field(default_factory=list)
    writes: int = 0
    conflicts: int = 0
    read_repaired: int = 0
    repair_streamed: int = 0
    moved: int = 0

    # --- volatile: coordinator ---
    pending: dict[int, Pending] = field(default_factory=dict)
    operations: dict[int, int] = field(default_factory=dict)
    finished: dict[int, tuple[str, Any]] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)
    tickets: int = 0
    last_at: int = 0
    next_key: int = 0
    watching: bool = False
    calling: bool = False
    probing: dict[int, Probe] = field(default_factory=dict)
    probed: list[Probed] = field(default_factory=list)
    probes: int = 0

    # --- volatile: anti-entropy, membership ---
    session: Session = field(default_factory=Session)
    waiting: list[str] = field(default_factory=list)
    waited: int = 0
    outgoing: dict[str, list[str]] = field(default_factory=dict)
    chunk: int = 0
    streamed: int = -1
    incoming: dict[str, int] = field(default_factory=dict)

    # -- rules of versions -------------------------------------------------------------------------

    def wins(self, new: Version, old: Version) -> bool:
        """Last write wins: the higher timestamp, whichever arrived first."""
        return stamp(new) > stamp(old)

    def kept(self, held: Versions, new: Version) -> Versions:
        """What a replica holds after it was given one more version; ``held`` itself when nothing changes."""
        if not held:
            return (new,)
        if self.parameters.conflicts == SIBLINGS and not self.parameters.writes_back():
            found = siblings((*held, new))
            self.conflicts += len(found) > len(held)
            return held if found == held else found
        if len(held) > 1:
            held = (max(held, key=stamp),)
        old = held[0]
        if stamp(new) == stamp(old):
            return held
        self.conflicts += concurrent(new, old)
        return (new,) if self.wins(new, old) else held

    def reconciled(self, found: Iterable[Versions]) -> Versions:
        """What a reader makes of the answers: siblings that nobody has seen together, or the last write."""
        versions = [version for held in found for version in held]
        if self.parameters.conflicts == SIBLINGS and not self.parameters.writes_back():
            return siblings(versions)
        return (max(versions, key=stamp),) if versions else ()

    # -- keeping versions --------------------------------------------------------------------------

    def take(self, key: str, versions: Iterable[Version]) -> bool:
        """Hold these versions too; whether anything changed. What changed is not on disk before ``save``."""
        held = before = self.store.get(key, ())
        for version in versions:
            held = self.kept(held, version)
        if held is before or held == before:
            return False
        self.hold(key, held)
        return True

    def hold(self, key: str, held: Versions) -> None:
        """Replace what is held of a key."""
        if key not in self.store:
            self.leaves.setdefault(leaf_of(key), []).append(key)
        self.store[key] = held
        self.writes += 1
        self.touched.append(key)
        self.state_hash = write_value(self.data, self.marks, key, shown(held), self.state_hash)

    def drop(self, key: str) -> None:
        """Forget a key that others own."""
        self.leaves[leaf_of(key)].remove(key)
        del self.store[key]
        self.writes += 1
        self.touched.append(key)
        self.state_hash = write_value(self.data, self.marks, key, None, self.state_hash)

    def save(self, keys: Iterable[str]) -> None:
        """Write the cells of these keys to disk, as one atomic write."""
        store, leaves = self.store, self.leaves
        numbers = dict.fromkeys([leaf_of(key) for key in keys])
        if numbers:
            self.context.persist(
                *[put(f"leaf {n}", tuple([(key, store[key]) for key in leaves.get(n, ())])) for n in numbers]
            )

    def load(self, disk: DiskImage) -> None:
        """Everything that was durable."""
        for number in range(LEAVES):
            cell = disk.cell(f"leaf {number}")
            for key, held in msgspec.convert(cell or (), list[tuple[str, Versions]]):
                self.hold(key, held)
        for target in self.directory.get(NAME, ()):
            kept = msgspec.convert(disk.cell(f"hints {target}") or (), list[tuple[str, Version]])
            if kept:
                self.hints[target] = dict(kept)
        self.taken = dict(msgspec.convert(disk.cell("taken") or (), list[tuple[int, Version]]))
        self.fences = dict(msgspec.convert(disk.cell("fences") or (), list[tuple[int, int]]))
        self.life = disk.cell("life", 0) + 1
        self.context.persist(put("life", self.life))

    def load_ring(self, disk: DiskImage) -> None:
        """The membership as it was known; at the beginning what the experiment says, else every replica."""
        cell = disk.cell("ring")
        if cell is not None:
            self.ring = msgspec.convert(cell, Ring)
            return
        coordinators = self.directory.get(f"{NAME}/coordinator", ())
        everyone = self.directory.get(NAME, ()) or tuple(sorted((self.id, *self.peers)))
        members = tuple(disk.cell("members") or [node for node in everyone if node not in coordinators])
        self.ring = Ring(old=members, new=members)

    def seed(self, disk: DiskImage) -> None:
        """What the experiment presets: so many keys, some of them older here than elsewhere."""
        if disk.cell("seeded") or not disk.cell("keys"):
            return
        stale = disk.cell("stale_keys", 0)
        keys = [f"k{number}" for number in range(disk.cell("keys"))]
        mine = [key for key in keys if self.id in self.owners(key, self.ring.new)]
        for key in mine:
            self.hold(key, (Version(None, 0 if int(key[1:]) < stale else 1, ""),))
        self.context.persist(put("seeded", True))
        self.save(mine)

    # -- small questions ---------------------------------------------------------------------------

    def owners(self, key: str, members: tuple[str, ...]) -> tuple[str, ...]:
        return owners(key, members, self.parameters.n, self.parameters.vnodes)

    def owns(self, key: str) -> bool:
        """Whether it keeps a copy of the key for good (hints are kept for others)."""
        return self.id in self.owners(key, self.ring.new)

    def read_groups(self, key: str) -> Groups:
        """Whose answers a read needs."""
        found = self.owners(key, self.ring.readers)
        return ((found, self.parameters.quorums(len(found))[0]),)

    def write_groups(self, key: str) -> Groups:
        """Whose acknowledgements a write needs: while the membership changes, of the old and of the new owners."""
        found = self.owners(key, self.ring.new)
        groups: Groups = ((found, self.parameters.quorums(len(found))[1]),)
        if self.ring.old != self.ring.new:
            before = self.owners(key, self.ring.old)
            groups = ((before, self.parameters.quorums(len(before))[1]), *groups)
        return groups

    def refresh_role(self) -> None:
        """What the page shows of it."""
        ring = self.ring
        if self.kind == "coordinator":
            self.role = COORDINATING
        elif self.id not in ring.everybody:
            self.role = OUTSIDE
        elif self.id not in ring.old:
            self.role = JOINING
        elif self.id not in ring.new:
            self.role = LEAVING
        elif self.refuses_now():
            self.role = REFUSING
        else:
            self.role = HINTING if self.hints else SERVING

    def refuses_now(self) -> bool:
        """Whether so many are silent that no key can have its quorums."""
        members = self.ring.new
        r, w = self.parameters.quorums(len(members))
        alive = len([member for member in members if member not in self.silent])
        return not self.parameters.sloppy and alive < max(r, w)
