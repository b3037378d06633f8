"""Whether replicas hold the same: on how many keys they differ, and how long they take to agree again.

Generic over systems whose processes keep a key-value state in ``data`` (and its hash in ``state_hash``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import HOLDS, UNKNOWN, VIOLATED, Check, Verdict
from simulations.engine.checks.history import Operation
from simulations.engine.chunks import Chunks
from simulations.engine.meters import Scope
from simulations.engine.process import Note

if TYPE_CHECKING:
    from simulations.engine.world import World

NOTES = {
    "convergence.differ": Note(
        "",
        "replicas differ on {keys} {keys|key|keys}, the first is {first}",
        "各副本在 {keys} 个键上不一致，首个是 {first}",
        "check",
    ),
}
MISSING = ("",)
"""Stands for a key that a replica does not have: no value is a tuple."""


def replicas_of(processes: list[Any]) -> list[Any]:
    """Those processes that have a key-value state."""
    return [process for process in processes if isinstance(getattr(process, "data", None), dict)]


def differing(replicas: list[Any]) -> list[str]:
    """The keys on which those that keep them hold different values, sorted."""
    return [key for key in sorted({key for one in replicas for key in one.data}) if differ_on(key, replicas)]


class ReplicasEqual(Check):
    """At the moment of the question all running replicas hold the same keys with the same values. Replicas that are
    empty because nothing was ever acknowledged are not compared; those that lost what was are equal."""

    name: ClassVar[str] = "replicas_equal"
    keys: tuple[str, ...] = ()
    event: int | None = None
    at_us: int | None = None
    written: bool = False

    def completed(self, at_us: int, event: int, operation: Operation) -> None:
        self.written = self.written or (operation.outcome == "ok" and operation.kind != "get")

    def look(self, at_us: int, event: int, running: Any) -> None:
        replicas = replicas_of([running[index] for index in sorted(running)])
        compared = self.written or any(replica.data for replica in replicas)
        self.judged = len(replicas) if compared else 0
        self.keys = tuple(differing(replicas))
        self.at_us, self.event = at_us, event

    def verdict(self) -> Verdict:
        if self.judged < 2:
            return Verdict(self.name, UNKNOWN, self.judged)
        if not self.keys:
            return Verdict(self.name, HOLDS, self.judged)
        values = {"keys": len(self.keys), "first": self.keys[0]}
        return Verdict(self.name, VIOLATED, self.judged, self.event, self.at_us, "convergence.differ", values)


class Convergence(Check):
    """Counts along when the running replicas became equal or different: (time, equal). ``hashes``: process -> state."""

    name: ClassVar[str] = "convergence"
    hashes: dict[int, int] = {}
    equal: bool = True
    turns: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        self.began(at_us, event, process_index, process)

    def began(self, at_us: int, event: int, process_index: int, process: Any) -> None:
        state_hash = getattr(process, "state_hash", None)
        if state_hash is not None and self.hashes.get(process_index) != state_hash:
            self.hashes[process_index] = state_hash
            self.turn(at_us)

    def crashed(self, at_us: int, event: int, process_index: int) -> None:
        self.hashes.pop(process_index, None)
        self.turn(at_us)

    def turn(self, at_us: int) -> None:
        """Note a change between equal and different."""
        equal = len(set(self.hashes.values())) <= 1
        if equal != self.equal:
            self.equal = equal
            self.turns.append((at_us, equal))


def converged_ms(world: World, scope: Scope) -> float | None:
    """From the begin of the scope (the last heal, say) to the first moment at which the replicas are equal; None when
    that did not happen in the scope."""
    meter = world.observer.checks.get(Convergence.name)
    if not isinstance(meter, Convergence):
        return None
    equal = True
    for at_us, now_equal in meter.turns:
        if at_us > scope.from_us:
            if equal:
                return 0.0
            if now_equal:
                return (at_us - scope.from_us) / 1000 if scope.covers(at_us) else None
        equal = now_equal
    return 0.0 if equal else None


KEYS_COUNTED = 20_000
"""Above so many keys in all, replicas that differ are not compared along a run."""


def diverged(world: World, scope: Scope) -> int | None:
    """Keys on which the running replicas differ now; None with fewer than two."""
    replicas = replicas_of(running_processes(world))
    return len(differing(replicas)) if len(replicas) > 1 else None


def running_processes(world: World) -> list[Any]:
    return [
        context.process
        for context in world.kernel.contexts
        if context.host is not None and context.host.state != "down"
    ]


def differing_now(world: World) -> int | None:
    """The same along a run, for the meter of the page: equal hashes need no look; None when there is too much to look
    at, or nothing that could be compared."""
    running = replicas_of(running_processes(world))
    hashes = [process.state_hash for process in running if hasattr(process, "state_hash")]
    if len(hashes) != len(running) or len(running) < 2:
        return None
    if len(set(hashes)) == 1:
        return 0
    if sum(len(one.data) for one in running) > KEYS_COUNTED:
        return None
    return len(differing(running))


def differ_on(key: str, replicas: list[Any]) -> bool:
    """Whether those that keep a key - all, unless they say whether they ``owns`` it - hold different values."""
    keep = [one.data.get(key, MISSING) for one in replicas if not hasattr(one, "owns") or one.owns(key)]
    return any(value != keep[0] for value in keep)


CHECKS: dict[str, type[Check]] = {ReplicasEqual.name: ReplicasEqual}
METRICS = {"converged_ms": converged_ms, "keys_differing": diverged}
