"""Numbers that only Paxos has: rounds, decisions, what stands in a slot - counted from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from simulations.engine.checks.base import Check
from simulations.engine.chunks import Chunks
from simulations.engine.context import DELIVER, ProcessContext
from simulations.engine.meters import Scope, acknowledged_at
from simulations.engine.systems.paxos.messages import Accept, Prepare
from simulations.engine.systems.paxos.process import Paxos
from simulations.engine.systems.paxos.properties import CHOSEN, ROLE, OneValueChosen
from simulations.engine.systems.paxos.state import IDLE

if TYPE_CHECKING:
    from simulations.engine.world import World

PREPARES, ACCEPTS = 0, 1


class Rounds(Check):
    """Phases as they arrive first: (time, phase). ``known``: which ones, by number and slot."""

    name: ClassVar[str] = "paxos_rounds"
    wants_events: ClassVar[bool] = True
    known: dict[int, int] = {}
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def executed(self, at_us: int, event: Any) -> None:
        """Every executed event."""
        message = event[7]
        if event[3] != DELIVER or not isinstance(message, (Prepare, Accept)):
            return
        phase = PREPARES if isinstance(message, Prepare) else ACCEPTS
        slot = 0 if isinstance(message, Prepare) else message.entries[0].slot
        key = (message.ballot << 32 | slot) * 2 + phase
        if key not in self.known:
            self.known[key] = 1
            self.found.append((at_us, phase))


class Decisions(Check):
    """Who came to know a chosen value, and when: (time, process, slot)."""

    name: ClassVar[str] = "paxos_decisions"
    found: Chunks[tuple[Any, ...]] = msgspec.field(default_factory=Chunks)

    def changed(
        self, at_us: int, event: int, process_index: int, before: Any, after: Any, process: Any
    ) -> None:
        starts = before[ROLE] == IDLE and not before[CHOSEN] and after[ROLE] != IDLE
        if after[CHOSEN] > before[CHOSEN] and not starts:
            for slot in range(before[CHOSEN] + 1, after[CHOSEN] + 1):
                self.found.append((at_us, process_index, slot))


def contexts(world: World, scope: Scope) -> Iterator[ProcessContext]:
    """The Paxos processes in the scope."""
    for context in world.kernel.contexts:
        if isinstance(context.process, Paxos) and scope.node in (None, context.id, context.place):
            yield context


def rounds(world: World, scope: Scope, phase: int) -> int:
    meter = world.observer.checks[Rounds.name]
    assert isinstance(meter, Rounds)
    return sum(1 for at_us, found in meter.found if found == phase and scope.covers(at_us))


def prepare_rounds(world: World, scope: Scope) -> int:
    """How often phase 1 was begun with a new number."""
    return rounds(world, scope, PREPARES)


def round_trips_per_operation(world: World, scope: Scope) -> float | None:
    """Phases (of either kind) for each operation that was acknowledged."""
    count = len(acknowledged_at(world, scope))
    return (rounds(world, scope, PREPARES) + rounds(world, scope, ACCEPTS)) / count if count else None


def decided(world: World, scope: Scope) -> list[tuple[int, int, int]]:
    meter = world.observer.checks[Decisions.name]
    assert isinstance(meter, Decisions)
    inside = {context.index for context in contexts(world, scope)}
    return [found for found in meter.found if scope.covers(found[0]) and found[1] in inside]


def decisions(world: World, scope: Scope) -> int:
    """How often a process came to know the value of a slot."""
    return len(decided(world, scope))


def decision_ms(world: World, scope: Scope) -> float | None:
    """From the begin of the scope to the first process that knows a chosen value."""
    found = decided(world, scope)
    return (found[0][0] - scope.from_us) / 1000 if found else None


def slot_of(scope: Scope) -> int | None:
    """The slot that ``key`` names."""
    return int(scope.key) if scope.key is not None and re.fullmatch(r"[0-9]{1,18}", scope.key) else None


def chosen_at_ms(world: World, scope: Scope) -> float | None:
    """When a majority's disks first held one proposal, whether anybody knew or not; of slot ``key`` if given."""
    check = world.observer.checks.get(OneValueChosen.name)
    if not isinstance(check, OneValueChosen):
        return None
    slot = slot_of(scope)
    if slot is None and scope.key is not None:
        return None
    for at_us, found in check.found:
        if scope.covers(at_us) and slot in (None, found):
            return float(at_us / 1000)
    return None


def known(world: World, scope: Scope) -> Paxos | None:
    """The process in the scope that knows most."""
    processes = [context.process for context in contexts(world, scope)]
    found = [process for process in processes if isinstance(process, Paxos)]
    return max(found, key=lambda process: process.log.last, default=None)


def value_at(world: World, scope: Scope, slot: int) -> Any:
    process = known(world, scope)
    if process is None or not process.log.first <= slot <= process.log.last:
        return None
    command = process.log[slot].command
    return "no-op" if command is None else command.argument


def decided_value(world: World, scope: Scope) -> Any:
    """The value of the first slot as the scope's node knows it."""
    return value_at(world, scope, 1)


def slot_value(world: World, scope: Scope) -> Any:
    """The value of slot ``key``."""
    slot = 1 if scope.key is None else slot_of(scope)
    return None if slot is None else value_at(world, scope, slot)


def no_ops_filled(world: World, scope: Scope) -> int:
    """Slots that were filled with nothing."""
    process = known(world, scope)
    return 0 if process is None else sum(entry.command is None for entry in process.log)


METERS = {Rounds.name: Rounds, Decisions.name: Decisions}
METRICS: dict[str, Callable[[Any, Any], Any]] = {
    "prepare_rounds": prepare_rounds,
    "round_trips_per_operation": round_trips_per_operation,
    "decisions": decisions,
    "decision_ms": decision_ms,
    "chosen_at_ms": chosen_at_ms,
    "decided_value": decided_value,
    "slot_value": slot_value,
    "no_ops_filled": no_ops_filled,
}
