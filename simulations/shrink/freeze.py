"""What a run's faults really did, as script lines at fixed times with fixed targets.

Random lines, symbolic targets and event patterns are replaced by what they came to, so that removing one line leaves
the others as they were.
"""

from __future__ import annotations

from typing import Any

import msgspec

from simulations.engine.context import COMMAND
from simulations.engine.experiment import Experiment, FaultLine
from simulations.engine.faults.targets import is_symbolic, resolve
from simulations.engine.network import LOST
from simulations.engine.parts import PartOfWorld
from simulations.engine.streams import Stream
from simulations.engine.world import World

SECOND = 1_000_000


class Lost(msgspec.Struct, frozen=True):
    """One message that chance destroyed: the ``skip``-th of its type on its link, counted from 0 after time 0."""

    at_us: int
    message: str
    from_: str
    to: str
    skip: int


class Tape(PartOfWorld):
    """A recorder that keeps the lines that fired and the messages that got lost."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.lines: list[FaultLine] = []
        self.lost: list[Lost] = []
        self.last = 0
        self.seen: dict[tuple[str, int, int], int] = {}
        world.kernel.recorder = self
        if world.kernel.sends is None:
            world.kernel.sends = []

    def executed(self, event: Any, context: Any) -> None:
        """Read what departed in this event."""
        self._read_sends()

    def observed(self, notes: Any) -> None:
        """What checks saw is not kept."""

    def dropped(self, event: Any, reason: str) -> None:
        """Messages that cuts or dead hosts destroy follow from the lines."""

    def commanded(self, event: Any, told: dict[str, Any]) -> None:
        """Keep a line of the script that did something."""
        assert event[3] == COMMAND
        number = told.get("script")
        if number is not None and "fault" in told and "skipped" not in told:
            line = self.world.experiment.faults[number]
            self.lines.append(shape_fixed(frozen(self.world, line, told), self.world))
        self._read_sends()

    def _read_sends(self) -> None:
        kernel = self.world.kernel
        sends = kernel.sends or []
        before: Any = None
        for send in sends:
            number, _, depart, _, source, target, fate, message = send
            copied = before is not None and before[4:6] == send[4:6] and before[7] is message
            before = send
            # Messages that were held, or are moved, keep their number: they departed before.
            if number <= self.last or copied or depart == 0:
                continue
            self.last = number
            self._count(depart, type(message).__name__, source, target, fate == LOST)
        if kernel.on_event is None:
            sends.clear()

    def _count(self, depart: int, message: str, source: int, target: int, lost: bool) -> None:
        key = (message, source, target)
        skip = self.seen.get(key, 0)
        self.seen[key] = skip + 1
        if lost:
            names = self.world.kernel.names
            self.lost.append(Lost(depart, message, names[source], names[target], skip))


def frozen(world: World, line: FaultLine, told: dict[str, Any]) -> FaultLine:
    """The line as it fired just now: at this time, on whom it hit."""
    stream = world.fork_stream("fault", str(told["fault"]))
    arguments = {name: fixed(world, name, line.arguments[name], stream) for name in in_order(line.arguments)}
    target = list(told["resolved"]) if line.target else []
    return FaultLine(line.do, arguments, target, at_s=world.now_us / SECOND, for_s=line.for_s)


def in_order(arguments: dict[str, Any]) -> list[str]:
    """Argument names in the order in which an action resolves them, so that random words draw the same."""
    first = [name for name in ("groups", "node", "from", "to") if name in arguments]
    return [*first, *(name for name in arguments if name not in first)]


def fixed(world: World, name: str, value: Any, stream: Stream) -> Any:
    """An argument with its symbolic words replaced by the nodes they mean now."""
    if name in ("from", "to"):
        return nodes_of(world, value, stream)
    if name == "groups":
        return [nodes_of(world, group, stream) for group in value]
    if name == "node" and isinstance(value, str):
        found = nodes_of(world, [value], stream)
        return found[0] if found else value
    if name == "match":
        return msgspec.structs.replace(
            value, from_=nodes_of(world, value.from_, stream), to=nodes_of(world, value.to, stream)
        )
    return value


def nodes_of(world: World, words: Any, stream: Stream) -> Any:
    """The nodes of a list of targets; a list without symbolic words stays as it is."""
    if not words or not any(is_symbolic(word) for word in words):
        return words
    return resolve(world, list(words), stream) or words


def shape_fixed(line: FaultLine, world: World) -> FaultLine:
    """A partition of a shape that depends on who leads, as the groups it made."""
    walls = world.kernel.network.walls
    if line.do != "partition" or line.arguments.get("shape") != "isolate_leader" or not walls:
        return line
    hosts = world.kernel.hosts
    groups = [[end for end in group if end in hosts] for group in walls[-1].groups]
    return msgspec.structs.replace(line, arguments={"groups": groups}) if groups else line


def with_lines(experiment: Experiment, lines: list[FaultLine]) -> Experiment:
    """The experiment with another script, and without what belongs to other runs of it."""
    return msgspec.structs.replace(
        experiment, faults=lines, variants=[], compare=[], expect_sweep=[], predict=[]
    )
